//! Messages of the Fluent forward protocol (version 1), and the entries that Fluent Bit sends
//! without it: MessagePack arrays, each with one record or many.

use super::draft::{Draft, Text};
use super::expected_keys::ExpectedKey;
use super::json_fields::{self, claim};
use super::json_index::MemberSpan;
use super::msgpack::MsgpackValue;
use super::msgpack_json::{push_key, push_simple, push_text};
use super::post_line::with_text;
use super::posted::{Fault, Posted, PostedRecords, RecordSource, RecordWriter, each};
use super::scratch::{Scratch, with_scratch};
use std::borrow::Cow;

pub(crate) use super::msgpack::{MalformedMsgpack, MsgpackReader, ValueEnd};

/// One message: a record or many, and what their sender wants to hear of them.
#[derive(Debug)]
pub(crate) struct ForwardMessage<'a> {
    tag: Option<&'a [u8]>,
    entries: Entries<'a>,
    /// To be repeated to the sender when its records are kept; a message that comes again has the
    /// same.
    pub(crate) chunk: Option<&'a [u8]>,
    compressed: bool,
    /// Metrics or traces.
    foreign: bool,
}

/// Entries as they lie in a message.
#[derive(Debug, Clone, Copy)]
enum Entries<'a> {
    /// A time and a record.
    One(&'a [u8]),
    /// Arrays of a time and a record, so many, one behind another.
    Many(&'a [u8], u64),
    /// The same in one value, which may be compressed.
    Packed(&'a [u8]),
}

impl<'a> ForwardMessage<'a> {
    /// Reads a whole message.
    ///
    /// # Errors
    ///
    /// When the bytes are not a message of the protocol.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, MalformedMsgpack> {
        let mut reader = MsgpackReader::new(bytes);
        let MsgpackValue::Array(len @ 1..) = reader.value()? else { return Err(MalformedMsgpack) };
        let MsgpackValue::Text(tag) = reader.value()? else {
            // Fluent Bit's output `tcp`: an entry by itself.
            let entries = Entries::Many(bytes, 1);
            return Ok(Self { tag: None, entries, chunk: None, compressed: false, foreign: false });
        };
        let start = reader.rest;
        let (entries, members) = match reader.value()? {
            MsgpackValue::Array(count) => {
                let first = reader.rest;
                if len > 2 {
                    reader.rest = &start[MsgpackReader::new(start).skip()?.len()..];
                }
                (Entries::Many(first, count), 2)
            }
            MsgpackValue::Text(packed) | MsgpackValue::Binary(packed) => {
                (Entries::Packed(packed), 2)
            }
            _ => {
                reader.skip()?;
                let len = start.len() - reader.rest.len();
                (Entries::One(&start[..len]), 3)
            }
        };
        let mut message =
            Self { tag: Some(tag), entries, chunk: None, compressed: false, foreign: false };
        if len > members {
            message.take_options(&mut reader)?;
        }
        Ok(message)
    }

    fn take_options(&mut self, reader: &mut MsgpackReader<'a>) -> Result<(), MalformedMsgpack> {
        let MsgpackValue::Map(len) = reader.value()? else { return Ok(()) };
        for _ in 0..len {
            let key = MsgpackReader::new(reader.skip()?).text().unwrap_or_default();
            let mut value = MsgpackReader::new(reader.skip()?);
            match key {
                b"chunk" => self.chunk = value.text().ok(),
                b"compressed" => {
                    self.compressed = value.text().is_ok_and(|kind| kind != b"text");
                }
                b"fluent_signal" => {
                    self.foreign = !matches!(
                        value.value()?,
                        MsgpackValue::Unsigned(0) | MsgpackValue::Signed(0)
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The compressed bytes of its entries, if they are compressed.
    pub(crate) fn compressed(&self) -> Option<&'a [u8]> {
        match self.entries {
            Entries::Packed(packed) if self.compressed => Some(packed),
            _ => None,
        }
    }

    /// Its records, from `unpacked` if its entries are compressed; those without a time get
    /// `received`, in microseconds since 1970.
    pub(crate) fn records(self, unpacked: Option<Vec<u8>>, received: i64) -> PostedRecords<'a> {
        if self.foreign {
            let fault = "a message with metrics or traces: send logs".to_owned();
            return each(std::iter::once(fault), |fault, _| Err(Fault::Malformed(fault)));
        }
        let (bytes, left, bare) = match self.entries {
            Entries::One(bytes) => (Cow::Borrowed(bytes), 1, true),
            Entries::Many(bytes, count) => (Cow::Borrowed(bytes), count, false),
            Entries::Packed(bytes) => {
                (unpacked.map_or(Cow::Borrowed(bytes), Cow::Owned), u64::MAX, false)
            }
        };
        let tag = self.tag.map(MessageTag::new);
        Box::new(ForwardRecords {
            bytes,
            at: 0,
            left,
            bare,
            tag,
            received,
            json: Vec::new(),
            flat: false,
        })
    }
}

struct ForwardRecords<'a> {
    bytes: Cow<'a, [u8]>,
    at: usize,
    /// The most entries that are still to come.
    left: u64,
    /// The entry is not in an array of its own.
    bare: bool,
    tag: Option<MessageTag>,
    received: i64,
    /// The record of an entry as JSON.
    json: Vec<u8>,
    /// None of its members is an object: all were found while they were written.
    flat: bool,
}

impl ForwardRecords<'_> {
    /// Reads the next entry: writes its record as JSON, and answers its time.
    fn entry(&mut self, scratch: &mut Scratch) -> Result<i64, MalformedMsgpack> {
        let mut reader = MsgpackReader::new(&self.bytes[self.at..]);
        let mut members = 2;
        if !self.bare {
            let MsgpackValue::Array(len @ 2..) = reader.value()? else {
                return Err(MalformedMsgpack);
            };
            members = len;
        }
        let time = entry_time(&mut reader)?.unwrap_or(self.received);
        self.json.clear();
        let start = reader;
        self.flat = push_flat(&mut reader, &mut self.json, scratch)?;
        if !self.flat {
            reader = start;
            self.json.clear();
            reader.push_json(&mut self.json)?;
        }
        for _ in 2..members {
            reader.skip()?;
        }
        self.at = self.bytes.len() - reader.rest.len();
        Ok(time)
    }

    /// Writes the record that was read.
    fn write(
        &self,
        time: i64,
        scratch: &mut Scratch,
        out: &mut RecordWriter<'_>,
    ) -> Option<Posted> {
        let json = std::str::from_utf8(&self.json).ok().filter(|_| self.flat)?;
        let mut draft = Draft::new(time);
        json_fields::read_indexed(json, &mut draft, scratch);
        say_tag(self.tag.as_ref(), &mut draft);
        Some(out.draft(&mut draft, &mut scratch.time))
    }
}

impl RecordSource for ForwardRecords<'_> {
    fn next(&mut self, out: &mut RecordWriter<'_>) -> Option<Posted> {
        if self.left == 0 || self.at >= self.bytes.len() {
            return None;
        }
        self.left -= 1;
        let read = with_scratch(|scratch| {
            self.entry(scratch).map(|time| (time, self.write(time, scratch, out)))
        });
        match read {
            Ok((_, Some(written))) => Some(written),
            Ok((time, None)) => Some(with_text(&self.json, |json, scratch| {
                let mut draft = Draft::new(time);
                if !json_fields::read(json.text, &mut draft, scratch) {
                    return Err(Fault::Rejected("the record of an entry is not a map".to_owned()));
                }
                draft.note_invalid(json.invalid);
                say_tag(self.tag.as_ref(), &mut draft);
                out.draft(&mut draft, &mut scratch.time)
            })),
            Err(MalformedMsgpack) => {
                // Nobody knows where the next one begins.
                self.left = 0;
                let words = "an entry is malformed; those behind it are lost";
                Some(Err(Fault::Malformed(words.to_owned())))
            }
        }
    }
}

/// The tag of a message.
struct MessageTag {
    text: String,
    /// The same as the name of a program, if it is fit to be one.
    app: Option<String>,
}

impl MessageTag {
    fn new(tag: &[u8]) -> Self {
        let text = String::from_utf8_lossy(tag).into_owned();
        let app = claim(&text).map(str::to_owned);
        Self { text, app }
    }
}

/// Says in `draft` how the message was tagged.
fn say_tag<'d>(tag: Option<&'d MessageTag>, draft: &mut Draft<'d>) {
    let Some(tag) = tag else { return };
    match &tag.app {
        Some(app) if draft.app.is_none() => draft.app = Some(Text::Plain(app.into())),
        _ => draft.note("tag", Text::Plain((&tag.text).into())),
    }
}

/// Writes a map as a JSON object, and finds its members; `false` when it has other maps in it, or is
/// something else.
fn push_flat(
    reader: &mut MsgpackReader<'_>,
    json: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<bool, MalformedMsgpack> {
    let MsgpackValue::Map(len @ 1..) = reader.value()? else { return Ok(false) };
    let Scratch { members, shapes, as_expected, .. } = scratch;
    let expected = shapes.expected();
    members.clear();
    *as_expected = expected.len() as u64 == len;
    json.push(b'{');
    for at in 0..len {
        if at > 0 {
            json.push(b',');
        }
        let key = json.len() + 1;
        let next = expected.get(members.len()).filter(|_| *as_expected);
        let mut escaped = false;
        *as_expected = next.is_some_and(|next| push_expected(next, reader, json));
        if !*as_expected {
            escaped = push_key(reader, json)?;
            json.push(b':');
        }
        let key = key..json.len() - 2;
        let start = json.len();
        let ahead = *reader;
        if let Some(text) = reader.short_text() {
            escaped |= push_text(text, json);
        } else {
            match reader.value()? {
                MsgpackValue::Map(_) => return Ok(false),
                MsgpackValue::Array(_) => {
                    *reader = ahead;
                    reader.push_json(json)?;
                }
                value => escaped |= push_simple(value, json),
            }
        }
        match MemberSpan::written(key, start..json.len(), escaped) {
            Some(member) => members.push(member),
            None => return Ok(false),
        }
    }
    json.push(b'}');
    Ok(true)
}

/// Writes the next key if it is the expected one, as it was written before.
fn push_expected(
    expected: ExpectedKey<'_>,
    reader: &mut MsgpackReader<'_>,
    json: &mut Vec<u8>,
) -> bool {
    let mut ahead = *reader;
    let key = expected.written.get(1..=expected.len).filter(|_| expected.is_plain());
    if key.is_none() || ahead.short_text() != key {
        return false;
    }
    json.extend_from_slice(expected.written);
    *reader = ahead;
    true
}

/// The time of an entry, in microseconds; Fluent Bit may put it into an array with what else it
/// knows.
fn entry_time(reader: &mut MsgpackReader<'_>) -> Result<Option<i64>, MalformedMsgpack> {
    if let [0xd7, 0, a, b, c, d, e, f, g, h, ref rest @ ..] = *reader.rest {
        reader.rest = rest;
        return Ok(Some(event_time([a, b, c, d, e, f, g, h])));
    }
    let len = match reader.value()? {
        MsgpackValue::Array(len @ 1..) => len,
        time => return Ok(moment(time)),
    };
    let time = MsgpackReader::new(reader.skip()?).value()?;
    for _ in 1..len {
        reader.skip()?;
    }
    Ok(moment(time))
}

/// A time in seconds, or of Fluentd's own type, which has nanoseconds.
fn moment(time: MsgpackValue<'_>) -> Option<i64> {
    match time {
        MsgpackValue::Unsigned(seconds) => i64::try_from(seconds).ok()?.checked_mul(1_000_000),
        MsgpackValue::Float(seconds) if seconds > 0.0 => Some((seconds * 1e6) as i64),
        MsgpackValue::Extension(0, time) => time.try_into().ok().map(event_time),
        _ => None,
    }
}

/// A time of Fluentd's own type: seconds and nanoseconds.
fn event_time([a, b, c, d, e, f, g, h]: [u8; 8]) -> i64 {
    let seconds = i64::from(u32::from_be_bytes([a, b, c, d]));
    let nanos = i64::from(u32::from_be_bytes([e, f, g, h]));
    seconds * 1_000_000 + nanos / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::posted::written::lines;

    fn shown(bytes: &[u8]) -> Vec<String> {
        lines(ForwardMessage::parse(bytes).unwrap().records(None, 7_000_000))
    }

    const TIME: &[u8] = b"\xd7\x00\x6b\x03\x37\x8f\x07\x5b\xcd\x15";
    const ENTRY: &[u8] = b"\x82\xa3msg\xa4late\xa5level\xa4warn";
    const LATE: &str = r#""time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"late"}"#;

    fn message(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn the_modes_of_a_message_become_the_same_records() {
        let late = format!("{{\"app\":\"shop\",{LATE}");
        let pair = [b"\x92", TIME, ENTRY].concat();
        let twice = [&pair[..], &pair].concat();
        let len = u8::try_from(twice.len()).unwrap();
        let one = message(&[b"\x94\xa4shop", TIME, ENTRY, b"\x81\xa5chunk\xa2id"]);
        assert_eq!(ForwardMessage::parse(&one).unwrap().chunk, Some(&b"id"[..]));
        assert_eq!(shown(&one), [&late[..]]);
        let many = message(&[b"\x92\xa4shop\x92", &twice]);
        assert_eq!(shown(&many), [&late[..], &late]);
        let packed = message(&[b"\x93\xa4shop\xc4", &[len], &twice, b"\x81\xa4size\x02"]);
        assert_eq!(shown(&packed), [&late[..], &late]);
        let bare = message(&[b"\x92\x92", TIME, b"\x80", ENTRY]);
        assert_eq!(shown(&bare), [format!("{{{LATE}")]);
    }

    #[test]
    fn what_is_malformed_is_named_and_what_stands_before_it_is_kept() {
        let pair = [b"\x92\x05", ENTRY].concat();
        let many = message(&[b"\x92\xa1t\xc4", &[pair.len() as u8 + 1], &pair, b"\x07"]);
        assert_eq!(shown(&many)[1], "an entry is malformed; those behind it are lost");
        let metric = message(&[b"\x93\xa1t\xc4\x01x\x81\xadfluent_signal\x01"]);
        assert_eq!(shown(&metric), ["a message with metrics or traces: send logs"]);
        assert!(shown(b"\x93\xa1t\x05\x06")[0].contains("not a map"));
        for bad in [&b"\x90"[..], b"\x05", b"\x92\xa1t", b"\x93\xa1t\x05", b"\x91\xa1t"] {
            assert_eq!(ForwardMessage::parse(bad).err(), Some(MalformedMsgpack), "{bad:x?}");
        }
    }

    #[test]
    fn hostile_maps_are_records_or_one_fault() {
        let pair = |map: &[u8]| [&b"\x93\xa4shop"[..], TIME, map].concat();
        let deep = [&b"\x81\xa1k"[..], &[0x91; 1000], b"\xc0"].concat();
        let maps = [[0x81, 0xa1, b'k'].repeat(1000), vec![0xc0]].concat();
        for map in [
            &b"\x82\xa1k\x01\xa1k\x02"[..],
            b"\x82\xa3msg\xa1a\xa3msg\xa1b",
            b"\x81\xa1k\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x81\xa1k\xd3\x80\0\0\0\0\0\0\0",
            b"\x81\xa1k\xcb\x7f\xf0\0\0\0\0\0\0",
            b"\x81\xa1k\xa3\xed\xa0\x80",
            b"\x81\xc0\xc0",
            b"\x81\x81\xa1a\x01\x02",
            &deep,
            &maps,
        ] {
            let shown = shown(&pair(map));
            assert_eq!(shown.len(), 1, "{map:x?}");
            assert!(netlog_wire::Line::parse(shown[0].as_bytes()).is_some(), "{shown:?}");
        }
        // A map that ends before its members do is no whole message, and in entries is one fault.
        let entries = |bytes: &[u8]| [b"\x92\xa1t\xc4", &[bytes.len() as u8][..], bytes].concat();
        for lie in [
            &b"\x8f\xa1k\x01"[..],
            b"\xdf\xff\xff\xff\xff\xa1k\x01",
            b"\x81\xa1k\xdb\xff\xff\xff\xffx",
        ] {
            assert!(ForwardMessage::parse(&pair(lie)).is_err(), "{lie:x?}");
            let fault = "an entry is malformed; those behind it are lost";
            assert_eq!(shown(&entries(&[b"\x92\x05", lie].concat())), [fault], "{lie:x?}");
        }
    }

    /// The lines of messages that a thread reads one behind another, and nothing before them.
    fn lines_of(maps: &[&[u8]]) -> Vec<String> {
        let message = |map: &&[u8]| [b"\x93\xa4shop", TIME, *map].concat();
        let messages: Vec<_> = maps.iter().map(message).collect();
        let read = std::thread::spawn(move || messages.iter().flat_map(|it| shown(it)).collect());
        read.join().unwrap()
    }

    #[test]
    fn a_map_becomes_the_same_record_whichever_came_before() {
        let maps: [&[u8]; 9] = [
            b"\x82\xa3msg\xa1a\xa1k\xa1v",
            b"\x82\xa3msg\xa3a\"b\xa1k\x07",
            b"\x83\xa3msg\xa1a\xa1k\xa1v\xa5level\xa4warn",
            b"\x82\xa1k\xa1v\xa3msg\xa1a",
            b"\x82\xa3msg\xa1a\xa1k\x81\xa1x\x01",
            b"\x82\xa3msg\xa1a\xa1k\x92\x01\xc0",
            b"\x82\xa3msg\xa1a\x01\xa1v",
            b"\x82\xa3msg\xa3\xc3\xa9\n\xa2k\"\xcd\x01\x00",
            b"\x82\xa3msg\xa1\xff\xa1k\xff",
        ];
        for before in maps {
            for map in maps {
                let alone = lines_of(&[map]);
                assert_eq!(lines_of(&[before, before, map])[2..], alone, "{before:x?} {map:x?}");
            }
        }
    }
}
