//! A batch on its way out: lines as they stand in the file, and the numbers they travel under.

use crate::decode::fit;
use crate::layout::forwarded::ForwardState;
use crate::senders::identity::SenderId;
use netlog_wire::{BatchHeader, BatchRun, BatchSender, Line, MAX_HEADER, MAX_RECORDS, push_json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use zstd::bulk::Compressor;

/// A batch is full when it has so many lines of different senders, or so many senders.
const MOST_RUNS: usize = 4096;
const MOST_SENDERS: usize = 2048;

/// Compression that costs about as much as the checksum.
const LEVEL: i32 = 1;

/// Size beyond which a batch is full.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchLimits {
    /// Of its lines, about.
    pub(super) bytes: usize,
    /// Of its header, about.
    pub(super) header: usize,
}

/// A batch of any size that another collector accepts.
pub(super) const RELAYED: BatchLimits = BatchLimits { bytes: 512 << 10, header: MAX_HEADER / 2 };

/// Bytes of a run in the header, at most.
const RUN: usize = 48;

/// Bytes around the names of a sender in the header.
const SENDER: usize = 48;

/// Records that are sent at once.
#[derive(Debug)]
pub(super) struct Outgoing {
    limits: BatchLimits,
    /// Length of the names in the header.
    names: usize,
    relay: u128,
    lines: Vec<u8>,
    senders: Vec<BatchSender>,
    places: HashMap<SenderId, usize>,
    /// The names in front of the last record without a number, as they stand there.
    last_names: Option<NamedPlace>,
    runs: Vec<BatchRun>,
    records: u64,
    /// Those of them whose own numbers are wrong.
    pub(super) renumbered: u64,
    /// Count of numbers that the relay has given, before it and with it.
    before: u64,
    numbered: u64,
}

#[derive(Debug)]
struct NamedPlace {
    app: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
    place: usize,
}

impl Outgoing {
    /// An empty one for a relay in this state.
    pub(super) fn new(state: &ForwardState, limits: BatchLimits) -> Self {
        Self {
            limits,
            names: 0,
            relay: state.relay,
            lines: Vec::new(),
            senders: Vec::new(),
            places: HashMap::new(),
            last_names: None,
            runs: Vec::new(),
            records: 0,
            renumbered: 0,
            before: state.numbered,
            numbered: state.numbered,
        }
    }

    /// Count of numbers that it gives.
    pub(super) fn numbered(&self) -> u64 {
        self.numbered - self.before
    }

    pub(super) fn limits(&self) -> BatchLimits {
        self.limits
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= self.limits.bytes
            || self.names + RUN * self.runs.len() >= self.limits.header
            || self.runs.len() >= MOST_RUNS
            || self.senders.len() >= MOST_SENDERS
            || self.records >= MAX_RECORDS
    }

    /// Adds records that a sender has numbered, from `first` on, until it is full, and returns how
    /// many bytes those are.
    pub(super) fn push_numbered(&mut self, sender: SenderId, first: u64, lines: &[u8]) -> usize {
        let room = MAX_RECORDS.saturating_sub(self.records);
        let Some(last) = room.checked_sub(1) else { return 0 };
        let end = memchr::memchr_iter(b'\n', lines).nth(last as usize);
        let lines = end.map_or(lines, |end| &lines[..=end]);
        let place = self.places.get(&sender).copied().unwrap_or_else(|| {
            let parsed = lines.split(|&byte| byte == b'\n').next().and_then(Line::parse);
            let app = parsed.and_then(|line| line.app).map(|app| app.text().into_owned());
            let host = parsed.and_then(|line| line.host).map(|host| host.text().into_owned());
            self.introduce(sender, app, host)
        });
        self.lines.extend_from_slice(lines);
        let count = memchr::memchr_iter(b'\n', lines).count() as u64;
        self.push_run(BatchRun { sender: place, first, count });
        lines.len()
    }

    /// Adds records without numbers until it is full, and returns how many bytes those are.
    pub(super) fn push_unnumbered(&mut self, lines: &[u8]) -> usize {
        let mut taken = 0;
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            if self.is_full() {
                break;
            }
            let place = self.place_of(line);
            self.numbered += 1;
            self.lines.extend_from_slice(line);
            self.push_run(BatchRun { sender: place, first: self.numbered, count: 1 });
            taken += line.len();
        }
        taken
    }

    fn push_run(&mut self, run: BatchRun) {
        self.records += run.count;
        match self.runs.last_mut() {
            Some(last) if last.sender == run.sender && last.first + last.count == run.first => {
                last.count += run.count;
            }
            _ => self.runs.push(run),
        }
    }

    /// The place of the sender that stands for the app and host in front of `line`.
    fn place_of(&mut self, line: &[u8]) -> usize {
        let parsed = Line::parse(line.strip_suffix(b"\n").unwrap_or(line));
        let app = parsed.and_then(|line| line.app);
        let host = parsed.and_then(|line| line.host);
        let raw_app = app.map(|app| app.escaped());
        let raw_host = host.map(|host| host.escaped());
        let same =
            |last: &&NamedPlace| last.app.as_deref() == raw_app && last.host.as_deref() == raw_host;
        if let Some(last) = self.last_names.as_ref().filter(same) {
            return last.place;
        }
        let app_text = app.map(|app| app.text().into_owned());
        let host_text = host.map(|host| host.text().into_owned());
        let id = SenderId::derived(self.relay, app_text.as_deref(), host_text.as_deref());
        let known = self.places.get(&id).copied();
        let place = known.unwrap_or_else(|| self.introduce(id, app_text, host_text));
        let app = raw_app.map(<[u8]>::to_vec);
        let host = raw_host.map(<[u8]>::to_vec);
        self.last_names = Some(NamedPlace { app, host, place });
        place
    }

    fn introduce(&mut self, sender: SenderId, app: Option<String>, host: Option<String>) -> usize {
        let id = format!("{:032x}", sender.0);
        // An edited line may have any name, and the header is limited.
        let introduced = BatchSender { id, app: app.map(fit), host: host.map(fit) };
        let names = [&introduced.app, &introduced.host].into_iter().flatten();
        self.names += SENDER + names.map(|name| json_len(name)).sum::<usize>();
        self.senders.push(introduced);
        self.places.insert(sender, self.senders.len() - 1);
        self.senders.len() - 1
    }

    /// Count of its records.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// The bytes that a relay sends, as batch number `batch` of a connection.
    pub(super) fn encode(self, batch: u64) -> io::Result<Vec<u8>> {
        let PackedBatch { header, packed } = self.pack(batch)?;
        let mut bytes = Vec::with_capacity(packed.len() + 512);
        header.push(&mut bytes);
        bytes.extend_from_slice(&packed);
        Ok(bytes)
    }

    /// Its header and its lines, compressed.
    pub(super) fn pack(self, batch: u64) -> io::Result<PackedBatch> {
        let packed = compress(&self.lines)?;
        let header = BatchHeader {
            batch,
            bytes: self.lines.len() as u64,
            packed: packed.len() as u64,
            checksum: crc32fast::hash(&self.lines),
            senders: self.senders,
            runs: self.runs,
        };
        Ok(PackedBatch { header, packed })
    }
}

thread_local! {
    /// The compressor of a thread that forwards: to make one takes as long as to compress some.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

fn compress(lines: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        if let Some(compressor) = compressor {
            return compressor.compress(lines);
        }
        compressor.insert(Compressor::new(LEVEL)?).compress(lines)
    })
}

/// A batch ready to be sent.
#[derive(Debug)]
pub(super) struct PackedBatch {
    pub(super) header: BatchHeader,
    pub(super) packed: Vec<u8>,
}

/// Length of `text` as a JSON string.
fn json_len(text: &str) -> usize {
    let mut json = Vec::new();
    push_json(&mut json, text);
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::forwarded::{ForwardPlace, Forwarded};

    fn outgoing() -> Outgoing {
        let dir = tempfile::tempdir().unwrap();
        let begun = Forwarded::begin(&dir.path().join("app.log"), ForwardPlace::default(), 1);
        Outgoing::new(&begun.unwrap().now(), RELAYED)
    }

    #[test]
    fn no_more_records_are_sent_at_once_than_are_accepted() {
        let lines = vec![b'\n'; MAX_RECORDS as usize + 5];
        let mut plain = outgoing();
        assert_eq!(plain.push_unnumbered(&lines) as u64, MAX_RECORDS);
        let mut numbered = outgoing();
        assert_eq!(numbered.push_numbered(SenderId(7), 3, &lines) as u64, MAX_RECORDS);
        assert_eq!(numbered.push_numbered(SenderId(8), 1, &lines), 0);
        for batch in [plain, numbered] {
            assert!(batch.is_full());
            let bytes = batch.encode(1).unwrap();
            let header = bytes.split(|&byte| byte == b'\n').next().unwrap();
            assert_eq!(BatchHeader::parse(header).unwrap().records(), MAX_RECORDS);
        }
    }
}
