//! What a URL asks for, read strictly: a misspelt filter must not look like an empty answer.

use super::cursor::Cursor;
use super::filter::Filter;
use super::pattern::Pattern;
use crate::clock::now;
use crate::units::Period;
use netlog_wire::parse_time;

/// What may be asked of `/tail` and `/search` alike.
const FILTERS: [&str; 10] =
    ["level", "app", "host", "target", "grep", "v", "f", "since", "until", "n"];

/// The longest query that is read; filters are short.
const LENGTH: usize = 16 << 10;

/// The most records that `n` may ask for by number.
const MOST: u64 = 10_000_000;

/// How many of the latest records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    All,
    Last(u64),
}

/// In which order records are searched and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Newest,
    Oldest,
}

/// A query in its parts.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) filter: Filter,
    pub(crate) count: Option<Count>,
    pub(crate) order: Order,
    pub(crate) follow: bool,
    pub(crate) after: Option<Cursor>,
}

/// What was wrong with a query, and what would not have been.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) what: String,
    pub(crate) allowed: Vec<&'static str>,
}

impl Query {
    /// Reads the query of a URL; `also` are the parameters allowed beside the filters.
    pub(crate) fn parse(query: &str, also: &[&'static str]) -> Result<Self, Wrong> {
        let (filter, order) = (Filter::default(), Order::Newest);
        let mut parsed = Self { filter, count: None, order, follow: true, after: None };
        if query.len() > LENGTH {
            return Err(Wrong::new(format!("query longer than {LENGTH} bytes"), &[]));
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decoded(key), decoded(value));
            let (Some(key), Some(value)) = (key, value) else {
                return Err(Wrong::new(format!("{pair:?} is not UTF-8"), &[]));
            };
            let known = FILTERS.iter().chain(also).any(|known| *known == key);
            if !known {
                let allowed = FILTERS.iter().chain(also).copied().collect();
                return Err(Wrong { what: format!("unknown parameter {key:?}"), allowed });
            }
            // An empty form field asks for nothing.
            if !value.is_empty() {
                parsed.take(&key, value)?;
            }
        }
        Ok(parsed)
    }

    fn take(&mut self, key: &str, value: String) -> Result<(), Wrong> {
        let filter = &mut self.filter;
        match key {
            "level" => {
                let levels = &["error", "warn", "info", "debug", "trace"];
                let wrong = |_| Wrong::new(format!("unknown level {value:?}"), levels);
                filter.level = Some(value.parse().map_err(wrong)?);
            }
            "app" => filter.apps.push(value),
            "host" => filter.hosts.push(value),
            "target" => filter.targets.push(value),
            "grep" => filter.grep.push(pattern(&value)?),
            "v" => filter.without.push(pattern(&value)?),
            "f" => {
                let shape = || Wrong::new(format!("f={value} is no field"), &["f=key=value"]);
                let (key, value) = value.split_once('=').ok_or_else(shape)?;
                filter.fields.push((key.to_owned(), value.to_owned()));
            }
            "since" => filter.since = Some(time(&value)?),
            "until" => filter.until = Some(time(&value)?),
            "n" => self.count = Some(count(&value)?),
            "order" => {
                self.order = one_of(&value, [("newest", Order::Newest), ("oldest", Order::Oldest)])?
            }
            "follow" => self.follow = one_of(&value, [("true", true), ("false", false)])?,
            _ => self.after = Some(cursor(&value)?),
        }
        Ok(())
    }
}

impl Wrong {
    pub(crate) fn new(what: String, allowed: &[&'static str]) -> Self {
        Self { what, allowed: allowed.to_vec() }
    }
}

/// A place as `after` or `Last-Event-ID` names it.
pub(crate) fn cursor(value: &str) -> Result<Cursor, Wrong> {
    let shape = ["the member \"at\" of a record, or the id of an event"];
    value.parse().map_err(|()| Wrong::new(format!("{value:?} is no place behind a record"), &shape))
}

fn pattern(text: &str) -> Result<Pattern, Wrong> {
    Pattern::new(text).map_err(|why| Wrong::new(format!("{text:?} is no expression: {why}"), &[]))
}

fn count(value: &str) -> Result<Count, Wrong> {
    let number = || value.parse().ok().filter(|n| *n <= MOST).map(Count::Last);
    let count = if value == "all" { Some(Count::All) } else { number() };
    count.ok_or_else(|| Wrong::new(format!("n={value} is no count"), &["a number", "all"]))
}

fn one_of<T: Copy>(value: &str, words: [(&'static str, T); 2]) -> Result<T, Wrong> {
    let found = words.iter().find(|(word, _)| *word == value);
    let wrong = || Wrong::new(format!("unknown word {value:?}"), &words.map(|(word, _)| word));
    found.map(|(_, meaning)| *meaning).ok_or_else(wrong)
}

/// A time, or how long ago it was: `10m`.
fn time(value: &str) -> Result<i64, Wrong> {
    // A plus sign that was not encoded has become a space.
    if let Some(time) =
        parse_time(value.replacen(' ', "+", usize::from(value.len() > 20)).as_bytes())
            .or_else(|| parse_time(value.as_bytes()))
    {
        return Ok(time);
    }
    let ago = value.parse::<Period>().ok();
    let micros = ago.and_then(|ago| i64::try_from(ago.0.as_micros()).ok());
    let shapes = ["2026-11-22T18:42:23Z", "2026-11-22T18:42:23+01:00", "30s", "10m", "2h", "1d"];
    micros
        .map(|micros| now() - micros)
        .ok_or_else(|| Wrong::new(format!("{value:?} is no time"), &shapes))
}

/// Percent-decodes a part of a query. None when it is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut out) = (text.as_bytes().iter().copied(), Vec::with_capacity(text.len()));
    while let Some(byte) = bytes.next() {
        let mut rest = bytes.clone();
        let mut hex = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        out.push(match (byte, hex(), hex()) {
            (b'%', Some(high), Some(low)) => {
                bytes.nth(1);
                u8::try_from(high * 16 + low).ok()?
            }
            (b'+', ..) => b' ',
            _ => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::Level;

    #[test]
    fn a_query_is_read_in_all_its_parts() {
        let query = "level=warn&app=a&app=b%2Fc&grep=x+y%2B&f=k=v=w&n=all&since=2026-11-22T18:42:23%2B01:00&follow=false&after=ff-7&host=";
        let query = Query::parse(query, &["follow", "after"]).unwrap();
        let filter = &query.filter;
        assert_eq!(filter.level, Some(Level::Warn));
        assert_eq!(filter.apps, ["a", "b/c"]);
        assert!(filter.hosts.is_empty(), "an empty field asks for nothing");
        assert!(filter.grep[0].is_match("x yy"));
        assert_eq!(filter.fields, [("k".into(), "v=w".into())]);
        assert_eq!(filter.since, Some(1_795_369_343_000_000));
        assert_eq!((query.count, query.follow), (Some(Count::All), false));
        assert_eq!(query.after, Some(Cursor { print: 255, at: 7 }));
    }

    #[test]
    fn a_time_may_be_said_as_how_long_ago_it_was() {
        let since =
            |text: &str| Query::parse(&format!("since={text}"), &[]).map(|q| q.filter.since);
        let since_10m = since("10m").unwrap().unwrap();
        let ago = now() - since_10m;
        assert!((600_000_000..601_000_000).contains(&ago), "{ago}");
        // As a person types it into an address bar.
        assert!(since("2026-11-22T18:42:23+01:00").is_ok());
    }

    #[test]
    fn what_cannot_be_read_is_told_with_what_could() {
        for (query, what, allowed) in [
            ("levle=warn", "unknown parameter \"levle\"", "level"),
            ("level=loud", "unknown level \"loud\"", "warn"),
            ("n=-1", "n=-1 is no count", "all"),
            ("order=random", "unknown word \"random\"", "oldest"),
            ("since=soon", "\"soon\" is no time", "10m"),
            ("f=key", "f=key is no field", "f=key=value"),
            ("after=x", "\"x\" is no place behind a record", "the member"),
        ] {
            let wrong = Query::parse(query, &["order", "after"]).unwrap_err();
            assert_eq!(wrong.what, what);
            assert!(wrong.allowed.iter().any(|word| word.contains(allowed)), "{wrong:?}");
        }
        assert!(Query::parse("grep=(", &[]).unwrap_err().what.contains("unclosed group"));
        assert!(Query::parse("app=%ff", &[]).unwrap_err().what.contains("UTF-8"));
    }
}
