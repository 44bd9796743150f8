//! The parameters of a request, read strictly: a misspelt filter must not look like an empty answer.

use super::filter::Filter;
use super::pattern::{ExpressionBudget, Expressions};
use super::position::Position;
use crate::clock::now;
use crate::units::Period;
use netlog_wire::parse_time;

/// Parameters of both `/tail` and `/search`.
const FILTERS: [&str; 12] =
    ["level", "app", "host", "target", "grep", "v", "f", "span", "trace", "since", "until", "n"];

/// The longest query that is read; filters are short.
const LENGTH: usize = 16 << 10;

/// The most records that `n` may ask for by number.
const MOST: u64 = 10_000_000;

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

/// An error in a request, and the values that are allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadRequest {
    pub(crate) error: String,
    pub(crate) allowed: Vec<&'static str>,
}

impl Params {
    /// Reads the query of a URL; `also` are the parameters allowed beside the filters.
    pub(crate) fn parse(
        query: &str,
        also: &[&'static str],
        expressions: &Expressions,
    ) -> Result<Self, BadRequest> {
        let mut parsed = Self {
            filter: Filter::default(),
            count: None,
            order: SearchOrder::Newest,
            follow: true,
            after: None,
        };
        if query.len() > LENGTH {
            return Err(BadRequest::new(format!("the query is longer than {LENGTH} bytes"), &[]));
        }
        let mut budget = expressions.budget();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            if key.contains('\u{fffd}') || value.contains('\u{fffd}') {
                return Err(BadRequest::new(format!("{key}={value} is not UTF-8"), &[]));
            }
            let known = FILTERS.iter().chain(also).any(|known| *known == key);
            if !known {
                let allowed = FILTERS.iter().chain(also).copied().collect();
                return Err(BadRequest { error: format!("unknown parameter {key:?}"), allowed });
            }
            // An empty form field asks for nothing.
            if !value.is_empty() {
                parsed.take(&key, value.into_owned(), &mut budget)?;
            }
        }
        Ok(parsed)
    }

    fn take(
        &mut self,
        key: &str,
        value: String,
        budget: &mut ExpressionBudget<'_>,
    ) -> Result<(), BadRequest> {
        let filter = &mut self.filter;
        match key {
            "level" => {
                let levels = &["error", "warn", "info", "debug", "trace"];
                let bad = |_| BadRequest::new(format!("unknown level {value:?}"), levels);
                filter.level = Some(value.parse().map_err(bad)?);
            }
            "app" => filter.apps.push(value),
            "host" => filter.hosts.push(value),
            "target" => filter.targets.push(value),
            "grep" | "v" => {
                let bad = |why| {
                    BadRequest::new(format!("invalid regular expression {value:?}: {why}"), &[])
                };
                let pattern = budget.compile(&value).map_err(bad)?;
                if key == "grep" { filter.grep.push(pattern) } else { filter.without.push(pattern) }
            }
            "f" => {
                let bad =
                    || BadRequest::new("invalid f: expected key=value".into(), &["f=key=value"]);
                let (key, value) = value.split_once('=').ok_or_else(bad)?;
                filter.fields.push((key.to_owned(), value.to_owned()));
            }
            "span" | "trace" => filter.fields.push((key.to_owned(), value)),
            "since" => filter.since = Some(time(key, &value)?),
            "until" => filter.until = Some(time(key, &value)?),
            "n" => self.count = Some(count(&value)?),
            "order" => self.order = order(&value)?,
            "follow" => {
                let bad =
                    |_| BadRequest::new(format!("invalid follow {value:?}"), &["true", "false"]);
                self.follow = value.parse().map_err(bad)?;
            }
            _ => self.after = Some(position(key, &value)?),
        }
        Ok(())
    }
}

impl BadRequest {
    pub(crate) fn new(error: String, allowed: &[&'static str]) -> Self {
        Self { error, allowed: allowed.to_vec() }
    }
}

/// A position as `after` or `Last-Event-ID` names it.
pub(crate) fn position(key: &str, value: &str) -> Result<Position, BadRequest> {
    let allowed = ["the \"at\" of a record, or the id of an event"];
    let bad = |()| {
        let error = format!("invalid {key}: expected the \"at\" of a record, not {value:?}");
        BadRequest::new(error, &allowed)
    };
    value.parse().map_err(bad)
}

fn count(value: &str) -> Result<RecordCount, BadRequest> {
    let number = || value.parse().ok().filter(|n| *n <= MOST).map(RecordCount::Last);
    let count = if value == "all" { Some(RecordCount::All) } else { number() };
    let error = "invalid n: expected a number or \"all\"";
    count.ok_or_else(|| BadRequest::new(error.into(), &["a number up to 10000000", "all"]))
}

fn order(value: &str) -> Result<SearchOrder, BadRequest> {
    match value {
        "newest" => Ok(SearchOrder::Newest),
        "oldest" => Ok(SearchOrder::Oldest),
        _ => Err(BadRequest::new(format!("invalid order {value:?}"), &["newest", "oldest"])),
    }
}

/// A time, or how long ago it was: `10m`.
fn time(key: &str, value: &str) -> Result<i64, BadRequest> {
    // A plus sign that was not encoded has become a space.
    let plus = value.replacen(' ', "+", usize::from(value.len() > 20));
    if let Some(time) = parse_time(plus.as_bytes()).or_else(|| parse_time(value.as_bytes())) {
        return Ok(time);
    }
    let ago = value.parse::<Period>().ok();
    let micros = ago.and_then(|ago| i64::try_from(ago.0.as_micros()).ok());
    let allowed = ["2026-11-22T18:42:23Z", "2026-11-22T18:42:23+01:00", "30s", "10m", "2h", "1d"];
    let error = format!("invalid time in {key}: {value:?}");
    micros.map(|micros| now() - micros).ok_or_else(|| BadRequest::new(error, &allowed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::Level;

    fn parse(query: &str, also: &[&'static str]) -> Result<Params, BadRequest> {
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
        let at = "invalid after: expected the \"at\" of a record, not \"x\"";
        for (query, error, allowed) in [
            ("levle=warn", "unknown parameter \"levle\"", "level"),
            ("level=loud", "unknown level \"loud\"", "warn"),
            ("n=-1", "invalid n: expected a number or \"all\"", "all"),
            ("order=random", "invalid order \"random\"", "oldest"),
            ("follow=maybe", "invalid follow \"maybe\"", "true"),
            ("since=soon", "invalid time in since: \"soon\"", "10m"),
            ("f=key", "invalid f: expected key=value", "f=key=value"),
            ("after=x", at, "the \"at\""),
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
