//! Records and notices as they are shown: text for people, JSON for programs, or messages alone.

use super::Filters;
use super::end_quietly;
use super::filters::Color;
use chrono::{DateTime, Local, NaiveDate, Offset, TimeZone};
use clap::ValueEnum;
use netlog_wire::{Columns, Line, Newlines, Paint, Text, push_sanitized};
use regex::{Regex, RegexBuilder};
use rustix::termios::tcgetwinsize;
use serde_json::Value;
use std::env;
use std::io::{self, IsTerminal, StdoutLock, Write};

/// How wide the column of names may become.
const NAMES: usize = 16;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// One line for people; on a terminal more, if the message has more.
    Text,
    /// One JSON object a line, as the collector sends it.
    Json,
    /// The message alone.
    Raw,
}

/// Writes to stdout, and notices to stderr.
pub(crate) struct Printer {
    output: Output,
    text: Text,
    /// Times are shown where the reader is, whose distance from UTC changes with the seasons.
    local: bool,
    terminal: bool,
    /// The day of the record shown last, or today.
    day: Option<NaiveDate>,
    marks: Vec<Regex>,
    out: Vec<u8>,
}

/// Colours as `grep` has them for what it found.
const FOUND: &str = "\x1b[1;31m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

impl Printer {
    pub(crate) fn new(filters: &Filters) -> Self {
        let terminal = io::stdout().is_terminal();
        let paint = if coloured(filters.color, terminal) { Paint::Colour } else { Paint::Plain };
        let newlines = if terminal { Newlines::Indented } else { Newlines::Escaped };
        let marks = if paint == Paint::Colour { &filters.grep[..] } else { &[] };
        Self {
            output: filters.output,
            text: Text { newlines, paint, columns: columns(), ..Text::PLAIN },
            local: !filters.utc,
            terminal,
            day: Some(Local::now().date_naive()),
            marks: marks.iter().filter_map(|text| mark(text)).collect(),
            out: Vec::new(),
        }
    }

    /// Adds a record to what is to be shown.
    pub(crate) fn record(&mut self, line: &[u8]) {
        if self.output == Output::Json {
            self.out.extend_from_slice(line);
            return self.out.push(b'\n');
        }
        let plain = without_place(line);
        let Some(parsed) = Line::parse(&plain) else {
            // Of another version perhaps: better ugly than lost.
            push_sanitized(&mut self.out, &String::from_utf8_lossy(&plain));
            return self.out.push(b'\n');
        };
        match self.output {
            Output::Raw => self.message(&parsed.msg.text()),
            _ => self.text(&parsed),
        }
    }

    fn message(&mut self, msg: &str) {
        for (at, part) in msg.split('\n').enumerate() {
            self.out.extend_from_slice(if at > 0 { b"\n" } else { b"" });
            match self.terminal {
                true => push_sanitized(&mut self.out, part),
                false => self.out.extend_from_slice(part.as_bytes()),
            }
        }
        self.out.push(b'\n');
    }

    fn text(&mut self, line: &Line<'_>) {
        if self.local
            && let Some(time) = Local.timestamp_micros(line.time).single()
        {
            self.text.east = time.offset().fix().local_minus_utc();
        }
        if let Some(name) = line.app.or(line.host).filter(|_| self.terminal) {
            let width = name.text().chars().count().min(NAMES);
            self.text.name_width = self.text.name_width.max(width);
        }
        if self.terminal && collectors_own(line) {
            return self.row(&line.msg.text());
        }
        self.day(line.time);
        let marks = &self.marks;
        self.text.push_with(&mut self.out, line, |out, piece| highlight(out, piece, marks));
    }

    /// Shows a notice, given as an object.
    pub(crate) fn notice(&mut self, notice: &Value) {
        if self.output == Output::Json {
            self.out.extend_from_slice(notice.to_string().as_bytes());
            return self.out.push(b'\n');
        }
        self.row(&words(notice));
    }

    /// Names the day where the records do not, unless it is that of the record before.
    fn day(&mut self, time: i64) {
        let here = time.saturating_add(i64::from(self.text.east) * 1_000_000);
        let day = DateTime::from_timestamp_micros(here).map(|time| time.date_naive());
        if day != self.day && self.text.columns != Columns::All {
            self.row(&day.map(|day| day.to_string()).unwrap_or_default());
        }
        self.day = day;
    }

    /// Shows a row that nobody takes for a record.
    fn row(&mut self, words: &str) {
        let mut shown = Vec::new();
        push_sanitized(&mut shown, words);
        let words = String::from_utf8_lossy(&shown);
        self.flush();
        let mut stderr = io::stderr().lock();
        // Whether anybody reads notices is not worth an end.
        let _ = match self.text.paint == Paint::Colour && io::stderr().is_terminal() {
            true => writeln!(stderr, "{DIM}-- {words} --{RESET}"),
            false => writeln!(stderr, "-- {words} --"),
        };
    }

    /// Writes out what is to be shown; ends the program when nobody reads it any more.
    pub(crate) fn flush(&mut self) {
        if self.out.is_empty() {
            return;
        }
        let mut stdout: StdoutLock<'_> = io::stdout().lock();
        let written = stdout.write_all(&self.out).and_then(|()| stdout.flush());
        if let Err(error) = written {
            if error.kind() == io::ErrorKind::BrokenPipe {
                end_quietly();
            }
            crate::say(&format!("failed to write to stdout: {error}"));
            std::process::exit(2);
        }
        self.out.clear();
        // Somebody may have made it narrower meanwhile.
        self.text.columns = columns();
    }

    /// How much waits to be written.
    pub(crate) fn pending(&self) -> usize {
        self.out.len()
    }
}

/// Whether it is the collector's word on a sender, one that crashed say: what peers send has a peer.
fn collectors_own(line: &Line<'_>) -> bool {
    line.peer.is_none() && line.target.is_some_and(|target| target.text() == "netlog")
}

/// What there is room for in front of messages: all of it, if it is no terminal.
fn columns() -> Columns {
    match tcgetwinsize(io::stdout()).map(|size| size.ws_col) {
        Ok(1..80) => Columns::Fewest,
        Ok(80..120) => Columns::Fewer,
        _ => Columns::All,
    }
}

fn coloured(color: Color, terminal: bool) -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && !set("NO_COLOR") && !dumb,
    }
}

/// The expression as the collector reads it: it minds the case if there is an upper-case letter.
fn mark(text: &str) -> Option<Regex> {
    let mut letters = text.chars();
    let mut upper = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            _ => upper |= letter.is_uppercase(),
        }
    }
    RegexBuilder::new(text).case_insensitive(!upper).build().ok()
}

fn highlight(out: &mut Vec<u8>, piece: &str, marks: &[Regex]) {
    let mut at = 0;
    loop {
        let found = marks.iter().filter_map(|mark| mark.find_at(piece, at));
        let found = { found }.filter(|found| !found.is_empty()).min_by_key(|found| found.start());
        let Some(found) = found else { break };
        out.extend_from_slice(&piece.as_bytes()[at..found.start()]);
        out.extend_from_slice([FOUND, found.as_str(), RESET].concat().as_bytes());
        at = found.end();
    }
    out.extend_from_slice(&piece.as_bytes()[at..]);
}

/// A record without its last member, its place, as it stands in the collector's file.
fn without_place(line: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::rfind(line, b",\"at\":\"");
    at.map_or_else(|| line.to_vec(), |at| [&line[..at], b"}"].concat())
}

/// A notice in words.
fn words(notice: &Value) -> String {
    let count = notice["count"].as_u64();
    match notice["notice"].as_str().unwrap_or_default() {
        "live" => "live from here".into(),
        "missed" => match count {
            Some(count) => format!("{count} records missed: this reader is too slow"),
            None => "records missed: the collector does not hold them any more".into(),
        },
        "lost" => {
            let why = notice["error"].as_str().unwrap_or_default();
            format!("the connection is lost ({why}), trying to get it back")
        }
        "end" => format!("searched only {}", notice["only"].as_str().unwrap_or_default()),
        "reconnected" => "connected again, going on behind the last record".into(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_for_stands_out() {
        let shown = |piece: &str, marks: &[&str]| {
            let marks: Vec<Regex> = marks.iter().filter_map(|text| mark(text)).collect();
            let mut out = Vec::new();
            highlight(&mut out, piece, &marks);
            String::from_utf8(out).unwrap().replace(FOUND, "<").replace(RESET, ">")
        };
        assert_eq!(shown("Order 7, order 8", &["order"]), "<Order> 7, <order> 8");
        assert_eq!(shown("Order 7, order 8", &["Order", "8"]), "<Order> 7, order <8>");
        assert_eq!(shown("aaa", &["x*"]), "aaa");
    }

    #[test]
    fn the_place_of_a_record_is_not_shown_as_a_part_of_it() {
        let line = br#"{"msg":",\"at\":\"x\"","at":"00-1"}"#;
        assert_eq!(without_place(line), br#"{"msg":",\"at\":\"x\""}"#);
    }
}
