//! Syslog messages: RFC 5424, and all that goes by the name of RFC 3164.
//!
//! ```text
//!  <PRI>1 TIME HOST APP PROCID MSGID SD [MSG]         RFC 5424; any of them may be `-`
//!  <PRI>TIME HOST TAG[PID]: MSG                       RFC 3164, as most say it
//!  <PRI>TIME TAG[PID]: MSG                            without a host: docker, libc on a local socket
//!  <PRI>TIME HOST MSG                                 without a tag: log4j
//!  <PRI>[TAG[PID]: ]MSG                               Python
//!  TIME   Nov 22 19:00:00 · 2026-11-22T19:00:00[.6][Z|+01:00]
//!  MSG    text, or a JSON object with names of its own: winston; also behind `@cee:`
//! ```

use super::json_fields::{claim, mark_zone, unfold};
use super::severity;
use super::time::{self, Moment};
use netlog_wire::Record;
use std::borrow::Cow;

/// The names of the facilities (RFC 5424, section 6.2.1), by their numbers.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// The longest tag that is one: RFC 3164 says 32, programs say more.
const MAX_TAG: usize = 64;

/// Reads one message; `None` when it does not begin with a priority.
pub(super) fn read(message: &str, received: i64) -> Option<Record<'_>> {
    let message = message.trim_end_matches(['\n', '\r', '\0']);
    let (priority, rest) = priority(message)?;
    let severity = severity::syslog(priority & 7);
    let mut record = Record::new(received, severity.level, "");
    record.note("facility", FACILITIES[usize::from(priority >> 3)]);
    if let Some(word) = severity.word {
        record.note("severity", &word);
    }
    if rest.strip_prefix("1 ").and_then(|rest| modern(rest, &mut record)).is_none() {
        traditional(rest, received, &mut record);
    }
    if let Some(json) = object(&record) {
        unfold(&mut record, json);
    }
    Some(record)
}

/// The priority, at most 191 by the RFCs, and what is behind it.
fn priority(message: &str) -> Option<(u8, &str)> {
    let (digits, rest) = message.strip_prefix('<')?.split_once('>')?;
    let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let priority = digits.parse().ok().filter(|&priority: &u8| plain && priority < 192)?;
    Some((priority, rest))
}

/// The message, if it looks like a JSON object.
fn object<'a>(record: &Record<'a>) -> Option<&'a str> {
    let Cow::Borrowed(msg) = record.msg else { return None };
    let json = msg.strip_prefix("@cee:").unwrap_or(msg).trim();
    (json.starts_with('{') && json.ends_with('}')).then_some(json)
}

/// RFC 5424 behind its version.
fn modern<'a>(rest: &'a str, record: &mut Record<'a>) -> Option<()> {
    let (stamp, rest) = rest.split_once(' ')?;
    let moment = match stamp {
        "-" => None,
        stamp => Some(time::dated(stamp)?),
    };
    let (host, rest) = rest.split_once(' ')?;
    let (app, rest) = rest.split_once(' ')?;
    let (procid, rest) = rest.split_once(' ')?;
    let (msgid, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if let Some(moment) = moment {
        stamped(record, moment);
    }
    record.claims.host = said(host).and_then(claim);
    record.claims.app = said(app).and_then(claim);
    match (said(procid), procid.parse()) {
        (_, Ok(pid)) => record.claims.pid = Some(pid),
        (Some(procid), _) => record.note("procid", procid),
        (None, _) => {}
    }
    if let Some(msgid) = said(msgid) {
        record.note("msgid", msgid);
    }
    let msg = structured(rest, record);
    let msg = msg.strip_prefix(' ').unwrap_or(msg);
    let msg = msg.strip_prefix('\u{feff}').unwrap_or(msg);
    // rsyslog passes on the blank behind the tag of what it received as RFC 3164.
    record.msg = msg.strip_prefix(' ').unwrap_or(msg).into();
    Some(())
}

fn said(field: &str) -> Option<&str> {
    Some(field).filter(|field| *field != "-" && !field.is_empty())
}

/// Takes the structured data off the front of `rest`: each parameter becomes the value
/// `id.name`, an element without parameters `id` itself. What is malformed stays in the message.
fn structured<'a>(rest: &'a str, record: &mut Record<'a>) -> &'a str {
    if let Some(rest) = rest.strip_prefix('-') {
        return rest;
    }
    let (mut rest, before) = (rest, record.kv.len());
    while rest.starts_with('[') {
        let taken = record.kv.len();
        let Some(next) = element(rest, record) else {
            record.kv.truncate(taken);
            break;
        };
        rest = next;
    }
    if record.kv.len() > before && !rest.is_empty() && !rest.starts_with(' ') {
        record.note("malformed", "structured data");
    }
    rest
}

fn element<'a>(text: &'a str, record: &mut Record<'a>) -> Option<&'a str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find([' ', ']'])?;
    let (id, mut rest) = inside.split_at(end);
    if id.is_empty() || id.contains(['"', '=']) {
        return None;
    }
    if let Some(rest) = rest.strip_prefix(']') {
        record.kv.push((id.into(), "true".into()));
        return Some(rest);
    }
    loop {
        rest = rest.trim_start_matches(' ');
        if let Some(rest) = rest.strip_prefix(']') {
            return Some(rest);
        }
        let (name, value) = rest.split_once("=\"")?;
        if name.contains([' ', ']', '"']) {
            return None;
        }
        let end = value_end(value)?;
        record.note(format!("{id}.{name}"), &unescaped(&value[..end]));
        rest = &value[end + 1..];
    }
}

fn value_end(value: &str) -> Option<usize> {
    let mut escaped = false;
    value.bytes().position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    })
}

/// A parameter's value without the escapes it may have: `\"`, `\\`, `\]`. Others are none.
fn unescaped(value: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(value.len()), value);
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if !rest.starts_with(['"', '\\', ']']) {
            out.push('\\');
        } else if let Some(first) = rest.chars().next() {
            out.push(first);
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// RFC 3164 and its relatives: whatever is not there is not there.
fn traditional<'a>(rest: &'a str, received: i64, record: &mut Record<'a>) {
    let Some((moment, rest)) = stamp(rest, received) else {
        // Without a time `error: x` is more likely a text than a program's name.
        let rest = tagged(rest, record, |tag, rest| tag.ends_with(']') && rest.starts_with(':'));
        record.msg = rest.into();
        return;
    };
    stamped(record, moment);
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let rest = rest.trim_start_matches(' ');
    let (first, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let named = !first.is_empty() && !behind.is_empty() && first.bytes().all(is_host);
    let is_tag = |_: &str, rest: &str| rest.starts_with(':');
    let is_tag_alone = |tag: &str, rest: &str| rest.starts_with(':') || tag.ends_with(']');
    record.msg = match named && !first.ends_with(':') {
        true => {
            record.claims.host = claim(first);
            tagged(behind.trim_start_matches(' '), record, is_tag_alone).into()
        }
        false => tagged(rest, record, is_tag).into(),
    };
}

fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':')
}

fn stamped(record: &mut Record<'_>, moment: Moment) {
    record.time = moment.micros;
    mark_zone(record, moment);
}

/// The time that begins `rest`, and what is behind it.
fn stamp(rest: &str, received: i64) -> Option<(Moment, &str)> {
    // A Cisco device counts its messages, and says by a star or a point that its clock is not set.
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let bare = rest[digits..].strip_prefix(": ").unwrap_or(rest);
    let bare = bare.strip_prefix(['*', '.']).unwrap_or(bare);
    if let Some((moment, len)) = time::bsd(bare, received) {
        return Some((moment, &bare[len..]));
    }
    let (first, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    time::dated(first).map(|moment| (moment, behind))
}

/// Takes `tag[pid]:` off the front of `rest` if there is one by the rule of `is_tag`, which is
/// given the tag with its pid, and what is behind it.
fn tagged<'a>(
    rest: &'a str,
    record: &mut Record<'a>,
    is_tag: impl Fn(&str, &str) -> bool,
) -> &'a str {
    let name = rest.bytes().take_while(|&b| is_tag_byte(b)).count();
    let mut end = name;
    let mut pid = None;
    if let Some((inside, _)) = rest[name..].strip_prefix('[').and_then(|r| r.split_once(']')) {
        let plain = inside.len() <= MAX_TAG && inside.bytes().all(is_tag_byte);
        pid = Some(inside).filter(|_| plain && name > 0);
        end = pid.map_or(name, |pid| name + pid.len() + 2);
    }
    let (tag, behind) = rest.split_at(end);
    if name == 0 || name > MAX_TAG || !is_tag(tag, behind) {
        return rest;
    }
    record.claims.app = claim(&tag[..name]);
    match pid.map(|pid| (pid, pid.parse())) {
        Some((_, Ok(number))) => record.claims.pid = Some(number),
        Some((pid, Err(_))) => record.note("procid", pid),
        None => {}
    }
    let msg = behind.strip_prefix(':').unwrap_or(behind);
    msg.strip_prefix(' ').unwrap_or(msg)
}

fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b'@' | b'+' | b'#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::{Identity, Line};
    use proptest::prelude::*;

    const NOW: i64 = 1_795_374_300_000_000;

    fn kv(message: &str) -> String {
        let record = read(message, NOW).unwrap();
        let kv = record.kv.iter().filter(|(key, _)| key != "facility" && key != "severity");
        let kv: Vec<String> = kv.map(|(key, value)| format!("{key}={value}")).collect();
        format!("{}|{}", kv.join(" "), record.msg)
    }

    #[test]
    fn structured_data_is_read_with_its_escapes_and_kept_when_malformed() {
        for (data, expected) in [
            (r#"[a@1 x="1" y="\"\\\]\n"][b] m"#, r#"a@1.x="1" a@1.y="\"\\]\\n" b=true|m"#),
            (r#"[a x=""]"#, r#"a.x=""|"#),
            ("- m", "|m"),
            ("-", "|"),
            ("", "|"),
            (r#"[a x="1"#, r#"|[a x="1"#),
            (r#"[a x=1] m"#, r#"|[a x=1] m"#),
            (r#"[a x="1"][b y=] m"#, r#"a.x="1" malformed="structured data"|[b y=] m"#),
            ("m without data", "|m without data"),
        ] {
            assert_eq!(kv(&format!("<13>1 - - - - - {data}")), expected, "{data}");
        }
    }

    #[test]
    fn what_is_almost_rfc_5424_is_read_as_what_there_is() {
        assert_eq!(kv("<13>1 yesterday h a - - - m"), "|1 yesterday h a - - - m");
        assert_eq!(kv("<13>1 - h a proc-7 -"), r#"procid="proc-7"|"#);
        assert_eq!(kv("<13>1"), "|1");
        let long = "x".repeat(1000);
        let record = read(&format!("<13>1 - {long} a - - - m"), NOW).map(|r| r.claims);
        assert_eq!(record.unwrap(), Identity { app: Some("a".into()), ..Identity::default() });
    }

    proptest! {
        #[test]
        fn any_message_becomes_a_line(
            head in proptest::sample::select(vec![
                "<13>", "<13>1 ", "<13>Nov 22 19:00:00 ", "<13>1 - - - - - [", "<13>2026-11-22T19:00:00",
                "<13>1: *Nov 22 19:00:00: ", "<13>Nov 22 19:00:00 h a[", "<13>h a: {\"", "",
            ]),
            tail in "[ -~\u{e9}\n]{0,24}",
        ) {
            if let Some(record) = read(&format!("{head}{tail}"), NOW) {
                let mut out = Vec::new();
                record.encode(&record.claims, &mut out);
                prop_assert!(Line::parse(&out).is_some(), "{}", String::from_utf8_lossy(&out));
            }
        }
    }
}
