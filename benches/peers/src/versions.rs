//! Which peers these are.

use crate::loggers::NAMES;
use std::path::Path;
use std::process::Command;

/// One line of names and versions.
pub(crate) fn all() -> String {
    let lock = include_str!("../Cargo.lock");
    let crates = NAMES.iter().filter_map(|name| {
        let package = if *name == "netlog" { "netlog-logger" } else { name };
        let (_, behind) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
        Some(format!("{name} {}", behind.split('"').next()?))
    });
    let clients = crate::daemons::clients();
    let programs = [
        said(&clients.join("rsyslogd"), "-v"),
        said(&clients.join("syslog-ng"), "--version"),
        said(Path::new("rustc"), "--version"),
    ];
    crates.chain(programs).collect::<Vec<_>>().join(", ")
}

/// The name of a program and the version it says it is.
fn said(program: &Path, flag: &str) -> String {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let output = match Command::new(program).arg(flag).output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(e) => return format!("{name} ({e})"),
    };
    let words = output.split_whitespace().map(|word| word.trim_matches(['(', ')']));
    let version = words.into_iter().find(|word| word.matches('.').count() == 2);
    format!("{name} {}", version.unwrap_or("of a version it does not say"))
}
