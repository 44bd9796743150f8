//! Destinations of batches: the console, a file, or a file for each app and host.

pub(crate) mod console;
pub(crate) mod file;
pub(crate) mod files;

use crate::hub::line_run::LineRun;
use netlog_wire::{Line, Text};
use std::borrow::Cow;

/// A run's lines in the form that a sink keeps: as they are, or as text for people.
fn shown(run: &LineRun, text: Option<Text>) -> Cow<'_, [u8]> {
    let Some(text) = text else { return Cow::Borrowed(&run.lines) };
    let mut out = Vec::with_capacity(run.lines.len());
    for line in run.lines.split_inclusive(|&byte| byte == b'\n') {
        match Line::parse(line.strip_suffix(b"\n").unwrap_or(line)) {
            Some(parsed) => text.push(&mut out, &parsed),
            // Only what is canonical becomes a run; if not, better ugly than lost.
            None => out.extend_from_slice(line),
        }
    }
    Cow::Owned(out)
}
