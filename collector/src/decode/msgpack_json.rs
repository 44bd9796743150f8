//! MessagePack as JSON.

use super::draft::push_digits;
use super::msgpack::{MalformedMsgpack, MsgpackReader, MsgpackValue};
use netlog_wire::{is_plain, push_json};
use std::io::Write;

/// Arrays and maps within each other beyond this depth are left out.
const DEPTH: usize = 32;

impl MsgpackReader<'_> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::msgpack::ValueEnd;

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
}
