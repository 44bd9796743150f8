//! `netlog send`: the lines of standard input, delivered like any program's records.

use crate::token::Token;
use clap::Args;
use log::kv::{self, Value};
use log::{Level, Record};
use netlog::Full;
use netlog_wire::{Lines, MAX_LINE, Record as Plain};
use std::error::Error;
use std::io::Read;
use std::time::{Duration, Instant};

/// How long the end waits for a collector that takes the records, however slowly.
const LIMIT: Duration = Duration::from_secs(60);

/// How long the end waits for one that cannot be reached.
const AWAY_LIMIT: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct Options {
    /// Where the collector listens
    #[arg(long, value_name = "ADDRESS", default_value = "localhost:1902", env = "NETLOG_TO")]
    to: String,
    /// The app the records are from
    #[arg(long, value_name = "NAME", default_value = "send", env = "NETLOG_APP")]
    app: String,
    /// The level of the records
    #[arg(short, long, value_name = "LEVEL", default_value = "info")]
    level: Level,
    #[command(flatten)]
    token: Token,
}

pub(crate) fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let builder = netlog::builder(&options.to).app(options.app).level(log::LevelFilter::Trace);
    let mut builder = builder.when_full(Full::Block(LIMIT));
    if let Some(token) = options.token.read()? {
        builder = builder.token(token);
    }
    let _guard = builder.init()?;
    let mut lines = Lines::new(MAX_LINE);
    let mut buffer = vec![0; 64 * 1024];
    let mut input = std::io::stdin().lock();
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        lines.feed(&buffer[..count], |line| log_line(line.bytes, line.cut, options.level));
    }
    lines.finish(|line| log_line(line.bytes, line.cut, options.level));
    deliver()
}

fn log_line(line: &[u8], cut: u64, level: Level) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let plain = Plain::from_plain(line, 0);
    let values = (cut > 0).then(|| [("cut_bytes", Value::from(cut))]);
    let none: [(&str, Value<'_>); 0] = [];
    let values: &dyn kv::Source = values.as_ref().map_or(&none, |values| values);
    let mut record = Record::builder();
    record.level(level).target("stdin").key_values(&values);
    log::logger().log(&record.args(format_args!("{}", plain.msg)).build());
}

/// Waits until the collector has everything.
fn deliver() -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    loop {
        let flushed = netlog::flush(LIMIT);
        if flushed.acked && flushed.lost == 0 {
            return Ok(());
        }
        if flushed.acked {
            return Err(format!("{} lines were lost: the spool was full", flushed.lost).into());
        }
        if began.elapsed() > AWAY_LIMIT {
            let pending = flushed.pending;
            return Err(format!(
                "{pending} bytes are not delivered; they wait in the spool for `netlog ship`"
            )
            .into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
