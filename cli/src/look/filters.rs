//! The options that `tail` and `search` share, and the query they make.

use super::when::time_now;
use super::{Output, Server};
use crate::token::Token;
use clap::{Args, ValueEnum};
use netlog_wire::{Level, parse_time};
use std::fmt::Write;

/// Which records, from where, and how they are shown
#[derive(Args, Debug)]
pub(crate) struct Filters {
    /// Where the collector can be looked at
    #[arg(long, value_name = "URL", default_value = "http://localhost:1903", env = "NETLOG_AT")]
    pub(crate) at: Server,
    #[command(flatten)]
    pub(crate) token: Token,
    /// This level and worse
    #[arg(short, long, value_name = "LEVEL")]
    level: Option<Level>,
    /// Only of this app; * and ? stand for others' letters; may be repeated
    #[arg(long, value_name = "NAME")]
    app: Vec<String>,
    /// Only of this host; may be repeated
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Only of targets that begin so; may be repeated
    #[arg(long, value_name = "PREFIX")]
    target: Vec<String>,
    /// Only with this in message or values; upper-case letters make it mind the case
    #[arg(short, long, value_name = "REGEX")]
    pub(crate) grep: Vec<String>,
    /// None with this in message or values
    #[arg(short = 'v', long = "invert", value_name = "REGEX")]
    without: Vec<String>,
    /// Only with this value; may be repeated
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = field)]
    field: Vec<String>,
    /// Not older: 10m, 2h, 09:00, yesterday, 2026-11-22, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time_now)]
    since: Option<String>,
    /// Not newer, in the same words
    #[arg(long, value_name = "TIME", value_parser = time_now)]
    until: Option<String>,
    /// The form of the output
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub(crate) output: Output,
    /// Show times in UTC
    #[arg(long)]
    pub(crate) utc: bool,
    /// Colour: if it is a terminal and NO_COLOR is not set, always, or never
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

fn field(text: &str) -> Result<String, &'static str> {
    let key = text.split_once('=').is_some_and(|(key, _)| !key.is_empty());
    if key { Ok(text.to_owned()) } else { Err("use KEY=VALUE") }
}

impl Filters {
    /// The filters as a query, with `count` records asked for.
    pub(crate) fn query(&self, count: Option<&str>) -> String {
        let mut query = String::new();
        let level = self.level.map(|level| level.as_str().to_ascii_lowercase());
        push(&mut query, "level", level.as_deref());
        for (key, values) in [
            ("app", &self.app),
            ("host", &self.host),
            ("target", &self.target),
            ("grep", &self.grep),
            ("v", &self.without),
            ("f", &self.field),
        ] {
            push(&mut query, key, values.iter().map(String::as_str));
        }
        push(&mut query, "since", self.since.as_deref());
        push(&mut query, "until", self.until.as_deref());
        push(&mut query, "n", count);
        query
    }

    /// The time that no record may be newer than, in microseconds since 1970.
    pub(crate) fn until(&self) -> Option<i64> {
        parse_time(self.until.as_ref()?.as_bytes())
    }
}

/// A number of records, or all of them.
pub(crate) fn count(text: &str) -> Result<String, &'static str> {
    let valid = text == "all" || text.parse::<u64>().is_ok();
    if valid { Ok(text.to_owned()) } else { Err("use a number, or all") }
}

/// Appends `key=value` for each value, percent-encoded (RFC 3986, section 2.3).
fn push<'a>(query: &mut String, key: &str, values: impl IntoIterator<Item = &'a str>) {
    for value in values {
        let _ = write!(query, "{}{key}=", if query.is_empty() { "" } else { "&" });
        for byte in value.bytes() {
            let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            let _ = match plain {
                true => write!(query, "{}", char::from(byte)),
                false => write!(query, "%{byte:02X}"),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        filters: Filters,
    }

    #[test]
    fn every_option_is_a_part_of_the_query() {
        let line = [
            "x",
            "-l",
            "warn",
            "--app",
            "a",
            "--app",
            "b c",
            "--host",
            "h",
            "--target",
            "t::",
            "-g",
            "x+y&",
            "-v",
            "ü",
            "-f",
            "k=v",
            "--since",
            "2026-02-03T04:05:06Z",
        ];
        let filters = Line::parse_from(line).filters;
        let expected = "level=warn&app=a&app=b%20c&host=h&target=t%3A%3A&grep=x%2By%26&v=%C3%BC&f=k%3Dv&since=2026-02-03T04%3A05%3A06.000000Z&n=all";
        assert_eq!(filters.query(Some("all")), expected);
        assert!(Line::try_parse_from(["x", "-f", "novalue"]).is_err());
        assert!(Line::try_parse_from(["x", "--since", "soon"]).is_err());
    }
}
