//! Which records somebody wants to see: the one filter grammar of every way to look.

use super::foreign_line::{self, is_ours};
use super::pattern::Pattern;
use crate::glob::glob;
use crate::ledger::{IndexStretch, SenderNames};
use crate::senders::grant::{Grant, Scope};
use memchr::memmem::Finder;
use netlog_wire::{JsonStr, Level, Line};
use std::borrow::Cow;
use std::sync::Arc;

/// A filter. Values of a kind that can be repeated are alternatives, but for `fields` and
/// `without`, all of which have to hold.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// At least as severe as this.
    pub(crate) level: Option<Level>,
    pub(crate) apps: Vec<String>,
    pub(crate) hosts: Vec<String>,
    /// Prefixes of the target.
    pub(crate) targets: Vec<String>,
    pub(crate) grep: Vec<Arc<Pattern>>,
    pub(crate) without: Vec<Arc<Pattern>>,
    pub(crate) fields: Vec<(String, String)>,
    /// In microseconds since 1970, both included.
    pub(crate) since: Option<i64>,
    pub(crate) until: Option<i64>,
    /// Rights of the reader, where tokens limit them.
    pub(crate) grant: Option<Arc<Grant>>,
}

/// A line that is wanted.
pub(crate) struct MatchedLine<'a> {
    pub(crate) begin: usize,
    /// Behind its line end.
    pub(crate) end: usize,
    /// Its record, without a line end. That of a foreign line is made for it.
    pub(crate) record: Cow<'a, [u8]>,
}

impl Filter {
    /// Tells whether every record is wanted.
    pub(crate) fn is_open(&self) -> bool {
        let lists = [&self.apps, &self.hosts, &self.targets];
        self.level.is_none()
            && lists.iter().all(|list| list.is_empty())
            && (self.grep.is_empty() && self.without.is_empty() && self.fields.is_empty())
            && (self.since.is_none() && self.until.is_none())
            && self.may_read_all()
    }

    fn may_read_all(&self) -> bool {
        self.grant.as_ref().is_none_or(|grant| grant.read == Scope::Everything)
    }

    fn may_read(&self, app: Option<&str>, host: Option<&str>) -> bool {
        self.grant.as_ref().is_none_or(|grant| grant.read.covers(app, host))
    }

    /// Tells whether no line of it can take long.
    pub(crate) fn is_quick(&self) -> bool {
        self.grep.is_empty() && self.without.is_empty()
    }

    /// Shows every line of `lines` that is wanted.
    pub(crate) fn each<'a>(&self, lines: &'a [u8], mut visit: impl FnMut(MatchedLine<'a>)) {
        let escapes = Finder::new(br"\u");
        let needle = match &self.grep[..] {
            [pattern] => pattern.needle.as_ref(),
            _ => None,
        };
        let mut at = 0;
        let mut escape = None;
        let open = self.is_open();
        while at < lines.len() {
            let mut begin = at;
            if let Some(needle) = needle {
                // A line with escaped letters may match without looking like it.
                if escape.is_none_or(|escape| escape < at) {
                    escape =
                        Some(escapes.find(&lines[at..]).map_or(lines.len(), |found| at + found));
                }
                let found = needle.find(&lines[at..]).map(|found| at + found.start());
                let found = found.into_iter().chain(escape).min();
                let Some(found) = found.filter(|found| *found < lines.len()) else { return };
                begin = memchr::memrchr(b'\n', &lines[at..found]).map_or(at, |end| at + end + 1);
            }
            let rest = &lines[begin..];
            let end = memchr::memchr(b'\n', rest).map_or(lines.len(), |end| begin + end + 1);
            let line = &lines[begin..end];
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let record = match is_ours(line) {
                true => (open || self.wants(line)).then_some(Cow::Borrowed(line)),
                false => foreign_line::record(lines, begin, end)
                    .filter(|record| self.wants(record))
                    .map(Cow::Owned),
            };
            if let Some(record) = record {
                visit(MatchedLine { begin, end, record });
            }
            at = end;
        }
    }

    /// Tells whether the record in `line` is wanted.
    fn wants(&self, line: &[u8]) -> bool {
        Line::parse(line).is_some_and(|line| self.accepts(&line))
    }

    /// Tells whether a record is wanted.
    pub(crate) fn accepts(&self, line: &Line<'_>) -> bool {
        self.level.is_none_or(|level| line.level <= level)
            && self.since.is_none_or(|since| line.time >= since)
            && self.until.is_none_or(|until| line.time <= until)
            && named(&self.apps, line.app, glob)
            && named(&self.hosts, line.host, glob)
            && named(&self.targets, line.target, |prefix, target| target.starts_with(prefix))
            && (self.may_read_all() || self.may_read_of(line))
            && self.fields.iter().all(|(key, value)| has_field(line, key, value))
            && self.text_matches(line)
    }

    fn may_read_of(&self, line: &Line<'_>) -> bool {
        let app = line.app.map(|name| name.text());
        let host = line.host.map(|name| name.text());
        self.may_read(app.as_deref(), host.as_deref())
    }

    fn text_matches(&self, line: &Line<'_>) -> bool {
        if self.grep.is_empty() && self.without.is_empty() {
            return true;
        }
        let matter = line.searchable_text();
        (self.grep.is_empty() || self.grep.iter().any(|pattern| pattern.is_match(&matter)))
            && !self.without.iter().any(|pattern| pattern.is_match(&matter))
    }

    /// Tells whether a stretch of a file may hold a record that is wanted.
    pub(crate) fn may_hold(&self, stretch: &IndexStretch<'_>) -> bool {
        let span = stretch.span();
        let levels = self.level.map_or(u8::MAX, |level| level.bit() | (level.bit() - 1));
        let sender = |names: &SenderNames| {
            any(&self.apps, &names.app, glob)
                && any(&self.hosts, &names.host, glob)
                && self.may_read(Some(&*names.app), Some(&*names.host))
        };
        let open = self.apps.is_empty() && self.hosts.is_empty() && self.may_read_all();
        span.levels & levels > 0
            && self.since.is_none_or(|since| span.times.1 >= since)
            && self.until.is_none_or(|until| span.times.0 <= until)
            && (open || stretch.any_sender(sender))
    }
}

fn named(wanted: &[String], name: Option<JsonStr<'_>>, same: impl Fn(&str, &str) -> bool) -> bool {
    wanted.is_empty() || name.is_some_and(|name| any(wanted, &name.text(), same))
}

fn any(wanted: &[String], name: &str, same: impl Fn(&str, &str) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(|wanted| same(wanted, name))
}

/// Tells whether a member of the values, or of the record itself, is `value`.
fn has_field(line: &Line<'_>, key: &str, value: &str) -> bool {
    let text = |found: Option<JsonStr<'_>>| found.is_some_and(|found| found.text() == value);
    let number = |found: Option<u64>| found.is_some_and(|found| found.to_string() == value);
    let own = match key {
        "app" => text(line.app),
        "host" => text(line.host),
        "pid" => number(line.pid),
        "peer" => text(line.peer),
        "level" => line.level.as_str().eq_ignore_ascii_case(value),
        "target" => text(line.target),
        "file" => text(line.file),
        "line" => number(line.line),
        "thread" => text(line.thread),
        "msg" => line.msg.text() == value,
        "trace" => text(line.trace),
        "span" => text(line.span) || line.is_in_span(value),
        "truncated" => number(line.truncated),
        "lost" => number(line.lost),
        _ => false,
    };
    own || line.values().iter().any(|(name, found)| name == key && found == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = concat!(
        r#"{"app":"orders","host":"web1","time":"2026-11-22T18:42:23.000000Z","level":"INFO","target":"orders::fill","msg":"order 7 filled","kv":{"client":"acme","us":31}}"#,
        "\n",
        r#"{"app":"prices","host":"web2","time":"2026-11-22T18:42:24.000000Z","level":"ERROR","target":"prices","msg":"Timeout of \"\u0061bc\"","lost":3}"#,
        "\n",
        r#"{"host":"10.0.0.7","time":"2026-11-22T18:42:25.000000Z","level":"DEBUG","msg":"","kv":{"level":"ERROR"}}"#,
        "\n",
        "a line of somebody else\n",
    );

    /// The numbers of the lines that are wanted.
    fn wanted(change: impl Fn(&mut Filter)) -> Vec<usize> {
        let mut filter = Filter::default();
        change(&mut filter);
        let mut found = Vec::new();
        filter.each(LINES.as_bytes(), |line| {
            found.push(LINES[..line.begin].matches('\n').count());
        });
        found
    }

    fn pattern(text: &str) -> Arc<Pattern> {
        crate::read::pattern::Expressions::default().budget().compile(text).unwrap()
    }

    fn grep(text: &str) -> Vec<usize> {
        wanted(|filter| filter.grep = vec![pattern(text)])
    }

    #[test]
    fn every_kind_of_filter_lets_through_what_it_says() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(wanted(|_| ()), [0, 1, 2, 3]);
        assert_eq!(wanted(|f| f.level = Some(Level::Error)), [1]);
        assert_eq!(wanted(|f| f.level = Some(Level::Info)), [0, 1, 3]);
        assert_eq!(wanted(|f| f.level = Some(Level::Trace)), [0, 1, 2, 3]);
        assert_eq!(wanted(|f| f.apps = words(&["orders", "pri*"])), [0, 1]);
        assert_eq!(wanted(|f| f.apps = words(&["order"])), [0; 0]);
        assert_eq!(wanted(|f| f.hosts = words(&["web?"])), [0, 1]);
        assert_eq!(wanted(|f| f.hosts = words(&["10.0.0.7"])), [2]);
        assert_eq!(wanted(|f| f.targets = words(&["orders::"])), [0]);
        assert_eq!(wanted(|f| f.since = Some(1_795_372_944_000_000)), [1, 2, 3]);
        assert_eq!(wanted(|f| f.until = Some(1_795_372_944_000_000)), [0, 1]);
    }

    #[test]
    fn words_are_looked_for_in_the_message_and_the_values() {
        assert_eq!(grep("^order"), [0]);
        assert_eq!(grep("filled client=acme us=31$"), [0]);
        assert_eq!(grep("timeout"), [1]);
        assert_eq!(grep("TimeOut"), [0; 0]);
        assert_eq!(grep("\"abc\""), [1], "an escaped letter is that letter");
        assert_eq!(grep("lost=3"), [1]);
        assert_eq!(grep("web1|prices"), [0; 0], "names are filtered by their own words");
        assert_eq!(wanted(|f| f.without = vec![pattern("order")]), [1, 2, 3]);
        assert_eq!(grep("somebody"), [3], "lines of others are records to readers");
    }

    #[test]
    fn a_field_is_a_value_or_a_part_of_the_record() {
        let field = |key: &str, value: &str| {
            wanted(|filter| filter.fields = vec![(key.to_owned(), value.to_owned())])
        };
        assert_eq!(field("client", "acme"), [0]);
        assert_eq!(field("us", "31"), [0]);
        assert_eq!(field("us", "3"), [0; 0]);
        assert_eq!(field("lost", "3"), [1]);
        assert_eq!(field("level", "error"), [1]);
        assert_eq!(field("level", "ERROR"), [1, 2]);
    }

    #[test]
    fn a_reader_gets_the_records_of_the_senders_its_token_covers() {
        let reading = |pattern: &str| {
            let read = Scope::Matching(vec![pattern.parse().unwrap()]);
            let grant = Arc::new(Grant { read, ..Grant::default() });
            wanted(|filter| filter.grant = Some(grant.clone()))
        };
        assert_eq!(reading("app=orders"), [0]);
        assert_eq!(reading("host=web*"), [0, 1]);
        assert_eq!(reading("app=*"), [0, 1], "what has no app is of no app");
        assert_eq!(reading("host=10.*"), [2]);
        let grant = Arc::new(Grant::full("all".into()));
        assert_eq!(wanted(|filter| filter.grant = Some(grant.clone())), [0, 1, 2, 3]);
    }

    #[test]
    fn a_span_has_the_records_of_the_spans_within_it() {
        let line = r#"{"time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"m","kv":{"id":"9"},"trace":"4b","span":"02","spans":[{"name":"request","id":"01","kv":{"id":"8"}},{"name":"query","id":"02"}]}"#;
        let line = Line::parse(line.as_bytes()).expect("canonical");
        let found = |key, value| has_field(&line, key, value);
        assert!(found("span", "01") && found("span", "02") && found("trace", "4b"));
        assert!(!found("span", "8") && !found("span", "9") && !found("trace", "01"));
    }
}
