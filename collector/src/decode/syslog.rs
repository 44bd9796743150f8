//! Syslog messages: RFC 5424, and all that goes by the name of RFC 3164.
//!
//! ```text
//!  <PRI>1 TIME HOST APP PROCID MSGID SD [MSG]         RFC 5424; any of them may be `-`
//!  <PRI>TIME HOST TAG[PID]: MSG                       RFC 3164, as most say it
//!  <PRI>TIME TAG[PID]: MSG                            without a host: docker, libc on a local socket
//!  <PRI>TIME HOST MSG                                 without a tag: log4j
//!  <PRI>[TAG[PID]: ]MSG                               Python
//!  <PRI>[COUNT: ][HOST: ][COUNT: ][*]TIME[ ZONE]: %MSG    Cisco, in any combination ([`preamble`])
//!  MSG    text, or a JSON object with names of its own: winston; also behind `@cee:`
//! ```
//!
//! A tag's colon has a blank behind it or nothing; a host is no number, no date and no bracket. What
//! fits nowhere stays in the message.

mod access_point;
mod modern;
mod preamble;
mod tag;

use super::draft::{Draft, Priority, Text};
use super::json_fields;
use super::scratch::Scratch;
use super::severity::{self, Severity};
use super::time::{self, MinuteMemory};
use access_point::access_point;
use std::borrow::Cow;
use std::sync::LazyLock;
use tag::{has_pid, is_host, is_level_word, is_priority_name, is_slot, own_line, tagged};

/// The names of the facilities (RFC 5424, section 6.2.1), by their numbers.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// All priorities, by their numbers.
static PRIORITIES: LazyLock<Vec<Priority>> = LazyLock::new(|| {
    let priority = |number: u8| {
        let Severity { level, word } = severity::syslog(number & 7);
        let facility = FACILITIES[usize::from(number >> 3)];
        let facility_json = format!("\"facility\":\"{facility}\"");
        let severity = word.map(Cow::into_owned);
        let both_json = match &severity {
            Some(severity) => format!("{facility_json},\"severity\":\"{severity}\""),
            None => facility_json.clone(),
        };
        Priority { level, facility, severity, facility_json, both_json }
    };
    (0..192).map(priority).collect()
});

/// Reads one message into `draft`; `None` when it does not begin with a priority. `local` is this
/// machine's name where the message came from a process of it, at a Unix socket.
pub(super) fn read<'a>(
    message: &'a str,
    draft: &mut Draft<'a>,
    local: Option<&str>,
    scratch: &mut Scratch,
) -> Option<()> {
    let message = message.trim_end_matches(['\n', '\r', '\0']);
    let (priority, rest) = priority(message)?;
    draft.level = priority.level;
    draft.priority = Some(priority);
    let modern =
        rest.strip_prefix("1 ").and_then(|rest| modern::read(rest, draft, &mut scratch.minutes));
    let msg = modern.unwrap_or_else(|| traditional(rest, local, draft, &mut scratch.minutes));
    draft.msg = Text::Plain(Cow::Borrowed(msg));
    if let Some(json) = object(msg) {
        draft.msg = Text::Json("");
        if !json_fields::read(json, draft, scratch) {
            draft.msg = Text::Plain(Cow::Borrowed(msg));
        }
    }
    Some(())
}

/// The priority, at most 191 by the RFCs, and what is behind it.
fn priority(message: &str) -> Option<(&'static Priority, &str)> {
    let digits = message.strip_prefix('<')?.as_bytes();
    let len = digits.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=3).contains(&len) || digits.get(len) != Some(&b'>') {
        return None;
    }
    let number = digits[..len].iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    Some((PRIORITIES.get(number)?, message.get(len + 2..)?))
}

/// The message, if it looks like a JSON object.
fn object(msg: &str) -> Option<&str> {
    if !msg.ends_with(['}', ' ']) || !msg.starts_with(['{', '@', ' ']) {
        return None;
    }
    let json = msg.strip_prefix("@cee:").unwrap_or(msg).trim();
    (json.starts_with('{') && json.ends_with('}')).then_some(json)
}

/// RFC 3164 and its relatives: whatever is not there is not there. Answers the message.
fn traditional<'a>(
    rest: &'a str,
    local: Option<&str>,
    draft: &mut Draft<'a>,
    minutes: &mut MinuteMemory,
) -> &'a str {
    let body = rest.trim_start_matches(' ');
    let Some((moment, len)) = minutes.head(body, draft.time) else {
        if let Some(msg) = preamble::read(body, draft) {
            return msg;
        }
        // Without a time `error: x` is more likely a text than a program's name.
        return tagged(rest, draft, |tag| tag.pid && tag.colon).unwrap_or(rest);
    };
    draft.set_time(moment);
    behind_time(&body[len..], local, draft)
}

/// The first word, and what is behind its blank.
fn split_word(text: &str) -> (&str, &str) {
    // A word is short: a loop is over before a search would begin.
    match text.bytes().position(|byte| byte == b' ') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, ""),
    }
}

/// Reads the rest of a message behind its time.
fn behind_time<'a>(rest: &'a str, local: Option<&str>, draft: &mut Draft<'a>) -> &'a str {
    let rest = rest.strip_prefix([':', ',']).unwrap_or(rest).trim_start_matches(' ');
    if rest.starts_with('%') {
        return rest;
    }
    if let Some(msg) = own_line(rest, draft) {
        return msg;
    }
    let (first, behind) = split_word(rest);
    if is_priority_name(first) {
        draft.note("priority", Text::Plain(first.into()));
        return behind_time(behind, local, draft);
    }
    let behind = behind.trim_start_matches(' ');
    // A relay that does not know the time of what it passes on writes its own in front.
    if first.len() == 3 && time::head(rest, Some(draft.time)).is_some() {
        return rest;
    }
    // It has a colon or a bracket at its end, or stands in front of a bracket.
    if (first.ends_with([':', ')']) || behind.starts_with("(\""))
        && let Some(msg) = access_point(rest, draft)
    {
        return msg;
    }
    // The messages of libc name no host.
    let hostless = local.is_some_and(|local| first != local && !has_pid(behind));
    let host = is_host(first);
    if !host
        && is_slot(first)
        && let Some(msg) = behind_level(behind, draft)
    {
        draft.host = Some(Text::Plain(first.into()));
        return msg;
    }
    if !host || behind.is_empty() || hostless {
        return tagged(rest, draft, |tag| tag.colon).unwrap_or(rest);
    }
    draft.host = Some(Text::Plain(first.into()));
    // ASA: `asa1 : %ASA-6-…`.
    if let Some(msg) = behind.strip_prefix(": ").filter(|msg| msg.starts_with('%')) {
        return msg;
    }
    if let Some(msg) = tagged(behind, draft, |tag| tag.colon || tag.pid) {
        return msg;
    }
    behind_level(behind, draft).unwrap_or(behind)
}

/// Takes the level and the tag of F5: `info tmm1[14231]: …`.
fn behind_level<'a>(behind: &'a str, draft: &mut Draft<'a>) -> Option<&'a str> {
    let (word, rest) = behind.split_once(' ').filter(|(word, _)| is_level_word(word))?;
    let msg = tagged(rest, draft, |tag| tag.colon)?;
    draft.note("level", Text::Plain(word.into()));
    Some(msg)
}

#[cfg(test)]
mod tests;
