//! The options that `tail` and `search` share, and the query made from them.

use super::http::CollectorClient;
use super::output::{ColorChoice, OutputFormat};
use super::query::Query;
use super::times::{parse_since, parse_until};
use super::url::CollectorUrl;
use crate::tls::TlsOptions;
use crate::token::TokenOption;
use clap::Args;
use netlog_wire::{Level, parse_time};
use std::convert::Infallible;

/// Options that select records, and how they are shown
#[derive(Args, Debug)]
pub(crate) struct FilterOptions {
    /// Always empty: an argument without an option is rejected
    #[arg(hide = true, value_name = "ARGUMENT", value_parser = reject_argument)]
    _argument: Option<Infallible>,
    /// Address of the collector's HTTP API; repeat for several collectors, whose records are then
    /// ordered by time and marked with their collector
    #[arg(long, value_name = "URL", default_value = "http://localhost:1903", env = "NETLOG_AT")]
    #[arg(value_delimiter = ',')]
    pub(crate) at: Vec<CollectorUrl>,
    #[command(flatten)]
    token: TokenOption,
    #[command(flatten)]
    tls: TlsOptions,
    /// Only records of this level or more severe
    #[arg(short, long, value_name = "LEVEL")]
    level: Option<Level>,
    /// Only records of this app; `*` and `?` are wildcards; repeat for alternatives
    #[arg(long, value_name = "NAME")]
    app: Vec<String>,
    /// Only records of this host; `*` and `?` are wildcards; repeat for alternatives
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Only records whose target begins with PREFIX; repeat for alternatives
    #[arg(long, value_name = "PREFIX")]
    target: Vec<String>,
    /// Only records that match REGEX in the message followed by its values, as `key=value`
    /// (case-insensitive unless REGEX has an upper-case letter); repeat for alternatives
    #[arg(short, long, value_name = "REGEX")]
    pub(crate) grep: Vec<String>,
    /// No records that match REGEX in the same text; repeat to exclude more
    #[arg(short = 'v', long = "invert", value_name = "REGEX")]
    invert: Vec<String>,
    /// Only records with this key and value; repeat to require several
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = parse_field)]
    field: Vec<String>,
    /// Only records logged in this span, or in one within it
    #[arg(long, value_name = "ID")]
    span: Option<String>,
    /// Only records of this trace, in all apps
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
    /// No records before TIME: 10m, 2h, 09:00, yesterday, 2026-11-22, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<String>,
    /// No records after TIME, in the same forms
    #[arg(long, value_name = "TIME", value_parser = parse_until)]
    until: Option<String>,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: OutputFormat,
    /// Show times in UTC instead of the local time zone
    #[arg(long)]
    pub(crate) utc: bool,
    /// Use colours; `auto`: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// Names the options that it may have been meant for.
fn reject_argument(text: &str) -> Result<Infallible, String> {
    Err(format!("use `-g {text}` for records that match it, `--at {text}` for a collector"))
}

fn parse_field(text: &str) -> Result<String, &'static str> {
    let key = text.split_once('=').is_some_and(|(key, _)| !key.is_empty());
    if key { Ok(text.to_owned()) } else { Err("expected KEY=VALUE") }
}

/// Checks a number of records, or `all`.
pub(crate) fn parse_count(text: &str) -> Result<String, &'static str> {
    let valid = text == "all" || text.parse::<u64>().is_ok();
    if valid { Ok(text.to_owned()) } else { Err("expected a number or \"all\"") }
}

impl FilterOptions {
    /// The filters as parameters, with `count` records asked for.
    pub(crate) fn query(&self, count: Option<&str>) -> Query {
        let mut query = Query::default();
        if let Some(level) = self.level {
            query.push("level", &level.as_str().to_ascii_lowercase());
        }
        for (key, values) in [
            ("app", &self.app),
            ("host", &self.host),
            ("target", &self.target),
            ("grep", &self.grep),
            ("v", &self.invert),
            ("f", &self.field),
        ] {
            values.iter().for_each(|value| query.push(key, value));
        }
        for (key, id) in [("span", &self.span), ("trace", &self.trace)] {
            id.iter().for_each(|id| query.push(key, id));
        }
        let optional =
            [("since", self.since.as_deref()), ("until", self.until.as_deref()), ("n", count)];
        for (key, value) in optional {
            value.into_iter().for_each(|value| query.push(key, value));
        }
        query
    }

    /// The time of the last record wanted, in microseconds since 1970.
    pub(crate) fn until(&self) -> Option<i64> {
        parse_time(self.until.as_ref()?.as_bytes())
    }

    /// The collectors, with everything that they may ask for.
    pub(crate) fn clients(&self) -> anyhow::Result<Vec<CollectorClient>> {
        let client = |url: &CollectorUrl| {
            let token = self.token.read()?;
            Ok(CollectorClient { url: url.clone(), token, tls: self.tls.settings()? })
        };
        self.at.iter().map(client).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct TestLine {
        #[command(flatten)]
        filters: FilterOptions,
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
            "--span",
            "02",
            "--trace",
            "4b",
        ];
        let filters = TestLine::parse_from(line).filters;
        let expected = "/tail?level=warn&app=a&app=b%20c&host=h&target=t%3A%3A&grep=x%2By%26&v=%C3%BC&f=k%3Dv&span=02&trace=4b&since=2026-02-03T04%3A05%3A06.000000Z&n=all";
        assert_eq!(filters.query(Some("all")).target("/tail"), expected);
        assert!(TestLine::try_parse_from(["x", "-f", "novalue"]).is_err());
        assert!(TestLine::try_parse_from(["x", "--since", "soon"]).is_err());
        let rejected = TestLine::try_parse_from(["x", "timeout"]).map(|_| ()).unwrap_err();
        assert!(rejected.to_string().contains("use `-g timeout` for records"), "{rejected}");
    }
}
