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

/// An error and all its causes on one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        push_error(f, self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            f.write_str(": ")?;
            push_error(f, error)?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Writes errors of the system in its words, in lower case and without their number.
fn push_error(f: &mut fmt::Formatter<'_>, error: &(dyn Error + 'static)) -> fmt::Result {
    let text = error.to_string();
    let system = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error).is_some();
    let Some(words) = text.split(" (os error").next().filter(|_| system) else {
        return f.write_str(&text);
    };
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    write!(f, "{}{}", first.map_or_else(String::new, String::from), letters.as_str())
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
}
