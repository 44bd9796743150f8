//! JSON read once from front to back, where it lies: each value is taken as what it has to be, or
//! passed over.

use super::draft::{Text, Value};
use super::json_fields::as_written;
use super::json_index::{ValueShape, squeeze, value_front};
use super::steps::step;
use netlog_wire::{JsonStr, JsonStringEnd, number_end};
use std::borrow::Cow;
use std::fmt;

/// Text that is not JSON, or not of the expected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedJson {
    /// Position of the byte that should be another.
    pub(super) at: usize,
}

impl fmt::Display for MalformedJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid JSON at byte {}", self.at)
    }
}

/// A string as it was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawString<'a> {
    pub(super) inside: &'a str,
    escaped: bool,
}

impl<'a> RawString<'a> {
    /// The text that is meant.
    pub(super) fn meant(self) -> Cow<'a, str> {
        match self.escaped {
            true => JsonStr::new(self.inside).text(),
            false => Cow::Borrowed(self.inside),
        }
    }

    /// The same for a record, which keeps most escapes.
    pub(super) fn text(self) -> Text<'a> {
        as_written(self.inside, self.escaped)
    }
}

/// A value that was passed over.
#[derive(Debug, Clone, Copy)]
pub(super) struct SkippedValue<'a> {
    pub(super) json: &'a str,
    shape: ValueShape,
}

impl<'a> SkippedValue<'a> {
    /// The value as compact JSON; `None` if it nests deeper than a record may.
    pub(super) fn compact(self) -> Option<Cow<'a, str>> {
        match self.shape {
            ValueShape::Compact => Some(Cow::Borrowed(self.json)),
            ValueShape::Spaced => Some(Cow::Owned(squeeze(self.json))),
            ValueShape::Deep => None,
        }
    }

    /// The value as a record keeps it.
    pub(super) fn kept(self) -> Value<'a> {
        if let Some(inside) = self.json.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            return Value::Text(as_written(inside, true));
        }
        match self.compact() {
            Some(json) => Value::Json(json),
            None => Value::Text(Text::Plain(self.json.into())),
        }
    }
}

/// A place in a JSON text.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonCursor<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> JsonCursor<'a> {
    pub(super) fn new(json: &'a str) -> Self {
        Self { json, at: 0 }
    }

    /// The fault of what is at this place.
    pub(super) fn malformed(&self) -> MalformedJson {
        MalformedJson { at: self.at }
    }

    /// Goes on where another cursor of the same text is.
    pub(super) fn go_to(&mut self, other: JsonCursor<'_>) {
        self.at = other.at;
    }

    /// The next byte that is not white space.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.json.as_bytes().get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => self.peek_behind_space(),
        }
    }

    #[cold]
    fn peek_behind_space(&mut self) -> Option<u8> {
        let rest = self.json.as_bytes().get(self.at..)?;
        let space = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.at += space.count();
        self.json.as_bytes().get(self.at).copied()
    }

    /// Passes over `byte` if it is the next.
    #[inline(always)]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    #[inline(always)]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), MalformedJson> {
        if self.take(byte) { Ok(()) } else { Err(self.malformed()) }
    }

    /// Passes over the comma before the next part of an object or array, or over its end; `false`
    /// at the end. `parts` counts them.
    #[inline(always)]
    pub(super) fn next_part(&mut self, end: u8, parts: &mut usize) -> Result<bool, MalformedJson> {
        if self.take(end) {
            return Ok(false);
        }
        if *parts > 0 {
            self.expect(b',')?;
        }
        *parts += 1;
        Ok(true)
    }

    /// The key of an object's next member; `None` at the end of the object.
    #[inline]
    pub(super) fn next_key(
        &mut self,
        members: &mut usize,
    ) -> Result<Option<RawString<'a>>, MalformedJson> {
        if !self.next_part(b'}', members)? {
            return Ok(None);
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// The same where the key is probably one of `likely`, which is each a key as compact JSON has
    /// it, with its quotes and its colon: those are compared, and the ends of others are searched for.
    #[inline(always)]
    pub(super) fn next_likely_key<const N: usize>(
        &mut self,
        members: &mut usize,
        likely: [&'static str; N],
    ) -> Result<Option<&'a str>, MalformedJson> {
        if !self.next_part(b'}', members)? {
            return Ok(None);
        }
        let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        for key in likely {
            if rest.starts_with(key.as_bytes()) {
                self.at += key.len();
                return Ok(key.get(1..key.len() - 2));
            }
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(Some(key.inside))
    }

    /// A string.
    #[inline]
    pub(super) fn string(&mut self) -> Result<RawString<'a>, MalformedJson> {
        self.expect(b'"')?;
        let from = self.at;
        let end = string_end(self.json.as_bytes(), from);
        let end = end.ok_or(MalformedJson { at: from })?;
        step(end.at + 1 - from);
        self.at = end.at + 1;
        let inside = self.json.get(from..end.at).unwrap_or_default();
        Ok(RawString { inside, escaped: end.escaped })
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self) -> Result<SkippedValue<'a>, MalformedJson> {
        self.peek();
        let from = self.at;
        let front = value_front(self.json.as_bytes(), from).ok_or(MalformedJson { at: from })?;
        step(front.end - from);
        self.at = front.end;
        let json = self.json.get(from..front.end).unwrap_or_default();
        Ok(SkippedValue { json, shape: front.shape })
    }

    /// A whole number from zero, which may be in a string; `None` for any other value.
    pub(super) fn integer(&mut self) -> Result<Option<u64>, MalformedJson> {
        match self.peek() {
            Some(b'"') => Ok(digits(self.string()?.inside)),
            Some(b'0'..=b'9') => {
                let from = self.at;
                let end = number_end(self.json.as_bytes(), from);
                self.at = end.ok_or(MalformedJson { at: from })?;
                step(self.at - from);
                Ok(digits(self.json.get(from..self.at).unwrap_or_default()))
            }
            _ => Ok(digits(self.skip()?.json)),
        }
    }

    /// A string; an empty one for any other value.
    pub(super) fn text_or_empty(&mut self) -> Result<Text<'a>, MalformedJson> {
        if self.peek() == Some(b'"') {
            return Ok(self.string()?.text());
        }
        self.skip().map(|_| Text::Json(""))
    }

    /// Passes over the rest of an object, and that is its end.
    pub(super) fn leave_object(&mut self, members: &mut usize) -> Result<(), MalformedJson> {
        while self.next_key(members)?.is_some() {
            self.skip()?;
        }
        Ok(())
    }

    /// The value of a member further on in the object: a copy of this at that place.
    pub(super) fn ahead(mut self, key: &str) -> Result<Option<Self>, MalformedJson> {
        let mut members = 1;
        while let Some(found) = self.next_key(&mut members)? {
            if found.inside == key {
                return Ok(Some(self));
            }
            self.skip()?;
        }
        Ok(None)
    }

    /// Tells whether nothing but white space follows.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }
}

/// The end of the string that begins at `from`: most strings of a request are short and have no
/// escapes.
#[inline(always)]
fn string_end(bytes: &[u8], from: usize) -> Option<JsonStringEnd> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let mut at = from;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        // Hacker's Delight, 6-1: the lowest bit that is set is of a byte that is looked for.
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
        let marks = zeros(word ^ (ONES * 0x22)) | zeros(word ^ (ONES * 0x5c));
        let found = (marks | (word.wrapping_sub(ONES * 0x20) & !word)) & HIGHS;
        if found == 0 {
            at += 8;
            continue;
        }
        at += found.trailing_zeros() as usize / 8;
        if bytes[at] == b'"' {
            return Some(JsonStringEnd { at, escaped: false });
        }
        break;
    }
    JsonStringEnd::find(bytes, at)
}

/// The number that digits say.
#[inline]
pub(super) fn digits(text: &str) -> Option<u64> {
    // Up to this length no sum is too large.
    if !(1..=19).contains(&text.len()) {
        return text.parse().ok();
    }
    let mut number = 0;
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_read_from_front_to_back() {
        let mut cursor = JsonCursor::new(" { \"a\\n\" : [ 1 , \"x\" ] ,\"b\":\"7\", \"c\":{ } } ");
        let mut members = 0;
        cursor.expect(b'{').unwrap();
        let key = cursor.next_key(&mut members).unwrap().unwrap();
        assert_eq!((key.inside, &*key.meant()), ("a\\n", "a\n"));
        let skipped = cursor.skip().unwrap();
        assert_eq!(
            (skipped.json, skipped.compact().as_deref()),
            ("[ 1 , \"x\" ]", Some("[1,\"x\"]"))
        );
        let c = cursor.ahead("c").unwrap().unwrap();
        assert_eq!(c.clone().skip().unwrap().json, "{ }");
        assert_eq!(cursor.next_key(&mut members).unwrap().unwrap().inside, "b");
        assert_eq!(cursor.integer(), Ok(Some(7)));
        let mut likely = JsonCursor::new(r#"{"a":12,"b" :1.5,"a\u0062":012}"#);
        let mut members = 0;
        likely.expect(b'{').unwrap();
        for (key, number) in [("a", Ok(Some(12))), ("b", Ok(None))] {
            let found = likely.next_likely_key(&mut members, ["\"b\":", "\"a\":"]);
            assert_eq!((found, likely.integer()), (Ok(Some(key)), number));
        }
        assert_eq!(likely.next_likely_key(&mut members, ["\"ab\":"]), Ok(Some("a\\u0062")));
        assert!(likely.integer().is_err(), "a number begins with no zero");
        cursor.leave_object(&mut members).unwrap();
        assert!(cursor.is_at_end());
    }

    #[test]
    fn a_number_is_what_its_digits_say() {
        for (text, number) in [
            ("0", Some(0)),
            ("1795372943123456789", Some(1_795_372_943_123_456_789)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("-1", None),
            ("1.5", None),
        ] {
            assert_eq!(digits(text), number, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_passed_over_is_json_elsewhere(text in r#"[\{\}\[\]",:a0-9 \\.eEtrunlfs-]{0,24}"#) {
            let known = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            let mut cursor = JsonCursor::new(&text);
            let passed = cursor.skip().is_ok() && cursor.is_at_end();
            prop_assert_eq!(passed, known, "{}", text);
        }
    }
}
