//! Intervals at which a worker polls its ring.

use std::time::Duration;

/// Interval while records arrive.
pub(super) const BUSY: Duration = Duration::from_millis(1);

/// Longest interval: fewer than 20 wake-ups a second while nothing happens.
pub(super) const IDLE: Duration = Duration::from_millis(51);

/// Longest interval at which acks are polled for before the worker goes on to sleep on its futex.
pub(super) const ACK_INTERVAL: Duration = Duration::from_millis(8);

/// The interval that follows `interval`.
pub(super) fn next(interval: Duration, active: bool) -> Duration {
    if active { BUSY } else { (interval * 2).min(IDLE) }
}
