//! The parameters of a request, read strictly: a misspelt filter must not look like an empty answer.

use super::filter::Filter;
use super::pattern::{ExpressionBudget, Expressions};
use super::position::Position;
use super::response::RefusedRequest;
use crate::clock::now;
use crate::units::Period;
use netlog_wire::parse_time;
use std::borrow::Cow;

/// Parameters of both `/tail` and `/search`.
const FILTERS: [&str; 12] =
    ["level", "app", "host", "target", "grep", "v", "f", "span", "trace", "since", "until", "n"];

/// The longest query that is read; filters are short.
const LENGTH: usize = 16 << 10;

/// The most records that `n` may ask for by number.
const MOST: u64 = 10_000_000;

/// Values of the parameters that take not any text.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
const COUNTS: [&str; 2] = ["a number up to 10000000", "all"];
const TIMES: [&str; 6] =
    ["2026-11-22T18:42:23Z", "2026-11-22T18:42:23+01:00", "30s", "10m", "2h", "1d"];

/// Number of the latest records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordCount {
    All,
    Last(u64),
}

/// In which order records are searched and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchOrder {
    Newest,
    Oldest,
}

/// The parameters of a request.
#[derive(Debug)]
pub(crate) struct Params {
    pub(crate) filter: Filter,
    pub(crate) count: Option<RecordCount>,
    pub(crate) order: SearchOrder,
    pub(crate) follow: bool,
    pub(crate) after: Option<Position>,
}

impl Params {
    /// Reads the query of a URL; `also` are the parameters allowed beside the filters.
    pub(crate) fn parse(
        query: &str,
        also: &[&'static str],
        expressions: &Expressions,
    ) -> Result<Self, RefusedRequest> {
        let mut parsed = Self {
            filter: Filter::default(),
            count: None,
            order: SearchOrder::Newest,
            follow: true,
            after: None,
        };
        let mut budget = expressions.budget();
        for (key, value) in pairs(query, &[&FILTERS, also].concat())? {
            // An empty form field asks for nothing.
            if !value.is_empty() {
                parsed.take(&key, value, &mut budget)?;
            }
        }
        Ok(parsed)
    }

    fn take(
        &mut self,
        key: &str,
        value: String,
        budget: &mut ExpressionBudget<'_>,
    ) -> Result<(), RefusedRequest> {
        let filter = &mut self.filter;
        match key {
            "level" => filter.level = Some(parsed(key, &value, &LEVELS, |v| v.parse().ok())?),
            "app" => filter.apps.push(value),
            "host" => filter.hosts.push(value),
            "target" => filter.targets.push(value),
            "grep" | "v" => {
                let patterns = if key == "grep" { &mut filter.grep } else { &mut filter.without };
                patterns.push(budget.compile(&value).map_err(|why| {
                    RefusedRequest::bad(format!("invalid regular expression {value:?}: {why}"))
                })?);
            }
            "f" => filter.fields.push(parsed(key, &value, &["key=value"], field)?),
            "span" | "trace" => filter.fields.push((key.to_owned(), value)),
            "since" => filter.since = Some(parsed(key, &value, &TIMES, time)?),
            "until" => filter.until = Some(parsed(key, &value, &TIMES, time)?),
            "n" => self.count = Some(parsed(key, &value, &COUNTS, count)?),
            "order" => self.order = parsed(key, &value, &["newest", "oldest"], order)?,
            "follow" => self.follow = parsed(key, &value, &["true", "false"], |v| v.parse().ok())?,
            _ => self.after = Some(position(key, &value)?),
        }
        Ok(())
    }
}

/// The decoded parameters of a query, all of which are among those `allowed`.
pub(super) fn pairs<'a>(
    query: &'a str,
    allowed: &[&'static str],
) -> Result<Vec<(Cow<'a, str>, String)>, RefusedRequest> {
    if query.len() > LENGTH {
        return Err(RefusedRequest::bad(format!("the query is longer than {LENGTH} bytes")));
    }
    let check = |(key, value): (Cow<'a, str>, Cow<'_, str>)| {
        if key.contains('\u{fffd}') || value.contains('\u{fffd}') {
            return Err(RefusedRequest::bad(format!("{key}={value} is not UTF-8")));
        }
        if !allowed.contains(&&*key) {
            let unknown = RefusedRequest::bad(format!("unknown parameter {key:?}"));
            return Err(unknown.allowing(allowed.iter().copied()));
        }
        Ok((key, value.into_owned()))
    };
    form_urlencoded::parse(query.as_bytes()).map(check).collect()
}

/// A value as `read` reads it, if it is one of those `allowed`.
pub(super) fn parsed<T>(
    key: &str,
    value: &str,
    allowed: &[&'static str],
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, RefusedRequest> {
    let invalid = || RefusedRequest::bad(format!("invalid {key}: {value:?}"));
    read(value).ok_or_else(|| invalid().allowing(allowed.iter().copied()))
}

/// A position as `after` or `Last-Event-ID` names it.
pub(super) fn position(key: &str, value: &str) -> Result<Position, RefusedRequest> {
    parsed(key, value, &["the \"at\" of a record, or the id of an event"], |at| at.parse().ok())
}

fn field(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn count(text: &str) -> Option<RecordCount> {
    let number = || text.parse().ok().filter(|n| *n <= MOST).map(RecordCount::Last);
    if text == "all" { Some(RecordCount::All) } else { number() }
}

fn order(text: &str) -> Option<SearchOrder> {
    match text {
        "newest" => Some(SearchOrder::Newest),
        "oldest" => Some(SearchOrder::Oldest),
        _ => None,
    }
}

/// A time, or how long ago it was: `10m`.
fn time(text: &str) -> Option<i64> {
    // A plus sign that was not encoded has become a space.
    let plus = text.replacen(' ', "+", usize::from(text.len() > 20));
    let ago = || i64::try_from(text.parse::<Period>().ok()?.0.as_micros()).ok();
    parse_time(plus.as_bytes())
        .or_else(|| parse_time(text.as_bytes()))
        .or_else(|| ago().map(|ago| now() - ago))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::Level;

    fn parse(query: &str, also: &[&'static str]) -> Result<Params, RefusedRequest> {
        Params::parse(query, also, &Expressions::default())
    }

    #[test]
    fn a_query_is_read_in_all_its_parts() {
        let query = "level=warn&app=a&app=b%2Fc&grep=x+y%2B&f=k=v=w&span=02&trace=4b&n=all&since=2026-11-22T18:42:23%2B01:00&follow=false&after=ff-7&host=";
        let params = parse(query, &["follow", "after"]).unwrap();
        let filter = &params.filter;
        assert_eq!(filter.level, Some(Level::Warn));
        assert_eq!(filter.apps, ["a", "b/c"]);
        assert!(filter.hosts.is_empty(), "an empty field asks for nothing");
        assert!(filter.grep[0].is_match("x yy"));
        let fields = [("k", "v=w"), ("span", "02"), ("trace", "4b")];
        assert_eq!(filter.fields, fields.map(|(key, value)| (key.into(), value.into())));
        assert_eq!(filter.since, Some(1_795_369_343_000_000));
        assert_eq!((params.count, params.follow), (Some(RecordCount::All), false));
        assert_eq!(params.after, Some(Position { fingerprint: 255, offset: 7 }));
    }

    #[test]
    fn a_time_may_be_given_as_how_long_ago_it_was() {
        let since = |text: &str| parse(&format!("since={text}"), &[]).map(|p| p.filter.since);
        let since_10m = since("10m").unwrap().unwrap();
        let ago = now() - since_10m;
        assert!((600_000_000..601_000_000).contains(&ago), "{ago}");
        // As a person types it into an address bar.
        assert!(since("2026-11-22T18:42:23+01:00").is_ok());
    }

    #[test]
    fn an_error_names_what_was_expected() {
        for (query, error, allowed) in [
            ("levle=warn", "unknown parameter \"levle\"", "level"),
            ("level=loud", "invalid level: \"loud\"", "warn"),
            ("n=-1", "invalid n: \"-1\"", "all"),
            ("n=10000001", "invalid n: \"10000001\"", "a number up to 10000000"),
            ("order=random", "invalid order: \"random\"", "oldest"),
            ("follow=maybe", "invalid follow: \"maybe\"", "true"),
            ("since=soon", "invalid since: \"soon\"", "10m"),
            ("f=key", "invalid f: \"key\"", "key=value"),
            ("after=x", "invalid after: \"x\"", "the \"at\""),
        ] {
            let bad = parse(query, &["order", "after", "follow"]).unwrap_err();
            assert_eq!(bad.error, error);
            assert!(bad.allowed.iter().any(|word| word.contains(allowed)), "{bad:?}");
        }
        let bad = parse("grep=(", &[]).unwrap_err();
        assert_eq!(bad.error, "invalid regular expression \"(\": unclosed group");
        assert!(parse("app=%ff", &[]).unwrap_err().error.contains("UTF-8"));
    }
}
