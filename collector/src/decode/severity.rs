//! Levels as foreign peers say them: words of a dozen loggers, numbers of four scales, or nothing
//! but a word somewhere in a line.

use netlog_wire::Level;
use std::borrow::Cow;

/// Level words, and whether the word says no more than our level does.
const WORDS: &[(&str, Level, bool)] = &[
    ("error", Level::Error, true),
    ("err", Level::Error, true),
    ("warn", Level::Warn, true),
    ("warning", Level::Warn, true),
    ("info", Level::Info, true),
    ("information", Level::Info, true),
    ("debug", Level::Debug, true),
    ("trace", Level::Trace, true),
    ("fatal", Level::Error, false),
    ("critical", Level::Error, false),
    ("crit", Level::Error, false),
    ("alert", Level::Error, false),
    ("emerg", Level::Error, false),
    ("emergency", Level::Error, false),
    ("panic", Level::Error, false),
    ("dpanic", Level::Error, false),
    ("severe", Level::Error, false),
    ("notice", Level::Info, false),
    ("informational", Level::Info, true),
    ("config", Level::Info, false),
    ("default", Level::Info, false),
    ("http", Level::Debug, false),
    ("verbose", Level::Debug, false),
    ("fine", Level::Debug, false),
    ("finer", Level::Trace, false),
    ("finest", Level::Trace, false),
    ("silly", Level::Trace, false),
];

/// The names of syslog's severities (RFC 5424, section 6.2.1), by their numbers.
const SYSLOG: [&str; 8] = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"];

/// A level, and the peer's own word for it where that says more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Severity<'a> {
    pub(super) level: Level,
    pub(super) word: Option<Cow<'a, str>>,
}

/// Reads a level's name in any case, also with an offset as Go's slog writes it (`WARN+1`).
pub(super) fn word(text: &str) -> Option<Severity<'_>> {
    let name = text.trim();
    let base = name.split_once(['+', '-']).map_or(name, |(base, _)| base);
    let &(_, level, exact) = known(base.as_bytes())?;
    let word = (!exact || base.len() != name.len()).then_some(Cow::Borrowed(name));
    Some(Severity { level, word })
}

fn known(said: &[u8]) -> Option<&'static (&'static str, Level, bool)> {
    // The length and the first letter rule most of them out.
    let first = said.first()?.to_ascii_lowercase();
    let near = |word: &str| word.len() == said.len() && word.as_bytes()[0] == first;
    WORDS.iter().find(|(word, ..)| near(word) && word.as_bytes().eq_ignore_ascii_case(said))
}

/// Reads a level's number: syslog's 0 to 7, the tens of pino and bunyan, the ten thousands of
/// logback. Where pino says 40 for a warning, Python says 30: only the key can tell.
pub(super) fn number(n: u64, python: bool) -> Option<Severity<'static>> {
    let (level, word) = match n {
        0..=7 => return Some(syslog(n as u8)),
        50.. if python && n < 1000 => (Level::Error, Some("critical")),
        40.. if python && n < 1000 => (Level::Error, None),
        30.. if python && n < 1000 => (Level::Warn, None),
        20.. if python && n < 1000 => (Level::Info, None),
        10.. if python && n < 1000 => (Level::Debug, None),
        10..20 | 5_000..10_000 => (Level::Trace, None),
        20..30 | 10_000..20_000 => (Level::Debug, None),
        30..40 | 20_000..30_000 => (Level::Info, None),
        40..50 | 30_000..40_000 => (Level::Warn, None),
        50..60 | 40_000..50_000 => (Level::Error, None),
        60..=100 => (Level::Error, Some("fatal")),
        _ => return None,
    };
    Some(Severity { level, word: word.map(Cow::Borrowed) })
}

/// The level of a syslog severity.
pub(super) fn syslog(severity: u8) -> Severity<'static> {
    let name = SYSLOG[usize::from(severity & 7)];
    word(name).unwrap_or(Severity { level: Level::Info, word: None })
}

/// How far into a line its level is looked for: behind a date, a thread and a module's name.
const LOOK: usize = 64;

/// The level that a line for people seems to have. Only what can hardly mean anything else counts:
/// a word in capitals that stands for itself, any word in brackets, `level=word`, a line that
/// begins with `error:` or `warning:`, and the letter that begins a line of glog.
pub(super) fn guess(line: &[u8]) -> Option<Level> {
    let mut end = line.len().min(LOOK);
    // A word that the limit cuts in two is no word.
    while line.get(end).is_some_and(|&byte| is_word(byte)) && end < LOOK + 16 {
        end += 1;
    }
    let head = &line[..end];
    if let Some(level) = glog(head) {
        return Some(level);
    }
    let mut at = 0;
    while let Some(from) = near_letter(head, at) {
        let byte = head[from];
        at = from + 1;
        while at < end && is_word(byte) && is_word(head[at]) {
            at += 1;
        }
        // What stands before it, and the first letter, rule most words out.
        let begins = from == 0 || !is_word(head[from - 1]);
        if begins
            && (byte.is_ascii_uppercase() || byte.is_ascii_lowercase() && marked(&head[..from]))
            && let Some(level) = word_at(head, from, at)
        {
            return Some(level);
        }
    }
    None
}

/// Where the next byte at or behind `at` is that may be a letter: no digit, and not what stands
/// around those in dates. Eight at a time, since most of a line's head is that.
fn near_letter(head: &[u8], at: usize) -> Option<usize> {
    const LETTERS: u64 = u64::from_ne_bytes([0xc0; 8]);
    let rest = &head[at..];
    let (words, tail) = rest.as_chunks::<8>();
    for (nth, word) in words.iter().enumerate() {
        let found = u64::from_le_bytes(*word) & LETTERS;
        if found != 0 {
            return Some(at + nth * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let behind = at + words.len() * 8;
    tail.iter().position(|&byte| byte & 0xc0 != 0).map(|nth| behind + nth)
}

/// Whether a byte may stand in a word, looked up: it is asked of every byte of every line's head.
fn is_word(byte: u8) -> bool {
    static WORD: [bool; 256] = {
        let (mut word, mut byte) = ([false; 256], 0);
        while byte < 256 {
            word[byte] =
                (byte as u8).is_ascii_alphanumeric() || byte == b'_' as usize || byte >= 0x80;
            byte += 1;
        }
        word
    };
    WORD[usize::from(byte)]
}

/// Whether what stands before a word may make a level of it that is not in capitals.
fn marked(before: &[u8]) -> bool {
    matches!(before.trim_ascii_end().last(), None | Some(b'[' | b'<' | b'=' | b':' | b'"'))
}

fn word_at(line: &[u8], from: usize, to: usize) -> Option<Level> {
    let said = &line[from..to];
    if !(3..=13).contains(&said.len()) {
        return None;
    }
    let (before, after) = (&line[..from], &line[to..]);
    let capitals = said.iter().all(u8::is_ascii_uppercase);
    if !capitals && !marked(before) {
        return None;
    }
    let &(word, level, _) = known(said)?;
    // `HTTP`, `DEFAULT`, `CONFIG` and the like in capitals are words of their own.
    let plain = !matches!(word, "http" | "default" | "config" | "fine" | "alert" | "silly");
    let hyphened = before.ends_with(b"-") || after.starts_with(b"-") || after.starts_with(b"/");
    let capitals = capitals && plain && !hyphened;
    let bracketed = before.trim_ascii_end().ends_with(b"[")
        && after.trim_ascii_start().starts_with(b"]")
        || before.ends_with(b"<") && after.starts_with(b">") && plain;
    let begins = from == 0 && plain && after.starts_with(b":") && level <= Level::Warn;
    (capitals || bracketed || begins || assigned(before)).then_some(level)
}

/// Whether what stands before a word makes it the value of a level: `level=`, `"level":"`.
fn assigned(before: &[u8]) -> bool {
    let key = before.trim_ascii_end();
    let key = key.strip_suffix(b"\"").unwrap_or(key).trim_ascii_end();
    let Some(key) = key.strip_suffix(b"=").or_else(|| key.strip_suffix(b":")) else {
        return false;
    };
    let key = key.strip_suffix(b"\"").unwrap_or(key);
    let start = key.iter().rposition(|&b| !is_word(b)).map_or(0, |at| at + 1);
    [&b"level"[..], b"lvl", b"severity", b"loglevel", b"log_level"]
        .iter()
        .any(|name| key[start..].eq_ignore_ascii_case(name))
}

/// `E1122 19:04:43.266 …`: glog's and klog's form.
fn glog(line: &[u8]) -> Option<Level> {
    let shape = line.get(..9).filter(|shape| matches!(shape[0], b'E' | b'F' | b'W' | b'I'))?;
    let digits = shape[1..5].iter().chain(&shape[6..8]).all(u8::is_ascii_digit);
    if !digits || shape[5] != b' ' || shape[8] != b':' {
        return None;
    }
    match shape[0] {
        b'E' | b'F' => Some(Level::Error),
        b'W' => Some(Level::Warn),
        b'I' => Some(Level::Info),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_of_many_loggers_are_levels() {
        let said = |severity: Option<Severity<'_>>| {
            severity.map(|s| (s.level, s.word.map(Cow::into_owned).unwrap_or_default()))
        };
        for (text, level, kept) in [
            ("Warning", Level::Warn, ""),
            ("FATAL", Level::Error, "FATAL"),
            ("silly", Level::Trace, "silly"),
            ("DEBUG-4", Level::Debug, "DEBUG-4"),
            (" info ", Level::Info, ""),
        ] {
            assert_eq!(said(word(text)), Some((level, kept.to_owned())), "{text}");
        }
        assert_eq!(word("loud"), None);
        for (n, python, level, kept) in [
            (3, false, Level::Error, ""),
            (5, false, Level::Info, "notice"),
            (30, false, Level::Info, ""),
            (30, true, Level::Warn, ""),
            (50, true, Level::Error, "critical"),
            (60, false, Level::Error, "fatal"),
            (30_000, false, Level::Warn, ""),
        ] {
            assert_eq!(said(number(n, python)), Some((level, kept.to_owned())), "{n}");
        }
        assert_eq!(number(8, false), None);
        assert_eq!(number(u64::MAX, true), None);
    }

    #[test]
    fn the_level_of_a_line_is_guessed_where_it_is_plain() {
        for (line, level) in [
            ("2026-11-22 19:04:43,266 WARN demo.T - java hello", Level::Warn),
            ("[error] no route", Level::Error),
            ("[ INFO ] up", Level::Info),
            ("ts=1 level=warn msg=\"x\"", Level::Warn),
            ("time=\"x\" Level=\"debug\" msg=x", Level::Debug),
            ("error: it broke", Level::Error),
            ("thread 'main' ERROR", Level::Error),
            ("WARNING: low disk", Level::Warn),
            ("E1122 19:04:43.266 12 a.go:7] x", Level::Error),
            ("I1122 19:04:43.266 ERROR", Level::Info),
            ("12:00 [main] INFO  a.B - ERROR", Level::Info),
        ] {
            assert_eq!(guess(line.as_bytes()), Some(level), "{line}");
        }
        let late = format!("{} ERROR", "x ".repeat(40));
        for line in [
            "",
            "second line",
            "no error here",
            "an ERRORED thing",
            "GET /x HTTP/1.1 200",
            "ERROR_CODE 7",
            "information: all",
            "the INFO-desk",
            "grüße",
            &late,
        ] {
            assert_eq!(guess(line.as_bytes()), None, "{line}");
        }
    }
}
