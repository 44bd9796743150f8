//! `netlog search`: the stored records that match, once. Its exit codes are those of grep.

use crate::read::{
    FilterOptions, OutputFormat, Printer, ReorderBuffer, ResponseLines, mark, record_time,
    watch_stdout,
};
use crate::stderr::describe_io;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;

/// A search without matches sends nothing until it is done, and that may be a while.
const SILENCE_LIMIT: Duration = Duration::from_secs(3600);

#[derive(Args)]
pub(crate) struct SearchOptions {
    #[command(flatten)]
    filters: FilterOptions,
    /// Show at most N records, or `all`: the newest, or the oldest with --order oldest
    #[arg(short = 'n', long, value_name = "N", value_parser = crate::read::parse_count)]
    lines: Option<String>,
    /// Show the newest or the oldest records first [default: oldest; with -n, the last N, oldest
    /// first]
    #[arg(long)]
    order: Option<SearchOrder>,
    /// Show records as they are found, instead of ordering those of several senders by time
    #[arg(long)]
    no_merge: bool,
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

    fn newest(&self) -> bool {
        self.reversed() || self.order == Some(SearchOrder::Newest)
    }

    fn target(&self) -> String {
        let newest = self.newest();
        let mut query = self.filters.query(self.lines.as_deref());
        query.push("order", if newest { "newest" } else { "oldest" });
        query.target("/search")
    }
}

pub(crate) fn run(options: &SearchOptions) -> anyhow::Result<ExitCode> {
    watch_stdout()?;
    let filters = &options.filters;
    let mut printer = Printer::new(filters);
    let clients = filters.clients()?;
    let several = clients.len() > 1;
    let mut failed = false;
    let mut sources = Vec::new();
    for client in clients {
        match client.get(&options.target(), SILENCE_LIMIT) {
            Ok(lines) => sources.push(SearchSource::new(lines, client.url.to_string(), several)),
            Err(error) if several && !error.is_rejection() => {
                failed = true;
                let collector = client.url.to_string();
                let error = error.to_string();
                printer.notice(&json!({"notice": "away", "error": error, "collector": collector}));
            }
            Err(error) => return Err(error.of(&client.url)),
        }
    }
    let matched = options.print(&mut sources, &mut printer);
    printer.flush();
    for end in sources.iter().filter_map(|source| source.end.as_ref()) {
        let is_incomplete = end["unreadable"].is_u64() || end["notice"] == "incomplete";
        failed |= is_incomplete;
        if filters.output == OutputFormat::Json || end["only"].is_string() || is_incomplete {
            printer.notice(end);
        }
    }
    printer.flush();
    Ok(match (failed, matched) {
        (true, _) => ExitCode::from(2),
        (false, 0) => ExitCode::from(1),
        (false, _) => ExitCode::SUCCESS,
    })
}

impl SearchOptions {
    /// Prints the records of all collectors in their order, and returns how many those are.
    fn print(&self, sources: &mut [SearchSource], printer: &mut Printer) -> u64 {
        let newest = self.newest();
        let limit = self.lines.as_deref().and_then(|lines| lines.parse().ok()).unwrap_or(u64::MAX);
        let mut kept = Vec::new();
        let mut ordered = ReorderBuffer::default();
        let mut matched = 0;
        while matched < limit {
            let Some(line) = next_line(sources, newest) else { break };
            matched += 1;
            match record_time(&line).filter(|_| !self.no_merge) {
                Some(time) => {
                    // Of equal times, the one that was found first is the first as well.
                    ordered.hold(line, if newest { time.saturating_neg() } else { time }, None);
                }
                None => self.show(line, &mut kept, printer),
            }
            while let Some(line) = ordered.pop_surplus() {
                self.show(line, &mut kept, printer);
            }
            if sources.iter().all(|source| source.lines.is_drained()) {
                printer.flush();
            }
        }
        // One collector says how many it had, and what it has searched.
        if let [only] = sources {
            only.fill();
        }
        while let Some(line) = ordered.pop() {
            self.show(line, &mut kept, printer);
        }
        kept.iter().rev().for_each(|line| printer.record(line));
        matched
    }

    /// Shows a record, or keeps it where the last one is shown first.
    fn show(&self, line: Vec<u8>, kept: &mut Vec<Vec<u8>>, printer: &mut Printer) {
        if self.reversed() { kept.push(line) } else { printer.record(&line) }
    }
}

/// The response of one collector.
struct SearchSource {
    lines: ResponseLines,
    collector: String,
    /// True if its records are marked with the collector, since there are several.
    marked: bool,
    /// The next record, and the notice that ends them.
    next: Option<Vec<u8>>,
    end: Option<Value>,
}

impl SearchSource {
    fn new(lines: ResponseLines, collector: String, marked: bool) -> Self {
        Self { lines, collector, marked, next: None, end: None }
    }

    /// Reads the next record, unless one is buffered or the stream has ended.
    fn fill(&mut self) {
        if self.next.is_some() || self.end.is_some() {
            return;
        }
        let error = match self.lines.next_line() {
            Ok(Some(line)) => return self.take(line),
            Ok(None) => "the collector closed the connection".to_owned(),
            Err(error) => describe_io(&error),
        };
        self.lose(&error);
    }

    /// Takes the next line: a record, or a notice that is the last one.
    fn take(&mut self, mut line: Vec<u8>) {
        if self.marked {
            mark(&mut line, &self.collector);
        }
        match end_notice(&line) {
            Some(notice) if notice["notice"] == "disconnected" => {
                self.lose(notice["reason"].as_str().unwrap_or_default());
            }
            Some(end) => self.end = Some(end),
            None => self.next = Some(line),
        }
    }

    /// Ends the records before all were received.
    fn lose(&mut self, error: &str) {
        let collector = &self.collector;
        self.end = Some(json!({"notice": "incomplete", "error": error, "collector": collector}));
    }
}

/// The first record of all that come next, or the last one if the `newest` come first.
fn next_line(sources: &mut [SearchSource], newest: bool) -> Option<Vec<u8>> {
    for source in &mut *sources {
        source.fill();
    }
    let time = |source: &SearchSource| source.next.as_deref().and_then(record_time);
    let order = |source: &SearchSource| {
        let time = time(source).unwrap_or(i64::MIN);
        if newest { time.saturating_neg() } else { time }
    };
    let waiting = sources.iter_mut().filter(|source| source.next.is_some());
    waiting.min_by_key(|source| order(source)).and_then(|source| source.next.take())
}

fn end_notice(line: &[u8]) -> Option<Value> {
    let kinds = [&b"{\"notice\":\"end\""[..], b"{\"notice\":\"disconnected\""];
    let end = kinds.iter().any(|kind| line.starts_with(kind));
    end.then(|| serde_json::from_slice(line).ok()).flatten()
}
