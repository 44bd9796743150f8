//! MessagePack, read where it lies: nothing is allocated from a length off the wire, and what is
//! skipped is not looked into.

use super::draft::push_digits;
use netlog_wire::{is_plain, push_json};
use std::fmt;
use std::io::Write;

/// Bytes that are not MessagePack, or not of the expected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedMsgpack;

impl fmt::Display for MalformedMsgpack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed MessagePack")
    }
}

/// Arrays and maps within each other beyond this depth are left out.
const DEPTH: usize = 32;

/// The first bytes of a value: its type, and how much belongs to it.
#[derive(Debug, Clone, Copy)]
struct Head {
    kind: ValueKind,
    /// Bytes before the body.
    len: usize,
    /// Bytes of the body.
    body: usize,
    /// Values that follow and belong to this one.
    children: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueKind {
    Nil,
    Bool,
    Unsigned,
    Signed,
    Float,
    Text,
    Binary,
    Array,
    Map,
    Extension,
}

/// Place of a value's length.
enum Length {
    /// In the first byte.
    Here(u64),
    /// In so many bytes behind the first one.
    Behind(usize),
}

impl Head {
    /// The head of the value that `bytes` begin with; `None` while more of it has to come.
    fn of(bytes: &[u8]) -> Result<Option<Self>, MalformedMsgpack> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        let nibble = u64::from(first & 0x0f);
        let (kind, length) = match first {
            0x00..=0x7f => (ValueKind::Unsigned, Length::Here(0)),
            0x80..=0x8f => (ValueKind::Map, Length::Here(nibble)),
            0x90..=0x9f => (ValueKind::Array, Length::Here(nibble)),
            0xa0..=0xbf => (ValueKind::Text, Length::Here(u64::from(first & 0x1f))),
            0xc0 => (ValueKind::Nil, Length::Here(0)),
            0xc1 => return Err(MalformedMsgpack),
            0xc2 | 0xc3 => (ValueKind::Bool, Length::Here(0)),
            0xc4..=0xc6 => (ValueKind::Binary, Length::Behind(1 << (first - 0xc4))),
            0xc7..=0xc9 => (ValueKind::Extension, Length::Behind(1 << (first - 0xc7))),
            0xca | 0xcb => (ValueKind::Float, Length::Here(4 << (first - 0xca))),
            0xcc..=0xcf => (ValueKind::Unsigned, Length::Here(1 << (first - 0xcc))),
            0xd0..=0xd3 => (ValueKind::Signed, Length::Here(1 << (first - 0xd0))),
            0xd4..=0xd8 => (ValueKind::Extension, Length::Here(1 << (first - 0xd4))),
            0xd9..=0xdb => (ValueKind::Text, Length::Behind(1 << (first - 0xd9))),
            0xdc | 0xdd => (ValueKind::Array, Length::Behind(2 << (first - 0xdc))),
            0xde | 0xdf => (ValueKind::Map, Length::Behind(2 << (first - 0xde))),
            0xe0..=0xff => (ValueKind::Signed, Length::Here(0)),
        };
        let (len, count) = match length {
            Length::Here(count) => (1, count),
            Length::Behind(width) => match bytes.get(1..=width) {
                Some(digits) => (1 + width, big_endian(digits)),
                None => return Ok(None),
            },
        };
        Ok(Some(Self::sized(kind, len, count)))
    }

    fn sized(kind: ValueKind, len: usize, count: u64) -> Self {
        let mut head = Self { kind, len, body: 0, children: 0 };
        match kind {
            ValueKind::Array => head.children = count,
            ValueKind::Map => head.children = count * 2,
            // Its type stands before its bytes.
            ValueKind::Extension => head.body = count as usize + 1,
            _ => head.body = count as usize,
        }
        head
    }
}

/// The whole length of each value whose first byte says it; 0 for all others.
const WHOLE: [u8; 256] = whole_lengths();

const fn whole_lengths() -> [u8; 256] {
    let mut lengths = [0; 256];
    let mut first = 0;
    while first < lengths.len() {
        lengths[first] = match first as u8 {
            0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => 1,
            text @ 0xa0..=0xbf => 1 + (text & 0x1f),
            0xcc | 0xd0 => 2,
            0xcd | 0xd1 => 3,
            0xca | 0xce | 0xd2 => 5,
            0xcb | 0xcf | 0xd3 => 9,
            extension @ 0xd4..=0xd8 => 2 + (1 << (extension - 0xd4)),
            _ => 0,
        };
        first += 1;
    }
    lengths
}

#[inline]
fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Finds the end of a value whose bytes come bit by bit; none of them is looked at twice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ValueEnd {
    at: usize,
    /// Values that are still to come.
    left: u64,
}

impl ValueEnd {
    pub(crate) fn new() -> Self {
        Self { at: 0, left: 1 }
    }

    /// Goes on with all bytes of the value that have come; gives its length when it is whole.
    ///
    /// # Errors
    ///
    /// When they are not MessagePack.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Result<Option<usize>, MalformedMsgpack> {
        // Most values are passed over in registers.
        let Self { mut at, mut left } = *self;
        while left > 0 {
            let Some(&first) = bytes.get(at) else { break };
            let len = usize::from(WHOLE[usize::from(first)]);
            if len > 0 {
                at += len;
                left -= 1;
                continue;
            }
            let Some(head) = Head::of(&bytes[at..])? else { break };
            at = at.saturating_add(head.len).saturating_add(head.body);
            left = (left - 1).saturating_add(head.children);
        }
        *self = Self { at, left };
        Ok((left == 0 && at <= bytes.len()).then_some(at))
    }

    /// The least number of bytes that the value has.
    pub(crate) fn least(&self) -> usize {
        self.at.saturating_add(usize::try_from(self.left).unwrap_or(usize::MAX))
    }
}

/// A value, as far as it is one thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MsgpackValue<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a [u8]),
    Binary(&'a [u8]),
    /// So many values follow.
    Array(u64),
    /// So many keys, each with a value, follow.
    Map(u64),
    Extension(u8, &'a [u8]),
}

/// Reads values one behind another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MsgpackReader<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> MsgpackReader<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// The next value; of an array or a map its length, behind which its members follow.
    ///
    /// # Errors
    ///
    /// When the bytes are not msgpack, or end within a value.
    pub(crate) fn value(&mut self) -> Result<MsgpackValue<'a>, MalformedMsgpack> {
        if let Some(value) = self.short() {
            return Ok(value);
        }
        let head = Head::of(self.rest)?.ok_or(MalformedMsgpack)?;
        let first = self.rest[0];
        let rest = &self.rest[head.len..];
        let (body, rest) = rest.split_at_checked(head.body).ok_or(MalformedMsgpack)?;
        self.rest = rest;
        Ok(match head.kind {
            ValueKind::Nil => MsgpackValue::Nil,
            ValueKind::Bool => MsgpackValue::Bool(first == 0xc3),
            ValueKind::Unsigned if body.is_empty() => MsgpackValue::Unsigned(first.into()),
            ValueKind::Unsigned => MsgpackValue::Unsigned(big_endian(body)),
            ValueKind::Signed if body.is_empty() => MsgpackValue::Signed(i64::from(first as i8)),
            ValueKind::Signed => MsgpackValue::Signed(signed(body)),
            ValueKind::Float => MsgpackValue::Float(float(body)),
            ValueKind::Text => MsgpackValue::Text(body),
            ValueKind::Binary => MsgpackValue::Binary(body),
            ValueKind::Array => MsgpackValue::Array(head.children),
            ValueKind::Map => MsgpackValue::Map(head.children / 2),
            ValueKind::Extension => {
                let (&kind, body) = body.split_first().ok_or(MalformedMsgpack)?;
                MsgpackValue::Extension(kind, body)
            }
        })
    }

    /// The next value if its first bytes say all of it, or its length.
    #[inline(always)]
    fn short(&mut self) -> Option<MsgpackValue<'a>> {
        let (value, rest) = match *self.rest {
            [first @ 0x00..=0x7f, ref rest @ ..] => (MsgpackValue::Unsigned(first.into()), rest),
            [first @ 0x80..=0x8f, ref rest @ ..] => {
                (MsgpackValue::Map((first & 0x0f).into()), rest)
            }
            [first @ 0x90..=0x9f, ref rest @ ..] => {
                (MsgpackValue::Array((first & 0x0f).into()), rest)
            }
            [0xcc, byte, ref rest @ ..] => (MsgpackValue::Unsigned(byte.into()), rest),
            [0xcd, a, b, ref rest @ ..] => {
                (MsgpackValue::Unsigned(u16::from_be_bytes([a, b]).into()), rest)
            }
            _ => return self.short_text().map(MsgpackValue::Text),
        };
        self.rest = rest;
        Some(value)
    }

    /// The next value if it is a text whose length is in its first byte or two, as most are.
    #[inline(always)]
    pub(super) fn short_text(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = match *self.rest {
            [first @ 0xa0..=0xbf, ref rest @ ..] => (first & 0x1f, rest),
            [0xd9, len, ref rest @ ..] => (len, rest),
            _ => return None,
        };
        let (text, rest) = rest.split_at_checked(len.into())?;
        self.rest = rest;
        Some(text)
    }

    /// The bytes of the next value, whatever it is.
    ///
    /// # Errors
    ///
    /// When it is not whole.
    pub(crate) fn skip(&mut self) -> Result<&'a [u8], MalformedMsgpack> {
        let end = ValueEnd::new().find(self.rest)?.ok_or(MalformedMsgpack)?;
        let (skipped, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(skipped)
    }

    /// The next value as text, which may be binary as well: old clients know no difference.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub(crate) fn text(&mut self) -> Result<&'a [u8], MalformedMsgpack> {
        match self.value()? {
            MsgpackValue::Text(text) | MsgpackValue::Binary(text) => Ok(text),
            _ => Err(MalformedMsgpack),
        }
    }

    /// Writes the next value as JSON. Text that is not UTF-8 stays as it is.
    ///
    /// # Errors
    ///
    /// When it is not whole.
    pub(crate) fn push_json(&mut self, out: &mut Vec<u8>) -> Result<(), MalformedMsgpack> {
        self.push(out, DEPTH)
    }

    fn push(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<(), MalformedMsgpack> {
        let before = *self;
        match self.value()? {
            MsgpackValue::Array(_) | MsgpackValue::Map(_) if depth == 0 => {
                *self = before;
                self.skip()?;
                out.extend_from_slice(b"\"nested too deeply\"");
            }
            MsgpackValue::Array(len) => {
                out.push(b'[');
                for at in 0..len {
                    if at > 0 {
                        out.push(b',');
                    }
                    self.push(out, depth - 1)?;
                }
                out.push(b']');
            }
            MsgpackValue::Map(len) => {
                out.push(b'{');
                for at in 0..len {
                    if at > 0 {
                        out.push(b',');
                    }
                    push_key(self, out)?;
                    out.push(b':');
                    self.push(out, depth - 1)?;
                }
                out.push(b'}');
            }
            value => _ = push_simple(value, out),
        }
        Ok(())
    }
}

/// Writes a key; `true` if there is a backslash in it.
pub(super) fn push_key(
    reader: &mut MsgpackReader<'_>,
    out: &mut Vec<u8>,
) -> Result<bool, MalformedMsgpack> {
    let before = *reader;
    match reader.value()? {
        MsgpackValue::Array(_) | MsgpackValue::Map(_) => {
            *reader = before;
            reader.skip()?;
            out.extend_from_slice(b"\"null\"");
            Ok(false)
        }
        MsgpackValue::Text(text) | MsgpackValue::Binary(text) => Ok(push_text(text, out)),
        other => {
            let mut key = Vec::new();
            push_simple(other, &mut key);
            Ok(push_text(&key, out))
        }
    }
}

/// Writes anything but an array or a map; `true` if there is a backslash in it.
pub(super) fn push_simple(value: MsgpackValue<'_>, out: &mut Vec<u8>) -> bool {
    // Writing to memory does not fail.
    let _ = match value {
        MsgpackValue::Text(text) | MsgpackValue::Binary(text) => return push_text(text, out),
        MsgpackValue::Unsigned(number) => {
            push_digits(out, number);
            Ok(())
        }
        MsgpackValue::Bool(value) => write!(out, "{value}"),
        MsgpackValue::Signed(number) => write!(out, "{number}"),
        MsgpackValue::Float(number) if number.is_finite() => write!(out, "{number}"),
        MsgpackValue::Float(number) => write!(out, "\"{number}\""),
        MsgpackValue::Extension(kind, bytes) => {
            write!(out, "\"extension {kind}: {} bytes\"", bytes.len())
        }
        MsgpackValue::Nil | MsgpackValue::Array(_) | MsgpackValue::Map(_) => write!(out, "null"),
    };
    false
}

/// Writes a text as JSON; `true` if there is a backslash in it. Bytes that are not UTF-8 stay as they
/// are.
pub(super) fn push_text(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.push(b'"');
    if is_plain(text) {
        out.extend_from_slice(text);
        out.push(b'"');
        return false;
    }
    let start = out.len();
    match std::str::from_utf8(text) {
        Ok(text) => push_json(out, text),
        Err(_) => {
            for part in text.utf8_chunks() {
                push_json(out, part.valid());
                out.extend_from_slice(part.invalid());
            }
        }
    }
    let escaped = memchr::memchr(b'\\', &out[start..]).is_some();
    out.push(b'"');
    escaped
}

fn signed(body: &[u8]) -> i64 {
    let unused = 64 - 8 * body.len() as u32;
    // The sign is the first of the bits that there are.
    (big_endian(body) << unused) as i64 >> unused
}

fn float(body: &[u8]) -> f64 {
    match body.len() {
        4 => f32::from_bits(big_endian(body) as u32).into(),
        _ => f64::from_bits(big_endian(body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(bytes: &[u8]) -> Result<String, MalformedMsgpack> {
        let mut out = Vec::new();
        MsgpackReader::new(bytes).push_json(&mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn every_type_is_written_as_json() {
        for (bytes, expected) in [
            (&b"\x07"[..], "7"),
            (b"\xff", "-1"),
            (b"\xd0\x80", "-128"),
            (b"\xd1\xff\x00", "-256"),
            (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xfe", "-2"),
            (b"\xcd\x01\x00", "256"),
            (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
            (b"\xca\x3f\xc0\x00\x00", "1.5"),
            (b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "\"NaN\""),
            (b"\xc0", "null"),
            (b"\xc3", "true"),
            (b"\xa3a\"b", "\"a\\\"b\""),
            (b"\xd9\x01x", "\"x\""),
            (b"\xda\x00\x01x", "\"x\""),
            (b"\xc4\x02hi", "\"hi\""),
            (b"\xd7\x00\0\0\0\x01\0\0\0\x02", "\"extension 0: 8 bytes\""),
            (b"\x92\x01\x81\xa1k\xc2", "[1,{\"k\":false}]"),
            (b"\xdc\x00\x01\x05", "[5]"),
            (b"\xde\x00\x01\x05\x06", "{\"5\":6}"),
        ] {
            assert_eq!(json(bytes).as_deref(), Ok(expected), "{bytes:x?}");
        }
    }

    #[test]
    fn lengths_that_lie_and_deep_nesting_do_no_harm() {
        for lie in [
            &b"\xdb\xff\xff\xff\xffx"[..],
            b"\xdd\xff\xff\xff\xff\x01",
            b"\xdf\xff\xff\xff\xff\x01",
            b"\xc6\xff\xff\xff\xff",
            b"\xc9\xff\xff\xff\xff\x01",
            b"\xc1",
            b"",
            b"\xd8\x01",
        ] {
            assert_eq!(json(lie), Err(MalformedMsgpack), "{lie:x?}");
        }
        let deep = [vec![0x91; 100_000], vec![0xc0]].concat();
        assert!(json(&deep).unwrap().contains("nested too deeply"));
        let mut end = ValueEnd::new();
        assert_eq!(end.find(b"\xdd\xff\xff\xff\xff\x01"), Ok(None));
        assert!(end.least() > 0xffff_ffff - 2, "it is known at once how much it takes");
    }

    #[test]
    fn the_end_of_a_value_is_found_however_it_comes() {
        let value = b"\x93\xa3tag\xce\x00\x00\x00\x01\x82\xa1a\x01\xa1b\xc4\x03xyz\x07";
        for cut in 1..value.len() - 1 {
            let mut end = ValueEnd::new();
            assert_eq!(end.find(&value[..cut]), Ok(None), "{cut}");
            assert_eq!(end.find(value), Ok(Some(value.len() - 1)), "{cut}");
        }
    }
}
