//! What `grep` and `v` look for: a regular expression that takes linear time, and a quick way to
//! pass over lines in which it cannot be.

use memchr::memmem::Finder;
use netlog_wire::has_upper_case;
use regex::{Regex, RegexBuilder, bytes};
use regex_syntax::hir::{Hir, HirKind};
use std::sync::OnceLock;

/// The most memory that a compiled expression may take.
const MEMORY: usize = 1 << 20;

/// The longest expression, in bytes.
const LENGTH: usize = 1000;

/// A regular expression over what people see of a record: its message and its values.
#[derive(Debug)]
pub(crate) struct Pattern {
    text: String,
    /// Compiled anew when something may match: a tail that waits for it holds half as much.
    regex: OnceLock<Option<Regex>>,
    needle: Option<Needle>,
}

/// A text that stands in the line of every record that matches.
#[derive(Debug)]
enum Needle {
    Exact(Box<Finder<'static>>),
    AnyCase(bytes::Regex),
}

impl Pattern {
    /// Compiles `text`; it pays attention to case if there is an upper-case letter in it.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if text.len() > LENGTH {
            return Err(format!("longer than {LENGTH} bytes"));
        }
        let exact = has_upper_case(text);
        let regex = compile(text, exact).map_err(|error| last_line(&error.to_string()))?;
        let piece = regex_syntax::parse(text).ok().and_then(|hir| longest_piece(&hir));
        let needle = piece.and_then(|piece| Needle::new(&piece, exact));
        let regex = if needle.is_none() { OnceLock::from(Some(regex)) } else { OnceLock::new() };
        Ok(Self { text: text.to_owned(), regex, needle })
    }

    pub(crate) fn is_match(&self, matter: &str) -> bool {
        let compile = || compile(&self.text, has_upper_case(&self.text)).ok();
        self.regex.get_or_init(compile).as_ref().is_some_and(|regex| regex.is_match(matter))
    }

    /// Where the first line at or behind `at` may be that matches; `None` says there is none.
    pub(crate) fn candidate(&self, lines: &[u8], at: usize) -> Option<usize> {
        match &self.needle {
            None => (at < lines.len()).then_some(at),
            Some(Needle::Exact(finder)) => finder.find(&lines[at..]).map(|found| at + found),
            Some(Needle::AnyCase(regex)) => regex.find_at(lines, at).map(|found| found.start()),
        }
    }

    /// Whether [`candidate`](Self::candidate) passes over anything.
    pub(crate) fn is_quick(&self) -> bool {
        self.needle.is_some()
    }
}

fn compile(text: &str, exact: bool) -> Result<Regex, regex::Error> {
    let mut builder = RegexBuilder::new(text);
    builder.case_insensitive(!exact).size_limit(MEMORY).dfa_size_limit(MEMORY).build()
}

impl Needle {
    fn new(piece: &str, exact: bool) -> Option<Self> {
        if exact {
            let finder = Finder::new(piece.as_bytes()).into_owned();
            return Some(Self::Exact(Box::new(finder)));
        }
        let mut builder = bytes::RegexBuilder::new(&regex::escape(piece));
        builder.case_insensitive(true).size_limit(MEMORY).build().ok().map(Self::AnyCase)
    }
}

/// The longest text that every match contains and that stands in a line of JSON as it is: without
/// what is escaped there, and without what only stands between a record's parts when it is shown.
fn longest_piece(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let apart = |c: char| c.is_control() || matches!(c, '"' | '\\' | '/' | '=' | ' ');
            let longest = text.split(apart).max_by_key(|piece| piece.len())?;
            (!longest.is_empty()).then(|| longest.to_owned())
        }
        HirKind::Capture(capture) => longest_piece(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => longest_piece(&repetition.sub),
        HirKind::Concat(parts) => {
            parts.iter().filter_map(longest_piece).max_by_key(|piece| piece.len())
        }
        _ => None,
    }
}

/// The compiler's own words without the picture above them.
fn last_line(error: &str) -> String {
    let line = error.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> Option<String> {
        longest_piece(&regex_syntax::parse(text).unwrap())
    }

    #[test]
    fn the_piece_looked_for_first_is_in_every_match() {
        for (text, expected) in [
            ("order", Some("order")),
            ("order 17 filled", Some("filled")),
            ("a(bcd)+e*", Some("bcd")),
            ("client=acme", Some("client")),
            ("^x.*timeout$", Some("timeout")),
            (r"/usr/bin", Some("bin")),
            ("a|b", None),
            (r"\d+", None),
            ("(abc)?", None),
            (r#"""#, None),
        ] {
            assert_eq!(piece(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn case_counts_only_if_there_is_an_upper_case_letter() {
        let is_match = |text: &str, matter| Pattern::new(text).unwrap().is_match(matter);
        assert!(is_match("timeout", "Timeout") && is_match(r"\Stimeout", "xTIMEOUT"));
        assert!(is_match("Timeout", "Timeout") && !is_match("Timeout", "timeout"));
        let candidate = |text: &str| Pattern::new(text).unwrap().candidate(b"a\nb TimeOut\n", 0);
        assert_eq!((candidate("timeout"), candidate("Timeout")), (Some(4), None));
    }

    #[test]
    fn an_expression_that_is_none_or_too_large_is_refused_in_a_few_words() {
        let refused = |text: &str| Pattern::new(text).unwrap_err();
        assert_eq!(refused("("), "unclosed group");
        assert!(
            refused(r"\w{1000}{1000}").contains("size limit"),
            "{}",
            refused(r"\w{1000}{1000}")
        );
        assert!(refused(&"x".repeat(2000)).contains("1000"));
    }
}
