//! RFC 5424 behind its version, and what Meraki writes in its place.

use crate::decode::draft::{Draft, Pair, Text, Value};
use crate::decode::json_fields::claim;
use crate::decode::time::{MinuteMemory, Moment, Zone, epoch};
use std::borrow::Cow;

/// Reads the header's fields; answers the message, or `None` when these are none.
pub(super) fn read<'a>(
    rest: &'a str,
    draft: &mut Draft<'a>,
    minutes: &mut MinuteMemory,
) -> Option<&'a str> {
    let (stamp, behind) = word(rest)?;
    let (moment, rest) = match stamp {
        "-" => (None, behind),
        stamp => match minutes.whole(stamp) {
            Some(moment) => (Some(moment), behind),
            // In the form of RFC 3164, or with a blank for the `T`.
            None => match minutes.head(rest, draft.time) {
                Some((moment, len)) => (Some(moment), rest[len..].strip_prefix(' ')?),
                None => return meraki(stamp, behind, draft),
            },
        },
    };
    let (host, rest) = word(rest)?;
    let (app, rest) = word(rest)?;
    let (procid, rest) = word(rest)?;
    let (msgid, rest) = word(rest).unwrap_or((rest, ""));
    if let Some(moment) = moment {
        draft.set_time(moment);
    }
    let name = |field| said(field).and_then(claim).map(|name| Text::Plain(name.into()));
    draft.host = name(host);
    draft.app = name(app);
    match (said(procid), procid.parse()) {
        (_, Ok(pid)) => draft.pid = Some(pid),
        (Some(procid), _) => draft.note("procid", Text::Plain(procid.into())),
        (None, _) => {}
    }
    // What is too long for a name is kept all the same.
    for (key, field, claimed) in [("host", host, &draft.host), ("app", app, &draft.app)] {
        if claimed.is_none()
            && let Some(field) = said(field)
        {
            let value = Value::Text(Text::Plain(field.into()));
            draft.kv.push(Pair { prefix: "".into(), key: Text::Json(key), value });
        }
    }
    if let Some(msgid) = said(msgid) {
        draft.note("msgid", Text::Plain(msgid.into()));
    }
    let msg = structured(rest, draft);
    let msg = msg.strip_prefix(' ').unwrap_or(msg);
    let msg = msg.strip_prefix('\u{feff}').unwrap_or(msg);
    // rsyslog passes on the blank behind the tag of what it received as RFC 3164.
    Some(msg.strip_prefix(' ').unwrap_or(msg))
}

/// `1795374000.123456789 MX60 flows src=…`: a count since 1970, a name, and text.
fn meraki<'a>(stamp: &'a str, rest: &'a str, draft: &mut Draft<'a>) -> Option<&'a str> {
    let micros =
        epoch(stamp).filter(|_| stamp.len() == 10 || stamp.len() > 10 && stamp.contains('.'))?;
    let (host, rest) = word(rest)?;
    draft.set_time(Moment { micros, zone: Zone::Known });
    draft.host = Some(Text::Plain(claim(host)?.into()));
    Some(rest)
}

fn word(text: &str) -> Option<(&str, &str)> {
    let end = memchr::memchr(b' ', text.as_bytes())?;
    Some((&text[..end], &text[end + 1..]))
}

fn said(field: &str) -> Option<&str> {
    Some(field).filter(|field| *field != "-" && !field.is_empty())
}

/// Takes the structured data off the front of `rest`: each parameter is kept as the value
/// `id.name`, an element without parameters `id` itself. What is malformed stays in the message.
fn structured<'a>(rest: &'a str, draft: &mut Draft<'a>) -> &'a str {
    if let Some(rest) = rest.strip_prefix('-') {
        return rest;
    }
    let mut rest = rest;
    let before = draft.kv.len();
    while rest.starts_with('[') {
        let taken = draft.kv.len();
        let Some(next) = element(rest, draft) else {
            draft.kv.truncate(taken);
            break;
        };
        rest = next;
    }
    if draft.kv.len() > before && !rest.is_empty() && !rest.starts_with(' ') {
        draft.note("malformed", Text::Json("structured data"));
    }
    rest
}

fn element<'a>(text: &'a str, draft: &mut Draft<'a>) -> Option<&'a str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find([' ', ']'])?;
    let (id, mut rest) = inside.split_at(end);
    if id.is_empty() || id.contains(['"', '=']) {
        return None;
    }
    if let Some(rest) = rest.strip_prefix(']') {
        let key = Text::Plain(id.into());
        draft.kv.push(Pair { prefix: "".into(), key, value: Value::Json("true".into()) });
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
        let text = Text::Plain(unescaped(&value[..end]));
        let key = Text::Plain(name.into());
        draft.kv.push(Pair { prefix: id.into(), key, value: Value::Text(text) });
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
fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
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
    Cow::Owned(out)
}
