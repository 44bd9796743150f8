//! The members of a JSON object, found in one pass: where each key and each value stands. Members
//! of some inner objects stand among them, behind the name of the object they are from.

use super::expected_keys::ExpectedKeys;
use super::key_names::{OPENED, opened};
use super::steps::step;
use netlog_wire::{JsonStringEnd, number_end, string_end};
use std::ops::Range;

/// The deepest nesting that is read at all, as JSON parsers do.
const MAX_DEPTH: u32 = 128;

/// The deepest value that a record may hold; one that is deeper is kept as a string.
const MAX_VALUE_DEPTH: u32 = 63;

/// In place of an object's number: none of its inner objects is opened.
const UNOPENED: u8 = u8::MAX;

/// A member of an object: where its key and its value stand in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemberSpan {
    key: (u32, u32),
    value: (u32, u32),
    /// One more than the place in [`OPENED`] of the object it is from; 0 for the outermost.
    inner: u8,
    pub(super) shape: ValueShape,
    /// There is a backslash in the key, or in the value if that is a string.
    escaped: bool,
}

/// A value as it was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawValue<'a> {
    pub(super) json: &'a str,
    /// A backslash may be in it.
    pub(super) escaped: bool,
}

/// An object whose members were found.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexedObject {
    /// Its length.
    pub(super) len: usize,
    /// Its keys are the expected ones.
    pub(super) as_expected: bool,
    /// There is white space between its parts.
    pub(super) spaced: bool,
}

/// Properties of a value that a record must not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueShape {
    Compact,
    /// There is white space between its parts.
    Spaced,
    /// It nests too deep.
    Deep,
}

impl MemberSpan {
    /// A member of the outermost object of a text that was just written; a backslash may be in it
    /// if it is `escaped`. `None` if it stands too far behind.
    pub(super) fn written(key: Range<usize>, value: Range<usize>, escaped: bool) -> Option<Self> {
        // The end of the value is behind all else.
        u32::try_from(value.end).ok()?;
        let span = |range: Range<usize>| (range.start as u32, range.end as u32);
        let shape = ValueShape::Compact;
        Some(Self { key: span(key), value: span(value), inner: 0, shape, escaped })
    }

    /// The inside of the key's string.
    pub(super) fn key<'a>(&self, json: &'a str) -> &'a str {
        json.get(self.key.0 as usize..self.key.1 as usize).unwrap_or_default()
    }

    /// The value as it was written.
    pub(super) fn value<'a>(&self, json: &'a str) -> RawValue<'a> {
        let json = json.get(self.value.0 as usize..self.value.1 as usize).unwrap_or_default();
        RawValue { json, escaped: self.escaped }
    }

    /// True if it stands as records write it, without white space or escapes.
    pub(super) fn is_plain(&self) -> bool {
        !self.escaped && self.shape == ValueShape::Compact && self.key.1 + 2 == self.value.0
    }

    /// Range of the member in the text, quotes included.
    pub(super) fn range(&self) -> Range<usize> {
        self.key.0 as usize - 1..self.value.1 as usize
    }

    /// The key with its quotes, its colon and the white space around that.
    pub(super) fn written_key<'a>(&self, json: &'a str) -> &'a str {
        json.get(self.key.0 as usize - 1..self.value.0 as usize).unwrap_or_default()
    }

    /// True if a backslash may be in the key.
    pub(super) fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// The number of the object it is from.
    pub(super) fn inner(&self) -> u8 {
        self.inner
    }

    /// The name of the object it is from.
    pub(super) fn prefix(&self) -> &'static str {
        let opened = self.inner.checked_sub(1).and_then(|at| OPENED.get(usize::from(at)));
        opened.copied().unwrap_or("")
    }
}

/// Adds the members of the object that `json` is, but for white space around it, to `members`;
/// `None` when it is not an object.
pub(super) fn index(
    json: &[u8],
    expected: &ExpectedKeys,
    members: &mut Vec<MemberSpan>,
) -> Option<IndexedObject> {
    Reader::new(json, expected, members).whole(0)
}

/// The same for an object whose inner ones are values.
pub(super) fn index_flat(json: &[u8], members: &mut Vec<MemberSpan>) -> Option<()> {
    Reader::new(json, &ExpectedKeys::default(), members).whole(UNOPENED).map(|_| ())
}

/// Adds the members of the object that `bytes` begin with; `None` when it
/// has no end there, is not an object, or nests deeper than a record may.
pub(super) fn index_front(
    bytes: &[u8],
    expected: &ExpectedKeys,
    members: &mut Vec<MemberSpan>,
) -> Option<IndexedObject> {
    let mut reader = Reader::new(bytes, expected, members);
    let whole = reader.object(0);
    step(reader.at);
    whole?;
    (!reader.deep).then(|| reader.indexed())
}

/// A value that bytes hold at some place.
#[derive(Debug, Clone, Copy)]
pub(super) struct ValueFront {
    pub(super) end: usize,
    pub(super) shape: ValueShape,
}

/// The value that begins at `at`; `None` when it has no end there, or is not JSON.
pub(super) fn value_front(json: &[u8], at: usize) -> Option<ValueFront> {
    let mut members = Vec::new();
    let expected = ExpectedKeys::new();
    let mut reader = Reader { at, ..Reader::new(json, &expected, &mut members) };
    let shape = reader.value()?;
    Some(ValueFront { end: reader.at, shape })
}

/// A key: the inside of its string.
struct JsonKey {
    range: Range<usize>,
    escaped: bool,
}

struct Reader<'a> {
    json: &'a [u8],
    at: usize,
    members: &'a mut Vec<MemberSpan>,
    expected: &'a ExpectedKeys,
    /// All keys so far are the expected ones.
    as_expected: bool,
    spaced: bool,
    deep: bool,
}

impl<'a> Reader<'a> {
    fn new(json: &'a [u8], expected: &'a ExpectedKeys, members: &'a mut Vec<MemberSpan>) -> Self {
        let as_expected = expected.len() > 0;
        Self { json, at: 0, members, expected, as_expected, spaced: false, deep: false }
    }

    /// Reads an object with nothing but white space around it.
    fn whole(mut self, inner: u8) -> Option<IndexedObject> {
        step(self.json.len());
        self.skip_space();
        self.object(inner)?;
        self.skip_space();
        (self.at == self.json.len()).then(|| self.indexed())
    }

    fn indexed(&self) -> IndexedObject {
        let as_expected = self.as_expected && self.members.len() == self.expected.len();
        IndexedObject { len: self.at, as_expected, spaced: self.spaced }
    }

    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip_space(&mut self) -> bool {
        let before = self.at;
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        let skipped = self.at > before;
        self.spaced |= skipped;
        skipped
    }

    /// Passes over the next key if it is the expected one.
    fn expected_key(&mut self) -> Option<JsonKey> {
        let key = self.expected.get(self.members.len())?;
        if !self.json[self.at..].starts_with(key.written) {
            return None;
        }
        let start = self.at + 1;
        self.at += key.written.len();
        // There may be more of it this time.
        self.skip_space();
        self.spaced |= key.spaced;
        Some(JsonKey { range: start..start + key.len, escaped: key.escaped })
    }

    fn any_key(&mut self) -> Option<JsonKey> {
        self.as_expected = false;
        self.take(b'"')?;
        let start = self.at;
        let end = JsonStringEnd::find(self.json, start)?;
        self.at = end.at + 1;
        self.skip_space();
        self.take(b':')?;
        self.skip_space();
        Some(JsonKey { range: start..end.at, escaped: end.escaped })
    }

    /// Reads an object whose members stand in the list. It nests no deeper than the names that are
    /// opened do.
    fn object(&mut self, inner: u8) -> Option<()> {
        self.take(b'{')?;
        self.skip_space();
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            self.skip_space();
            let expected = if self.as_expected { self.expected_key() } else { None };
            let key = match expected {
                Some(key) => key,
                None => self.any_key()?,
            };
            self.member(key, inner)?;
            self.skip_space();
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.take(b'}'),
            }
        }
    }

    fn member(&mut self, key: JsonKey, inner: u8) -> Option<()> {
        if self.peek()? == b'{'
            && inner != UNOPENED
            && self.json.get(self.at + 1) != Some(&b'}')
            && let Some(inner) = opened(inner, &self.json[key.range.clone()])
        {
            self.as_expected = false;
            return self.object(inner);
        }
        let from = self.at;
        let mut escaped = key.escaped;
        let shape = match self.peek()? {
            b'"' => {
                let end = JsonStringEnd::find(self.json, self.at + 1)?;
                self.at = end.at + 1;
                escaped |= end.escaped;
                ValueShape::Compact
            }
            _ => self.value()?,
        };
        self.deep |= shape == ValueShape::Deep;
        let span = |range: Range<usize>| {
            Some((u32::try_from(range.start).ok()?, u32::try_from(range.end).ok()?))
        };
        let key = span(key.range)?;
        let value = span(from..self.at)?;
        self.members.push(MemberSpan { key, value, inner, shape, escaped });
        Some(())
    }

    fn value(&mut self) -> Option<ValueShape> {
        match self.peek()? {
            b'{' | b'[' => self.container(),
            _ => self.scalar().map(|()| ValueShape::Compact),
        }
    }

    fn scalar(&mut self) -> Option<()> {
        let rest = &self.json[self.at..];
        let word = |word: &[u8]| rest.starts_with(word).then_some(self.at + word.len());
        self.at = match self.peek()? {
            b'"' => string_end(self.json, self.at + 1)? + 1,
            b't' => word(b"true")?,
            b'f' => word(b"false")?,
            b'n' => word(b"null")?,
            _ => number_end(self.json, self.at)?,
        };
        Some(())
    }

    /// Passes over an object or an array.
    fn container(&mut self) -> Option<ValueShape> {
        // One bit a level, the innermost lowest: 1 is an object, 0 an array.
        let mut levels = 0_u128;
        let mut depth = 0;
        let mut deepest = 0;
        let mut spaced = false;
        loop {
            spaced |= self.skip_space();
            let opens = self.peek()?;
            if matches!(opens, b'{' | b'[') {
                if depth == MAX_DEPTH {
                    return None;
                }
                (levels, depth) = (levels << 1 | u128::from(opens == b'{'), depth + 1);
                deepest = deepest.max(depth);
                self.at += 1;
                spaced |= self.skip_space();
                let close = if opens == b'{' { b'}' } else { b']' };
                if self.peek()? != close {
                    if opens == b'{' {
                        spaced |= self.key()?;
                    }
                    continue;
                }
            } else {
                self.scalar()?;
            }
            // Behind a value, or before the end of an empty container.
            loop {
                spaced |= self.skip_space();
                let object = levels & 1 == 1;
                match self.peek()? {
                    b',' => {
                        self.at += 1;
                        if object {
                            spaced |= self.skip_space();
                            spaced |= self.key()?;
                        }
                        break;
                    }
                    byte if byte == if object { b'}' } else { b']' } => {
                        self.at += 1;
                        (levels, depth) = (levels >> 1, depth - 1);
                        if depth == 0 {
                            return Some(match (deepest, spaced) {
                                (MAX_VALUE_DEPTH.., _) => ValueShape::Deep,
                                (_, true) => ValueShape::Spaced,
                                (_, false) => ValueShape::Compact,
                            });
                        }
                    }
                    _ => return None,
                }
            }
        }
    }

    /// Passes over a key and its colon; `true` if there was white space.
    fn key(&mut self) -> Option<bool> {
        self.take(b'"')?;
        self.at = string_end(self.json, self.at)? + 1;
        let spaced = self.skip_space();
        self.take(b':')?;
        Some(spaced)
    }
}

/// JSON text without white space between its parts.
pub(super) fn squeeze(json: &str) -> String {
    step(json.len());
    let mut out = String::with_capacity(json.len());
    let mut at = 0;
    while let Some(&byte) = json.as_bytes().get(at) {
        let end = match byte {
            b'"' => string_end(json.as_bytes(), at + 1).map_or(json.len(), |end| end + 1),
            _ => at + 1,
        };
        if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            out.push_str(json.get(at..end).unwrap_or_default());
        }
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(json: &str) -> Option<Vec<String>> {
        let mut members = Vec::new();
        index(json.as_bytes(), &ExpectedKeys::default(), &mut members)?;
        let shown =
            |m: &MemberSpan| format!("{}/{}={}", m.prefix(), m.key(json), m.value(json).json);
        Some(members.iter().map(shown).collect())
    }

    #[test]
    fn members_are_found_where_they_stand() {
        assert_eq!(
            members(
                " {\"a\" : 1 , \"log\":{\"level\": \"x\",\"origin\":{\"line\":[ 1]}},\"b\":{}} "
            ),
            Some(
                ["/a=1", "log/level=\"x\"", "log.origin/line=[ 1]", "/b={}"]
                    .map(str::to_owned)
                    .to_vec()
            )
        );
        assert_eq!(members("{}"), Some(vec![]));
        for bad in [
            "",
            "1",
            "[]",
            "{",
            "{]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,\"a\":1}",
            "{\"a\":01}",
            "{\"a\":[1,]}",
            "{\"a\":[,1]}",
            "{\"a\":tru}",
            "{\"a\":[1}",
            "{\"a\":[][]}",
            "{\"a\":1} x",
            "{\"log\":{\"a\":1}",
            "{\"a\":{\"b\"}}",
            "{\"a\":{\"b\":1,}}",
            "{\"a\" 1}",
        ] {
            assert_eq!(members(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_depth_of_a_value_is_known() {
        for (depth, shape) in
            [(62, ValueShape::Compact), (63, ValueShape::Deep), (128, ValueShape::Deep)]
        {
            let json = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
            let mut members = Vec::new();
            index(json.as_bytes(), &ExpectedKeys::default(), &mut members).unwrap();
            assert_eq!(members[0].shape, shape, "{depth}");
        }
        let json = format!("{{\"a\":{}{}}}", "[".repeat(129), "]".repeat(129));
        assert!(index(json.as_bytes(), &ExpectedKeys::default(), &mut Vec::new()).is_none());
    }

    proptest! {
        #[test]
        fn what_is_an_object_here_is_one_elsewhere(tail in r#"[\{\}\[\]",:a0-9 \\.eEtrunlfs-]{0,24}"#) {
            let text = format!("{{{tail}");
            let known = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert_eq!(index(text.as_bytes(), &ExpectedKeys::default(), &mut Vec::new()).is_some(), known, "{}", text);
        }
    }
}
