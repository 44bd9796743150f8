//! The connection of a tail, which is opened again whenever it is lost.

use crate::clock::now;
use crate::read::{CollectorClient, Query, RequestError, ResponseLines, mark};
use serde_json::{Value, json};
use std::io;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

/// A collector sends at least an empty line every 15 s; one that is silent for this long is gone.
const SILENCE_LIMIT: Duration = Duration::from_secs(45);

const MIN_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// An event of the thread that reads the connection.
pub(super) enum TailEvent {
    Line(Vec<u8>),
    /// A notice of this program's own.
    Notice(Value),
    /// The end of a tail that does not follow, or whose time is over.
    End,
    /// The end of a tail that does not follow, whose collector is away, and others are not.
    Away,
    /// A failure that ends the tails of all collectors.
    Failed(anyhow::Error),
}

pub(super) struct TailConnection {
    /// The mark of its records, if there are several collectors.
    pub(super) source: Option<String>,
    pub(super) collector: CollectorClient,
    pub(super) query: Query,
    pub(super) follow: bool,
    /// In microseconds since 1970: the tail ends when that is over.
    pub(super) until: Option<i64>,
    pub(super) reconnect: bool,
    /// The position of the last record received.
    pub(super) position: Option<String>,
    /// True once all stored records were received.
    pub(super) live: bool,
    pub(super) events: SyncSender<TailEvent>,
}

/// The view is gone: nobody receives events any more.
struct Disconnected;

impl TailConnection {
    /// Sends events until there can be no more.
    pub(super) fn run(mut self) {
        // Nobody is left to tell that the view is gone.
        let _ = self.reconnecting();
    }

    fn reconnecting(&mut self) -> Result<(), Disconnected> {
        let mut lost = false;
        let mut backoff = MIN_BACKOFF;
        loop {
            let target = self.target();
            let response = self.collector.get(&target, SILENCE_LIMIT);
            let first = !lost && self.position.is_none() && response.is_err();
            let error = match response {
                Ok(response) => {
                    backoff = MIN_BACKOFF;
                    if lost {
                        self.send(TailEvent::Notice(json!({"notice": "reconnected"})))?;
                    }
                    lost = false;
                    match self.read(response)? {
                        None => return self.send(TailEvent::End),
                        Some(error) => error,
                    }
                }
                Err(error) => error,
            };
            let several = self.source.is_some();
            if first && several && !self.follow && !error.is_rejection() {
                let notice = json!({"notice": "away", "error": error.to_string()});
                self.send(TailEvent::Notice(notice))?;
                return self.send(TailEvent::Away);
            }
            // The first time, a failure means a wrong address rather than an interruption; one of
            // several collectors may well be away.
            if (first && !several) || !self.reconnect || error.is_rejection() {
                return self.send(TailEvent::Failed(error.of(&self.collector.url)));
            }
            if !lost {
                lost = true;
                let notice = json!({"notice": "lost", "error": error.to_string()});
                self.send(TailEvent::Notice(notice))?;
            }
            thread::sleep(backoff);
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    fn target(&self) -> String {
        let mut query = self.query.clone();
        match &self.position {
            Some(position) => query.push("after", position),
            // Live since before the first record: everything there is came later.
            None if self.live => query.push("n", "all"),
            None => {}
        }
        query.target("/tail")
    }

    /// Passes on all lines; returns why no more came, or `None` if none were expected.
    fn read(&mut self, mut response: ResponseLines) -> Result<Option<RequestError>, Disconnected> {
        loop {
            match response.next_line() {
                // Sent to keep the connection alive.
                Ok(Some(line)) if line.is_empty() => {}
                Ok(Some(line)) => {
                    self.live |= line.starts_with(b"{\"notice\":\"live\"");
                    if let Some(position) = position(&line) {
                        self.position = Some(position.to_owned());
                    }
                    self.send(TailEvent::Line(line))?;
                }
                Ok(None) if !self.follow || self.is_over() => return Ok(None),
                Ok(None) => {
                    let closed = io::Error::other("the collector closed the connection");
                    return Ok(Some(closed.into()));
                }
                Err(error) => return Ok(Some(error.into())),
            }
        }
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= now().timestamp_micros())
    }

    fn send(&self, mut event: TailEvent) -> Result<(), Disconnected> {
        match (&self.source, &mut event) {
            (Some(source), TailEvent::Line(line)) => mark(line, source),
            (Some(source), TailEvent::Notice(notice)) => {
                notice["collector"] = source.as_str().into();
            }
            _ => {}
        }
        self.events.send(event).map_err(|_| Disconnected)
    }
}

/// The last member of a record: its position.
fn position(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix("\"}")?;
    let (_, position) = line.rsplit_once(",\"at\":\"")?;
    let valid = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    position.bytes().all(valid).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_of_a_record_is_its_last_member() {
        assert_eq!(position(br#"{"level":"INFO","msg":"m","at":"0f-7"}"#), Some("0f-7"));
        assert_eq!(position(br#"{"msg":"m","at":"x\"y"}"#), None);
        assert_eq!(position(b"{\"notice\":\"live\"}"), None);
    }
}
