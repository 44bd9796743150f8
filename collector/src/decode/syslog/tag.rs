//! Hosts and tags of RFC 3164: `host app[pid]: `.

use crate::decode::draft::{Draft, Text};
use crate::decode::json_fields::claim;
use crate::decode::severity;
use std::net::IpAddr;

/// The longest tag: RFC 3164 says 32, docker's images have more.
const MAX_TAG: usize = 128;

/// End of a tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct TagEnd {
    pub(super) pid: bool,
    pub(super) colon: bool,
}

/// A tag in its parts.
struct Tag<'a> {
    name: &'a str,
    /// Text in the brackets.
    pid: Option<&'a str>,
    colon: bool,
    behind: &'a str,
}

/// Takes `tag[pid]:` off the front of `rest` if there is one that `is_tag` by its end; answers
/// what is behind it.
pub(super) fn tagged<'a>(
    rest: &'a str,
    draft: &mut Draft<'a>,
    is_tag: impl Fn(TagEnd) -> bool,
) -> Option<&'a str> {
    let Tag { name, pid, colon, behind } = tag(rest)?;
    if !is_tag(TagEnd { pid: pid.is_some(), colon }) {
        return None;
    }
    draft.app = Some(Text::Plain(claim(name)?.into()));
    match pid.map(|pid| (pid, pid.parse())) {
        Some((_, Ok(number))) => draft.pid = Some(number),
        Some((pid, Err(_))) => draft.note("procid", Text::Plain(pid.into())),
        None => {}
    }
    Some(behind.strip_prefix(' ').unwrap_or(behind))
}

/// True if `rest` begins with a tag that has a number in brackets.
pub(super) fn has_pid(rest: &str) -> bool {
    tag(rest).is_some_and(|tag| tag.pid.is_some())
}

fn tag(rest: &str) -> Option<Tag<'_>> {
    let end = memchr::memchr(b' ', rest.as_bytes()).unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    let (body, colon, behind) = match word.strip_suffix(':') {
        Some(body) => (body, true, behind),
        // Behind a bracket the colon needs no blank.
        None => match word.find("]:").map(|at| word.split_at(at + 1)) {
            Some((body, _)) => (body, true, &rest[body.len() + 1..]),
            None => (word, false, behind),
        },
    };
    let (name, pid) = brackets(body).map_or((body, None), |(name, pid)| (name, Some(pid)));
    let fit = is_name(name) && (pid.is_some() || !severity::is_level(name.as_bytes()));
    fit.then_some(Tag { name, pid, colon, behind })
}

/// A name and what stands in the brackets at its end, if that may be a process.
fn brackets(body: &str) -> Option<(&str, &str)> {
    let inside = body.strip_suffix(']')?;
    let at = inside.bytes().rposition(|byte| byte == b'[')?;
    let name = &inside[..at];
    let pid = &inside[at + 1..];
    let plain = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'-' | b'_');
    let fit = !pid.is_empty() && pid.len() <= MAX_TAG && pid.bytes().all(plain);
    (fit && !name.is_empty()).then_some((name, pid))
}

/// True if a word may be a program's name: not a number, a time, or text of a machine.
fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_TAG || bytes[0] == b'[' {
        return false;
    }
    // Names of formats and of fields, which their readers look for.
    if matches!(bytes, b"CEF" | b"LEEF" | b"Severity") {
        return false;
    }
    let mut found = 0;
    for &byte in bytes {
        found |= NAME_BYTES[usize::from(byte)];
    }
    found & (ODD | WORD) == WORD && !is_date(bytes)
}

/// Set for a byte that may not stand in a name, and for one that no number has.
const ODD: u8 = 1;
const WORD: u8 = 2;

static NAME_BYTES: [u8; 256] = {
    let mut bytes = [WORD; 256];
    let mut at = 0;
    while at < 256 {
        bytes[at] = match at as u8 {
            0..=b' ' | 0x7f | b'"' | b'{' | b'}' | b'<' | b'>' | b'=' | b';' | b',' => ODD,
            b'%' | b'\\' | b'\'' => ODD,
            b'0'..=b'9' | b':' | b'.' | b'-' => 0,
            _ => WORD,
        };
        at += 1;
    }
    bytes
};

/// True if a word may be a host's name or address.
pub(super) fn is_host(word: &str) -> bool {
    let bytes = word.as_bytes();
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let first = bytes.first().is_some_and(|byte| !matches!(byte, b'-' | b'.'));
    if !bytes.iter().all(|&byte| fit(byte)) {
        return bytes.contains(&b':') && word.parse::<IpAddr>().is_ok();
    }
    let number = bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.'))
        && word.parse::<IpAddr>().is_err();
    first && !number && !is_date(bytes) && !severity::is_level(bytes)
}

/// `2026-11-22` at the beginning.
fn is_date(bytes: &[u8]) -> bool {
    let shape = bytes.first_chunk::<10>();
    shape.is_some_and(|date| {
        let digits = [0, 1, 2, 3, 5, 6, 8, 9].iter().all(|&at| date[at].is_ascii_digit());
        digits && matches!((date[4], date[7]), (b'-', b'-') | (b'/', b'/'))
    })
}

/// `slot1/bigip1`: a host of F5 behind the part of it that a message is from.
pub(super) fn is_slot(word: &str) -> bool {
    word.split_once('/').is_some_and(|(slot, host)| is_host(slot) && is_host(host))
}

/// A severity's name as syslog has it.
pub(super) fn is_level_word(word: &str) -> bool {
    severity::known(word.as_bytes()).is_some_and(|(known, ..)| *known == word)
}

/// `Local7.Info`: a priority in words, as Kiwi passes it on.
pub(super) fn is_priority_name(word: &str) -> bool {
    word.split_once('.').is_some_and(|(facility, level)| {
        let known = |name: &str| name.eq_ignore_ascii_case(facility);
        super::FACILITIES.iter().any(|name| known(name))
            && severity::known(level.as_bytes()).is_some()
    })
}

/// Takes a line that a syslogd makes itself, in which no host stands where hosts do.
pub(super) fn own_line<'a>(rest: &'a str, draft: &mut Draft<'a>) -> Option<&'a str> {
    if rest.starts_with("last message repeated ") || rest.starts_with("-- MARK --") {
        return Some(rest);
    }
    let forwarded =
        rest.strip_prefix("Message forwarded from ").or_else(|| rest.strip_prefix("From "))?;
    let (host, behind) = forwarded.split_once(": ").filter(|(host, _)| is_host(host))?;
    draft.host = Some(Text::Plain(host.into()));
    Some(tagged(behind, draft, |tag| tag.colon).unwrap_or(behind))
}
