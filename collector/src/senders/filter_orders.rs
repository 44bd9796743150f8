//! Filters that were set for programs, each for a time. They are kept in memory, and sent to programs
//! that connect meanwhile.

use super::grant::Scope;
use crate::clock::now;
use crate::glob::glob;
use netlog_wire::{FilterOrder, Identity};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The longest time for which a filter is set, in microseconds.
pub(crate) const LONGEST: i64 = 3_600_000_000;

/// The most orders that are kept; beyond that the oldest are forgotten.
const MOST: usize = 256;

/// The orders of the last hour.
#[derive(Debug, Default)]
pub(crate) struct FilterOrders {
    orders: Mutex<VecDeque<SetFilter>>,
    /// Number of the last one.
    last: AtomicU64,
}

/// An order, and the programs that it is for.
#[derive(Debug, Clone)]
pub(crate) struct SetFilter {
    pub(crate) target: FilterTarget,
    /// Programs that the token may set filters of.
    pub(crate) scope: Scope,
    pub(crate) order: FilterOrder,
    number: u64,
    since: i64,
}

/// Programs by their names, in which `*` and `?` are wildcards, and by their process id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FilterTarget {
    pub(crate) app: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) pid: Option<u64>,
}

impl FilterTarget {
    /// Tells whether it means all programs that `other` does.
    fn includes(&self, other: &Self) -> bool {
        (self.app.is_none() || self.app == other.app)
            && (self.host.is_none() || self.host == other.host)
            && (self.pid.is_none() || self.pid == other.pid)
    }

    fn matches(&self, program: &Identity) -> bool {
        let fits = |pattern: &Option<String>, name: &Option<String>| match pattern {
            Some(pattern) => name.as_ref().is_some_and(|name| glob(pattern, name)),
            None => true,
        };
        fits(&self.app, &program.app)
            && fits(&self.host, &program.host)
            && self.pid.is_none_or(|pid| program.pid == Some(pid))
    }
}

impl SetFilter {
    pub(crate) fn new(target: FilterTarget, scope: Scope, order: FilterOrder) -> Self {
        Self { target, scope, order, number: 0, since: now() }
    }

    fn replaces(&self, other: &Self) -> bool {
        let scope = self.scope == Scope::Everything || self.scope == other.scope;
        scope && self.target.includes(&other.target)
    }

    /// Tells whether it is for this program, and the token may set filters of it.
    pub(crate) fn is_for(&self, program: &Identity) -> bool {
        self.target.matches(program)
            && self.scope.covers(program.app.as_deref(), program.host.as_deref())
    }
}

impl FilterOrders {
    /// Adds an order, in the place of earlier ones for the same programs.
    pub(crate) fn add(&self, mut set: SetFilter) {
        let mut orders = self.lock();
        // A shorter one that came later may hide one that is over, as long as that could last.
        orders.retain(|other| !set.replaces(other) && other.since + LONGEST > set.since);
        if orders.len() >= MOST {
            orders.pop_front();
        }
        set.number = self.last.load(Ordering::Acquire) + 1;
        self.last.store(set.number, Ordering::Release);
        orders.push_back(set);
    }

    /// The last order for a program, if that is in force and came after the one numbered `seen`, which
    /// is moved on.
    pub(crate) fn next_for(&self, program: &Identity, seen: &mut u64) -> Option<FilterOrder> {
        let last = self.last.load(Ordering::Acquire);
        if last <= *seen {
            return None;
        }
        let before = std::mem::replace(seen, last);
        let orders = self.lock();
        let latest = orders.iter().rev().find(|set| set.is_for(program))?;
        let new = latest.number > before && latest.order.until > now();
        new.then(|| latest.order.clone())
    }

    /// The filters in force, the latest first.
    pub(crate) fn in_force(&self) -> Vec<SetFilter> {
        let orders = self.lock();
        let in_force = |set: &&SetFilter| set.order.directives.is_some() && set.order.until > now();
        orders.iter().rev().filter(in_force).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<SetFilter>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(app: &str, pid: u64) -> Identity {
        let host = Some("web1".to_owned());
        Identity { app: Some(app.into()), host, pid: Some(pid), ..Identity::default() }
    }

    fn set(app: &str, directives: Option<&str>, seconds: i64) -> SetFilter {
        let target = FilterTarget { app: Some(app.into()), ..FilterTarget::default() };
        let directives = directives.map(str::to_owned);
        let until = now() + seconds * 1_000_000;
        let order = FilterOrder { directives, until, by: "ann".into() };
        SetFilter::new(target, Scope::Everything, order)
    }

    #[test]
    fn a_program_gets_the_last_order_for_it_once_and_also_when_it_connects_later() {
        let orders = FilterOrders::default();
        let mut seen = 0;
        let shop = program("shop", 7);
        let mut next = |orders: &FilterOrders| orders.next_for(&shop, &mut seen)?.directives;
        assert_eq!(next(&orders), None);
        orders.add(set("sh*", Some("debug"), 60));
        orders.add(set("other", Some("trace"), 60));
        assert_eq!(next(&orders).as_deref(), Some("debug"));
        assert_eq!(next(&orders), None);
        orders.add(set("other", Some("warn"), 60));
        assert_eq!(next(&orders), None);
        let later = |app: &str| orders.next_for(&program(app, 1), &mut 0)?.directives;
        assert_eq!(later("shop").as_deref(), Some("debug"));
        assert_eq!(later("other").as_deref(), Some("warn"));
        // One that is over already hides the one before it, which the program has forgotten.
        orders.add(set("shop", Some("trace"), 0));
        assert_eq!(later("shop"), None);
        assert_eq!(orders.in_force().len(), 2);
        orders.add(set("other", None, 60));
        assert_eq!(orders.next_for(&program("other", 1), &mut 0).unwrap().directives, None);
        assert_eq!(orders.in_force().len(), 1);
        let all = SetFilter { target: FilterTarget::default(), ..set("", None, 60) };
        orders.add(all);
        assert_eq!(orders.lock().len(), 1, "it stands for all before it");
    }

    #[test]
    fn an_order_is_for_the_programs_that_it_names_and_its_token_covers() {
        let target = FilterTarget { pid: Some(7), ..FilterTarget::default() };
        let scope = Scope::Matching(vec!["app=shop".parse().unwrap()]);
        let order = FilterOrder { directives: None, until: now(), by: String::new() };
        let set = SetFilter::new(target, scope, order);
        assert!(set.is_for(&program("shop", 7)));
        assert!(!set.is_for(&program("shop", 8)) && !set.is_for(&program("other", 7)));
        let host = FilterTarget { host: Some("web?".into()), ..FilterTarget::default() };
        assert!(host.matches(&program("a", 1)) && !host.matches(&Identity::default()));
    }

    #[test]
    fn no_more_orders_are_kept_than_the_limit() {
        let orders = FilterOrders::default();
        for number in 0..MOST + 10 {
            orders.add(set(&format!("app{number}"), Some("debug"), 60));
        }
        assert_eq!(orders.in_force().len(), MOST);
        assert!(orders.next_for(&program("app0", 1), &mut 0).is_none());
    }
}
