//! Pushes in JSON, read once from front to back.

use super::entry::LokiEntry;
use super::labels::{EntryLabels, Label, Labels, StreamLabels};
use crate::decode::draft::Text;
use crate::decode::json_cursor::{JsonCursor, MalformedJson};
use crate::decode::posted::{Fault, Posted, PostedRecords, RecordSource, RecordWriter};

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

impl<'a> JsonPush<'a> {
    /// Goes to the next value; `false` when there are no more.
    fn find(&mut self) -> Result<bool, MalformedJson> {
        loop {
            match self.place {
                PushPlace::End => return Ok(false),
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
                        self.parts[2] = 0;
                        self.place = PushPlace::Stream;
                    } else {
                        self.cursor.skip()?;
                    }
                }
                PushPlace::Stream => self.member()?,
                PushPlace::Values => match self.cursor.next_part(b']', &mut self.parts[3])? {
                    true => return Ok(true),
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
            "stream" => self.labels = self.read_labels()?,
            "values" if self.cursor.peek() == Some(b'[') => {
                if !self.labels_known {
                    // They may stand behind what they are about.
                    let mut ahead = self.cursor;
                    ahead.skip()?;
                    if let Some(mut ahead) = ahead.ahead("stream")? {
                        let mut labels = Labels::default();
                        read_labels(&mut ahead, &mut labels)?;
                        self.labels = StreamLabels::new(labels);
                    }
                    self.labels_known = true;
                }
                self.cursor.expect(b'[')?;
                self.parts[3] = 0;
                self.place = PushPlace::Values;
            }
            _ => self.cursor.skip().map(|_| ())?,
        }
        Ok(())
    }

    fn read_labels(&mut self) -> Result<StreamLabels, MalformedJson> {
        self.labels_known = true;
        let mut labels = Labels::default();
        read_labels(&mut self.cursor, &mut labels)?;
        Ok(StreamLabels::new(labels))
    }

    fn write_next(&mut self, out: &mut RecordWriter<'_>) -> Result<Option<Posted>, MalformedJson> {
        if !self.find()? {
            return Ok(None);
        }
        self.metadata.clear();
        let Some(entry) = read_entry(&mut self.cursor, &mut self.metadata)? else {
            let at = self.parts[3] - 1;
            let words = format!("value {at} of a stream is not [\"nanoseconds\", \"line\"]");
            return Ok(Some(Err(Fault::Rejected(words))));
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
        let value = match at.peek() {
            Some(b'"') => at.string()?.text(),
            _ => {
                let value = at.skip()?;
                Text::Plain(value.compact().unwrap_or_else(|| value.json.into()))
            }
        };
        labels.push(Label { key: key.text(), value });
    }
    Ok(())
}

/// `["1795372943123456789", "line", {"key": "value"}]`; the time may be a number, the last element
/// is optional. `None` for anything else.
fn read_entry<'a>(
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
    Ok(Some(LokiEntry { time: Some((nanos / 1000).cast_signed()), line }))
}
