//! Records of messages that come in the bodies of requests, where more is known of them than the
//! messages say: as records that others fill in.

use super::draft::{Draft, Text, Value};
use super::json_index::index_flat;
use super::scratch::{Scratch, with_scratch};
use super::shown_bytes::shown;
use super::time::Zone;
use super::{json_fields, syslog};
use netlog_wire::{Identity, JsonStr, Record};
use std::borrow::Cow;

/// The record of a JSON object; `None` when `json` is something else.
pub(super) fn json_record(json: &[u8], received: i64) -> Option<Record<'static>> {
    record_of(json, "\\\\", received, |text, draft, scratch| {
        json_fields::read(text, draft, scratch).then_some(())
    })
}

/// The same record, free of the line it was read from.
pub(super) fn owned(record: Record<'_>) -> Record<'static> {
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    Record {
        time: record.time,
        level: record.level,
        target: record.target.map(own),
        file: record.file.map(own),
        line: record.line,
        thread: record.thread.map(own),
        msg: own(record.msg),
        kv: record.kv.into_iter().map(|(key, value)| (own(key), own(value))).collect(),
        trace: record.trace.map(own),
        span: record.span.map(own),
        spans: record.spans.map(own),
        recorded: record.recorded,
        truncated: record.truncated,
        lost: record.lost,
        claims: record.claims,
    }
}

/// The record of a syslog message; `None` when `message` is something else.
pub(super) fn syslog_record(message: &[u8], received: i64) -> Option<Record<'static>> {
    record_of(message, "\\", received, |text, draft, scratch| {
        syslog::read(text, draft, None, scratch)
    })
}

fn record_of(
    message: &[u8],
    backslash: &str,
    received: i64,
    read: impl for<'a> FnOnce(&'a str, &mut Draft<'a>, &mut Scratch) -> Option<()>,
) -> Option<Record<'static>> {
    let (text, invalid) = match std::str::from_utf8(message) {
        Ok(text) => (Cow::Borrowed(text), 0),
        Err(_) => {
            let (text, invalid) = shown(message, backslash);
            (Cow::Owned(text), invalid)
        }
    };
    let mut draft = Draft::new(received);
    with_scratch(|scratch| read(&text, &mut draft, scratch))?;
    draft.note_invalid(invalid);
    Some(draft.into_record())
}

impl Draft<'_> {
    /// The same as a record of its own.
    fn into_record(self) -> Record<'static> {
        let mut record = Record::new(self.time, self.level, meant(self.msg));
        record.claims = Identity {
            app: self.app.map(|app| meant(app).into_owned()),
            host: self.host.map(|host| meant(host).into_owned()),
            pid: self.pid,
            peer: None,
        };
        record.target = self.target.map(meant);
        record.file = self.file.map(meant);
        record.line = self.line;
        record.thread = self.thread.map(meant);
        record.trace = self.trace.map(meant);
        record.span = self.span.map(meant);
        record.spans = self.spans.map(|spans| Cow::Owned(spans.into_owned()));
        record.recorded = self.recorded;
        record.truncated = self.truncated;
        record.lost = self.lost;
        if let Some(priority) = self.priority {
            record.note("facility", priority.facility);
            if let Some(severity) = priority.severity.as_deref().filter(|_| !self.own_level) {
                record.note("severity", severity);
            }
        }
        if let Some(severity) = self.severity {
            record.note("severity", &severity);
        }
        if self.zone != Zone::Known {
            record.note("zone", "assumed");
        }
        if let Zone::Named(name) = self.zone {
            record.note("zone_name", name);
        }
        for pair in self.kv {
            let key = meant(pair.key);
            let key = match &*pair.prefix {
                "" => key,
                prefix => Cow::Owned([prefix, ".", &key].concat()),
            };
            match pair.value {
                Value::Json(json) => record.kv.push((key, Cow::Owned(json.into_owned()))),
                Value::Number(number) => record.kv.push((key, number.to_string().into())),
                Value::Members(members) => push_members(&members, &mut record),
                Value::Text(text) => record.note(key, &meant(text)),
            }
        }
        record
    }
}

/// Adds the members of an object without its braces.
fn push_members(members: &str, record: &mut Record<'static>) {
    let object = format!("{{{members}}}");
    let mut spans = Vec::new();
    // They were found once before.
    let _ = index_flat(object.as_bytes(), &mut spans);
    record.kv.extend(spans.iter().map(|span| {
        let value = span.value(&object).json.to_owned();
        (Cow::Owned(span.key(&object).to_owned()), Cow::Owned(value))
    }));
}

/// The text that is meant.
fn meant(text: Text<'_>) -> Cow<'static, str> {
    Cow::Owned(match text {
        Text::Json(inside) => JsonStr::new(inside).text().into_owned(),
        Text::Plain(text) => text.into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_all_that_its_message_does() {
        let json =
            br#"{"level":"warn","msg":"a\"b","app":"x","n":[1, 2],"fields":{"q":"caf\u00e9"}}"#;
        let record = json_record(json, 5).unwrap();
        assert_eq!((&*record.msg, record.claims.app.as_deref()), ("a\"b", Some("x")));
        let kv: Vec<_> = record.kv.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(kv, [("n", "[1,2]"), ("q", "\"café\"")]);
        let record = syslog_record(b"<13>Nov 22 19:00:00 h a[7]: caf\xe9", 0).unwrap();
        assert_eq!((&*record.msg, record.claims.pid), ("caf\\xe9", Some(7)));
        let keys: Vec<_> = record.kv.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["facility", "severity", "zone", "invalid_utf8"]);
        assert!(json_record(b"{", 0).is_none() && syslog_record(b"x", 0).is_none());
    }
}
