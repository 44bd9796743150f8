//! Pushes in protobuf (`logproto.PushRequest`), already unpacked.

use super::entry::LokiEntry;
use super::labels::{EntryLabels, Label, Labels, StreamLabels};
use crate::decode::draft::Text;
use crate::decode::posted::{Fault, Posted, PostedRecords, RecordSource, RecordWriter};
use crate::decode::protobuf::{MalformedProtobuf, ProtobufField, ProtobufFields};
use crate::decode::time::{Moment, Zone};
use std::borrow::Cow;

/// The records of a push.
pub(crate) fn protobuf(body: &[u8], received: i64) -> PostedRecords<'_> {
    Box::new(ProtobufPush {
        received,
        streams: ProtobufFields(body),
        entries: ProtobufFields::default(),
        labels: StreamLabels::default(),
        metadata: Labels::default(),
    })
}

struct ProtobufPush<'a> {
    received: i64,
    streams: ProtobufFields<'a>,
    entries: ProtobufFields<'a>,
    labels: StreamLabels,
    /// Metadata of an entry.
    metadata: Labels<'a>,
}

impl<'a> ProtobufPush<'a> {
    /// The bytes of the next entry; `None` behind the last.
    fn next_entry(&mut self) -> Result<Option<&'a [u8]>, MalformedProtobuf> {
        loop {
            if let Some(ProtobufField { number, value }) = self.entries.next()? {
                if number == 2 {
                    return Ok(Some(value.bytes()));
                }
            } else if let Some(ProtobufField { number, value }) = self.streams.next()? {
                if number == 1 {
                    self.entries = ProtobufFields(value.bytes());
                    let labels = self.entries.first(1)?.map(|labels| text(labels.bytes()));
                    let labels = labels.map(|labels| selector(&labels)).unwrap_or_default();
                    self.labels = StreamLabels::new(labels);
                }
            } else {
                return Ok(None);
            }
        }
    }
}

impl RecordSource for ProtobufPush<'_> {
    fn next(&mut self, out: &mut RecordWriter<'_>) -> Option<Posted> {
        let bytes = match self.next_entry() {
            Ok(bytes) => bytes?,
            Err(malformed) => {
                self.streams = ProtobufFields::default();
                self.entries = ProtobufFields::default();
                return Some(Err(Fault::Malformed(malformed.to_string())));
            }
        };
        self.metadata.clear();
        Some(match entry(ProtobufFields(bytes), &mut self.metadata) {
            Ok(entry) => {
                let labels = EntryLabels::new(&self.labels, self.metadata.whole());
                entry.write(&labels, self.received, out)
            }
            // Its length says where the next one begins.
            Err(malformed) => Err(Fault::Rejected(malformed.to_string())),
        })
    }
}

fn entry<'a>(
    mut fields: ProtobufFields<'a>,
    metadata: &mut Labels<'a>,
) -> Result<LokiEntry<'a>, MalformedProtobuf> {
    let mut entry = LokiEntry::default();
    while let Some(ProtobufField { number, value }) = fields.next()? {
        match number {
            1 => entry.time = timestamp(ProtobufFields(value.bytes()))?,
            2 => entry.line = text(value.bytes()),
            3 => {
                let pair = ProtobufFields(value.bytes());
                let part = |number| {
                    let part = pair.first(number)?.map(|part| text(part.bytes()));
                    Ok(Text::Plain(part.unwrap_or_default()))
                };
                metadata.push(Label { key: part(1)?, value: part(2)? });
            }
            _ => {}
        }
    }
    Ok(entry)
}

/// `google.protobuf.Timestamp`.
fn timestamp(fields: ProtobufFields<'_>) -> Result<Option<Moment<'static>>, MalformedProtobuf> {
    let part = |number| fields.first(number).map(|part| part.map_or(0, |part| part.number()));
    let seconds = i64::try_from(part(1)?).ok();
    let micros = i64::try_from(part(2)? / 1000).ok();
    let time = seconds.and_then(|seconds| seconds.checked_mul(1_000_000)?.checked_add(micros?));
    Ok(time.map(|micros| Moment { micros, zone: Zone::Known }))
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The character that is written as a backslash and `c`, as in Go.
fn escaped(c: char) -> char {
    match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        _ => c,
    }
}

/// The labels of `{app="shop", host="web1"}`; what cannot be read is kept as one.
pub(super) fn selector(text: &str) -> Labels<'static> {
    let mut labels = Labels::default();
    let mut rest = text.trim().trim_start_matches('{');
    while let Some((key, behind)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut chars = behind.char_indices();
        let end = loop {
            match chars.next() {
                Some((_, '\\')) => value.extend(chars.next().map(|(_, c)| escaped(c))),
                Some((at, '"')) => break at + 1,
                Some((_, c)) => value.push(c),
                None => break behind.len(),
            }
        };
        let key = Text::Plain(key.trim().to_owned().into());
        labels.push(Label { key, value: Text::Plain(value.into()) });
        rest = behind[end..].trim_start_matches([',', ' ']);
    }
    let unread = rest.trim_end_matches(['}', ',', ' ']);
    if !unread.is_empty() {
        let value = Text::Plain(unread.to_owned().into());
        labels.push(Label { key: Text::Json("labels"), value });
    }
    labels
}
