//! The wall clock.

use chrono::{DateTime, Utc};

/// The current time.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
