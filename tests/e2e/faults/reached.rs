//! Coverage: which places have had which of their calls fail, with which errors.

use super::call_sites::{SeenCall, is_ours};
use super::strace::{Fault, errors, kinds};
use super::tell;
use std::collections::{BTreeMap, BTreeSet};

/// Attempts to reach a place: its call does not have the same number in every run.
const ATTEMPTS: usize = 5;

/// Faults that the places of a program may have, and how far they were reached.
#[derive(Debug, Default)]
pub(super) struct Reached {
    struck: BTreeMap<Struck, Tries>,
    /// Runs in which a call of a place had a number.
    numbers: BTreeMap<Place, BTreeMap<usize, usize>>,
    tried: BTreeMap<(Place, &'static str, usize), usize>,
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
        self.number(seen);
    }

    /// Number of calls and errors of places of netlog.
    pub(super) fn ours(&self) -> usize {
        self.struck.keys().filter(|struck| is_ours(&struck.place.site)).count()
    }

    /// A fault that may reach a place that was not reached.
    pub(super) fn next(&mut self) -> Option<Fault> {
        let lacks = |tries: &Tries| !tries.reached && tries.attempts < ATTEMPTS;
        let lacking = self.struck.iter_mut().filter(|(_, tries)| lacks(tries));
        let (Struck { place, error }, tries) = lacking.min_by_key(|(_, tries)| tries.attempts)?;
        tries.attempts += 1;
        let tried = |number: usize| {
            self.tried.get(&(place.clone(), *error, number)).copied().unwrap_or_default()
        };
        // The likeliest number, unless it has failed to reach the place.
        let likely = |(number, runs): (&usize, &usize)| runs * 1000 / (1 + tried(*number) * 3);
        let numbers = self.numbers.get(place)?;
        let (number, _) = numbers.iter().max_by_key(|it| likely(*it))?;
        *self.tried.entry((place.clone(), *error, *number)).or_default() += 1;
        Some(Fault { call: place.call, error, number: *number })
    }

    /// Takes note of the places that `fault` has reached, and of where they were.
    pub(super) fn note(&mut self, fault: &Fault, seen: &[SeenCall]) {
        self.number(seen);
        for call in seen {
            let Some(place) = Place::of(call) else { continue };
            let known = self.struck.get_mut(&Struck { place: place.clone(), error: fault.error });
            match known {
                Some(tries) => tries.reached |= call.injected,
                None => drop(self.behind.insert(place)),
            }
        }
    }

    fn number(&mut self, seen: &[SeenCall]) {
        let numbers = seen.iter().filter_map(|call| Some((Place::of(call)?, call.number)));
        for (place, number) in numbers.collect::<BTreeSet<_>>() {
            *self.numbers.entry(place).or_default().entry(number).or_default() += 1;
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
        number,
        site: site.into(),
        injected,
    };
    let mut reached = Reached::default();
    reached.begin(&[call(1, "netlog::a", false), call(2, "netlog::b", false)]);
    reached.begin(&[call(1, "netlog::a", false), call(3, "netlog::b", false)]);
    let first = reached.next().expect("none is reached");
    assert_eq!([first.to_string()], ["inject=fsync:error=EIO:when=1"]);
    reached.note(&first, &[call(1, "netlog::a", true), call(2, "netlog::b", false)]);
    let second = reached.next().expect("the other one is not");
    assert_eq!(second.number, 2, "it was seen twice");
    reached.note(&second, &[call(2, "netlog::c", true)]);
    let rest: Vec<_> = std::iter::from_fn(|| reached.next()).collect();
    assert!(rest.len() == ATTEMPTS - 1 && rest.iter().any(|it| it.number == 3), "{rest:?}");
}
