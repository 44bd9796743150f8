//! The collector's own stderr: short lines on stderr, never among the records.

use netlog_wire::push_sanitized;
use std::error::Error;
use std::fmt;
use std::io::{self, Write};

/// Writer of the collector's messages, with or without those for finding faults.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StderrLog {
    /// True if debug messages are written too.
    pub(crate) verbose: bool,
}

impl StderrLog {
    /// Writes a message for the operator.
    pub(crate) fn log(self, line: fmt::Arguments<'_>) {
        // A stderr that is gone must not take the collector with it.
        let _ = io::stderr().lock().write_all(&message(line));
    }

    /// Writes a message that only helps to find a fault.
    pub(crate) fn debug(self, line: fmt::Arguments<'_>) {
        if self.verbose {
            self.log(line);
        }
    }
}

/// One line in which nothing can drive a terminal: names that peers choose are in it, also those of
/// certificates that nobody trusts.
fn message(line: fmt::Arguments<'_>) -> Vec<u8> {
    let mut bytes = b"netlog-collector: ".to_vec();
    push_sanitized(&mut bytes, &line.to_string());
    bytes.push(b'\n');
    bytes
}

/// An error and all its causes on one line, each of them once: some errors show their cause themselves.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = words(self.0);
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let words = words(error);
            let before = line.len().saturating_sub(words.len());
            match line.get(before..).is_some_and(|end| end.eq_ignore_ascii_case(&words)) {
                true => line.truncate(before),
                false => line.push_str(": "),
            }
            line.push_str(&words);
            cause = error.source();
        }
        f.write_str(&line)
    }
}

/// Text of an error without the numbers of the system's errors, whose words begin in lower case.
fn words(error: &(dyn Error + 'static)) -> String {
    let text = error.to_string();
    let mut parts = text.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    let words = parts
        .fold(first, |words, part| words + part.split_once(')').map_or("", |(_, behind)| behind));
    let system = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error).is_some();
    let mut letters = words.chars();
    match letters.next().filter(|_| system) {
        Some(first) => first.to_ascii_lowercase().to_string() + letters.as_str(),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_peer_chose_cannot_drive_a_terminal_nor_begin_a_line() {
        let line = message(format_args!("refused {}", "\u{1b}[2J\nnetlog-collector: a"));
        assert_eq!(line, b"netlog-collector: refused \\x1b[2J\\nnetlog-collector: a\n");
    }

    #[test]
    fn a_system_error_is_said_in_lower_case_without_its_number() {
        let error = io::Error::from_raw_os_error(13);
        assert_eq!(Chain(&error).to_string(), "permission denied");
    }

    /// As a client of NATS shows what went wrong.
    #[derive(Debug, thiserror::Error)]
    #[error("IO error: {0}")]
    struct ShowsItsCause(#[source] io::Error);

    #[test]
    fn a_cause_that_an_error_shows_itself_appears_once() {
        let error = ShowsItsCause(io::Error::from_raw_os_error(111));
        assert_eq!(Chain(&error).to_string(), "IO error: connection refused");
    }
}
