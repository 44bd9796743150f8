//! Coverage: which places have had which of their calls fail, with which errors.

use super::strace::Fault;
use super::tell;
use std::collections::{BTreeMap, BTreeSet};

/// Faults that a place may have, and the number of times that each struck.
pub(super) struct Reached(BTreeMap<Struck, usize>);

/// A call of a place that fails with an error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Struck {
    site: String,
    call: &'static str,
    error: &'static str,
}

impl Reached {
    /// Nothing is reached yet of what `faults` may reach.
    pub(super) fn of(faults: &[Fault]) -> Self {
        Self(faults.iter().flat_map(struck).map(|struck| (struck, 0)).collect())
    }

    /// True if `fault` may reach a place that was not reached.
    pub(super) fn lacks(&self, fault: &Fault) -> bool {
        struck(fault).any(|struck| self.0.get(&struck) == Some(&0))
    }

    pub(super) fn note(&mut self, fault: &Fault, sites: BTreeSet<String>) {
        let Fault { call, error, .. } = *fault;
        for site in sites {
            *self.0.entry(Struck { site, call, error }).or_default() += 1;
        }
    }

    /// Prints each place with its calls and errors.
    pub(super) fn tell(&self) {
        let mut places = BTreeMap::<_, Vec<_>>::new();
        for (Struck { site, call, error }, count) in &self.0 {
            let mark = if *count == 0 { " NOT REACHED" } else { "" };
            places.entry(site).or_default().push(format!("{call}:{error}{mark}"));
        }
        let reached = self.0.values().filter(|count| **count > 0).count();
        let all = self.0.len();
        tell(&format!("  {} places, {reached} of their {all} calls and errors", places.len()));
        for (site, struck) in places {
            tell(&format!("  {site}\n      {}", struck.join(" ")));
        }
    }
}

fn struck(fault: &Fault) -> impl Iterator<Item = Struck> {
    let Fault { call, error, .. } = *fault;
    fault.sites.iter().map(move |site| Struck { site: site.clone(), call, error })
}
