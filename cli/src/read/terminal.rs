//! The terminal that stdout may be: its width, and lines that fit it.

use netlog_wire::Columns;
use rustix::termios::tcgetwinsize;
use std::io;
use textwrap::{Options, WordSplitter, WrapAlgorithm};

/// The prefix of each line of a record but its first.
const GUTTER: &str = "    | ";

/// Terminals narrower than this get fewer columns, and lines that are wrapped at words.
const NARROW: u16 = 80;

/// The width of stdout in columns, if it is a terminal.
pub(super) fn width() -> Option<u16> {
    tcgetwinsize(io::stdout()).map(|size| size.ws_col).ok().filter(|width| *width > 0)
}

/// The columns that fit the width.
pub(super) fn columns(width: Option<u16>) -> Columns {
    match width {
        Some(..NARROW) => Columns::Fewest,
        Some(NARROW..120) => Columns::Fewer,
        _ => Columns::All,
    }
}

/// Appends `text`, whose lines may have colours; on a narrow terminal they are wrapped at words, and
/// continued behind an indent that no record begins with.
pub(super) fn push_wrapped(out: &mut Vec<u8>, text: &str, width: Option<u16>) {
    let Some(width) = width.filter(|width| *width < NARROW) else {
        return out.extend_from_slice(text.as_bytes());
    };
    for line in text.lines() {
        let indent = if line.starts_with(GUTTER) { "    |   " } else { "    " };
        let options = Options::new(usize::from(width))
            .subsequent_indent(indent)
            .wrap_algorithm(WrapAlgorithm::FirstFit)
            .word_splitter(WordSplitter::NoHyphenation);
        for wrapped in textwrap::wrap(line, options) {
            out.extend_from_slice(wrapped.as_bytes());
            out.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: u16) -> String {
        let mut out = Vec::new();
        push_wrapped(&mut out, text, Some(width));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_wrapped_at_words_on_a_narrow_terminal_only() {
        let line = "18:42:00.000 INFO  [orders] order 7 filled client=acme\n";
        let narrow = "18:42:00.000 INFO  [orders] order 7\n    filled client=acme\n";
        assert_eq!(wrapped(line, 40), narrow);
        assert_eq!(wrapped(line, 79), line);
        assert_eq!(wrapped(&line.repeat(3), 100), line.repeat(3));
        assert_eq!(
            wrapped("    | at the first second\n", 20),
            "    | at the first\n    |   second\n"
        );
        assert_eq!(wrapped("0123456789abcdef\n", 10), "012345\n    6789ab\n    cdef\n");
    }

    #[test]
    fn colours_take_no_room() {
        let line = "\x1b[32mINFO \x1b[0m one two\n";
        assert_eq!(wrapped(line, 13), line);
    }
}
