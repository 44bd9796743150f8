//! Connections to other collectors and streams, as far as `/status` reports them.

use crate::clock::now;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// State of one such connection.
#[derive(Debug)]
pub(crate) struct LinkState {
    target: String,
    report: Mutex<LinkReport>,
}

/// The same at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkReport {
    pub(crate) connected: bool,
    /// Time of the last change, in microseconds since 1970.
    pub(crate) since: i64,
    /// The last failure, while it is not connected.
    pub(crate) error: Option<String>,
}

/// Messages of a stream that are still to be read.
#[derive(Debug, Default)]
pub(crate) struct StreamLag {
    sequence: AtomicU64,
    /// In microseconds since 1970.
    published: AtomicU64,
    waiting: AtomicU64,
}

impl LinkState {
    /// Begins without a connection.
    pub(crate) fn new(target: String) -> Self {
        let report = LinkReport { connected: false, since: now(), error: None };
        Self { target, report: Mutex::new(report) }
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// The state now.
    pub(crate) fn report(&self) -> LinkReport {
        self.lock().clone()
    }

    /// Takes note that the other side has accepted the connection.
    pub(crate) fn connected(&self) {
        let mut report = self.lock();
        if !report.connected {
            *report = LinkReport { connected: true, since: now(), error: None };
        }
    }

    /// Takes note that the connection was lost, or that there is still none.
    pub(crate) fn failed(&self, error: &str) {
        let mut report = self.lock();
        if report.connected {
            report.since = now();
        }
        report.connected = false;
        report.error = Some(error.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, LinkReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamLag {
    /// Takes note of the last message in the sinks, and of how many are behind it.
    pub(crate) fn set(&self, sequence: u64, published_nanos: i64, waiting: u64) {
        self.sequence.store(sequence, Relaxed);
        self.published.store(published_nanos.unsigned_abs() / 1000, Relaxed);
        self.waiting.store(waiting, Relaxed);
    }

    /// Sequence of the last message in the sinks, 0 before the first one.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence.load(Relaxed)
    }

    /// When that message was published, in microseconds since 1970.
    pub(crate) fn published(&self) -> i64 {
        i64::try_from(self.published.load(Relaxed)).unwrap_or(i64::MAX)
    }

    /// Messages behind it.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_failure_is_that_of_the_first_one_and_its_words_are_the_last() {
        let link = LinkState::new("tcp://central:1902".into());
        let begun = link.report();
        link.failed("connection refused");
        link.failed("no route to host");
        let error = Some("no route to host".to_owned());
        assert_eq!(link.report(), LinkReport { error, ..begun.clone() });
        link.connected();
        let connected = link.report();
        assert!(connected.connected && connected.error.is_none());
        link.connected();
        assert_eq!(link.report(), connected);
        link.failed("gone");
        assert!(!link.report().connected && link.report().since >= connected.since);
    }
}
