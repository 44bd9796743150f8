//! Escaping: text into JSON strings, JSON strings back into text, and text for a terminal.

use crate::scan;
use std::borrow::Cow;
use std::fmt;

/// Appends `text` as the inside of a JSON string (RFC 8259, section 7): `"`, `\` and the controls
/// below U+0020 are escaped, everything else stays as it is.
pub fn push_json(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    if scan::is_clean(rest) {
        return out.extend_from_slice(rest);
    }
    loop {
        let clean = scan::clean_prefix(rest);
        let (head, tail) = rest.split_at(clean);
        out.extend_from_slice(head);
        let Some((&byte, tail)) = tail.split_first() else { return };
        push_escape(out, byte);
        rest = tail;
    }
}

/// Escapes what stands in `out` from `from` on, text that was written there as it is, and cuts it
/// so that `out` is at most `limit` bytes long; answers how many bytes of the text were cut. To
/// look at a whole message once costs a fraction of looking at each of the pieces it is made of.
pub fn escape_from(out: &mut Vec<u8>, from: usize, limit: usize) -> usize {
    let end = out.len();
    if end <= limit && scan::is_clean(&out[from..]) {
        return 0;
    }
    // The escaped text goes behind the other, and then into its place.
    let mut at = from;
    let room = limit.saturating_sub(from);
    while at < end {
        let clean = scan::clean_prefix(&out[at..end]);
        let fits = clean.min(room - (out.len() - end));
        let kept = floor_char_boundary(&out[at..end], fits);
        out.extend_from_within(at..at + kept);
        at += kept;
        if kept < clean || at == end {
            break;
        }
        let before = out.len();
        push_escape(out, out[at]);
        if out.len() - end > room {
            out.truncate(before);
            break;
        }
        at += 1;
    }
    out.drain(from..end);
    end - at
}

/// The last place at or before `at` where a character of `text`, which is UTF-8, begins or ends.
fn floor_char_boundary(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80) {
        at -= 1;
    }
    at
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let high = HEX[usize::from(byte >> 4)];
            let low = HEX[usize::from(byte & 15)];
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// A `fmt::Write` that escapes what is formatted into it, so that `format_args!` go straight into
/// a JSON string without a copy in between.
pub struct Escaped<'a>(pub &'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_json(self.0, text);
        Ok(())
    }
}

/// The inside of a JSON string as it stands in a line: valid, and still escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonStr<'a>(pub(crate) &'a [u8]);

impl<'a> JsonStr<'a> {
    /// The inside of a JSON string that is known to be one.
    pub fn new(inside: &'a str) -> Self {
        Self(inside.as_bytes())
    }

    /// The bytes as they stand between the quotes: UTF-8.
    pub fn escaped(self) -> &'a [u8] {
        self.0
    }

    /// The text that is meant. A surrogate without its other half becomes U+FFFD.
    pub fn text(self) -> Cow<'a, str> {
        // A line that is canonical is UTF-8, and so is what stands in it.
        let mut rest = std::str::from_utf8(self.0).unwrap_or_default();
        if memchr::memchr(b'\\', self.0).is_none() {
            return Cow::Borrowed(rest);
        }
        let mut out = String::with_capacity(rest.len());
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            rest = unescape(&rest[at + 1..], &mut out);
        }
        out.push_str(rest);
        Cow::Owned(out)
    }
}

/// Takes one escape, without its backslash, off the front of `rest`.
fn unescape<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let plain = match rest.as_bytes().first() {
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => return unescape_unit(&rest[1..], out),
        Some(&byte) => char::from(byte),
        None => return rest,
    };
    out.push(plain);
    &rest[1..]
}

fn unescape_unit<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let unit = |text: &str| text.get(..4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    let Some(first) = unit(rest) else { return rest };
    let rest = &rest[4..];
    if (0xD800..0xDC00).contains(&first)
        && let Some(second) = rest.strip_prefix("\\u").and_then(unit)
        && let Some(Ok(pair)) = char::decode_utf16([first, second]).next()
    {
        out.push(pair);
        return &rest[6..];
    }
    out.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

/// Appends `text` so that it can do a terminal no harm: C0 and C1 controls, DEL and the characters
/// that reorder or hide text (bidirectional controls, line separators) are written out as
/// `\n`, `\x1b` or `\u{202e}`.
pub fn push_sanitized(out: &mut Vec<u8>, text: &str) {
    let mut kept = 0;
    for (at, c) in text.char_indices() {
        if harmless(c) {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[kept..at]);
        let shown = match c {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            c if c <= '\u{7f}' => format!("\\x{:02x}", u32::from(c)),
            c => format!("\\u{{{:x}}}", u32::from(c)),
        };
        out.extend_from_slice(shown.as_bytes());
        kept = at + c.len_utf8();
    }
    out.extend_from_slice(&text.as_bytes()[kept..]);
}

/// Appends a line of JSON so that it can do a terminal no harm: the same characters are escaped as in
/// [`push_sanitized`], but as JSON escapes them, so that the line keeps its meaning.
pub fn push_sanitized_json(out: &mut Vec<u8>, line: &str) {
    let mut kept = 0;
    for (at, c) in line.char_indices().filter(|(_, c)| !harmless(*c)) {
        out.extend_from_slice(&line.as_bytes()[kept..at]);
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
        }
        kept = at + c.len_utf8();
    }
    out.extend_from_slice(&line.as_bytes()[kept..]);
}

fn harmless(c: char) -> bool {
    let reorders_or_hides = matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !reorders_or_hides
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(text: &str) -> String {
        let mut out = Vec::new();
        push_json(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    fn plain(text: &str) -> String {
        let mut out = Vec::new();
        push_sanitized(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn hostile_text_is_escaped_for_json() {
        assert_eq!(json("say \"hi\"\\\n\r\t\0\u{1b}é"), r#"say \"hi\"\\\n\r\t\u0000\u001bé"#);
    }

    #[test]
    fn hostile_text_is_harmless_on_a_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc\td"), r"a\x1b[31mb\nc\td");
        assert_eq!(plain("\u{9b}31m \u{202e}evil\u{7f}"), r"\u{9b}31m \u{202e}evil\x7f");
        assert_eq!(plain("grüße 日本"), "grüße 日本");
    }

    #[test]
    fn a_line_of_json_is_harmless_on_a_terminal_and_means_the_same() {
        let line = "{\"msg\":\"a\u{9b}31m\u{7f}\u{202e}b\u{e9}\"}";
        let mut shown = Vec::new();
        push_sanitized_json(&mut shown, line);
        let shown = String::from_utf8(shown).unwrap();
        assert_eq!(shown, "{\"msg\":\"a\\u009b31m\\u007f\\u202eb\u{e9}\"}");
        let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        assert_eq!(read(&shown), read(line));
    }

    #[test]
    fn every_escape_is_read_back() {
        let text = |escaped: &'static str| JsonStr(escaped.as_bytes()).text();
        assert_eq!(text(r#"\"\\\/\b\f\n\r\t"#), "\"\\/\u{8}\u{c}\n\r\t");
        assert_eq!(text(r"\u00e9\ud83d\ude00"), "é😀");
        assert_eq!(text(r"\ud83d!\ude00"), "\u{fffd}!\u{fffd}");
    }

    #[test]
    fn what_is_cut_is_cut_between_characters_and_counted() {
        let cut = |text: &str, limit| {
            let mut out = format!("head {text}").into_bytes();
            let cut = escape_from(&mut out, 5, limit);
            (String::from_utf8(out).unwrap(), cut)
        };
        assert_eq!(cut("plain", 10), ("head plain".into(), 0));
        assert_eq!(cut("plain", 9), ("head plai".into(), 1));
        assert_eq!(cut("aé", 7), ("head a".into(), 2));
        assert_eq!(cut("a\n", 7), ("head a".into(), 1));
        assert_eq!(cut("a\nb", 8), ("head a\\n".into(), 1));
        assert_eq!(cut("plain", 3), ("head ".into(), 5));
    }

    proptest! {
        #[test]
        fn text_is_escaped_in_its_place_as_elsewhere(text in any::<String>(), limit in 0_usize..99) {
            let mut out = text.clone().into_bytes();
            prop_assert_eq!(escape_from(&mut out, 0, usize::MAX), 0);
            prop_assert_eq!(String::from_utf8(out).unwrap(), json(&text));
            let mut out = text.clone().into_bytes();
            let cut = escape_from(&mut out, 0, limit);
            prop_assert!(out.len() <= limit);
            prop_assert_eq!(String::from_utf8(out).unwrap(), json(&text[..text.len() - cut]));
        }

        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let escaped = json(&text);
            prop_assert_eq!(JsonStr(escaped.as_bytes()).text(), text.as_str());
            let quoted = format!("\"{escaped}\"");
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
        }

        #[test]
        fn nothing_harmful_reaches_a_terminal(text in any::<String>()) {
            prop_assert!(plain(&text).chars().all(harmless));
        }
    }
}
