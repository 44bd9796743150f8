//! Coverage: which places have had which of their calls fail, with which errors.

use super::call_sites::{SeenCall, Way, is_ours};
use super::strace::{Fault, errors, kinds};
use super::tell;
use std::collections::{BTreeMap, BTreeSet};

/// Attempts to reach a place: its call does not have the same number in every run.
const ATTEMPTS: usize = 20;

/// Attempts with one call alone; with each further one, its neighbours on both sides fail too.
const ALONE: usize = 10;

/// Faults that the places of a program may have, and how far they were reached.
#[derive(Debug, Default)]
pub(super) struct Reached {
    struck: BTreeMap<Struck, Tries>,
    /// Runs in which a call of a place was found in a way.
    ways: BTreeMap<Place, BTreeMap<Way, usize>>,
    tried: BTreeMap<(Struck, Way), usize>,
    /// Places that no run has without a fault.
    behind: BTreeSet<Place>,
}

/// A place that makes a call of this name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    site: String,
    call: &'static str,
}

/// A call of a place that fails with an error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Struck {
    place: Place,
    error: &'static str,
}

#[derive(Debug, Default)]
struct Tries {
    reached: bool,
    attempts: usize,
}

impl Reached {
    /// Takes note of the places of a run without a fault.
    pub(super) fn begin(&mut self, seen: &[SeenCall]) {
        for place in seen.iter().filter_map(Place::of) {
            for error in errors(place.call) {
                self.struck.entry(Struck { place: place.clone(), error }).or_default();
            }
        }
        self.learn(seen, false);
    }

    /// Number of calls and errors of places of netlog.
    pub(super) fn ours(&self) -> usize {
        self.struck.keys().filter(|struck| is_ours(&struck.place.site)).count()
    }

    /// A fault that may reach a place that was not reached.
    pub(super) fn next(&mut self) -> Option<Fault> {
        let lacks = |tries: &Tries| !tries.reached && tries.attempts < ATTEMPTS;
        let lacking = self.struck.iter_mut().filter(|(_, tries)| lacks(tries));
        let (struck, tries) = lacking.min_by_key(|(_, tries)| tries.attempts)?;
        let around = tries.attempts.saturating_sub(ALONE - 1);
        tries.attempts += 1;
        let Struck { place, error } = struck;
        let tried =
            |way: &Way| self.tried.get(&(struck.clone(), way.clone())).copied().unwrap_or_default();
        // The likeliest, unless it has failed to reach the place.
        let likely = |way: &Way, runs: &usize| runs * 1000 / (1 + tried(way) * 3);
        let ways = self.ways.get(place)?;
        let (way, _) = ways.iter().max_by_key(|(way, runs)| likely(way, runs))?;
        *self.tried.entry((struck.clone(), way.clone())).or_default() += 1;
        let Way { file, number } = way.clone();
        let numbers = number.saturating_sub(around).max(1)..=number + around;
        Some(Fault { call: place.call, error, numbers, file })
    }

    /// Takes note of the places that `fault` has reached, and of where they were.
    pub(super) fn note(&mut self, fault: &Fault, seen: &[SeenCall]) {
        self.learn(seen, fault.file.is_some());
        for call in seen {
            let Some(place) = Place::of(call) else { continue };
            let known = self.struck.get_mut(&Struck { place: place.clone(), error: fault.error });
            match known {
                Some(tries) => tries.reached |= call.injected,
                None => drop(self.behind.insert(place)),
            }
        }
    }

    /// Takes note of where calls are found. If `of_file`, the others of their name were not counted.
    fn learn(&mut self, seen: &[SeenCall], of_file: bool) {
        let mut ways = BTreeSet::new();
        for call in seen {
            let Some(place) = Place::of(call) else { continue };
            let found = call.ways.iter().filter(|way| way.file.is_some() || !of_file);
            ways.extend(found.map(|way| (place.clone(), way.clone())));
        }
        for (place, way) in ways {
            *self.ways.entry(place).or_default().entry(way).or_default() += 1;
        }
    }

    /// Prints each place with its calls and errors.
    pub(super) fn tell(&self) {
        for (whose, ours) in [("netlog", true), ("libraries alone", false)] {
            let of = |place: &Place| is_ours(&place.site) == ours;
            let mut places = BTreeMap::<_, Vec<_>>::new();
            let mut reached = 0;
            for (Struck { place, error }, tries) in self.struck.iter().filter(|it| of(&it.0.place))
            {
                let mark = if tries.reached { "" } else { " NOT REACHED" };
                reached += usize::from(tries.reached);
                places
                    .entry(&place.site)
                    .or_default()
                    .push(format!("{}:{error}{mark}", place.call));
            }
            let all: usize = places.values().map(Vec::len).sum();
            let behind = self.behind.iter().filter(|place| of(place)).count();
            tell(&format!(
                "  {} places of {whose}, {reached} of their {all} calls and errors; {behind} calls \
                 more behind a fault alone",
                places.len()
            ));
            for (site, struck) in places {
                tell(&format!("  {site}\n      {}", struck.join(" ")));
            }
        }
    }
}

impl Place {
    fn of(call: &SeenCall) -> Option<Self> {
        let (name, _) = kinds().find(|(name, _)| *name == call.name)?;
        (!call.site.is_empty()).then(|| Self { site: call.site.clone(), call: name })
    }
}

#[test]
fn a_place_is_tried_by_its_likeliest_number_until_it_is_reached_or_given_up() {
    let call = |number, site: &str, injected| SeenCall {
        name: "fsync".into(),
        ways: vec![Way { file: None, number }],
        site: site.into(),
        injected,
    };
    let mut reached = Reached::default();
    reached.begin(&[call(1, "netlog::a", false), call(2, "netlog::b", false)]);
    reached.begin(&[call(1, "netlog::a", false), call(3, "netlog::b", false)]);
    let first = reached.next().expect("none is reached");
    assert_eq!([first.to_string()], ["inject=fsync:error=EIO:when=1..1"]);
    reached.note(&first, &[call(1, "netlog::a", true), call(2, "netlog::b", false)]);
    let second = reached.next().expect("the other one is not");
    assert_eq!(second.numbers, 2..=2, "it was seen twice");
    reached.note(&second, &[call(2, "netlog::c", true)]);
    let rest: Vec<_> = std::iter::from_fn(|| reached.next()).collect();
    assert!(rest.len() == ATTEMPTS - 1 && rest.iter().any(|it| it.numbers == (3..=3)), "{rest:?}");
    assert_eq!(rest[ALONE - 1].numbers.clone().count(), 3, "{rest:?}");
}
