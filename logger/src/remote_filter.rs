//! The filter that a collector sets for a time, in the place of the program's own. Without one, a log
//! call asks one atomic more; with one, each thread keeps a copy of it, so that no log call waits for
//! a lock.

use crate::filter_text::parse_remote;
use env_filter::Filter;
use log::LevelFilter;
use netlog_wire::{FilterOrder, format_utc};
use std::cell::RefCell;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// The longest time for which a filter is set.
const LONGEST: Duration = Duration::from_secs(3600);

/// Longest name of the one who gave an order that is repeated.
const LONGEST_NAME: usize = 128;

/// Number of tries for the lock, which a log call may have for a moment.
const PATIENCE: u32 = 10_000;

/// Number of the order in force; 0 while the program's own filter is.
static IN_FORCE: AtomicU64 = AtomicU64::new(0);

/// `true` if the level of the `log` facade is this logger's to set.
static FACADE: AtomicBool = AtomicBool::new(false);

/// The process that started the logger.
static PROCESS: AtomicU32 = AtomicU32::new(0);

static ORDERS: Mutex<Orders> =
    Mutex::new(Orders { count: 0, last: None, set: None, level_before: None });

thread_local! {
    /// The filter in force, as this thread saw it last.
    static COPY: RefCell<Option<NumberedFilter>> = const { RefCell::new(None) };
}

/// A filter with the number of its order.
#[derive(Clone)]
struct NumberedFilter {
    number: u64,
    filter: Arc<Filter>,
}

/// Orders that came, and the filter that the last one set.
struct Orders {
    count: u64,
    /// Which may come once more, after a reconnect.
    last: Option<FilterOrder>,
    set: Option<RemoteFilter>,
    /// The level of the facade without that filter.
    level_before: Option<LevelFilter>,
}

struct RemoteFilter {
    filter: NumberedFilter,
    until: Instant,
}

/// Takes note of the process, and of whether the facade is this logger's.
pub(crate) fn begin(facade: bool) {
    FACADE.store(facade, Ordering::Release);
    PROCESS.store(process::id(), Ordering::Release);
}

/// `true` if orders can be obeyed. In a forked child, `tracing` may hold locks of threads that it does
/// not have.
pub(crate) fn possible() -> bool {
    !cfg!(feature = "tracing") || PROCESS.load(Ordering::Acquire) == process::id()
}

/// Applies `check` to the filter in force, which is `own` unless a collector has set another.
#[inline]
pub(crate) fn with<R>(own: &Filter, check: impl FnOnce(&Filter) -> R) -> R {
    match IN_FORCE.load(Ordering::Acquire) {
        0 => check(own),
        number => with_remote(number, own, check),
    }
}

#[cold]
fn with_remote<R>(number: u64, own: &Filter, check: impl FnOnce(&Filter) -> R) -> R {
    let copy = COPY.try_with(|copy| {
        let mut copy = copy.try_borrow_mut().ok()?;
        if copy.as_ref().is_none_or(|copy| copy.number != number) {
            *copy = orders()?.set.as_ref().map(|set| set.filter.clone());
        }
        copy.as_ref().map(|copy| copy.filter.clone())
    });
    match copy {
        Ok(Some(filter)) => check(&filter),
        _ => check(own),
    }
}

/// Obeys an order, and returns the answer to it; `None` if it is one that was obeyed before, or
/// changes nothing.
pub(crate) fn obey(order: &FilterOrder, now: i64) -> Option<String> {
    let mut orders = (0..PATIENCE).find_map(|_| {
        orders().or_else(|| {
            thread::yield_now();
            None
        })
    })?;
    if orders.last.as_ref() == Some(order) {
        return None;
    }
    orders.last = Some(order.clone());
    let by = &order.by[..order.by.floor_char_boundary(LONGEST_NAME)];
    let Some(directives) = &order.directives else {
        return end(orders).then(|| format!("filter is the program's own again, by {by}"));
    };
    let left = u64::try_from(order.until.saturating_sub(now)).unwrap_or(0);
    let until = format_utc(order.until);
    let until = String::from_utf8_lossy(&until[..TO_SECONDS]);
    if left == 0 {
        return Some(format!(
            "filter {directives:?} of {by} is not set: by this machine's clock {until}Z is over"
        ));
    }
    let filter = match parse_remote(directives) {
        Ok(filter) => filter,
        Err(why) => return Some(format!("filter {directives:?} of {by} is not set: {why}")),
    };
    let left = Duration::from_micros(left).min(LONGEST);
    orders.set(filter, Instant::now() + left);
    announce(orders);
    Some(format!("filter is {directives:?} until {until}Z, by {by}"))
}

/// Length of a time up to its seconds.
const TO_SECONDS: usize = "2026-11-22T19:12:00".len();

/// Ends the filter whose time is over; `true` if there was one.
pub(crate) fn expire() -> bool {
    if IN_FORCE.load(Ordering::Acquire) == 0 {
        return false;
    }
    let Some(orders) = orders() else { return false };
    let over = orders.set.as_ref().is_some_and(|set| set.until <= Instant::now());
    over && end(orders)
}

/// Goes back to the program's own filter; `true` if there was another one.
fn end(mut orders: MutexGuard<'_, Orders>) -> bool {
    if orders.set.take().is_none() {
        return false;
    }
    IN_FORCE.store(0, Ordering::Release);
    if let Some(level) = orders.level_before.take() {
        log::set_max_level(level);
    }
    announce(orders);
    true
}

impl Orders {
    fn set(&mut self, filter: Filter, until: Instant) {
        self.count += 1;
        if FACADE.load(Ordering::Acquire) {
            self.level_before.get_or_insert_with(log::max_level);
            log::set_max_level(filter.filter());
        }
        let filter = NumberedFilter { number: self.count, filter: Arc::new(filter) };
        self.set = Some(RemoteFilter { filter, until });
        IN_FORCE.store(self.count, Ordering::Release);
    }
}

/// Lets the call sites of `tracing` ask again. They ask for the filter, so that the lock is given back
/// before.
fn announce(orders: MutexGuard<'_, Orders>) {
    drop(orders);
    #[cfg(feature = "tracing")]
    tracing_core::callsite::rebuild_interest_cache();
}

/// `None` while another thread has the lock, which in a forked child may be for ever.
fn orders() -> Option<MutexGuard<'static, Orders>> {
    match ORDERS.try_lock() {
        Ok(orders) => Some(orders),
        Err(TryLockError::Poisoned(orders)) => Some(orders.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::{Level, Metadata};

    fn passes(own: &Filter, level: Level) -> bool {
        let metadata = Metadata::builder().level(level).target("orders::fill").build();
        with(own, |filter| filter.enabled(&metadata))
    }

    /// One test, because the filter is the process's.
    #[test]
    fn a_filter_counts_until_its_time_or_the_next_order_and_each_order_is_answered_once() {
        let own = {
            let mut own = env_filter::Builder::new();
            own.try_parse("info").unwrap();
            own.build()
        };
        let order = |directives: Option<&str>, until: i64| FilterOrder {
            directives: directives.map(str::to_owned),
            until,
            by: "ann".into(),
        };
        let debug = order(Some("warn,orders::fill=debug"), 3_000_000_000);
        assert!(passes(&own, Level::Info) && !passes(&own, Level::Debug));
        let answer = obey(&debug, 0).unwrap();
        assert_eq!(
            answer,
            "filter is \"warn,orders::fill=debug\" until 1970-01-01T00:50:00Z, by ann"
        );
        assert!(passes(&own, Level::Debug) && !passes(&own, Level::Trace));
        assert_eq!(obey(&debug, 0), None, "it came again");
        assert!(!expire());
        // Other threads see it too, and what the next order changes.
        thread::scope(|scope| scope.spawn(|| assert!(passes(&own, Level::Debug))).join().unwrap());
        assert!(obey(&order(Some("off"), 3_000_000_000), 0).is_some());
        assert!(!passes(&own, Level::Error));
        for (bad, why) in [
            ("a=loud", "is not set: "),
            ("[span]=debug", "is not set: it selects by span"),
            ("info/x", "is not set: it has a regular expression"),
            ("", "is not set: it is empty"),
        ] {
            let answer = obey(&order(Some(bad), 3_000_000_000), 0).unwrap();
            assert!(answer.contains(why), "{answer}");
        }
        assert!(!passes(&own, Level::Error), "the one before stays");
        let late = obey(&order(Some("trace"), 5), 5).unwrap();
        assert!(late.ends_with("by this machine's clock 1970-01-01T00:00:00Z is over"), "{late}");
        let back = order(None, 3_000_000_000);
        assert_eq!(obey(&back, 0).unwrap(), "filter is the program's own again, by ann");
        assert!(passes(&own, Level::Info) && !passes(&own, Level::Debug));
        assert_eq!(obey(&order(None, 3_600_000_000), 0), None, "there is nothing to change");
        // A microsecond is over at once, and the workers of other tests' loggers may see it first.
        assert!(obey(&order(Some("trace"), 1), 0).is_some());
        while IN_FORCE.load(Ordering::Acquire) != 0 {
            expire();
            thread::yield_now();
        }
        assert!(!passes(&own, Level::Debug));
        assert!(!expire());
    }
}
