//! Records of messages that come in the bodies of requests, where more is known of them than the
//! messages say: as records that others fill in.

use super::draft::{Draft, Text, Value};
use super::json_fields;
use super::json_index::index_flat;
use super::post_line::with_text;
use super::time::Zone;
use netlog_wire::{Identity, JsonStr, Record};
use std::borrow::Cow;

/// The record of a JSON object; `None` when `json` is something else.
pub(super) fn json_record(json: &[u8], received: i64) -> Option<Record<'static>> {
    with_text(json, |json, scratch| {
        let mut draft = Draft::new(received);
        if !json_fields::read(json.text, &mut draft, scratch) {
            return None;
        }
        draft.note_invalid(json.invalid);
        Some(draft.into_record())
    })
}

impl Draft<'_> {
    /// The same as a record of its own.
    pub(super) fn into_record(self) -> Record<'static> {
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
        (meant(Text::Json(span.key(&object))), Cow::Owned(value))
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
    use crate::decode::post_line::line_record;

    #[test]
    fn a_record_says_all_that_its_message_does() {
        let json =
            br#"{"level":"warn","msg":"a\"b","app":"x","n":[1, 2],"fields":{"q":"caf\u00e9"}}"#;
        let record = json_record(json, 5).unwrap();
        assert_eq!((&*record.msg, record.claims.app.as_deref()), ("a\"b", Some("x")));
        let kv: Vec<_> = record.kv.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(kv, [("n", "[1,2]"), ("q", "\"café\"")]);
        let record = json_record(br#"{"msg":"x","fields":{"a\"b\u00e9":1}}"#, 5).unwrap();
        assert_eq!(record.kv, [("a\"bé".into(), "1".into())]);
        let record = line_record(b"<13>Nov 22 19:00:00 h a[7]: caf\xe9", 0);
        assert_eq!((&*record.msg, record.claims.pid), ("caf\\xe9", Some(7)));
        let keys: Vec<_> = record.kv.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["facility", "severity", "zone", "invalid_utf8"]);
        assert!(json_record(b"{", 0).is_none());
    }
}
