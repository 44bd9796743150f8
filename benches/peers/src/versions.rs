//! Which peers these are.

use crate::loggers::NAMES;
use std::process::Command;

/// One line of names and versions.
pub(crate) fn all() -> String {
    let lock = include_str!("../Cargo.lock");
    let crates = NAMES.iter().filter_map(|name| {
        let (_, behind) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", behind.split('"').next()?))
    });
    let clients = crate::collectors::clients();
    let daemons = [("rsyslogd", "-v"), ("syslog-ng", "--version")].map(|(name, flag)| {
        let output = Command::new(clients.join(name)).arg(flag).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let text = text.unwrap_or_else(|e| format!("{name}: {e}"));
        text.lines().next().unwrap_or(name).split(" (").next().unwrap_or(name).to_owned()
    });
    crates.chain(daemons).collect::<Vec<_>>().join(", ")
}
