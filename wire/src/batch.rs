//! Batches between collectors: records of many senders in one message, each with its number.
//!
//! ```text
//! relay      {"netlog":1,"relay":"5d0e…","host":"site1","token":"…"}
//! collector  {"netlog":1,"ack":0}
//! relay      {"batch":1,"bytes":420,"packed":97,"checksum":2774,"senders":[["9f3c…","orders","web1"]],"runs":[[0,1043,2]]}
//!            97 bytes: a zstd frame that holds 420 bytes of lines
//! collector  {"ack":1}
//! ```
//!
//! The lines stand as they do in the file of the collector that sends them, with the identity of
//! their sender in front. `runs` divides them in their order: the place in `senders`, the number of
//! the first record, the count of records.

use crate::hello::{Hello, VERSION};
use serde_json::{Value, json};

/// The longest header, in bytes.
pub const MAX_HEADER: usize = 1 << 20;

/// The most bytes of lines in a batch.
pub const MAX_BATCH: u64 = 32 << 20;

/// The most records in a batch: an empty line takes next to nothing when packed, and a hundred bytes
/// where it arrives.
pub const MAX_RECORDS: u64 = 100_000;

/// Numbers stay below this, so that counting on never overflows.
pub const MAX_NUMBER: u64 = 1 << 62;

/// Start of the first line of a relay.
pub const RELAY_START: &[u8] = b"{\"netlog\":1,\"relay\":\"";

/// The first line of a collector that forwards the records of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayHello {
    /// Id of its log: 32 lower-case hex digits.
    pub relay: String,
    /// The machine it runs on.
    pub host: String,
    /// Token that lets it send, where the collector requires one.
    pub token: Option<String>,
}

/// The line in front of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchHeader {
    /// Number of the batch on its connection, from 1.
    pub batch: u64,
    /// Length of the lines.
    pub bytes: u64,
    /// Length of what follows: a zstd frame that holds the lines.
    pub packed: u64,
    /// CRC-32 of the lines.
    pub checksum: u32,
    /// The senders of the runs.
    pub senders: Vec<BatchSender>,
    /// The lines in their order.
    pub runs: Vec<BatchRun>,
}

/// A sender of records in a batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BatchSender {
    /// The sender id.
    pub id: String,
    /// The program's name.
    pub app: Option<String>,
    /// The machine it runs on.
    pub host: Option<String>,
}

/// Consecutive records of one sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchRun {
    /// Place of the sender among [`BatchHeader::senders`].
    pub sender: usize,
    /// Number of the first record.
    pub first: u64,
    /// Count of records.
    pub count: u64,
}

impl RelayHello {
    /// Reads a line; `None` if it is anything else.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let said: Value = serde_json::from_slice(line).ok()?;
        let text = |key: &str| said[key].as_str().map(str::to_owned);
        let relay = text("relay").filter(|id| Hello::valid_sender(id))?;
        (said["netlog"].as_u64() == Some(VERSION.into())).then_some(())?;
        Some(Self { relay, host: text("host")?, token: text("token") })
    }

    /// Appends the line, with its line end.
    pub fn push(&self, out: &mut Vec<u8>) {
        let quoted = |text: &str| Value::from(text).to_string();
        out.extend_from_slice(RELAY_START);
        out.extend_from_slice(
            format!("{}\",\"host\":{}", self.relay, quoted(&self.host)).as_bytes(),
        );
        if let Some(token) = &self.token {
            out.extend_from_slice(format!(",\"token\":{}", quoted(token)).as_bytes());
        }
        out.extend_from_slice(b"}\n");
    }
}

impl BatchHeader {
    /// Reads a line; `None` if it is anything else, or if it contradicts itself.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let said: Value = serde_json::from_slice(line).ok()?;
        let number = |key: &str| said[key].as_u64();
        let bytes = number("bytes").filter(|&bytes| bytes <= MAX_BATCH)?;
        let packed = number("packed").filter(|&packed| packed <= MAX_BATCH)?;
        let checksum = u32::try_from(number("checksum")?).ok()?;
        let senders = said["senders"].as_array()?.iter().map(BatchSender::read);
        let senders = senders.collect::<Option<Vec<_>>>()?;
        let runs = said["runs"].as_array()?.iter().map(|run| BatchRun::read(run, senders.len()));
        let runs = runs.collect::<Option<Vec<_>>>()?;
        let header = Self { batch: number("batch")?, bytes, packed, checksum, senders, runs };
        (header.records() <= MAX_RECORDS).then_some(header)
    }

    /// Appends the line, with its line end.
    pub fn push(&self, out: &mut Vec<u8>) {
        let senders: Vec<Value> =
            self.senders.iter().map(|sender| json!([sender.id, sender.app, sender.host])).collect();
        let runs: Vec<Value> =
            self.runs.iter().map(|run| json!([run.sender, run.first, run.count])).collect();
        let Self { batch, bytes, packed, checksum, .. } = self;
        let line = format!(
            "{{\"batch\":{batch},\"bytes\":{bytes},\"packed\":{packed},\"checksum\":{checksum},\
             \"senders\":{},\"runs\":{}}}\n",
            Value::from(senders),
            Value::from(runs)
        );
        out.extend_from_slice(line.as_bytes());
    }

    /// Count of its records.
    pub fn records(&self) -> u64 {
        self.runs.iter().map(|run| run.count).sum()
    }
}

impl BatchSender {
    fn read(value: &Value) -> Option<Self> {
        let parts = value.as_array().filter(|parts| parts.len() >= 3)?;
        let text = |at: usize| parts[at].as_str().map(str::to_owned);
        let id = text(0).filter(|id| Hello::valid_sender(id))?;
        Some(Self { id, app: text(1), host: text(2) })
    }
}

impl BatchRun {
    fn read(value: &Value, senders: usize) -> Option<Self> {
        let parts = value.as_array().filter(|parts| parts.len() >= 3)?;
        let sender = usize::try_from(parts[0].as_u64()?).ok().filter(|at| *at < senders)?;
        let first = parts[1].as_u64().filter(|first| (1..MAX_NUMBER).contains(first))?;
        let count = parts[2].as_u64().filter(|count| (1..=MAX_BATCH).contains(count))?;
        Some(Self { sender, first, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_relay_begins_in_these_bytes() {
        let hello = RelayHello { relay: "5d".repeat(16), host: "site1".into(), token: None };
        let line = format!("{{\"netlog\":1,\"relay\":\"{}\",\"host\":\"site1\"}}\n", hello.relay);
        assert_eq!(text(|out| hello.push(out)), line);
        assert_eq!(RelayHello::parse(line.as_bytes()), Some(hello.clone()));
        let secret = RelayHello { token: Some("a\"b".into()), ..hello };
        let line = line.replace("\"}", "\",\"token\":\"a\\\"b\"}");
        assert_eq!(text(|out| secret.push(out)), line);
        assert_eq!(RelayHello::parse(line.as_bytes()), Some(secret));
        for bad in ["", "{}", "{\"netlog\":2,\"relay\":\"5d5d\"}"] {
            assert_eq!(RelayHello::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_batch_is_described_in_these_bytes() {
        let senders = vec![
            BatchSender { id: "9f".repeat(16), app: Some("orders".into()), host: None },
            BatchSender { id: "3c".repeat(16), app: None, host: Some("web1".into()) },
        ];
        let run = |sender, first, count| BatchRun { sender, first, count };
        let runs = vec![run(1, 1043, 20), run(0, 1, 2)];
        let header =
            BatchHeader { batch: 7, bytes: 4100, packed: 900, checksum: 99, senders, runs };
        let line = format!(
            "{{\"batch\":7,\"bytes\":4100,\"packed\":900,\"checksum\":99,\"senders\":\
             [[\"{}\",\"orders\",null],[\"{}\",null,\"web1\"]],\"runs\":[[1,1043,20],[0,1,2]]}}\n",
            "9f".repeat(16),
            "3c".repeat(16)
        );
        assert_eq!(text(|out| header.push(out)), line);
        assert_eq!(header.records(), 22);
        assert_eq!(BatchHeader::parse(line.as_bytes()), Some(header));
        for (from, to) in [
            ("[0,1,2]", "[2,1,2]"),
            ("[0,1,2]", "[0,0,2]"),
            ("[0,1,2]", "[0,1,0]"),
            ("[0,1,2]", "[0,1]"),
            ("1043", "9223372036854775807"),
            ("4100", "99999999999"),
            ("[1,1043,20]", "[1,1043,99999]"),
            ("9f", "xx"),
        ] {
            assert_eq!(BatchHeader::parse(line.replace(from, to).as_bytes()), None, "{from} {to}");
        }
    }
}
