//! A batch of a relay or of a stream, made into runs: each line as it stands in the relay's file, with
//! the relay's name behind the peer's.

use crate::clock::now;
use crate::decode::fit;
use crate::hub::line_run::{LineRun, Source};
use crate::senders::identity::{Sender, SenderId};
use memchr::memmem;
use netlog_wire::{BatchHeader, BatchSender, Identity, Line, Record, push_json};
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of the hub's room that a batch takes, for one of its lines.
const LINE: usize = 64;

/// Senders of one relay that are remembered between batches.
const MOST_SENDERS: usize = 10_000;

/// A batch as it came.
pub(super) struct RelayedBatch {
    pub(super) header: BatchHeader,
    pub(super) packed: Vec<u8>,
}

/// Senders that a relay speaks for.
pub(super) struct RelaySenders {
    /// The words behind the peer of each record, as they stand in a line.
    via: Vec<u8>,
    /// Finds where the peer ends.
    time: memmem::Finder<'static>,
    /// The host of records that name none, and the peer of all it makes itself.
    host: String,
    peer: String,
    /// Rights of its token, if it needs one.
    known: HashMap<BatchSender, Arc<Sender>>,
}

impl RelaySenders {
    pub(super) fn new(host: &str, peer: &str) -> Self {
        let host = fit(host.to_owned());
        let mut via = Vec::new();
        push_json(&mut via, &format!("via {host}"));
        let time = memmem::Finder::new(b"\"time\":\"");
        Self { via, time, host, peer: peer.to_owned(), known: HashMap::new() }
    }

    fn get(&mut self, sender: &BatchSender) -> Result<Arc<Sender>, String> {
        // A header has room for names of a megabyte, ten thousand of which are too many to keep.
        let name = |name: &Option<String>| name.clone().map(fit);
        let sender =
            BatchSender { id: sender.id.clone(), app: name(&sender.app), host: name(&sender.host) };
        if let Some(known) = self.known.get(&sender) {
            return Ok(known.clone());
        }
        let id = u128::from_str_radix(&sender.id, 16).map_err(|_| "malformed sender id")?;
        let host = sender.host.clone().unwrap_or_else(|| self.host.clone());
        let identity = Identity {
            app: sender.app.clone(),
            host: Some(host),
            pid: None,
            peer: Some(self.peer.clone()),
        };
        let known = Arc::new(Sender::new(SenderId(id), identity, false));
        if self.known.len() >= MOST_SENDERS {
            self.known.clear();
        }
        self.known.insert(sender, known.clone());
        Ok(known)
    }
}

impl RelayedBatch {
    /// Bytes of the hub's room that it takes.
    pub(super) fn room(&self) -> usize {
        self.header.bytes as usize + LINE * self.header.records() as usize
    }

    /// Its runs, once it is certain that it came as it was sent.
    pub(super) fn runs(&self, senders: &mut RelaySenders) -> Result<Vec<LineRun>, String> {
        let Self { header, packed } = self;
        let lines = zstd::bulk::decompress(packed, header.bytes as usize);
        let lines = lines.map_err(|error| format!("damaged batch: {error}"))?;
        if lines.len() as u64 != header.bytes || crc32fast::hash(&lines) != header.checksum {
            return Err("damaged batch".into());
        }
        let mut left = lines.split_inclusive(|&byte| byte == b'\n');
        let mut runs = Vec::with_capacity(header.runs.len());
        for run in &header.runs {
            let sender = senders.get(&header.senders[run.sender])?;
            let mut lines = LineRun::new(Source::Netlog(sender.clone()), run.first, 0);
            for line in left.by_ref().take(run.count as usize) {
                let line = line.strip_suffix(b"\n").ok_or("a line has no end")?;
                push(&mut lines, line, &sender, senders);
            }
            if lines.count != run.count {
                return Err("a batch has fewer lines than its header".into());
            }
            runs.push(lines);
        }
        match left.next() {
            None => Ok(runs),
            Some(_) => Err("a batch has more lines than its header".into()),
        }
    }
}

/// Adds exactly one record, whatever the line is: it has a number.
fn push(run: &mut LineRun, line: &[u8], sender: &Sender, senders: &RelaySenders) {
    let RelaySenders { via, time, .. } = senders;
    let parsed = Line::parse(line);
    let time = time.find(line);
    let (Some(parsed), Some(time)) = (parsed, time) else {
        let mut record = Record::from_plain(line, now());
        record.refuse_claims();
        return run.record(&record, &sender.identity);
    };
    match parsed.peer {
        // In front of the quote and the comma.
        Some(_) => {
            let at = time - 2;
            run.splice([&line[..at], b" ", via, &line[at..]], parsed.gist());
        }
        None => {
            let parts = [&line[..time], b"\"peer\":\"", via, b"\",", &line[time..]];
            run.splice(parts, parsed.gist());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::BatchRun;

    const TIME: &str = "\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"INFO\",\"msg\":\"m\"}";

    fn batch(lines: &str, count: u64) -> RelayedBatch {
        let sender = BatchSender { id: "9f".repeat(16), app: Some("a".into()), host: None };
        let packed = zstd::bulk::compress(lines.as_bytes(), 1).unwrap();
        let header = BatchHeader {
            batch: 1,
            bytes: lines.len() as u64,
            packed: packed.len() as u64,
            checksum: crc32fast::hash(lines.as_bytes()),
            senders: vec![sender],
            runs: vec![BatchRun { sender: 0, first: 7, count }],
        };
        RelayedBatch { header, packed }
    }

    fn senders() -> RelaySenders {
        RelaySenders::new("site\"1", "10.0.0.1:99")
    }

    #[test]
    fn the_name_of_the_relay_stands_behind_the_peer_and_all_else_stays() {
        let lines = format!(
            "{{\"app\":\"a\",\"host\":\"h\",\"pid\":7,\"peer\":\"10.0.0.7:5\",{TIME}\n\
             {{\"app\":\"\\\"time\\\":\\\"\",{TIME}\nplain \"time\":\"\n"
        );
        let runs = batch(&lines, 3).runs(&mut senders()).unwrap();
        let text = String::from_utf8(runs[0].lines.clone()).unwrap();
        let made: Vec<_> = text.lines().collect();
        let peer = "\"peer\":\"10.0.0.7:5 via site\\\"1\",";
        assert_eq!(made[0], format!("{{\"app\":\"a\",\"host\":\"h\",\"pid\":7,{peer}{TIME}"));
        let peer = "\"peer\":\"via site\\\"1\",";
        assert_eq!(made[1], format!("{{\"app\":\"\\\"time\\\":\\\"\",{peer}{TIME}"));
        let stamp = "{\"app\":\"a\",\"host\":\"site\\\"1\",\"peer\":\"10.0.0.1:99\",\"time\":";
        assert!(made[2].starts_with(stamp), "{}", made[2]);
        assert!(made.iter().all(|line| Line::parse(line.as_bytes()).is_some()));
        assert_eq!((runs.len(), runs[0].first, runs[0].count), (1, 7, 3));
    }

    #[test]
    fn a_batch_that_is_not_as_it_was_sent_is_refused() {
        let line = format!("{{{TIME}\n");
        for count in [1, 3] {
            assert!(batch(&line.repeat(2), count).runs(&mut senders()).is_err(), "{count}");
        }
        let mut wrong = batch(&line, 1);
        wrong.header.checksum ^= 1;
        assert_eq!(wrong.runs(&mut senders()).unwrap_err(), "damaged batch");
        let mut wrong = batch(&line, 1);
        wrong.packed[9] ^= 0xff;
        assert!(wrong.runs(&mut senders()).is_err());
        let mut wrong = batch(&line, 1);
        wrong.header.bytes -= 1;
        assert!(wrong.runs(&mut senders()).is_err(), "no more is unpacked than was announced");
    }
}
