//! The members of a JSON object, found in one pass: where each key and each value stands. Members
//! of some inner objects stand among them, behind the name of the object they are from.

use super::key_names::{OPENED, opened};
use super::steps::step;
use netlog_wire::{number_end, string_end};
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
    /// The inside of the key's string.
    pub(super) fn key<'a>(&self, json: &'a str) -> &'a str {
        json.get(self.key.0 as usize..self.key.1 as usize).unwrap_or_default()
    }

    /// The value as it was written.
    pub(super) fn value<'a>(&self, json: &'a str) -> &'a str {
        json.get(self.value.0 as usize..self.value.1 as usize).unwrap_or_default()
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
pub(super) fn index(json: &[u8], members: &mut Vec<MemberSpan>) -> Option<()> {
    index_from(json, 0, members)
}

/// The same for an object whose inner ones are values.
pub(super) fn index_flat(json: &[u8], members: &mut Vec<MemberSpan>) -> Option<()> {
    index_from(json, UNOPENED, members)
}

/// Adds the members of the object that `bytes` begin with, and answers its length; `None` when it
/// has no end there, is not an object, or nests deeper than a record may.
pub(super) fn index_front(bytes: &[u8], members: &mut Vec<MemberSpan>) -> Option<usize> {
    let mut reader = Reader { json: bytes, at: 0, members };
    let whole = reader.object(0);
    let at = reader.at;
    step(at);
    whole?;
    let deep = |member: &MemberSpan| member.shape == ValueShape::Deep;
    (!members.iter().any(deep)).then_some(at)
}

fn index_from(json: &[u8], inner: u8, members: &mut Vec<MemberSpan>) -> Option<()> {
    step(json.len());
    let mut reader = Reader { json, at: 0, members };
    reader.skip_space();
    reader.object(inner)?;
    reader.skip_space();
    (reader.at == json.len()).then_some(())
}

struct Reader<'a> {
    json: &'a [u8],
    at: usize,
    members: &'a mut Vec<MemberSpan>,
}

impl Reader<'_> {
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
        self.at > before
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
            self.take(b'"')?;
            let start = self.at;
            let end = string_end(self.json, start)?;
            self.at = end + 1;
            self.skip_space();
            self.take(b':')?;
            self.skip_space();
            self.member(start..end, inner)?;
            self.skip_space();
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.take(b'}'),
            }
        }
    }

    fn member(&mut self, key: Range<usize>, inner: u8) -> Option<()> {
        if self.peek()? == b'{'
            && inner != UNOPENED
            && self.json.get(self.at + 1) != Some(&b'}')
            && let Some(inner) = opened(inner, &self.json[key.clone()])
        {
            return self.object(inner);
        }
        let from = self.at;
        let shape = self.value()?;
        let span = |range: Range<usize>| {
            Some((u32::try_from(range.start).ok()?, u32::try_from(range.end).ok()?))
        };
        let key = span(key)?;
        let value = span(from..self.at)?;
        self.members.push(MemberSpan { key, value, inner, shape });
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
        index(json.as_bytes(), &mut members)?;
        let shown = |m: &MemberSpan| format!("{}/{}={}", m.prefix(), m.key(json), m.value(json));
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
            index(json.as_bytes(), &mut members).unwrap();
            assert_eq!(members[0].shape, shape, "{depth}");
        }
        let json = format!("{{\"a\":{}{}}}", "[".repeat(129), "]".repeat(129));
        assert_eq!(index(json.as_bytes(), &mut Vec::new()), None);
    }

    proptest! {
        #[test]
        fn what_is_an_object_here_is_one_elsewhere(tail in r#"[\{\}\[\]",:a0-9 \\.eEtrunlfs-]{0,24}"#) {
            let text = format!("{{{tail}");
            let known = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert_eq!(index(text.as_bytes(), &mut Vec::new()).is_some(), known, "{}", text);
        }
    }
}
