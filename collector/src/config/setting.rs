//! The value of each option, and where it came from.

use super::file::FileEntry;
use super::keys;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::fmt;

/// An option with its value, as a configuration file would have it.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) key: String,
    /// In TOML; `None` without a value.
    pub(super) value: Option<String>,
    origin: String,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, origin } = self;
        match value {
            Some(value) => writeln!(f, "{key} = {value}  # {origin}"),
            None => writeln!(f, "# {key} is not set"),
        }
    }
}

/// All options, in the order of the help.
pub(super) fn settings(
    command: &Command,
    matches: &ArgMatches,
    used: &[FileEntry],
) -> Vec<Setting> {
    keys(command)
        .map(|(key, arg)| Setting {
            key: key.to_owned(),
            value: value(arg, matches),
            origin: origin(arg, matches, used.iter().find(|entry| entry.key == key)),
        })
        .collect()
}

fn value(arg: &Arg, matches: &ArgMatches) -> Option<String> {
    let id = arg.get_id().as_str();
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return Some(matches.get_flag(id).to_string());
    }
    let mut values = matches.get_raw(id)?.map(|value| quoted(&value.to_string_lossy()));
    match arg.get_action() {
        ArgAction::Append => Some(format!("[{}]", values.collect::<Vec<_>>().join(", "))),
        _ => values.next_back(),
    }
}

/// A TOML value: a bare number, or a string, escaped as in JSON.
pub(super) fn quoted(value: &str) -> String {
    let number = value.parse::<u64>().is_ok_and(|number| number.to_string() == value);
    if number { value.to_owned() } else { serde_json::Value::from(value).to_string() }
}

fn origin(arg: &Arg, matches: &ArgMatches, entry: Option<&FileEntry>) -> String {
    if let Some(entry) = entry {
        return entry.place.clone();
    }
    let name = arg.get_env().unwrap_or_default().to_string_lossy();
    match matches.value_source(arg.get_id().as_str()) {
        Some(ValueSource::CommandLine) => "command line".into(),
        Some(ValueSource::EnvVariable) => format!("environment, {name}"),
        _ => "default".into(),
    }
}
