//! Records on stdout and notices on stderr: text for people, JSON for programs, or messages alone.

use super::broken_pipe::end_quietly;
use super::filters::FilterOptions;
use super::highlight::Highlighter;
use super::output::OutputFormat;
use super::source::collector_of;
use super::{notice, terminal};
use crate::{clock, stderr};
use chrono::{DateTime, Local, NaiveDate, Offset, TimeZone};
use netlog_wire::{Columns, Line, Newlines, Paint, Text, push_sanitized, push_sanitized_json};
use serde_json::Value;
use std::io::{self, IsTerminal, Write};

/// The widest that the column of names becomes.
const MAX_NAME_WIDTH: usize = 16;

const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

pub(crate) struct Printer {
    format: OutputFormat,
    text: Text,
    /// True if times are in the local time zone, whose offset changes with the seasons.
    local: bool,
    terminal: bool,
    width: Option<u16>,
    /// The day of the last record shown, at first today.
    day: NaiveDate,
    highlighter: Highlighter,
    out: Vec<u8>,
}

impl Printer {
    pub(crate) fn new(filters: &FilterOptions) -> Self {
        let terminal = io::stdout().is_terminal();
        let paint = if filters.color.enabled(terminal) { Paint::Colour } else { Paint::Plain };
        let newlines = if terminal { Newlines::Indented } else { Newlines::Escaped };
        let expressions = if paint == Paint::Colour { &filters.grep[..] } else { &[] };
        let width = terminal::width();
        Self {
            format: filters.output,
            text: Text { newlines, paint, columns: terminal::columns(width), ..Text::PLAIN },
            local: !filters.utc,
            terminal,
            width,
            day: clock::now().with_timezone(&Local).date_naive(),
            highlighter: Highlighter::new(expressions),
            out: Vec::new(),
        }
    }

    /// Adds a record to the output.
    pub(crate) fn record(&mut self, line: &[u8]) {
        if self.format == OutputFormat::Json {
            return self.json(&String::from_utf8_lossy(line));
        }
        if let Some(collector) = collector_of(line).filter(|_| self.format == OutputFormat::Text) {
            push_sanitized(&mut self.out, collector);
            self.out.push(b' ');
        }
        let stored = without_position(line);
        let Some(parsed) = Line::parse(&stored) else {
            // Of another version perhaps: better ugly than lost.
            push_sanitized(&mut self.out, &String::from_utf8_lossy(&stored));
            return self.out.push(b'\n');
        };
        match self.format {
            OutputFormat::Raw => self.message(&parsed.msg.text()),
            _ => self.text(&parsed),
        }
    }

    fn json(&mut self, line: &str) {
        match self.terminal {
            true => push_sanitized_json(&mut self.out, line),
            false => self.out.extend_from_slice(line.as_bytes()),
        }
        self.out.push(b'\n');
    }

    fn message(&mut self, msg: &str) {
        for line in msg.split('\n') {
            match self.terminal {
                true => push_sanitized(&mut self.out, line),
                false => self.out.extend_from_slice(line.as_bytes()),
            }
            self.out.push(b'\n');
        }
    }

    fn text(&mut self, line: &Line<'_>) {
        if self.local
            && let Some(time) = Local.timestamp_micros(line.time).single()
        {
            self.text.east = time.offset().fix().local_minus_utc();
        }
        if let Some(name) = line.app.or(line.host).filter(|_| self.terminal) {
            let width = name.text().chars().count().min(MAX_NAME_WIDTH);
            self.text.name_width = self.text.name_width.max(width);
        }
        if self.terminal && is_of_collector(line) {
            return self.row(&line.msg.text());
        }
        self.name_day(line.time);
        let mut shown = Vec::new();
        let highlighter = &self.highlighter;
        self.text.push_with(&mut shown, line, |out, piece| highlighter.push(out, piece));
        terminal::push_wrapped(&mut self.out, &String::from_utf8_lossy(&shown), self.width);
    }

    /// Adds a notice to the output.
    pub(crate) fn notice(&mut self, notice: &Value) {
        match self.format {
            OutputFormat::Json => self.json(&notice.to_string()),
            _ => self.row(&notice::describe(notice)),
        }
    }

    /// Names the day where the records do not, unless it is that of the record before.
    fn name_day(&mut self, time: i64) {
        let shown = time.saturating_add(i64::from(self.text.east) * 1_000_000);
        let Some(day) = DateTime::from_timestamp_micros(shown).map(|time| time.date_naive()) else {
            return;
        };
        if day != self.day && self.text.columns != Columns::All {
            self.row(&day.to_string());
        }
        self.day = day;
    }

    /// Prints a row that cannot be mistaken for a record.
    fn row(&mut self, text: &str) {
        let mut row = b"-- ".to_vec();
        push_sanitized(&mut row, text);
        row.extend_from_slice(b" --");
        let row = String::from_utf8_lossy(&row).into_owned();
        self.flush();
        let coloured = self.text.paint == Paint::Colour && io::stderr().is_terminal();
        let row = if coloured { format!("{DIM}{row}{RESET}\n") } else { row + "\n" };
        // A reader of records may well have closed stderr.
        let _ = io::stderr().write_all(row.as_bytes());
    }

    /// Writes the output; ends the program when nobody reads it any more.
    pub(crate) fn flush(&mut self) {
        if self.out.is_empty() {
            return;
        }
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(&self.out).and_then(|()| stdout.flush());
        if let Err(error) = written {
            if error.kind() == io::ErrorKind::BrokenPipe {
                end_quietly();
            }
            stderr::report(&format!("failed to write to stdout: {}", stderr::describe(&error)));
            std::process::exit(2);
        }
        self.out.clear();
        // The terminal may have been resized.
        self.width = terminal::width();
        self.text.columns = terminal::columns(self.width);
    }

    /// The number of bytes not written yet.
    pub(crate) fn pending(&self) -> usize {
        self.out.len()
    }
}

/// Returns true for a record made by the collector, such as the report of a crash: a record of a
/// peer has `peer`.
fn is_of_collector(line: &Line<'_>) -> bool {
    line.peer.is_none() && line.target.is_some_and(|target| target.text() == "netlog")
}

/// A record as it stands in the collector's file: without its last member, the position.
fn without_position(line: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::rfind(line, b",\"at\":\"");
    at.map_or_else(|| line.to_vec(), |at| [&line[..at], b"}"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_of_a_record_is_not_shown_as_a_part_of_it() {
        let line = br#"{"msg":",\"at\":\"x\"","at":"00-1"}"#;
        assert_eq!(without_position(line), br#"{"msg":",\"at\":\"x\""}"#);
    }
}
