//! The end of a JSON object that comes byte by byte, or the byte that breaks it.

/// The deepest nesting of an object; a deeper one is text.
const MAX_DEPTH: u32 = 64;

/// Result of one more byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is the beginning of an object.
    More,
    /// This byte ends it.
    Whole,
    /// With this byte it is no object any more.
    Broken,
}

/// An object so far, of which only the shape is kept.
#[derive(Debug)]
pub(super) struct JsonScanner {
    /// One bit a level, the innermost lowest: 1 is an object, 0 an array.
    levels: u64,
    depth: u32,
    awaits: Awaits,
    /// The last byte began, or ended, a string that is a value.
    begins: bool,
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Opening,
    KeyOrEnd,
    Key,
    KeyEnd { escaped: bool },
    Colon,
    Value,
    ValueOrEnd,
    TextEnd { escaped: bool },
    ScalarEnd,
    CommaOrEnd,
}

impl JsonScanner {
    /// Nothing of it has come, not even its brace.
    pub(super) fn new() -> Self {
        Self { levels: 0, depth: 0, awaits: Awaits::Opening, begins: false, ended: false }
    }

    /// Number of leading bytes that are the inside of a string.
    pub(super) fn plain(&self, bytes: &[u8]) -> usize {
        match self.awaits {
            Awaits::TextEnd { escaped: false } | Awaits::KeyEnd { escaped: false } => {
                bytes.iter().take_while(|&&b| b >= 0x20 && b != b'"' && b != b'\\').count()
            }
            _ => 0,
        }
    }

    /// True within a string that is a value.
    pub(super) fn in_text(&self) -> bool {
        matches!(self.awaits, Awaits::TextEnd { .. })
    }

    /// True if the last byte began a string that is a value.
    pub(super) fn begins_text(&self) -> bool {
        self.begins
    }

    /// True if the last byte ended such a string.
    pub(super) fn ended_text(&self) -> bool {
        self.ended
    }

    /// Takes the next byte.
    pub(super) fn push(&mut self, byte: u8) -> Step {
        let space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let next = match self.awaits {
            Awaits::KeyEnd { escaped } => in_string(byte, escaped)
                .map(|escaped| escaped.map_or(Awaits::Colon, |escaped| Awaits::KeyEnd { escaped })),
            Awaits::TextEnd { escaped } => in_string(byte, escaped).map(|escaped| {
                escaped.map_or(Awaits::CommaOrEnd, |escaped| Awaits::TextEnd { escaped })
            }),
            Awaits::ScalarEnd if is_scalar(byte) => Some(Awaits::ScalarEnd),
            Awaits::ScalarEnd if space => Some(Awaits::CommaOrEnd),
            Awaits::Opening if byte == b'{' => self.open(1),
            Awaits::Opening => None,
            other if space => Some(other),
            Awaits::KeyOrEnd | Awaits::Key if byte == b'"' => {
                Some(Awaits::KeyEnd { escaped: false })
            }
            Awaits::KeyOrEnd if byte == b'}' => return self.close(1),
            Awaits::Colon if byte == b':' => Some(Awaits::Value),
            Awaits::ValueOrEnd if byte == b']' => return self.close(0),
            Awaits::Value | Awaits::ValueOrEnd => self.value(byte),
            Awaits::CommaOrEnd | Awaits::ScalarEnd => match byte {
                b',' if self.levels & 1 == 1 => Some(Awaits::Key),
                b',' => Some(Awaits::Value),
                b'}' => return self.close(1),
                b']' => return self.close(0),
                _ => None,
            },
            Awaits::KeyOrEnd | Awaits::Key | Awaits::Colon => None,
        };
        let Some(next) = next else { return Step::Broken };
        let before = self.in_text();
        let after = matches!(next, Awaits::TextEnd { .. });
        self.begins = after && !before;
        self.ended = before && !after;
        self.awaits = next;
        Step::More
    }

    fn value(&mut self, byte: u8) -> Option<Awaits> {
        match byte {
            b'{' => self.open(1),
            b'[' => self.open(0),
            b'"' => Some(Awaits::TextEnd { escaped: false }),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => Some(Awaits::ScalarEnd),
            _ => None,
        }
    }

    fn open(&mut self, object: u64) -> Option<Awaits> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        (self.levels, self.depth) = (self.levels << 1 | object, self.depth + 1);
        Some(if object == 1 { Awaits::KeyOrEnd } else { Awaits::ValueOrEnd })
    }

    fn close(&mut self, object: u64) -> Step {
        if self.levels & 1 != object {
            return Step::Broken;
        }
        (self.levels, self.depth) = (self.levels >> 1, self.depth - 1);
        self.awaits = Awaits::CommaOrEnd;
        (self.begins, self.ended) = (false, false);
        if self.depth == 0 { Step::Whole } else { Step::More }
    }
}

/// Takes a byte of a string: `None` if it may not stand there, `Some(None)` if it ends the string,
/// else whether the next byte is escaped.
fn in_string(byte: u8, escaped: bool) -> Option<Option<bool>> {
    match byte {
        0..0x20 => None,
        _ if escaped => Some(Some(false)),
        b'"' => Some(None),
        b'\\' => Some(Some(true)),
        _ => Some(Some(false)),
    }
}

fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Where it ends, or else where it broke.
    fn run(text: &[u8]) -> Option<Result<usize, usize>> {
        let mut object = JsonScanner::new();
        text.iter().enumerate().find_map(|(at, &byte)| match object.push(byte) {
            Step::More => None,
            Step::Whole => Some(Ok(at + 1)),
            Step::Broken => Some(Err(at)),
        })
    }

    #[test]
    fn an_object_ends_at_its_last_brace() {
        for good in [
            "{}",
            r#"{"a":1}"#,
            "{\n  \"a\" : [ 1, {\"}\": \"\\\"{\" } , [] ],\r\n\t\"b\": true\n}",
            r#"{"a":-1.5e+7,"b":null,"c":{"d":{}}}"#,
        ] {
            assert_eq!(run(format!("{good}rest").as_bytes()), Some(Ok(good.len())), "{good}");
        }
    }

    #[test]
    fn what_is_none_breaks_early() {
        for (bad, at) in [
            ("{not json", 1),
            ("{'a':1}", 1),
            ("{\"a\":1,}", 7),
            ("{\"a\":1,\n{\"b\":2}", 8),
            ("{\"a\n\":1}", 3),
            ("{\"a\":[}", 6),
            ("{\"a\" 1}", 5),
            ("{\"a\":1]", 6),
            ("{\"a\":x}", 5),
            ("[", 0),
            ("{\"a\":1 2", 7),
        ] {
            assert_eq!(run(bad.as_bytes()), Some(Err(at)), "{bad}");
        }
        assert!(matches!(run("{\"a\":".repeat(65).as_bytes()), Some(Err(_))));
        assert_eq!(run("{\"a\":".repeat(64).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn every_object_is_recognised(
            text in "[a-z\"\\\\{}\\[\\],:\u{e9}]{0,12}", deep in 0_usize..20, pretty: bool,
        ) {
            let mut value = serde_json::json!({ &text: [text, 1.5, null], "x": {} });
            for _ in 0..deep {
                value = serde_json::json!({ "a": value });
            }
            let json = match pretty {
                true => serde_json::to_string_pretty(&value).unwrap(),
                false => value.to_string(),
            };
            prop_assert_eq!(run(format!("{json}x").as_bytes()), Some(Ok(json.len())));
        }
    }
}
