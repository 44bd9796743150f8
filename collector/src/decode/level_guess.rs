//! The level that a line for people seems to have. Only what can hardly mean anything else counts:
//! a word where a level stands.
//!
//! | where | of |
//! |---|---|
//! | `WARN` in capitals, for itself | most loggers |
//! | `[error]`, `[core:error]`, `<warn>`, `[19:00:00 WRN]` | nginx, Apache, Serilog |
//! | `level=warn`, `"level":"warn"`, not behind `?` or within a quotation | logfmt |
//! | `warn: Shop.Orders[0]` at the beginning | .NET, Rust's compilers |
//! | `E1122 19:04:43` | glog, klog |
//! | `1:M 22 Nov 2026 19:00:00.123 # …` | Redis |
//! | `PHP Warning:  …` | PHP |
//! | `2026-11-22T19:00:00.123+0000 E NETWORK`, `11-22 19:00:00.123 12 34 W Shop:` | MongoDB, Android |
//! | `… UTC,…,0,ERROR,42P01,…`; not behind `HINT:  ` | PostgreSQL |
//! | `dhcp,critical,error dhcp1 …` | MikroTik |
//! | `2026-11-22 19:00:00 error: …`, `…Z\terror\t…`, `…Z - error: …`, `…Z warn …`, `…Z E! …` | winston, zap, VMware, Telegraf |

mod special;

use super::severity::{is_plain_level, known};
use netlog_wire::Level;

/// Length of the part of a line that is searched: a date, a thread, a module's name and a level.
const LOOK: usize = 64;

/// Length of the same with its colour codes.
const WIDE: usize = 160;

/// The level that `line` seems to have.
pub(super) fn guess(line: &[u8]) -> Option<Level> {
    match guess_plain(line) {
        Guess::Level(level) => Some(level),
        Guess::Nothing => None,
        Guess::Coloured => guess_coloured(line),
    }
}

fn guess_coloured(line: &[u8]) -> Option<Level> {
    let head = &line[..line.len().min(WIDE)];
    let mut plain = [0; WIDE];
    let mut len = 0;
    let mut at = 0;
    while at < head.len() {
        match colour_code(&head[at..]) {
            0 => {
                // An escape that is left begins no colour.
                plain[len] = if head[at] == 0x1b { b' ' } else { head[at] };
                len += 1;
                at += 1;
            }
            code => at += code,
        }
    }
    match guess_plain(&plain[..len]) {
        Guess::Level(level) => Some(level),
        Guess::Nothing | Guess::Coloured => None,
    }
}

/// Length of the colour code (ECMA-48, SGR) that `bytes` begin with, or of what is left of one.
pub(super) fn colour_code(bytes: &[u8]) -> usize {
    if !bytes.starts_with(b"\x1b[") {
        return 0;
    }
    let inside = |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b';' | b':');
    let parameters = bytes[2..].iter().take_while(inside).count();
    match bytes.get(2 + parameters) {
        Some(b'm') => parameters + 3,
        Some(_) => 0,
        None => bytes.len(),
    }
}

/// Result of a look at a line.
enum Guess {
    Level(Level),
    Nothing,
    /// There is a colour code before any level.
    Coloured,
}

fn guess_plain(line: &[u8]) -> Guess {
    if let Some(level) = special::level(line) {
        return Guess::Level(level);
    }
    let head = &line[..line.len().min(LOOK)];
    // A word may go on beyond the head. One that is longer than this is not a level.
    let line = &line[..line.len().min(LOOK + 16)];
    let mut at = 0;
    while let Some(from) = near_letter(head, at) {
        let byte = head[from];
        at = from + 1;
        let before = from.checked_sub(1).map(|before| head[before]);
        if !is_word(byte) {
            if byte == b'[' && before == Some(0x1b) {
                return Guess::Coloured;
            }
            continue;
        }
        while line.get(at).is_some_and(|&byte| is_word(byte)) {
            at += 1;
        }
        // What stands before it, and the first letter, rule most words out.
        let begins = before.is_none_or(|before| !is_word(before));
        if begins
            && (byte.is_ascii_uppercase() || is_marked(&head[..from], &line[at..]))
            && let Some(level) = word_at(line, from, at)
        {
            return Guess::Level(level);
        }
        if begins && byte.is_ascii_uppercase() && line[at..].starts_with(b":  ") {
            return Guess::Nothing;
        }
        at = at.min(head.len());
    }
    Guess::Nothing
}

/// Position of the next byte from `at` on that may be a letter: not a digit, and not one of those
/// that dates have between them. Eight at a time, since most of a line's head is that.
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

/// True if a byte may stand in a word. A table, because every byte of every line's head is tested.
fn is_word(byte: u8) -> bool {
    static WORD: [bool; 256] = {
        let mut word = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            word[byte] =
                (byte as u8).is_ascii_alphanumeric() || byte == b'_' as usize || byte >= 0x80;
            byte += 1;
        }
        word
    };
    WORD[usize::from(byte)]
}

/// True if the text around a word may make a level of it that is not in capitals.
fn is_marked(before: &[u8], after: &[u8]) -> bool {
    matches!(before.trim_ascii_end().last(), None | Some(b'[' | b'<' | b'=' | b':' | b'"'))
        || behind_time(before, after)
}

/// True if a word stands directly behind the time that begins the line, and ends as a level does.
fn behind_time(before: &[u8], after: &[u8]) -> bool {
    let time = before.trim_ascii_end();
    let time = time.strip_suffix(b" -").unwrap_or(time);
    let exact = time.ends_with(b"Z") && time.get(10) == Some(&b'T');
    let ends = match after.first() {
        Some(b':') => matches!(after.get(1), Some(b' ' | b'\t')),
        Some(b'\t') => true,
        // Such a time is written by machines alone.
        Some(b' ') => exact,
        _ => false,
    };
    ends && (19..=35).contains(&time.len())
        && (exact || time.ends_with(b"]") || time.last().is_some_and(u8::is_ascii_digit))
        && matches!(time[0], b'0'..=b'9' | b'[')
        && time.get(13).is_some_and(|&byte| byte == b':' || time[0] == b'[')
}

fn word_at(line: &[u8], from: usize, to: usize) -> Option<Level> {
    let mut said = &line[from..to];
    // Most lines say one of these, as nothing but a level.
    if let Some(level) = common(said)
        && !joined(&line[..from], &line[to..])
        && !quoted(&line[..from])
    {
        return Some(level);
    }
    // `trace3`, `DEBUG1`.
    if said.len() > 4 && said.last().is_some_and(u8::is_ascii_digit) {
        said = &said[..said.len() - 1];
    }
    if !(3..=13).contains(&said.len()) {
        return letter(line, from, to);
    }
    let before = &line[..from];
    let after = &line[to..];
    let capitals = said.iter().all(u8::is_ascii_uppercase);
    if !capitals && !is_marked(before, after) {
        return None;
    }
    let &(word, level, _) = known(said)?;
    // `HTTP`, `DEFAULT`, `CONFIG` and the like in capitals are words of their own.
    let plain = is_plain_level(word);
    if capitals && plain && !joined(before, after) && !quoted(before) {
        return Some(level);
    }
    if assigned(before) || plain && behind_time(before, after) {
        return Some(level);
    }
    let place = bracketed(before, after) || angled(before, after) && plain;
    (!quoted(before) && (place || begins(word, from, after))).then_some(level)
}

/// The level of one of the words that nearly all loggers have.
fn common(said: &[u8]) -> Option<Level> {
    match said {
        b"INFO" => Some(Level::Info),
        b"WARN" => Some(Level::Warn),
        b"ERROR" => Some(Level::Error),
        b"DEBUG" => Some(Level::Debug),
        b"TRACE" => Some(Level::Trace),
        _ => None,
    }
}

/// The level of a letter that stands alone behind a time.
fn letter(line: &[u8], from: usize, to: usize) -> Option<Level> {
    let time = |byte: &u8| {
        byte.is_ascii_digit()
            || matches!(byte, b'-' | b'/' | b':' | b'.' | b',' | b'+' | b' ' | b'T' | b'Z')
    };
    // Telegraf puts a mark behind it.
    let alone = to == from + 1 && matches!(line.get(to), Some(b' ' | b'!'));
    let before = &line[..from];
    let behind_time = || {
        let colons = before.iter().filter(|&&byte| byte == b':').count();
        before.ends_with(b" ") && colons >= 2 && before.iter().all(time)
    };
    if !alone || !behind_time() {
        return None;
    }
    Some(match line[from] {
        b'F' | b'E' => Level::Error,
        b'W' => Level::Warn,
        b'I' => Level::Info,
        b'D' | b'V' => Level::Debug,
        _ => return None,
    })
}

/// True if a word is a part of another, or of a path.
fn joined(before: &[u8], after: &[u8]) -> bool {
    // Logback's status has a bar in front; Celery names the process behind it.
    let arrow = || before.ends_with(b"|-");
    let process = || before.ends_with(b": ") && before.starts_with(b"[");
    matches!(before.last(), Some(b'-' | b'/')) && !arrow()
        || matches!(after.first(), Some(b'-' | b'='))
        || matches!(after.first(), Some(b'/')) && !process()
}

/// True if a word stands in brackets, also behind the name of a module: `[core:error]`.
fn bracketed(before: &[u8], after: &[u8]) -> bool {
    if !after.trim_ascii_start().starts_with(b"]") {
        return false;
    }
    let before = before.trim_ascii_end();
    let name = before.strip_suffix(b":").map_or(before, |module| {
        let len = module.iter().rev().take_while(|&&byte| is_word(byte)).count();
        &module[..module.len() - len]
    });
    name.ends_with(b"[")
}

fn angled(before: &[u8], after: &[u8]) -> bool {
    before.ends_with(b"<") && after.starts_with(b">")
}

/// True if a word begins the line with a colon behind it, and is one that loggers write so.
fn begins(word: &str, from: usize, after: &[u8]) -> bool {
    const DOT_NET: [&str; 6] = ["trce", "dbug", "info", "warn", "fail", "crit"];
    const OTHERS: [&str; 6] = ["error", "warning", "fatal", "critical", "debug", "panic"];
    let colon = after.starts_with(b":") && matches!(after.get(1), None | Some(b' ' | b'\t'));
    from == 0 && colon && (DOT_NET.contains(&word) || OTHERS.contains(&word))
}

/// True if a quotation has begun and not ended.
fn quoted(before: &[u8]) -> bool {
    // Most lines have none; what stands before a word is too short to be worth a search.
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (words, tail) = before.as_chunks::<8>();
    let none = words.iter().all(|word| {
        let word = u64::from_le_bytes(*word) ^ QUOTES;
        word.wrapping_sub(ONES) & !word & (ONES << 7) == 0
    });
    (!none || tail.contains(&b'"')) && before.iter().filter(|&&byte| byte == b'"').count() % 2 == 1
}

/// Requests in access logs: behind them, a query may stand for itself.
const METHODS: [&[u8]; 4] = [b"GET /", b"POST /", b"PUT /", b"HEAD /"];

/// True if the text before a word makes it the value of a level: `level=`, `"level":"`.
fn assigned(before: &[u8]) -> bool {
    let key = before.trim_ascii_end();
    let key = key.strip_suffix(b"\"").unwrap_or(key).trim_ascii_end();
    let Some(key) = key.strip_suffix(b"=").or_else(|| key.strip_suffix(b":")) else {
        return false;
    };
    let key = key.strip_suffix(b"\"").unwrap_or(key);
    let start = key.iter().rposition(|&b| !is_word(b)).map_or(0, |at| at + 1);
    // An address has such values too.
    let address = start > 0 && matches!(key[start - 1], b'?' | b'&' | b'/');
    !address
        && !METHODS.iter().any(|method| memchr::memmem::find(before, method).is_some())
        && [&b"level"[..], b"lvl", b"severity", b"loglevel", b"log_level"]
            .iter()
            .any(|name| key[start..].eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("2026-11-22T19:00:00.123+0000 E NETWORK  [conn7] boom", Level::Error),
            ("11-22 19:00:00.123  1234  5678 W Shop: late", Level::Warn),
            ("\x1b[2J WARN x \x1b[0m", Level::Warn),
            ("\x1b[40m\x1b[1m\x1b[33mwarn\x1b[39m\x1b[22m\x1b[49m: Shop.Orders[0]", Level::Warn),
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
            "he said \"ERROR\" twice",
            "a?level=error",
            "2026-11-22 19:00:00 10.0.0.1 GET /x level=error 443",
            "2026-11-22 19:00:00 UTC [7] HINT:  an ERROR is near",
            "19:00 D batteries",
            "\x1b[",
            &late,
        ] {
            assert_eq!(guess(line.as_bytes()), None, "{line}");
        }
    }
}
