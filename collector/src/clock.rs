//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time now, in microseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The time now, in seconds since 1970.
pub(crate) fn seconds() -> i64 {
    now().div_euclid(1_000_000)
}
