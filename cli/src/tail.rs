//! `netlog tail`: the last records, and then each one as it comes, whatever happens to the
//! connection meanwhile.

use crate::look::{Answer, Failure, Filters, Merge, Moment, Output, Printer, Server, watch_stdout};
use chrono::Utc;
use clap::Args;
use netlog_wire::parse_time;
use serde_json::{Value, json};
use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The collector says something every 15 s; this long without a word, it is gone.
const SILENCE: Duration = Duration::from_secs(45);

const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Lines on their way from the connection to the output.
const AHEAD: usize = 1024;

/// How much is gathered before it is written.
const GATHER: usize = 64 << 10;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    filters: Filters,
    /// How many of the last records to begin with, or all [default: 10, with --since all]
    #[arg(short = 'n', long, value_name = "N", value_parser = crate::look::count)]
    lines: Option<String>,
    /// End when the records there are have been shown
    #[arg(long)]
    no_follow: bool,
    /// Show records as they come, and not those of several senders in the order of their times
    #[arg(long)]
    no_merge: bool,
    /// End with 1 when the connection is lost
    #[arg(long)]
    no_reconnect: bool,
}

/// What the thread that reads the connection has to tell.
enum Event {
    Line(Vec<u8>),
    /// A notice of our own.
    Notice(Value),
    /// There is nothing more.
    End,
    /// There cannot be more, and why.
    Failed(Failure),
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    watch_stdout()?;
    let mut query = options.filters.query(options.lines.as_deref());
    if options.no_follow {
        query += if query.is_empty() { "follow=false" } else { "&follow=false" };
    }
    let (tell, events) = sync_channel(AHEAD);
    let connection = Connection {
        server: options.filters.at.clone(),
        token: options.filters.token.read()?,
        query,
        follow: !options.no_follow,
        until: options.filters.until(),
        reconnect: !options.no_reconnect,
        place: None,
        live: false,
        tell,
    };
    thread::Builder::new().name("connection".into()).spawn(move || connection.run())?;
    let mut show = Show {
        printer: Printer::new(&options.filters),
        merge: (!options.no_merge).then(Merge::default),
        json: options.filters.output == Output::Json,
    };
    match show.run(&events) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Failure::Refused(words)) => {
            crate::say(&words);
            Ok(ExitCode::from(2))
        }
        Err(failure) => Err(format!("no connection to {}: {failure}", options.filters.at).into()),
    }
}

/// The connection, made again whenever it is lost.
struct Connection {
    server: Server,
    token: Option<String>,
    query: String,
    follow: bool,
    /// In microseconds since 1970: nothing comes once that is over.
    until: Option<i64>,
    reconnect: bool,
    /// Behind the last record received.
    place: Option<String>,
    /// Whether all that was there has been received.
    live: bool,
    tell: SyncSender<Event>,
}

impl Connection {
    fn run(mut self) {
        let (mut lost, mut pause) = (false, PAUSE_MIN);
        loop {
            let failure = match self.server.get(&self.target(), self.token.as_deref(), SILENCE) {
                Ok(answer) => {
                    pause = PAUSE_MIN;
                    if lost && self.told(Event::Notice(json!({"notice": "reconnected"}))) {
                        return;
                    }
                    lost = false;
                    match self.read(answer) {
                        None => return,
                        Some(failure) => failure,
                    }
                }
                // The first time, it is a wrong address rather than an interruption.
                Err(failure) if !lost && self.place.is_none() => {
                    self.told(Event::Failed(failure));
                    return;
                }
                Err(failure) => failure,
            };
            if !self.reconnect || matches!(failure, Failure::Refused(_)) {
                self.told(Event::Failed(failure));
                return;
            }
            if !lost {
                lost = true;
                let notice = json!({"notice": "lost", "error": failure.to_string()});
                if self.told(Event::Notice(notice)) {
                    return;
                }
            }
            thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn target(&self) -> String {
        // Live since there was no record at all: all there is came later.
        let all = (self.live && self.place.is_none()).then(|| "n=all".to_owned());
        let after = self.place.as_ref().map(|place| format!("after={place}")).or(all);
        let parts = [Some(self.query.clone()).filter(|query| !query.is_empty()), after];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "/tail".into() } else { format!("/tail?{}", parts.join("&")) }
    }

    /// Passes on what comes, until nothing comes any more: `None` when that was to be.
    fn read(&mut self, mut answer: Answer) -> Option<Failure> {
        loop {
            match answer.line() {
                // A word to keep the connection alive.
                Ok(Some(line)) if line.is_empty() => {}
                Ok(Some(line)) => {
                    self.live |= line.starts_with(b"{\"notice\":\"live\"");
                    if let Some(place) = place(&line) {
                        self.place = Some(place.to_owned());
                    }
                    if self.told(Event::Line(line)) {
                        return None;
                    }
                }
                Ok(None) if !self.follow || self.over() => {
                    self.told(Event::End);
                    return None;
                }
                Ok(None) => {
                    let ended = std::io::Error::other("the collector has ended");
                    return Some(Failure::Away(ended));
                }
                Err(error) => return Some(Failure::Away(error)),
            }
        }
    }

    fn over(&self) -> bool {
        self.until.is_some_and(|until| until <= Utc::now().timestamp_micros())
    }

    /// Tells an event; `true` when nobody listens any more.
    fn told(&self, event: Event) -> bool {
        self.tell.send(event).is_err()
    }
}

/// The last member of a record: the place behind it.
fn place(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix("\"}")?;
    let (_, place) = line.rsplit_once(",\"at\":\"")?;
    place.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-').then_some(place)
}

/// When a record was logged.
fn time(line: &[u8]) -> Option<i64> {
    let at = memchr::memmem::find(line, b"\"time\":\"")? + 8;
    parse_time(line.get(at..at + netlog_wire::TIME_LEN)?)
}

/// What is shown, and in which order.
struct Show {
    printer: Printer,
    merge: Option<Merge>,
    json: bool,
}

impl Show {
    fn run(&mut self, events: &Receiver<Event>) -> Result<(), Failure> {
        loop {
            match self.next(events) {
                Some(Event::Line(line)) => self.line(line),
                Some(Event::Notice(notice)) => self.notice(&notice),
                Some(Event::End) => {
                    self.finish();
                    return Ok(());
                }
                Some(Event::Failed(failure)) => {
                    self.finish();
                    return Err(failure);
                }
                None => {}
            }
            while let Some(line) = self.merge.as_mut().and_then(|merge| merge.pop(Instant::now())) {
                self.printer.record(&line);
            }
            if self.printer.pending() > GATHER {
                self.printer.flush();
            }
        }
    }

    /// The next event; `None` when a record has waited long enough. Before it waits for anything,
    /// it writes what there is.
    fn next(&mut self, events: &Receiver<Event>) -> Option<Event> {
        if let Ok(event) = events.try_recv() {
            return Some(event);
        }
        self.printer.flush();
        let Some(due) = self.merge.as_ref().and_then(Merge::due) else {
            return Some(events.recv().unwrap_or(Event::End));
        };
        match events.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Event::End),
        }
    }

    fn line(&mut self, line: Vec<u8>) {
        if line.starts_with(b"{\"notice\":") {
            if let Ok(notice) = serde_json::from_slice(&line) {
                self.notice(&notice);
            }
            return;
        }
        match (&mut self.merge, time(&line)) {
            (Some(merge), Some(time)) => merge.push(line, time, Moment::now()),
            _ => self.printer.record(&line),
        }
    }

    /// Shows a notice, in its place behind the records that came before it.
    fn notice(&mut self, notice: &Value) {
        let live = notice["notice"] == "live";
        // To people, the records that follow say as much.
        if self.json || !live {
            self.release();
            self.printer.notice(notice);
        }
    }

    fn release(&mut self) {
        while let Some(line) = self.merge.as_mut().and_then(Merge::pop_any) {
            self.printer.record(&line);
        }
    }

    fn finish(&mut self) {
        self.release();
        self.printer.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_knows_its_place_and_its_time() {
        let line =
            br#"{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"m","at":"0f-7"}"#;
        assert_eq!(place(line), Some("0f-7"));
        assert_eq!(time(line), Some(1_795_372_943_123_456));
        assert_eq!(place(br#"{"msg":"m","at":"x\"y"}"#), None);
        assert_eq!(place(b"{\"notice\":\"live\"}"), None);
    }
}
