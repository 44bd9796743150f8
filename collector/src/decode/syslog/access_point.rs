//! Access points of UniFi, which say what they are beside or in place of their name:
//! `("U7LT,18e829aabbcc,v4.3.20") hostapd: …`, `U7PG2,18e829aabbcc,v4.0.66: hostapd: …`.

use super::split_word;
use super::tag::{is_host, tagged};
use crate::decode::draft::{Draft, Text};

/// Reads such a message from behind its time; `None` for any other.
pub(super) fn access_point<'a>(rest: &'a str, draft: &mut Draft<'a>) -> Option<&'a str> {
    let (first, behind) = split_word(rest);
    if let Some(device) = device(first) {
        return tag_behind(device, behind, draft);
    }
    let (second, behind) = behind.starts_with("(\"").then(|| split_word(behind))?;
    let device = device(second).filter(|_| is_host(first))?;
    draft.host = Some(Text::Plain(first.into()));
    tag_behind(device, behind, draft)
}

fn tag_behind<'a>(device: &'a str, behind: &'a str, draft: &mut Draft<'a>) -> Option<&'a str> {
    draft.note("device", Text::Plain(device.into()));
    let behind = behind.trim_start_matches(' ');
    Some(tagged(behind, draft, |tag| tag.colon || tag.pid).unwrap_or(behind))
}

/// `MODEL,ADDRESS,VERSION`, also quoted in brackets.
fn device(word: &str) -> Option<&str> {
    let quoted = || word.strip_prefix("(\"")?.strip_suffix("\")");
    let device = word.strip_suffix(':').or_else(quoted)?;
    let mut parts = device.split(',');
    let address = parts.nth(1)?;
    let version = parts.next()?;
    let hex = address.len() == 12 && address.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hex && version.starts_with('v') && parts.next().is_none()).then_some(device)
}
