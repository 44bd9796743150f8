//! The wall clock, and one that nobody sets.

use netlog_wire::format_utc;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time now, in microseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// A time in microseconds since 1970 as people read it: RFC 3339, UTC.
pub(crate) fn utc(micros: i64) -> String {
    String::from_utf8_lossy(&format_utc(micros)).into_owned()
}

/// The time now, in seconds since 1970.
pub(crate) fn seconds() -> i64 {
    now().div_euclid(1_000_000)
}

/// Seconds by a clock that only goes forward, whatever becomes of the wall clock. It begins with a
/// large number, so that there is room for what was earlier than this process.
pub(crate) fn monotonic_seconds() -> i64 {
    const BEGIN: i64 = 1 << 32;
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let since = BEGAN.get_or_init(Instant::now).elapsed().as_secs();
    BEGIN.saturating_add_unsigned(since)
}
