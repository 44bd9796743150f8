//! Lines and JSON objects of bodies: each is read by what it looks like.

use super::draft::{Draft, Text};
use super::level_guess::guess;
use super::posted::{Posted, RecordWriter};
use super::scratch::{Scratch, with_scratch};
use super::shown_bytes::shown;
use super::{json_fields, syslog};
use netlog_wire::{Record, is_plain};
use std::borrow::Cow;

/// A line, and the text that it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineText<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) text: &'a str,
    /// Number of bytes that are no text, and are shown in it.
    pub(super) invalid: usize,
}

impl<'a> LineText<'a> {
    /// A line that is known to be text.
    pub(super) fn valid(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), text, invalid: 0 }
    }

    /// Reads it into `draft`: a JSON object, a syslog message, or text with the level that it shows.
    pub(super) fn read(self, draft: &mut Draft<'a>, scratch: &mut Scratch) {
        if self.read_without_level(draft, scratch)
            && let Some(level) = guess(self.bytes)
        {
            draft.level = level;
            draft.own_level = true;
        }
    }

    /// The same where the level is known from around it; `true` if it is text.
    pub(super) fn read_without_level(self, draft: &mut Draft<'a>, scratch: &mut Scratch) -> bool {
        let trimmed = self.text.trim_ascii();
        let known = match trimmed.as_bytes().first() {
            Some(b'{') => json_fields::read(trimmed, draft, scratch),
            Some(b'<') => syslog::read(trimmed, draft, None, scratch).is_some(),
            _ => false,
        };
        if known {
            draft.note_invalid(self.invalid);
            return false;
        }
        let bytes = self.bytes.strip_suffix(b"\r").unwrap_or(self.bytes);
        if self.invalid > 0 {
            draft.take_bytes(bytes);
            return true;
        }
        let text = self.text.strip_suffix('\r').unwrap_or(self.text);
        draft.msg = match is_plain(bytes) {
            true => Text::Json(text),
            false => Text::Plain(Cow::Borrowed(text)),
        };
        true
    }
}

/// Calls `work` with the text of a line. In JSON a backslash is written as two.
pub(super) fn with_text<T>(line: &[u8], work: impl FnOnce(LineText<'_>, &mut Scratch) -> T) -> T {
    let Ok(text) = std::str::from_utf8(line) else {
        let json = line.trim_ascii_start().starts_with(b"{");
        let (text, invalid) = shown(line, if json { "\\\\" } else { "\\" });
        let line = LineText { bytes: line, text: &text, invalid };
        return with_scratch(|scratch| work(line, scratch));
    };
    with_scratch(|scratch| work(LineText::valid(text), scratch))
}

/// Writes a line as a record; one without a time gets `received`, in microseconds since 1970.
pub(super) fn write_line(line: &[u8], received: i64, out: &mut RecordWriter<'_>) -> Posted {
    write_line_with(line, received, out, |_| {})
}

/// The same; `fill` adds what is known from around it.
pub(super) fn write_line_with(
    line: &[u8],
    received: i64,
    out: &mut RecordWriter<'_>,
    fill: impl FnOnce(&mut Draft<'_>),
) -> Posted {
    with_text(line, |line, scratch| {
        let mut draft = Draft::new(received);
        line.read(&mut draft, scratch);
        fill(&mut draft);
        out.draft(&mut draft, &mut scratch.time)
    })
}

/// Writes a JSON object as a record; `None` when `json` is something else.
pub(super) fn write_json(
    json: &[u8],
    received: i64,
    out: &mut RecordWriter<'_>,
    fill: impl FnOnce(&mut Draft<'_>),
) -> Option<Posted> {
    with_text(json, |json, scratch| {
        let mut draft = Draft::new(received);
        if !json_fields::read(json.text, &mut draft, scratch) {
            return None;
        }
        draft.note_invalid(json.invalid);
        fill(&mut draft);
        Some(out.draft(&mut draft, &mut scratch.time))
    })
}

/// The record of a line, for those that change it further.
pub(super) fn line_record(line: &[u8], received: i64) -> Record<'static> {
    with_text(line, |line, scratch| {
        let mut draft = Draft::new(received);
        line.read(&mut draft, scratch);
        draft.into_record()
    })
}
