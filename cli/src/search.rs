//! `netlog search`: what a collector holds, once through. Its exit codes are those of grep.

use crate::look::{Failure, Filters, Output, Printer, watch_stdout};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

/// A search that finds nothing says nothing until it is done, and that may be a while.
const SILENCE: Duration = Duration::from_secs(3600);

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    filters: Filters,
    /// At most so many records: the newest, unless --order says otherwise
    #[arg(short = 'n', long, value_name = "N", value_parser = crate::look::count)]
    lines: Option<String>,
    /// Show the newest or the oldest first [default: oldest; with -n the last ones, oldest first]
    #[arg(long)]
    order: Option<Order>,
}

/// Which records are shown first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Newest,
    Oldest,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    match search(options) {
        Ok(0) => ExitCode::from(1),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            crate::say(&error.to_string());
            ExitCode::from(2)
        }
    }
}

/// Shows what is found, and says how much it was.
fn search(options: &Options) -> Result<u64, Box<dyn Error>> {
    watch_stdout()?;
    let Options { filters, lines, order } = options;
    // The last ones are found from behind, and are shown in their order all the same.
    let few = lines.as_deref().is_some_and(|lines| lines != "all");
    let turned = order.is_none() && few;
    let newest = turned || *order == Some(Order::Newest);
    let order = if newest { "newest" } else { "oldest" };
    let query = filters.query(lines.as_deref());
    let and = if query.is_empty() { "" } else { "&" };
    let target = format!("/search?{query}{and}order={order}");
    let token = filters.token.read()?;
    let answer = filters.at.get(&target, token.as_deref(), SILENCE);
    let mut answer = answer.map_err(|failure| match failure {
        Failure::Refused(words) => words,
        failure => format!("no connection to {}: {failure}", filters.at),
    })?;
    let (mut printer, mut kept) = (Printer::new(filters), Vec::new());
    while let Some(line) = answer.line()? {
        if let Some(end) = end(&line) {
            kept.iter().rev().for_each(|line: &Vec<u8>| printer.record(line));
            if filters.output == Output::Json || end["only"].is_string() {
                printer.notice(&end);
            }
            printer.flush();
            return Ok(end["matched"].as_u64().unwrap_or(0));
        }
        match turned {
            true => kept.push(line),
            false => {
                printer.record(&line);
                if answer.waits() {
                    printer.flush();
                }
            }
        }
    }
    printer.flush();
    Err("the connection was lost before all was searched".into())
}

/// The notice that all is searched.
fn end(line: &[u8]) -> Option<Value> {
    let end = line.starts_with(b"{\"notice\":\"end\"");
    end.then(|| serde_json::from_slice(line).ok()).flatten()
}
