//! Highlighting of what `--grep` matched.

use netlog_wire::has_upper_case;
use regex::{Match, Regex, RegexBuilder};

/// Colours as `grep` uses them for matches.
const MATCH: &str = "\x1b[1;31m";
const RESET: &str = "\x1b[0m";

/// The expressions whose matches stand out.
#[derive(Debug, Default)]
pub(super) struct Highlighter(Vec<Regex>);

impl Highlighter {
    /// Compiles the expressions as the collector does; it rejects those that are invalid.
    pub(super) fn new(expressions: &[String]) -> Self {
        let compile = |text: &String| {
            RegexBuilder::new(text).case_insensitive(!has_upper_case(text)).build().ok()
        };
        Self(expressions.iter().filter_map(compile).collect())
    }

    /// Appends `text`, with its matches in colour.
    pub(super) fn push(&self, out: &mut Vec<u8>, text: &str) {
        let mut at = 0;
        while let Some(found) = self.next_match(text, at) {
            out.extend_from_slice(&text.as_bytes()[at..found.start()]);
            out.extend_from_slice([MATCH, found.as_str(), RESET].concat().as_bytes());
            at = found.end();
        }
        out.extend_from_slice(&text.as_bytes()[at..]);
    }

    fn next_match<'a>(&self, text: &'a str, at: usize) -> Option<Match<'a>> {
        let matches = self.0.iter().filter_map(|regex| regex.find_at(text, at));
        matches.filter(|found| !found.is_empty()).min_by_key(Match::start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_stand_out() {
        let shown = |text: &str, expressions: &[&str]| {
            let expressions: Vec<String> = expressions.iter().map(|&text| text.into()).collect();
            let mut out = Vec::new();
            Highlighter::new(&expressions).push(&mut out, text);
            String::from_utf8(out).unwrap().replace(MATCH, "<").replace(RESET, ">")
        };
        assert_eq!(shown("Order 7, order 8", &["order"]), "<Order> 7, <order> 8");
        assert_eq!(shown("Order 7, order 8", &["Order", "8"]), "<Order> 7, order <8>");
        assert_eq!(shown("aaa", &["x*"]), "aaa");
    }
}
