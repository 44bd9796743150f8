//! Walking over JSON in place: where a string ends, where a value ends. Nothing is built.

/// Depth of nesting beyond which a line is not canonical.
const MAX_DEPTH: u32 = 64;

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// Bytes read in one step: a vector register of any machine holds them.
const STEP: usize = 16;

/// Number of leading bytes that may stand in a JSON string as they are: no control below U+0020, no
/// quote, no backslash.
#[inline]
pub(crate) fn clean_prefix(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<STEP>();
    for (at, chunk) in chunks.iter().enumerate() {
        let specials = specials(chunk);
        if specials != 0 {
            return at * STEP + first(specials);
        }
    }
    // The last chunk overlaps the one before it, which is clean.
    if let Some(last) = bytes.last_chunk::<STEP>() {
        let specials = specials(last);
        return bytes.len() - STEP + if specials == 0 { STEP } else { first(specials) };
    }
    rest.iter().position(|&byte| special(byte)).unwrap_or(bytes.len())
}

/// True if all of `bytes` may stand in a JSON string as they are.
#[inline]
pub(crate) fn is_clean(bytes: &[u8]) -> bool {
    let odd = |word: u64| [(word.wrapping_sub(ONES * 0x20) & !word) | marks(word)];
    find(bytes, odd) == [false]
}

/// True if all of `bytes` are ASCII, and may stand in a JSON string as they are.
#[inline]
pub fn is_plain(bytes: &[u8]) -> bool {
    find(bytes, |word| [beyond(word) | marks(word)]) == [false]
}

/// True if any byte of `bytes` is one that `odd` finds, for each of several kinds: it is given eight
/// bytes at a time, and sets the highest bit of a byte. All are looked at, so that the compiler
/// makes it vector instructions.
#[inline(always)]
fn find<const KINDS: usize>(bytes: &[u8], odd: impl Fn(u64) -> [u64; KINDS]) -> [bool; KINDS] {
    // The last word overlaps the one before it.
    let last = bytes.last_chunk().copied().unwrap_or_else(|| {
        let mut padded = [b' '; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        padded
    });
    let mut found = odd(u64::from_le_bytes(last));
    for word in bytes.as_chunks::<8>().0 {
        let more = odd(u64::from_le_bytes(*word));
        for (found, more) in found.iter_mut().zip(more) {
            *found |= more;
        }
    }
    found.map(|found| found & HIGHS != 0)
}

/// Finds what is not ASCII, and the controls below U+0020.
#[inline]
fn beyond(word: u64) -> u64 {
    word | word.wrapping_sub(ONES * 0x20)
}

/// Finds quotes and backslashes.
#[inline]
fn marks(word: u64) -> u64 {
    zeros(word ^ (ONES * 0x22)) | zeros(word ^ (ONES * 0x5c))
}

/// Finds zeros, by the trick of Hacker's Delight, 6-1; above the first one it may err.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word
}

#[inline]
fn special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The bytes of `chunk` that are special, each as eight set bits, the first one lowest. Without a
/// branch on any byte, so that the compiler makes it a few vector instructions.
#[inline]
fn specials(chunk: &[u8; STEP]) -> u128 {
    let mut found = [0; STEP];
    for (found, &byte) in found.iter_mut().zip(chunk) {
        *found = if special(byte) { 0xff } else { 0 };
    }
    u128::from_le_bytes(found)
}

#[inline]
fn first(specials: u128) -> usize {
    specials.trailing_zeros() as usize / 8
}

/// Bytes that are not UTF-8, or have controls below U+0020.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotText;

/// True if the text that `bytes` are has a backslash.
#[inline]
pub(crate) fn has_escapes(bytes: &[u8]) -> Result<bool, NotText> {
    let odd = |word| [beyond(word), zeros(word ^ (ONES * 0x5c))];
    let [beyond, escape] = find(bytes, odd);
    // Most lines are ASCII.
    let plain = !beyond || bytes.iter().all(|&b| b >= 0x20) && std::str::from_utf8(bytes).is_ok();
    if plain { Ok(escape) } else { Err(NotText) }
}

/// Position of the closing quote of the string that begins at `at`, behind its opening quote.
#[inline]
pub fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    JsonStringEnd::find(bytes, at).map(|end| end.at)
}

/// The end of a JSON string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonStringEnd {
    /// Position of the closing quote.
    pub at: usize,
    /// True if there is a backslash before it.
    pub escaped: bool,
}

impl JsonStringEnd {
    /// Finds the end of the string that begins at `at`, behind its opening quote.
    #[inline]
    pub fn find(bytes: &[u8], mut at: usize) -> Option<Self> {
        let mut escaped = false;
        loop {
            at += short_clean_prefix(bytes.get(at..)?);
            match bytes.get(at)? {
                b'"' => return Some(Self { at, escaped }),
                b'\\' => at += escape_len(&bytes[at..])?,
                _ => return None,
            }
            escaped = true;
        }
    }
}

/// The same as [`clean_prefix`], for strings of which most are short.
#[inline(always)]
fn short_clean_prefix(bytes: &[u8]) -> usize {
    if let Some(word) = bytes.first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let found = (marks(word) | (word.wrapping_sub(ONES * 0x20) & !word)) & HIGHS;
        if found != 0 {
            return found.trailing_zeros() as usize / 8;
        }
        return 8 + clean_prefix(&bytes[8..]);
    }
    clean_prefix(bytes)
}

/// The same in text without controls and backslashes: at the next quote. Most strings are short, and
/// looked through here, eight bytes at a time, before a search is started.
#[inline(always)]
pub(crate) fn quote(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let Some(near) = rest.first_chunk::<16>() else { return far_quote(bytes, at) };
    for (nth, word) in near.as_chunks::<8>().0.iter().enumerate() {
        let found = zeros(u64::from_le_bytes(*word) ^ (ONES * 0x22)) & HIGHS;
        if found != 0 {
            return Some(at + nth * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    far_quote(bytes, at + 16)
}

#[inline(never)]
fn far_quote(bytes: &[u8], at: usize) -> Option<usize> {
    Some(at + memchr::memchr(b'"', bytes.get(at..)?)?)
}

fn escape_len(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => bytes.get(2..6)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// End of the number that begins at `at` (RFC 8259, section 6).
pub fn number_end(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = |at: usize| bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    let start = at + usize::from(bytes.get(at) == Some(&b'-'));
    let whole = digits(start);
    if whole == 0 || (whole > 1 && bytes[start] == b'0') {
        return None;
    }
    let mut end = start + whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        end += 1 + fraction;
        if fraction == 0 {
            return None;
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        end += 1 + sign + exponent;
        if exponent == 0 {
            return None;
        }
    }
    Some(end)
}

/// Length of the JSON object that `bytes` begin with; `None` if it has no end there, has white
/// space between its parts, nests deeper than 64 levels, or is malformed.
pub fn object_len(bytes: &[u8]) -> Option<usize> {
    object_end(bytes, 0)
}

/// End of the object that begins at `at`, behind its closing brace. It must be valid JSON
/// without white space between its parts, and nest at most [`MAX_DEPTH`] deep.
#[inline]
pub(crate) fn object_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    nested_end(bytes, at, 0)
}

/// End of the array that begins at `at`, a member of an object, behind its closing bracket; on the
/// same terms.
pub(crate) fn array_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'[') {
        return None;
    }
    nested_end(bytes, at, 1)
}

/// End of the object or array that begins at `at`, within `around` others.
fn nested_end(bytes: &[u8], at: usize, around: u32) -> Option<usize> {
    // One bit a level, the innermost lowest: 1 is an object, 0 an array.
    let mut open = u64::from(bytes[at] == b'{');
    let mut depth = around + 1;
    let mut at = at + 1;
    let mut first = true;
    while depth > around {
        let object = open & 1 == 1;
        let close = if object { b'}' } else { b']' };
        if *bytes.get(at)? == close {
            (open, depth, at, first) = (open >> 1, depth - 1, at + 1, false);
            continue;
        }
        if !first {
            at = expect(bytes, at, b',')?;
        }
        if object {
            let key = expect(bytes, at, b'"')?;
            at = expect(bytes, string_end(bytes, key)? + 1, b':')?;
        }
        first = matches!(bytes.get(at)?, b'{' | b'[');
        if first {
            if depth == MAX_DEPTH {
                return None;
            }
            (open, depth) = (open << 1 | u64::from(bytes[at] == b'{'), depth + 1);
            at += 1;
        } else {
            at = scalar_end(bytes, at)?;
        }
    }
    Some(at)
}

fn scalar_end(bytes: &[u8], at: usize) -> Option<usize> {
    let word = |text: &[u8]| bytes[at..].starts_with(text).then_some(at + text.len());
    match bytes.get(at)? {
        b'"' => Some(string_end(bytes, at + 1)? + 1),
        b't' => word(b"true"),
        b'f' => word(b"false"),
        b'n' => word(b"null"),
        _ => number_end(bytes, at),
    }
}

fn expect(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    (bytes.get(at) == Some(&byte)).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_string_ends_at_its_quote_wherever_it_stands() {
        for len in 0..40 {
            let text = format!("{}\"rest", "é".repeat(len));
            assert_eq!(string_end(text.as_bytes(), 0), Some(len * 2));
            let escaped = format!(r#"{}\"\u00e9""#, "x".repeat(len));
            assert_eq!(string_end(escaped.as_bytes(), 0), Some(len + 8));
        }
        for bad in ["", "abc", "a\n\"", "\\x\"", "\\u12g4\"", "\\", "\\u12"] {
            assert_eq!(string_end(bad.as_bytes(), 0), None, "{bad:?}");
        }
    }

    #[test]
    fn every_odd_byte_is_found_wherever_it_stands() {
        for (byte, len) in (0..=255_u8).flat_map(|byte| (1..20_usize).map(move |len| (byte, len))) {
            for at in 0..len {
                let mut bytes = vec![b'x'; len];
                bytes[at] = byte;
                let control = byte < 0x20;
                let ascii = byte < 0x80;
                let mark = matches!(byte, b'"' | b'\\');
                assert_eq!(is_clean(&bytes), !control && !mark, "{byte} at {at} of {len}");
                assert_eq!(is_plain(&bytes), !control && !mark && ascii, "{byte} at {at} of {len}");
                let text_is = if control || !ascii { Err(NotText) } else { Ok(byte == b'\\') };
                assert_eq!(has_escapes(&bytes), text_is, "{byte} at {at} of {len}");
                assert_eq!(quote(&bytes, 0), bytes.iter().position(|&byte| byte == b'"'));
                assert_eq!(short_clean_prefix(&bytes), clean_prefix(&bytes));
            }
        }
        assert_eq!(has_escapes("grüße".as_bytes()), Ok(false));
        assert_eq!(quote("ü".repeat(40).as_bytes(), 1), None);
        assert_eq!(quote(format!("{}\"", "ü".repeat(40)).as_bytes(), 1), Some(80));
    }

    #[test]
    fn an_object_ends_where_json_says() {
        for good in [
            "{}",
            r#"{"a":1}"#,
            r#"{"a":-0.5e+7,"b":[1,[],{}],"c":{"d":"}"},"e":null}"#,
            r#"{"t":true,"f":false,"":""}"#,
            r#"{"a":[[]],"b":[{}],"c":0}"#,
        ] {
            let line = format!("{good},rest");
            assert_eq!(object_end(line.as_bytes(), 0), Some(good.len()), "{good}");
            assert!(serde_json::from_str::<serde_json::Value>(good).is_ok());
        }
        for bad in [
            "",
            "[",
            "{",
            "{]",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[,1]}"#,
            r#"{"a":tru}"#,
            r#"{"a" :1}"#,
            r#"{"a":[1}"#,
            r#"{"a":[][]}"#,
            r#"{"a":1e}"#,
        ] {
            assert_eq!(object_end(bad.as_bytes(), 0), None, "{bad}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |n: usize| format!("{}{}", r#"{"a":"#.repeat(n) + "1", "}".repeat(n));
        assert!(object_end(nested(64).as_bytes(), 0).is_some());
        assert!(object_end(nested(65).as_bytes(), 0).is_none());
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(array_end(nested(63).as_bytes(), 0), Some(126));
        assert!(array_end(nested(64).as_bytes(), 0).is_none());
    }

    #[test]
    fn an_array_ends_where_json_says() {
        for good in ["[]", r#"[{"a":[1]},2,"]"]"#, "[[],[[]]]"] {
            assert_eq!(array_end(format!("{good},1").as_bytes(), 0), Some(good.len()), "{good}");
        }
        for bad in ["", "{}", "[", "[}", "[1,]", "[,1]", "[1 ,2]", r#"["a":1]"#] {
            assert_eq!(array_end(bad.as_bytes(), 0), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_clean_prefix_is_what_a_plain_loop_finds(bytes in any::<Vec<u8>>()) {
            let plain = bytes.iter().take_while(|&&b| b >= 0x20 && b != b'"' && b != b'\\').count();
            prop_assert_eq!(clean_prefix(&bytes), plain);
            prop_assert_eq!(is_clean(&bytes), plain == bytes.len());
        }

        #[test]
        fn what_scans_as_an_object_is_one(tail in r#"[\{\}\[\]",:a0-9 \\.eEtrunlfs-]{0,24}"#) {
            let text = format!("{{{tail}");
            if let Some(end) = object_end(text.as_bytes(), 0) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text[..end]).is_ok());
            }
        }
    }
}
