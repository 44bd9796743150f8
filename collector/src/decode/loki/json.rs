//! Pushes in JSON, read once from front to back.

use super::entry::LokiEntry;
use super::labels::{EntryLabels, Label, Labels, StreamLabels};
use super::protobuf::selector;
use crate::decode::draft::Text;
use crate::decode::json_cursor::{JsonCursor, MalformedJson, RawString};
use crate::decode::posted::{Fault, Posted, PostedRecords, RecordSource, RecordWriter};
use crate::decode::time::{self, Moment, Zone};

/// The records of a JSON push; `None` when it is not one.
pub(crate) fn json(body: &[u8], received: i64) -> Option<PostedRecords<'_>> {
    let mut cursor = JsonCursor::new(std::str::from_utf8(body).ok()?);
    let mut members = 0;
    cursor.expect(b'{').ok()?;
    while let Some(key) = cursor.next_key(&mut members).ok()? {
        if key.inside == "streams" && cursor.take(b'[') {
            return Some(Box::new(JsonPush {
                received,
                cursor,
                place: PushPlace::Streams,
                parts: [members, 0, 0, 0],
                labels: StreamLabels::default(),
                labels_known: false,
                entries_found: false,
                metadata: Labels::default(),
            }));
        }
        cursor.skip().ok()?;
    }
    None
}

struct JsonPush<'a> {
    received: i64,
    cursor: JsonCursor<'a>,
    place: PushPlace,
    /// Number of parts so far of each object and array around the place.
    parts: [usize; 4],
    labels: StreamLabels,
    /// The labels of the stream have been read.
    labels_known: bool,
    /// The entries of the stream have been found.
    entries_found: bool,
    /// Metadata of an entry.
    metadata: Labels<'a>,
}

/// The object or array that the next part is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PushPlace {
    Request,
    Streams,
    Stream,
    Values,
    End,
}

/// The next part of a push that is answered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PushPart {
    Entry,
    /// A stream without entries, or something else in its place.
    EmptyStream,
}

impl<'a> JsonPush<'a> {
    /// Goes to the next entry; `None` when there are no more.
    fn find(&mut self) -> Result<Option<PushPart>, MalformedJson> {
        loop {
            match self.place {
                PushPlace::End => return Ok(None),
                PushPlace::Request => match self.cursor.next_key(&mut self.parts[0])? {
                    Some(_) => self.cursor.skip().map(|_| ())?,
                    None if self.cursor.is_at_end() => self.place = PushPlace::End,
                    None => return Err(self.cursor.malformed()),
                },
                PushPlace::Streams => {
                    if !self.cursor.next_part(b']', &mut self.parts[1])? {
                        self.place = PushPlace::Request;
                    } else if self.cursor.take(b'{') {
                        self.labels = StreamLabels::default();
                        self.labels_known = false;
                        self.entries_found = false;
                        self.parts[2] = 0;
                        self.place = PushPlace::Stream;
                    } else {
                        self.cursor.skip()?;
                        return Ok(Some(PushPart::EmptyStream));
                    }
                }
                PushPlace::Stream => {
                    self.member()?;
                    if self.place == PushPlace::Streams && !self.entries_found {
                        return Ok(Some(PushPart::EmptyStream));
                    }
                }
                PushPlace::Values => match self.cursor.next_part(b']', &mut self.parts[3])? {
                    true => return Ok(Some(PushPart::Entry)),
                    false => self.place = PushPlace::Stream,
                },
            }
        }
    }

    /// Reads the next member of a stream.
    fn member(&mut self) -> Result<(), MalformedJson> {
        let Some(key) = self.cursor.next_key(&mut self.parts[2])? else {
            self.place = PushPlace::Streams;
            return Ok(());
        };
        match key.inside {
            "stream" | "labels" => {
                self.labels_known = true;
                self.labels = read_stream_labels(&mut self.cursor)?;
            }
            "values" | "entries" if self.cursor.peek() == Some(b'[') => {
                if !self.labels_known {
                    self.labels = self.labels_behind()?;
                    self.labels_known = true;
                }
                self.cursor.expect(b'[')?;
                self.parts[3] = 0;
                self.entries_found = true;
                self.place = PushPlace::Values;
            }
            "values" | "entries" => self.entries_found |= self.cursor.skip()?.json == "null",
            _ => self.cursor.skip().map(|_| ())?,
        }
        Ok(())
    }

    /// The labels of a stream that stand behind its entries.
    fn labels_behind(&self) -> Result<StreamLabels, MalformedJson> {
        let mut behind = self.cursor;
        behind.skip()?;
        for key in ["stream", "labels"] {
            if let Some(mut labels) = behind.ahead(key)? {
                return read_stream_labels(&mut labels);
            }
        }
        Ok(StreamLabels::default())
    }

    fn write_next(&mut self, out: &mut RecordWriter<'_>) -> Result<Option<Posted>, MalformedJson> {
        match self.find()? {
            None => return Ok(None),
            Some(PushPart::Entry) => {}
            Some(PushPart::EmptyStream) => {
                let at = self.parts[1] - 1;
                let words = format!("stream {at} has neither \"values\" nor \"entries\"");
                return Ok(Some(Err(Fault::Rejected(words))));
            }
        }
        self.metadata.clear();
        let (entry, form) = match self.cursor.peek() {
            Some(b'{') => (read_entry(&mut self.cursor, &mut self.metadata)?, ENTRY),
            _ => (read_value(&mut self.cursor, &mut self.metadata)?, VALUE),
        };
        let Some(entry) = entry else {
            let at = self.parts[3] - 1;
            return Ok(Some(Err(Fault::Rejected(format!("value {at} of a stream is not {form}")))));
        };
        let labels = EntryLabels::new(&self.labels, self.metadata.whole());
        Ok(Some(entry.write(&labels, self.received, out)))
    }
}

impl RecordSource for JsonPush<'_> {
    fn next(&mut self, out: &mut RecordWriter<'_>) -> Option<Posted> {
        self.write_next(out).unwrap_or_else(|malformed| {
            self.place = PushPlace::End;
            Some(Err(Fault::Malformed(malformed.to_string())))
        })
    }
}

/// Labels as an object; a value that is no string is kept as JSON.
fn read_labels<'a>(at: &mut JsonCursor<'a>, labels: &mut Labels<'a>) -> Result<(), MalformedJson> {
    let mut members = 0;
    if !at.take(b'{') {
        return at.skip().map(|_| ());
    }
    while let Some(key) = at.next_key(&mut members)? {
        labels.push(read_label(key, at)?);
    }
    Ok(())
}

/// The label whose key was just read.
fn read_label<'a>(key: RawString<'a>, at: &mut JsonCursor<'a>) -> Result<Label<'a>, MalformedJson> {
    let value = match at.peek() {
        Some(b'"') => at.string()?.text(),
        _ => {
            let value = at.skip()?;
            Text::Plain(value.compact().unwrap_or_else(|| value.json.into()))
        }
    };
    Ok(Label { key: key.text(), value })
}

/// The labels of a stream: an object, or the older form, a selector in a string.
fn read_stream_labels(at: &mut JsonCursor<'_>) -> Result<StreamLabels, MalformedJson> {
    if at.peek() == Some(b'"') {
        return Ok(StreamLabels::new(selector(&at.string()?.meant())));
    }
    let mut labels = Labels::default();
    read_labels(at, &mut labels)?;
    Ok(StreamLabels::new(labels))
}

/// The forms of an entry.
const VALUE: &str = "[\"nanoseconds\", \"line\"]";
const ENTRY: &str = "{\"ts\": \"time\", \"line\": \"text\"}";

/// `["1795372943123456789", "line", {"key": "value"}]`; the time may be a number, the last element
/// is optional. `None` for anything else.
fn read_value<'a>(
    at: &mut JsonCursor<'a>,
    metadata: &mut Labels<'a>,
) -> Result<Option<LokiEntry<'a>>, MalformedJson> {
    let mut parts = 0;
    if !at.take(b'[') {
        return at.skip().map(|_| None);
    }
    let mut nanos = None;
    let mut line = None;
    while at.next_part(b']', &mut parts)? {
        match parts {
            1 => nanos = at.integer()?,
            2 if at.peek() == Some(b'"') => line = Some(at.string()?.meant()),
            3 => read_labels(at, metadata)?,
            _ => at.skip().map(|_| ())?,
        }
    }
    let (Some(nanos), Some(line)) = (nanos, line) else { return Ok(None) };
    let time = Moment { micros: (nanos / 1000).cast_signed(), zone: Zone::Known };
    Ok(Some(LokiEntry { time: Some(time), line }))
}

/// `{"ts": "2026-11-22T19:00:00Z", "line": "text"}`, the older form; its other members are metadata.
/// `None` for anything else.
fn read_entry<'a>(
    at: &mut JsonCursor<'a>,
    metadata: &mut Labels<'a>,
) -> Result<Option<LokiEntry<'a>>, MalformedJson> {
    let mut members = 0;
    let mut time = None;
    let mut line = None;
    at.expect(b'{')?;
    while let Some(key) = at.next_key(&mut members)? {
        match key.inside {
            "ts" if at.peek() == Some(b'"') => time = time::parse(at.string()?.inside.trim()),
            "ts" => {
                let micros = time::epoch(at.skip()?.json);
                time = micros.map(|micros| Moment { micros, zone: Zone::Known });
            }
            "line" if at.peek() == Some(b'"') => line = Some(at.string()?.meant()),
            _ => metadata.push(read_label(key, at)?),
        }
    }
    Ok(time.zip(line).map(|(time, line)| LokiEntry { time: Some(time), line }))
}
