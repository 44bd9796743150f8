//! MessagePack, read where it lies: nothing is allocated from a length off the wire, and what is
//! skipped is not looked into.

use std::fmt;

/// Bytes that are not MessagePack, or not of the expected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedMsgpack;

impl fmt::Display for MalformedMsgpack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed MessagePack")
    }
}

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
            // Of all others, these are most.
            let (len, children) = match bytes[at..] {
                [0xd9, len, ..] => (2 + usize::from(len), 0),
                [0x80..=0x8f, ..] => (1, 2 * u64::from(first & 0x0f)),
                [0x90..=0x9f, ..] => (1, u64::from(first & 0x0f)),
                _ => match Head::of(&bytes[at..])? {
                    Some(head) => (head.len.saturating_add(head.body), head.children),
                    None => break,
                },
            };
            at = at.saturating_add(len);
            left = (left - 1).saturating_add(children);
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
