//! `netlog search`: the stored records that match, once. Its exit codes are those of grep.

use crate::read::{FilterOptions, OutputFormat, Printer, ResponseLines, watch_stdout};
use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::process::ExitCode;
use std::time::Duration;

/// A search without matches sends nothing until it is done, and that may be a while.
const SILENCE_LIMIT: Duration = Duration::from_secs(3600);

#[derive(Args)]
pub(crate) struct SearchOptions {
    #[command(flatten)]
    filters: FilterOptions,
    /// Show at most N records: the newest, unless --order says otherwise
    #[arg(short = 'n', long, value_name = "N", value_parser = crate::read::parse_count)]
    lines: Option<String>,
    /// Show the newest or the oldest records first [default: oldest; with -n, the last N, oldest
    /// first]
    #[arg(long)]
    order: Option<SearchOrder>,
}

/// The records that are shown first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SearchOrder {
    Newest,
    Oldest,
}

impl SearchOptions {
    /// Returns true if the search is backwards from the last record, and the output forwards all the
    /// same.
    fn reversed(&self) -> bool {
        self.order.is_none() && self.lines.as_deref().is_some_and(|lines| lines != "all")
    }

    fn target(&self) -> String {
        let newest = self.reversed() || self.order == Some(SearchOrder::Newest);
        let mut query = self.filters.query(self.lines.as_deref());
        query.push("order", if newest { "newest" } else { "oldest" });
        query.target("/search")
    }
}

pub(crate) fn run(options: &SearchOptions) -> anyhow::Result<ExitCode> {
    watch_stdout()?;
    let filters = &options.filters;
    let response = filters.request(&options.target(), SILENCE_LIMIT)?;
    let mut printer = Printer::new(filters);
    let end = print_records(response, &mut printer, options.reversed())?;
    if filters.output == OutputFormat::Json || end["only"].is_string() {
        printer.notice(&end);
    }
    printer.flush();
    let matched = end["matched"].as_u64().unwrap_or(0);
    Ok(if matched > 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Prints all records, and returns the notice that ends them.
fn print_records(
    mut response: ResponseLines,
    printer: &mut Printer,
    reversed: bool,
) -> anyhow::Result<Value> {
    let mut kept = Vec::new();
    while let Some(line) = response.next_line()? {
        if let Some(end) = end_notice(&line) {
            kept.iter().rev().for_each(|line: &Vec<u8>| printer.record(line));
            return Ok(end);
        }
        if reversed {
            kept.push(line);
            continue;
        }
        printer.record(&line);
        if response.is_drained() {
            printer.flush();
        }
    }
    printer.flush();
    bail!("the connection was lost before the search was complete")
}

fn end_notice(line: &[u8]) -> Option<Value> {
    let end = line.starts_with(b"{\"notice\":\"end\"");
    end.then(|| serde_json::from_slice(line).ok()).flatten()
}
