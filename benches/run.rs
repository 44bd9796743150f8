//! The settings of a run, and the machine its figures come from.

use netlog_wire::format_utc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The number in environment variable `name`, or `default`.
pub(crate) fn setting(name: &str, default: f64) -> f64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    }
}

/// The day and the machine the figures come from, for the head of a table.
pub(crate) fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("?");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = format_utc(i64::try_from(since.as_micros()).unwrap_or_default());
    let day = String::from_utf8_lossy(&now[..10]);
    format!("{day}, {cores} x {model}, Linux {kernel}")
}
