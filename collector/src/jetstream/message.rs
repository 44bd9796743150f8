//! A message of the stream: a batch, and the place of the log that it is from.
//!
//! ```text
//! Netlog-Batch: {"batch":1,"bytes":420,…}     as a relay sends it
//! Netlog-Place: 7 0 7 420 12                  file and offset behind the message before and behind this
//!                                             one, numbers given
//! Netlog-Host: web1                           the machine of the collector
//! Netlog-Checksum: 9fa03c11                   CRC-32 of these values and the payload
//! ```

use crate::layout::forward_place::{ForwardPlace, Reached};
use async_nats::HeaderMap;
use netlog_wire::BatchHeader;

const BATCH: &str = "Netlog-Batch";
const PLACE: &str = "Netlog-Place";
const HOST: &str = "Netlog-Host";
const CHECKSUM: &str = "Netlog-Checksum";

/// A batch as it is in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BatchMessage {
    pub(crate) header: BatchHeader,
    pub(crate) host: String,
    /// The place behind the message before, 0 if none is known.
    pub(crate) from: ForwardPlace,
    pub(crate) to: Reached,
    /// The lines in a zstd frame.
    pub(crate) packed: Vec<u8>,
}

/// A message that is not as it was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DamagedMessage;

impl BatchMessage {
    /// The headers of the message.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut batch = Vec::new();
        self.header.push(&mut batch);
        let batch = String::from_utf8_lossy(&batch);
        let from = self.from;
        let to = self.to.place;
        let place = [from.generation, from.offset, to.generation, to.offset, self.to.numbered];
        let place = place.map(|number| number.to_string()).join(" ");
        let values = CheckedValues { batch: batch.trim_end(), place: &place, host: &self.host };
        let checksum = format!("{:08x}", values.checksum(&self.packed));
        let mut headers = HeaderMap::new();
        headers.insert(BATCH, values.batch);
        headers.insert(PLACE, values.place);
        headers.insert(HOST, values.host);
        headers.insert(CHECKSUM, checksum.as_str());
        headers
    }

    /// Reads a message, once it is certain that it is as it was published.
    pub(crate) fn parse(headers: &HeaderMap, payload: &[u8]) -> Result<Self, DamagedMessage> {
        let value =
            |name: &str| headers.get(name).map(|value| value.as_str()).ok_or(DamagedMessage);
        let values =
            CheckedValues { batch: value(BATCH)?, place: value(PLACE)?, host: value(HOST)? };
        if value(CHECKSUM)? != format!("{:08x}", values.checksum(payload)) {
            return Err(DamagedMessage);
        }
        let header = BatchHeader::parse(values.batch.as_bytes()).ok_or(DamagedMessage)?;
        let place: Result<Vec<u64>, _> = values.place.split(' ').map(str::parse).collect();
        let place = place.map_err(|_| DamagedMessage)?;
        let [from_file, from_offset, to_file, to_offset, numbered] = place[..] else {
            return Err(DamagedMessage);
        };
        let to = ForwardPlace { generation: to_file, offset: to_offset };
        Ok(Self {
            header,
            host: values.host.to_owned(),
            from: ForwardPlace { generation: from_file, offset: from_offset },
            to: Reached { place: to, numbered },
            packed: payload.to_vec(),
        })
    }
}

/// The values that the checksum is of.
struct CheckedValues<'a> {
    batch: &'a str,
    place: &'a str,
    host: &'a str,
}

impl CheckedValues<'_> {
    fn checksum(&self, payload: &[u8]) -> u32 {
        let mut checksum = crc32fast::Hasher::new();
        for value in [self.batch, self.place, self.host] {
            checksum.update(value.as_bytes());
            checksum.update(b"\n");
        }
        checksum.update(payload);
        checksum.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::{BatchRun, BatchSender};

    #[test]
    fn a_message_is_read_back_and_any_change_of_it_is_found() {
        let sender = BatchSender { id: "9f".repeat(16), app: Some("ä".into()), host: None };
        let header = BatchHeader {
            batch: 1,
            bytes: 20,
            packed: 4,
            checksum: 7,
            senders: vec![sender],
            runs: vec![BatchRun { sender: 0, first: 1, count: 2 }],
        };
        let message = BatchMessage {
            header,
            host: "web1".into(),
            from: ForwardPlace { generation: 7, offset: 0 },
            to: Reached { place: ForwardPlace { generation: 7, offset: 20 }, numbered: 2 },
            packed: b"abcd".to_vec(),
        };
        let headers = message.headers();
        assert_eq!(BatchMessage::parse(&headers, b"abcd"), Ok(message));
        assert_eq!(BatchMessage::parse(&headers, b"abce"), Err(DamagedMessage));
        for name in [BATCH, PLACE, HOST, CHECKSUM] {
            let mut changed = headers.clone();
            let value = headers.get(name).unwrap().as_str();
            changed.insert(name, format!("{value} ").as_str());
            assert_eq!(BatchMessage::parse(&changed, b"abcd"), Err(DamagedMessage), "{name}");
        }
    }
}
