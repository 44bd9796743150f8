//! Sender and level that a request names for all of its records.

use super::draft::{Draft, Pair, Text, Value};
use super::json_fields::claim;
use super::severity;
use netlog_wire::{Level, Record};

/// Sender and level of a body's records that do not say so themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    pub(crate) app: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) level: Option<Level>,
    /// Values that are added to those of each record.
    notes: Vec<(&'static str, String)>,
}

/// The most bytes of a value that is added to each record.
const NOTE: usize = 1024;

impl Defaults {
    /// Takes a value of the query, if its key is one of these.
    ///
    /// # Errors
    ///
    /// When the value is not a name, or not a level.
    pub(crate) fn take(&mut self, key: &str, value: &str) -> Result<bool, String> {
        let name =
            || claim(value).map(str::to_owned).ok_or_else(|| format!("invalid {key}: {value:?}"));
        match key {
            "app" => self.app = Some(name()?),
            "host" => self.host = Some(name()?),
            "level" => {
                let expected = "expected error, warn, info, debug or trace";
                let level = severity::word(value).map(|severity| severity.level);
                self.level = Some(level.ok_or_else(|| format!("invalid level: {expected}"))?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes a value of the query that is added to each record.
    ///
    /// # Errors
    ///
    /// When the value is too long.
    pub(crate) fn note(&mut self, key: &'static str, value: &str) -> Result<(), String> {
        if value.len() > NOTE {
            return Err(format!("invalid {key}: expected at most {NOTE} bytes"));
        }
        self.notes.push((key, value.to_owned()));
        Ok(())
    }

    /// Fills in what `record` does not say.
    pub(crate) fn fill(&self, record: &mut Record<'_>) {
        fill(&mut record.claims.app, self.app.as_ref());
        fill(&mut record.claims.host, self.host.as_ref());
        if let Some(level) = self.level.filter(|_| record.level == Level::Info) {
            record.level = level;
        }
        self.notes.iter().for_each(|(key, value)| record.note(*key, value));
    }

    /// The same for a record in pieces.
    pub(super) fn fill_draft(&self, draft: &mut Draft<'_>) {
        fill_text(&mut draft.app, self.app.as_ref());
        fill_text(&mut draft.host, self.host.as_ref());
        let unknown = draft.level == Level::Info && !draft.own_level && draft.priority.is_none();
        if let Some(level) = self.level.filter(|_| unknown) {
            draft.level = level;
        }
        draft.kv.extend(self.notes.iter().map(|(key, value)| Pair {
            prefix: "".into(),
            key: Text::Json(key),
            value: Value::Text(Text::Plain(value.clone().into())),
        }));
    }
}

fn fill(place: &mut Option<String>, value: Option<&String>) {
    if place.is_none() {
        *place = value.cloned();
    }
}

fn fill_text(place: &mut Option<Text<'_>>, value: Option<&String>) {
    if place.is_none() {
        *place = value.map(|value| Text::Plain(value.clone().into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::post_line::with_text;

    #[test]
    fn a_level_of_the_query_is_that_of_lines_without_one() {
        let defaults = Defaults { level: Some(Level::Warn), ..Defaults::default() };
        for (line, level) in [
            ("plain", Level::Warn),
            ("INFO started", Level::Info),
            ("2026-11-22 19:00:00 INFO up", Level::Info),
            ("{\"level\":\"info\",\"msg\":\"x\"}", Level::Info),
            ("{\"msg\":\"x\"}", Level::Warn),
            ("<14>Nov 22 19:00:00 h a: b", Level::Info),
        ] {
            let read = with_text(line.as_bytes(), |line, scratch| {
                let mut draft = Draft::new(0);
                line.read(&mut draft, scratch);
                defaults.fill_draft(&mut draft);
                draft.level
            });
            assert_eq!(read, level, "{line}");
        }
    }
}
