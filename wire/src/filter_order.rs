//! The order of a collector to log by another filter for a time:
//! `{"filter":"info,orders::fill=debug","until":"2026-11-22T19:12:00.000000Z","by":"ann"}`.

use crate::time::{format_utc, parse_time};
use serde_json::Value;

/// The longest directives of an order, in bytes.
pub const MAX_DIRECTIVES: usize = 1024;

/// An order to a sender that offered to obey it: `"can":["filter"]` in its hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterOrder {
    /// Directives in the syntax of `RUST_LOG`; `None` for those that the program began with.
    pub directives: Option<String>,
    /// Time until which they count, in microseconds since 1970; no longer than an hour.
    pub until: i64,
    /// The name of the person or the token that gave the order.
    pub by: String,
}

impl FilterOrder {
    /// Reads the members of a line; `None` if it is anything else.
    pub(crate) fn read(said: &Value) -> Option<Self> {
        let directives = match said.get("filter")? {
            Value::Null => None,
            Value::String(text) if text.len() <= MAX_DIRECTIVES => Some(text.clone()),
            _ => return None,
        };
        let until = parse_time(said["until"].as_str()?.as_bytes())?;
        let by = said["by"].as_str().unwrap_or_default().to_owned();
        Some(Self { directives, until, by })
    }

    /// The line, without its end.
    pub(crate) fn line(&self) -> String {
        let directives = Value::from(self.directives.as_deref());
        let until = format_utc(self.until);
        let until = String::from_utf8_lossy(&until);
        let by = Value::from(self.by.as_str());
        format!("{{\"filter\":{directives},\"until\":\"{until}\",\"by\":{by}}}")
    }
}
