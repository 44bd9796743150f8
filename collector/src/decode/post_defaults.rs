//! Sender and level that a request names for all of its records.

use super::draft::{Draft, Text};
use super::json_fields::claim;
use super::severity;
use netlog_wire::{Level, Record};

/// Sender and level of a body's records that do not say so themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    pub(crate) app: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) level: Option<Level>,
}

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

    /// Fills in what `record` does not say.
    pub(crate) fn fill(&self, record: &mut Record<'_>) {
        fill(&mut record.claims.app, self.app.as_ref());
        fill(&mut record.claims.host, self.host.as_ref());
        if let Some(level) = self.level.filter(|_| record.level == Level::Info) {
            record.level = level;
        }
    }

    /// The same for a record in pieces.
    pub(super) fn fill_draft(&self, draft: &mut Draft<'_>) {
        fill_text(&mut draft.app, self.app.as_ref());
        fill_text(&mut draft.host, self.host.as_ref());
        let unknown = draft.level == Level::Info && !draft.own_level && draft.priority.is_none();
        if let Some(level) = self.level.filter(|_| unknown) {
            draft.level = level;
        }
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
