//! `netlog filter`: lets running programs log by another filter for a time, and lists such filters.

use crate::read::{CollectorClient, CollectorUrl, Query, RequestError};
use crate::tls::TlsOptions;
use crate::token::TokenOption;
use anyhow::{Context, bail};
use clap::Args;
use netlog_wire::push_sanitized;
use serde_json::Value;
use std::io::{self, Read, Write};
use std::time::Duration;

/// The collector answers at once.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);

/// The longest list that is read.
const MAX_LIST: u64 = 4 << 20;

/// `RUST_LOG` of the programs, for a time
#[derive(Args)]
pub(crate) struct FilterCommand {
    /// Directives as in RUST_LOG, such as info,orders::fill=debug; without them, and without
    /// --reset, the filters in force are listed
    #[arg(conflicts_with = "reset")]
    directives: Option<String>,
    /// Only programs of this app; `*` and `?` are wildcards
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Only programs on this host; `*` and `?` are wildcards
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Only the program with this process id
    #[arg(long, value_name = "N", value_parser = parse_pid)]
    pid: Option<u32>,
    /// Time after which programs go back to their own filters, at most 1h
    #[arg(long = "for", value_name = "TIME", default_value = "10m")]
    period: String,
    /// Let programs go back to their own filters now
    #[arg(long)]
    reset: bool,
    /// Address of the collector's HTTP API
    #[arg(long, value_name = "URL", default_value = "http://localhost:1903", env = "NETLOG_AT")]
    at: CollectorUrl,
    #[command(flatten)]
    token: TokenOption,
    #[command(flatten)]
    tls: TlsOptions,
}

pub(crate) fn run(options: &FilterCommand) -> anyhow::Result<()> {
    let client = CollectorClient {
        url: options.at.clone(),
        token: options.token.read()?,
        tls: options.tls.settings()?,
    };
    let selects = [options.app.is_some(), options.host.is_some(), options.pid.is_some()];
    let method = match (&options.directives, options.reset) {
        (Some(_), _) => "POST",
        (None, true) => "DELETE",
        (None, false) if selects.contains(&true) => {
            bail!("expected directives, such as debug, or --reset")
        }
        (None, false) => "GET",
    };
    let target = if method == "GET" { "/filter".to_owned() } else { options.target() };
    let answer = ask(&client, method, &target)?;
    match &answer {
        Value::Array(filters) if filters.is_empty() => print("no filters are set"),
        Value::Array(filters) => filters.iter().for_each(|filter| print(&description(filter))),
        reached => print(&outcome(reached)),
    }
    Ok(())
}

impl FilterCommand {
    fn target(&self) -> String {
        let mut query = Query::default();
        if let Some(directives) = &self.directives {
            query.push("filter", directives);
            query.push("for", &self.period);
        }
        let pid = self.pid.map(|pid| pid.to_string());
        for (key, value) in [("app", &self.app), ("host", &self.host), ("pid", &pid)] {
            value.iter().for_each(|value| query.push(key, value));
        }
        query.target("/filter")
    }
}

fn parse_pid(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "expected a process id")
}

fn ask(client: &CollectorClient, method: &str, target: &str) -> anyhow::Result<Value> {
    let failed = || format!("failed to ask {}", client.url);
    let body = match client.request(method, target, SILENCE_LIMIT) {
        Ok(body) => body,
        Err(error @ RequestError::Rejected(_)) => return Err(error.of(&client.url)),
        Err(error) => return Err(error).with_context(failed),
    };
    let mut text = Vec::new();
    body.take(MAX_LIST).read_to_end(&mut text).with_context(failed)?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not a collector", client.url))
}

/// The outcome of an order in words.
fn outcome(reached: &Value) -> String {
    let count = |key: &str| reached[key].as_u64().unwrap_or(0);
    let programs = match count("programs") {
        1 => "1 program".to_owned(),
        count => format!("{count} programs"),
    };
    let mut text = match reached["until"].as_str() {
        Some(until) => format!("set for {programs} until {}", seconds(until)),
        None => format!("reset for {programs}"),
    };
    match count("unable") {
        0 => {}
        1 => text.push_str("; 1 other does not take filters"),
        unable => text.push_str(&format!("; {unable} others do not take filters")),
    }
    text
}

/// A filter in force, in a line.
fn description(filter: &Value) -> String {
    let text = |key: &str| filter[key].as_str().unwrap_or("*").to_owned();
    let pid = filter["pid"].as_u64().map_or_else(|| "*".to_owned(), |pid| pid.to_string());
    let until = text("until");
    format!(
        "{} app={} host={} pid={pid} until {} by {}",
        text("filter"),
        text("app"),
        text("host"),
        seconds(&until),
        text("by")
    )
}

/// A time of the collector, without the parts of a second.
fn seconds(time: &str) -> String {
    time.split_once('.').map_or_else(|| time.to_owned(), |(whole, _)| format!("{whole}Z"))
}

fn print(text: &str) {
    let mut line = Vec::new();
    push_sanitized(&mut line, text);
    line.push(b'\n');
    // The filter is set, whether anybody reads this or not.
    let _ = io::stdout().write_all(&line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_one_line() {
        let until = "2026-11-22T19:12:00.123456Z";
        for (answer, expected) in [
            (
                json!({"programs": 2, "unable": 0, "until": until}),
                "set for 2 programs until 2026-11-22T19:12:00Z",
            ),
            (
                json!({"programs": 1, "unable": 1, "until": until}),
                "set for 1 program until 2026-11-22T19:12:00Z; 1 other does not take filters",
            ),
            (
                json!({"programs": 0, "unable": 3, "until": null}),
                "reset for 0 programs; 3 others do not take filters",
            ),
        ] {
            assert_eq!(outcome(&answer), expected);
        }
        let filter = json!({"filter": "debug", "app": "shop", "host": null, "pid": 7, "until": until, "by": "ann"});
        let expected = "debug app=shop host=* pid=7 until 2026-11-22T19:12:00Z by ann";
        assert_eq!(description(&filter), expected);
    }
}
