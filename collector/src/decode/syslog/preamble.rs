//! Parts before the time of Cisco's systems, each with a setting of its own: counters, a name, a mark
//! for a clock that is not set; or the uptime in place of a time.

use super::tag::{is_host, tagged};
use crate::decode::draft::{Draft, Text};
use crate::decode::time::head;
use std::net::Ipv6Addr;

/// The most parts there are.
const MOST: usize = 5;

/// A part before the time.
enum HeaderPart<'a> {
    Counter(&'a str),
    /// `RP/0/RSP0/CPU0`: a module of IOS-XR.
    Node(&'a str),
    Host(&'a str),
    /// `[syslog@9 s_sn="7"]`: structured data of IOS.
    Element(&'a str),
    /// `*spamApTask7`: a task of a wireless controller.
    Task(&'a str),
}

/// Reads a message with such parts; answers its text, or `None` when it has none.
pub(super) fn read<'a>(body: &'a str, draft: &mut Draft<'a>) -> Option<&'a str> {
    let mut parts: [Option<HeaderPart<'a>>; MOST] = [const { None }; MOST];
    let mut rest = body;
    for place in 0..=MOST {
        if let Some(msg) = behind_parts(rest, draft) {
            parts.into_iter().flatten().for_each(|part| part.keep(draft));
            return Some(msg);
        }
        let (part, behind) = part(rest)?;
        *parts.get_mut(place)? = part;
        rest = behind;
    }
    None
}

/// Takes the part that `rest` begins with; NX-OS writes but its colon.
fn part(rest: &str) -> Option<(Option<HeaderPart<'_>>, &str)> {
    if let Some((host, behind)) = host_of_node(rest) {
        return Some((Some(HeaderPart::Host(host)), behind));
    }
    if rest.starts_with('[') {
        let (element, behind) = rest.split_once("]: ")?;
        return Some((Some(HeaderPart::Element(&element[1..])), behind));
    }
    if let Some((address, behind)) = rest.split_once(": ").filter(|(word, _)| is_address(word)) {
        return Some((Some(HeaderPart::Host(address)), behind));
    }
    let (word, behind) = rest.split_once(':')?;
    let part = match word {
        "" => None,
        _ if word.starts_with('*') && is_host(&word[1..]) => Some(HeaderPart::Task(&word[1..])),
        _ if word.bytes().all(|byte| byte.is_ascii_digit()) => Some(HeaderPart::Counter(word)),
        _ if word.contains('/') && !word.contains(' ') => Some(HeaderPart::Node(word)),
        _ if is_host(word) => Some(HeaderPart::Host(word)),
        _ => return None,
    };
    let node = matches!(part, Some(HeaderPart::Node(_)));
    let behind = match behind.strip_prefix(' ') {
        Some(behind) => behind,
        None if node || part.is_none() => behind,
        None => return None,
    };
    Some((part, behind))
}

/// `xr1 RP/0/RSP0/CPU0:`: the host of a node, which has a blank behind it.
fn host_of_node(rest: &str) -> Option<(&str, &str)> {
    let (host, behind) = rest.split_once(' ').filter(|(host, _)| is_host(host))?;
    let (node, _) = behind.split_once(':')?;
    (node.contains('/') && !node.contains(' ')).then_some((host, behind))
}

/// True for an address with colons of its own.
fn is_address(word: &str) -> bool {
    word.contains("::") && word.parse::<Ipv6Addr>().is_ok()
}

/// Reads the rest behind the parts, if it may follow them.
fn behind_parts<'a>(rest: &'a str, draft: &mut Draft<'a>) -> Option<&'a str> {
    if is_mnemonic(rest) {
        return Some(rest);
    }
    let (mark, bare) = match rest.as_bytes().first()? {
        b'*' => (Some("not set"), &rest[1..]),
        b'.' => (Some("not synchronised"), &rest[1..]),
        _ => (None, rest),
    };
    if let Some((moment, len)) = head(bare, Some(draft.time)) {
        draft.set_time(moment);
        if let Some(mark) = mark {
            draft.note("clock", Text::Json(mark));
        }
        // Without a zone, IOS-XR writes a blank before the colon.
        let rest = bare[len..].trim_start_matches(' ');
        let rest = rest.strip_prefix(':').unwrap_or(rest).trim_start_matches(' ');
        return Some(match rest.starts_with('%') {
            true => rest,
            false => tagged(rest, draft, |tag| tag.colon).unwrap_or(rest),
        });
    }
    let (uptime, msg) = bare.split_once(": ")?;
    if !is_uptime(uptime) || !is_mnemonic(msg) {
        return None;
    }
    draft.note("uptime", Text::Json(uptime));
    Some(msg)
}

/// `2y10w`, `1d02h`, `00:00:13`.
fn is_uptime(word: &str) -> bool {
    let unit = |byte: u8| matches!(byte, b'y' | b'w' | b'd' | b'h' | b'm' | b's' | b':');
    word.len() <= 12
        && word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || unit(byte))
        && word.bytes().any(unit)
}

/// `%SYS-5-CONFIG_I:`.
fn is_mnemonic(rest: &str) -> bool {
    let Some((name, _)) = rest.strip_prefix('%').and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    name.contains('-') && name.len() <= 64 && name.bytes().all(fit)
}

impl<'a> HeaderPart<'a> {
    fn keep(self, draft: &mut Draft<'a>) {
        match self {
            Self::Host(host) if draft.host.is_none() => {
                draft.host = Some(Text::Plain(host.into()));
            }
            Self::Host(name) => draft.note("origin", Text::Plain(name.into())),
            Self::Element(element) => draft.note("structured_data", Text::Plain(element.into())),
            Self::Task(task) => {
                draft.app.get_or_insert_with(|| Text::Plain(task.into()));
            }
            Self::Node(node) => draft.note("node", Text::Plain(node.into())),
            Self::Counter(count) => {
                let first = Text::Json("sequence");
                let key = if draft.kv.iter().any(|pair| pair.key == first) {
                    "device_sequence"
                } else {
                    "sequence"
                };
                draft.note(key, Text::Json(count));
            }
        }
    }
}
