//! The regular expressions of `grep` and `v`: they take linear time, what they cost is bounded, and
//! lines in which they cannot match are passed over quickly.

use netlog_wire::has_upper_case;
use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::syntax;
use regex_syntax::hir::{Hir, HirKind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The longest expression, in bytes.
const LENGTH: usize = 1000;

/// The most expressions of one request, and the most memory that they take when compiled.
const COUNT: usize = 32;
const MEMORY: usize = 1 << 20;

/// The most memory of all expressions in use.
const ALL: usize = 64 << 20;

/// Memory that one takes at work, at most, in each thread that searches with it.
const CACHE: usize = 64 << 10;

/// A regular expression over what people see of a record: its message and its values.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    /// A text that stands in the line of every record that matches.
    pub(super) needle: Option<Regex>,
}

/// All expressions in use: equal ones are compiled once.
#[derive(Debug, Default)]
pub(crate) struct Expressions(Mutex<HashMap<String, Weak<Pattern>>>);

/// Remaining budget for the expressions of one request.
#[derive(Debug)]
pub(crate) struct ExpressionBudget<'a> {
    expressions: &'a Expressions,
    count: usize,
    memory: usize,
}

impl Expressions {
    /// The budget of one more request.
    pub(crate) fn budget(&self) -> ExpressionBudget<'_> {
        ExpressionBudget { expressions: self, count: COUNT, memory: MEMORY }
    }
}

impl ExpressionBudget<'_> {
    /// Compiles `text`, or finds it compiled; it pays attention to case if there is an upper-case
    /// letter in it.
    pub(crate) fn compile(&mut self, text: &str) -> Result<Arc<Pattern>, String> {
        let left = self.count.checked_sub(1);
        self.count = left.ok_or_else(|| format!("more than {COUNT} of them in one request"))?;
        let mut known = self.expressions.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pattern = match known.get(text).and_then(Weak::upgrade) {
            Some(pattern) => pattern,
            None => {
                known.retain(|_, pattern| pattern.strong_count() > 0);
                let all = known.values().filter_map(Weak::upgrade).map(|one| one.memory());
                if all.sum::<usize>() > ALL {
                    return Err("too many are in use, try again later".into());
                }
                let pattern = Arc::new(Pattern::new(text, self.memory)?);
                known.insert(text.to_owned(), Arc::downgrade(&pattern));
                pattern
            }
        };
        let left = self.memory.checked_sub(pattern.memory());
        self.memory = left.ok_or_else(too_large)?;
        Ok(pattern)
    }
}

impl Pattern {
    /// Compiles `text` into at most so much memory.
    fn new(text: &str, memory: usize) -> Result<Self, String> {
        if text.len() > LENGTH {
            return Err(format!("longer than {LENGTH} bytes"));
        }
        let exact = has_upper_case(text);
        let regex = compile(text, exact, memory).map_err(|error| words(&error))?;
        let piece = regex_syntax::parse(text).ok().and_then(|hir| longest_piece(&hir));
        let needle = piece.map(|piece| regex_syntax::escape(&piece));
        let needle = needle.and_then(|piece| compile(&piece, exact, MEMORY).ok());
        Ok(Self { regex, needle })
    }

    /// Memory of the compiled expression.
    fn memory(&self) -> usize {
        let needle = self.needle.as_ref().map_or(0, Regex::memory_usage);
        self.regex.memory_usage() + needle
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

fn compile(text: &str, exact: bool, memory: usize) -> Result<Regex, Box<BuildError>> {
    let config = Config::new().nfa_size_limit(Some(memory)).hybrid_cache_capacity(CACHE);
    let syntax = syntax::Config::new().case_insensitive(!exact);
    Regex::builder().configure(config).syntax(syntax).build(text).map_err(Box::new)
}

fn too_large() -> String {
    format!("the expressions of a request may take {} KiB when compiled", MEMORY >> 10)
}

/// The compiler's own words without the picture above them.
fn words(error: &BuildError) -> String {
    if error.size_limit().is_some() {
        return too_large();
    }
    let cause = error.syntax_error().map_or_else(|| error.to_string(), |cause| cause.to_string());
    let line = cause.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
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
        let is_match = |text: &str, shown| Pattern::new(text, MEMORY).unwrap().is_match(shown);
        assert!(is_match("timeout", "Timeout") && is_match(r"\Stimeout", "xTIMEOUT"));
        assert!(is_match("Timeout", "Timeout") && !is_match("Timeout", "timeout"));
        let candidate = |text: &str| {
            let needle = Pattern::new(text, MEMORY).unwrap().needle.unwrap();
            needle.find("a\nb TimeOut\n").map(|found| found.start())
        };
        assert_eq!((candidate("timeout"), candidate("Timeout")), (Some(4), None));
    }

    #[test]
    fn an_expression_that_is_invalid_or_too_large_is_refused_in_a_few_words() {
        let refused = |text: &str| Pattern::new(text, MEMORY).unwrap_err();
        assert_eq!(refused("("), "unclosed group");
        assert!(refused(r"\w{1000}{1000}").contains("1024 KiB"), "{}", refused(r"\w{1000}{1000}"));
        assert!(refused(&"x".repeat(2000)).contains("1000"));
    }

    #[test]
    fn the_expressions_of_a_request_are_bounded_together_and_equal_ones_are_compiled_once() {
        let expressions = Expressions::default();
        let mut budget = expressions.budget();
        let many: Vec<_> =
            (0..COUNT).map(|at| budget.compile(&format!("word{at}")).unwrap()).collect();
        assert!(budget.compile("one more").unwrap_err().contains("32"));
        let again = expressions.budget().compile("word7").unwrap();
        assert!(Arc::ptr_eq(&again, &many[7]));
        let mut budget = expressions.budget();
        let large = (0..COUNT).find_map(|at| budget.compile(&format!(r"\w{{19}}{at}")).err());
        assert!(large.unwrap().contains("1024 KiB"));
        drop((many, again));
        expressions.budget().compile("x").unwrap();
        let known = expressions.0.lock().unwrap();
        assert!(!known.contains_key("word7"), "what nobody looks for is forgotten");
    }
}
