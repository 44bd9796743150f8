//! `netlog send`: the lines of standard input, delivered like any program's records.

use crate::tls::TlsOptions;
use crate::token::TokenOption;
use anyhow::{Context, bail};
use clap::Args;
use log::kv::{self, Value};
use log::{Level, Record};
use netlog::Full;
use netlog_wire::{Lines, MAX_LINE, Record as PlainRecord};
use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

/// The longest wait at the end for a collector that takes the records, however slowly.
const FLUSH_LIMIT: Duration = Duration::from_secs(60);

/// The longest wait at the end for a collector that cannot be reached.
const AWAY_LIMIT: Duration = Duration::from_secs(5);

/// The pause between flushes, each of which has the worker connect again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(crate) struct SendOptions {
    /// Address of the collector
    #[arg(long, value_name = "ADDRESS", default_value = "localhost:1902", env = "NETLOG_TO")]
    to: String,
    /// App of the records
    #[arg(long, value_name = "NAME", default_value = "send", env = "NETLOG_APP")]
    app: String,
    /// Level of the records
    #[arg(short, long, value_name = "LEVEL", default_value = "info", value_parser = parse_level)]
    level: Level,
    #[command(flatten)]
    token: TokenOption,
    #[command(flatten)]
    tls: TlsOptions,
}

pub(crate) fn run(options: &SendOptions) -> anyhow::Result<()> {
    let builder = netlog::builder(&options.to).app(&options.app).level(log::LevelFilter::Trace);
    let mut builder = builder.when_full(Full::Block(FLUSH_LIMIT)).tls(options.tls.settings()?);
    if let Some(token) = options.token.read()? {
        builder = builder.token(token);
    }
    let _guard = builder.init()?;
    log_lines(options.level).context("failed to read standard input")?;
    deliver()
}

fn parse_level(text: &str) -> Result<Level, &'static str> {
    text.parse().map_err(|_| "expected error, warn, info, debug or trace")
}

fn log_lines(level: Level) -> io::Result<()> {
    let mut lines = Lines::new(MAX_LINE);
    let mut buffer = vec![0; 64 * 1024];
    let mut input = io::stdin().lock();
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        lines.feed(&buffer[..count], |line| log_line(line.bytes, line.cut, level));
    }
    lines.finish(|line| log_line(line.bytes, line.cut, level));
    Ok(())
}

fn log_line(line: &[u8], cut: u64, level: Level) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let plain = PlainRecord::from_plain(line, 0);
    let values = (cut > 0).then(|| [("cut_bytes", Value::from(cut))]);
    let none: [(&str, Value<'_>); 0] = [];
    let values: &dyn kv::Source = values.as_ref().map_or(&none, |values| values);
    let mut record = Record::builder();
    record.level(level).target("stdin").key_values(&values);
    log::logger().log(&record.args(format_args!("{}", plain.msg)).build());
}

/// Waits until the collector has everything.
fn deliver() -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let flushed = netlog::flush(FLUSH_LIMIT);
        if flushed.acked && flushed.lost > 0 {
            bail!("{} lines were lost: the spool was full", flushed.lost);
        }
        if flushed.acked {
            return Ok(());
        }
        if began.elapsed() > AWAY_LIMIT {
            let pending = flushed.pending;
            bail!("{pending} bytes are not delivered; they wait in the spool for `netlog ship`");
        }
        thread::sleep(RETRY_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_none_is_answered_with_all_there_are() {
        assert_eq!(parse_level("WARN"), Ok(Level::Warn));
        assert_eq!(parse_level("foo"), Err("expected error, warn, info, debug or trace"));
    }
}
