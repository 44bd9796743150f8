//! Lines whose form alone tells their level's place.

use super::LOOK;
use crate::decode::severity;
use netlog_wire::Level;

/// The level that such a line has, if `line` is one.
#[inline]
pub(super) fn level(line: &[u8]) -> Option<Level> {
    match line.first()? {
        b'E' | b'F' | b'W' | b'I' => glog(line),
        // Milliseconds and a zone stand in CSV of PostgreSQL.
        b'0'..=b'9' if line.get(4) == Some(&b'-') => match line.get(23) {
            Some(b' ') => postgresql(line),
            _ => None,
        },
        b'0'..=b'9' => redis(line),
        b'[' => php(&line[..line.len().min(LOOK)]).or_else(|| redis(line)),
        b'P' => php(&line[..line.len().min(LOOK)]),
        b'a'..=b'z' => mikrotik(&line[..line.len().min(LOOK)]),
        _ => None,
    }
}

/// `E1122 19:04:43.266 …`: glog's and klog's form.
fn glog(line: &[u8]) -> Option<Level> {
    // Newer ones of glog have a year.
    let date = line[1..].iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    let [b' ', hour @ .., b':'] = line.get(1 + date..)?.first_chunk::<4>()? else { return None };
    if !matches!(date, 4 | 8) || !hour.iter().all(u8::is_ascii_digit) {
        return None;
    }
    match line[0] {
        b'E' | b'F' => Some(Level::Error),
        b'W' => Some(Level::Warn),
        _ => Some(Level::Info),
    }
}

/// `1:M 22 Nov 2026 19:00:00.123 # …`, `[1] 22 Nov 19:00:00.123 # …`: a sign for a level behind the
/// time.
fn redis(line: &[u8]) -> Option<Level> {
    let line = line.strip_prefix(b"[").unwrap_or(line);
    let digits = line.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let ([b':', b'X' | b'C' | b'S' | b'M', b' ', rest @ ..] | [b']', b' ', rest @ ..]) =
        &line[digits..]
    else {
        return None;
    };
    let rest = rest.get(..rest.len().min(28)).filter(|_| digits > 0)?;
    let time = rest.iter().rposition(|&byte| byte == b':')?;
    let mut behind = rest[time..].split(|&byte| byte == b' ').skip(1);
    match behind.next()? {
        b"." | b"-" => Some(Level::Debug),
        b"*" => Some(Level::Info),
        b"#" => Some(Level::Warn),
        _ => None,
    }
}

/// `[22-Nov-2026 19:00:00 UTC] PHP Warning:  …`.
fn php(line: &[u8]) -> Option<Level> {
    if !matches!(line.first(), Some(b'[' | b'P')) {
        return None;
    }
    let at = memchr::memmem::find(line, b"PHP ").filter(|&at| at == 0 || line[at - 1] == b' ')?;
    let word = line[at + 4..].split(|&byte| byte == b':').next()?;
    match word {
        b"Fatal error" | b"Parse error" | b"Recoverable fatal error" => Some(Level::Error),
        b"Warning" | b"Deprecated" => Some(Level::Warn),
        b"Notice" | b"Strict Standards" => Some(Level::Info),
        _ => None,
    }
}

/// `2026-11-22 19:00:00.123 UTC,"user",…,0,ERROR,42P01,…`: a column of CSV.
fn postgresql(line: &[u8]) -> Option<Level> {
    // A zone of three to six characters behind the milliseconds.
    if !line.get(27..31)?.contains(&b',') {
        return None;
    }
    let head = &line[..line.len().min(512)];
    let mut quoted = false;
    let mut columns = head.split(|&byte| {
        quoted ^= byte == b'"';
        byte == b',' && !quoted
    });
    let mut word = columns.nth(8)?;
    // What stands before the code of a state, as SQL has it, is its severity.
    for state in columns.take(6) {
        let code = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if state.len() == 5 && state.iter().all(code) && word.len() > 2 {
            let severity = severity::word(std::str::from_utf8(word).ok()?);
            return Some(severity.map_or(Level::Info, |severity| severity.level));
        }
        word = state;
    }
    None
}

/// `dhcp,critical,error dhcp1 …`: topics, of which one is a level.
fn mikrotik(head: &[u8]) -> Option<Level> {
    let inside =
        |byte: &&u8| byte.is_ascii_lowercase() || matches!(byte, b',' | b'-' | b'0'..=b'9');
    let len = head.iter().take_while(inside).count();
    let topics = head.get(..len).filter(|_| head.get(len) == Some(&b' '))?;
    let levels = topics.split(|&byte| byte == b',').skip(1);
    let levels = levels.filter_map(|topic| severity::known(topic).map(|&(_, level, _)| level));
    levels.min()
}
