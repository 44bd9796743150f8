//! The entries of a configuration file, checked one by one against the options.

use super::keys;
use crate::stderr::Chain;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Command};
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A key of the file with its values.
#[derive(Debug, Clone)]
pub(super) struct FileEntry {
    pub(super) key: String,
    values: Values,
    /// The file and the line.
    pub(super) place: String,
}

#[derive(Debug, Clone)]
enum Values {
    Switch(bool),
    Given(Vec<String>),
}

impl FileEntry {
    /// The same as arguments of the command line.
    pub(super) fn arguments(&self) -> Vec<String> {
        match &self.values {
            Values::Switch(true) => vec![format!("--{}", self.key)],
            Values::Switch(false) => Vec::new(),
            Values::Given(values) => {
                values.iter().map(|value| format!("--{}={value}", self.key)).collect()
            }
        }
    }
}

/// Something wrong with a configuration file, and where.
#[derive(Debug)]
pub(super) struct FileError {
    place: String,
    what: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// A file that is being read.
struct ConfigFile<'a> {
    path: &'a Path,
    text: &'a str,
    command: Command,
}

/// Reads the file at `path` and checks each entry as an option of `command`.
pub(super) fn entries(path: &Path, command: &Command) -> Result<Vec<FileEntry>, FileError> {
    let text = fs::read_to_string(path).map_err(|error| FileError {
        place: path.display().to_string(),
        what: format!("failed to read the configuration file: {}", Chain(&error)),
    })?;
    // What the environment says is checked elsewhere.
    let command = command.clone().mut_args(|arg| arg.env(None::<&str>));
    ConfigFile { path, text: &text, command }.entries()
}

impl ConfigFile<'_> {
    fn entries(&self) -> Result<Vec<FileEntry>, FileError> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().unwrap_or(0..0);
            self.error(at, error.message().to_owned())
        })?;
        let mut entries = Vec::new();
        for (key, value) in table.get_ref() {
            entries.push(self.entry(key.get_ref(), key.span(), value)?);
        }
        Ok(entries)
    }

    fn entry(
        &self,
        key: &str,
        at: Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<FileEntry, FileError> {
        let wrong = |what: String| self.error(at.clone(), what);
        let Some((_, arg)) = keys(&self.command).find(|(long, _)| *long == key) else {
            return Err(wrong(match value.get_ref() {
                DeValue::Table(_) => format!("unexpected section [{key}]: all keys are at the top"),
                _ => self.unknown(key),
            }));
        };
        let values = match (arg.get_action(), value.get_ref()) {
            (ArgAction::SetTrue, DeValue::Boolean(on)) => Values::Switch(*on),
            (ArgAction::SetTrue, _) => return Err(wrong(format!("{key} must be true or false"))),
            (ArgAction::Append, DeValue::Array(values)) => {
                let values = values.iter().map(|value| scalar(value.get_ref()));
                let values: Option<_> = values.collect();
                Values::Given(values.ok_or_else(|| wrong(format!("{key} is a list of strings")))?)
            }
            (_, value) => {
                let value = scalar(value);
                let words = || format!("{key} must be a string or a whole number");
                Values::Given(vec![value.ok_or_else(|| wrong(words()))?])
            }
        };
        let entry = FileEntry { key: key.to_owned(), values, place: self.place(at.clone()) };
        match self.problem(&entry) {
            Some(what) => Err(wrong(what)),
            None => Ok(entry),
        }
    }

    /// The reason why the option does not take the value.
    fn problem(&self, entry: &FileEntry) -> Option<String> {
        let line = [String::new()].into_iter().chain(entry.arguments());
        let error = self.command.clone().try_get_matches_from(line).err()?;
        // Options that this one needs may be given elsewhere.
        let elsewhere = [ErrorKind::MissingRequiredArgument, ErrorKind::ArgumentConflict];
        let text = error.to_string();
        let reason = text.split("\n\n").next()?.trim_start_matches("error: ");
        let lines: Vec<&str> = reason.lines().map(str::trim).collect();
        (!elsewhere.contains(&error.kind())).then(|| lines.join(" "))
    }

    fn unknown(&self, key: &str) -> String {
        let line = [String::new(), format!("--{key}=")];
        let error = self.command.clone().try_get_matches_from(line).err();
        let nearest = match error.as_ref().and_then(|error| error.get(ContextKind::SuggestedArg)) {
            Some(ContextValue::String(flag)) => flag.trim_start_matches('-'),
            _ => "",
        };
        match is_near(key, nearest) {
            true => format!("unknown key {key}; did you mean {nearest}?"),
            false => format!("unknown key {key}"),
        }
    }

    fn error(&self, at: Range<usize>, what: String) -> FileError {
        FileError { place: self.place(at), what }
    }

    fn place(&self, at: Range<usize>) -> String {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        format!("{}:{}", self.path.display(), before.matches('\n').count() + 1)
    }
}

/// True if fewer than half of the characters of the longer name have to be changed.
fn is_near(one: &str, other: &str) -> bool {
    strsim::normalized_levenshtein(one, other) > 0.5
}

/// The text of a value that is one.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        _ => None,
    }
}
