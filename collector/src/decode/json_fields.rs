//! JSON of other loggers, read by the meaning of its names.

use super::key_names::{OPENED, Place, ranks};
use super::severity::{self, Severity};
use super::time::{self, Moment};
use netlog_wire::{JsonValue, Member, NotARecord, Record, members};
use std::borrow::Cow;

/// Reads any JSON object as a record. What has no place in a record stays under `kv`, in order.
pub(super) fn read(line: &[u8], received: i64) -> Result<Record<'_>, NotARecord> {
    let members = members(line)?;
    let mut record = Record::new(received, netlog_wire::Level::Info, "");
    Filling { record: &mut record, held: 0 }.fill(members);
    Ok(record)
}

/// Reads a JSON object that came as the message of `record`, whose sender, level and time are
/// known from around it: the object may be more exact about the latter two. `false` if it is none.
pub(super) fn unfold<'a>(record: &mut Record<'a>, json: &'a str) -> bool {
    let Ok(members) = members(json.as_bytes()) else { return false };
    record.msg = Cow::Borrowed("");
    Filling { record, held: 0 }.fill(members);
    true
}

/// Whether an object is a GELF message (version 1.0 or 1.1).
fn is_gelf(members: &[Member<'_>]) -> bool {
    members.iter().any(|(key, _)| key == "short_message")
}

struct Filling<'r, 'a> {
    record: &'r mut Record<'a>,
    /// A bit for each place that has been filled from this object.
    held: u32,
}

impl<'a> Filling<'_, 'a> {
    fn fill(mut self, members: Vec<Member<'a>>) {
        let gelf = is_gelf(&members);
        let names_app = ["pid", "hostname"].iter().all(|key| members.iter().any(|m| m.0 == *key));
        let mut open = Vec::with_capacity(members.len());
        for (key, value) in members {
            opened(key, value, &mut open);
        }
        let mut wanted = Vec::new();
        for (at, (key, _)) in open.iter().enumerate() {
            wanted.extend(ranks(key, gelf).iter().map(|&(rank, place)| (rank, at, place)));
        }
        wanted.sort_unstable_by_key(|&(rank, at, _)| (rank, at));
        let mut used = vec![false; open.len()];
        for (_, at, place) in wanted {
            let place = match place {
                Place::Name if names_app => Place::App,
                Place::Name => Place::Target,
                other => other,
            };
            let (key, value) = &open[at];
            used[at] = used[at] || self.put(place, key, *value);
        }
        for ((key, value), used) in open.into_iter().zip(used) {
            if !used {
                self.keep(key, value, gelf);
            }
        }
    }

    /// Puts `value` into its place; `false` when that is taken or the value does not fit there.
    fn put(&mut self, place: Place, key: &str, value: JsonValue<'a>) -> bool {
        let bit = 1 << place as u32;
        if self.held & bit != 0 {
            return false;
        }
        let put = self.try_put(place, key, value).is_some();
        if put {
            self.held |= bit;
        }
        put
    }

    fn try_put(&mut self, place: Place, key: &str, value: JsonValue<'a>) -> Option<()> {
        let record = &mut *self.record;
        match place {
            Place::Time => {
                let moment = moment(value)?;
                record.time = moment.micros;
                record.kv.retain(|(key, _)| key != "zone");
                mark_zone(record, moment);
            }
            Place::Level => {
                let Severity { level, word } = severity(key, value)?;
                record.level = level;
                record.kv.retain(|(key, _)| key != "severity");
                if let Some(word) = word {
                    record.note("severity", &word);
                }
            }
            Place::Msg => record.msg = without_end(value.text()?),
            Place::Target => vacant(&mut record.target, value.text()?)?,
            Place::File => {
                let file = value.text().filter(|file| split_caller(file).is_none())?;
                vacant(&mut record.file, file)?;
            }
            Place::Line => vacant(&mut record.line, whole(value)?)?,
            Place::Caller => {
                let caller = value.text()?;
                let (file, line) = split_caller(&caller)?;
                vacant(&mut record.file, Cow::Owned(file.to_owned()))?;
                record.line = Some(line);
            }
            Place::Thread => vacant(&mut record.thread, text_or_number(value)?)?,
            Place::App | Place::Name => vacant(&mut record.claims.app, claim(&value.text()?)?)?,
            Place::Host => vacant(&mut record.claims.host, claim(&value.text()?)?)?,
            Place::Pid => vacant(&mut record.claims.pid, whole(value)?)?,
            Place::Truncated => vacant(&mut record.truncated, value.number()?)?,
            Place::Lost => vacant(&mut record.lost, value.number()?)?,
            Place::Span => vacant(&mut record.span, value.text()?)?,
        }
        Some(())
    }

    fn keep(&mut self, key: Cow<'a, str>, value: JsonValue<'a>, gelf: bool) {
        if key == "kv"
            && let Some(members) = value.members()
        {
            return self.record.kv.extend(members.into_iter().map(|(k, v)| (k, v.compact())));
        }
        let key = match key.strip_prefix("fields.") {
            Some(field) => Cow::Owned(field.to_owned()),
            None => key,
        };
        if gelf && self.is_envelope(&key, value) {
            return;
        }
        let key = match key.strip_prefix('_').filter(|rest| gelf && !rest.is_empty()) {
            Some(name) => Cow::Owned(name.to_owned()),
            None => key,
        };
        self.record.kv.push((key, value.compact()));
    }

    /// What GELF says about itself, or says twice.
    fn is_envelope(&self, key: &str, value: JsonValue<'_>) -> bool {
        match key {
            "version" => matches!(value.json(), "\"1.0\"" | "\"1.1\""),
            "full_message" => {
                value.text().is_none_or(|text| text.is_empty() || text == self.record.msg)
            }
            _ => false,
        }
    }
}

/// Adds `key` to `open`, or what is in it where that is known to matter.
fn opened<'a>(key: Cow<'a, str>, value: JsonValue<'a>, open: &mut Vec<Member<'a>>) {
    if OPENED.contains(&&*key)
        && let Some(members) = value.members()
    {
        for (inner, value) in members {
            // The names are ours, so this ends where they do.
            opened(Cow::Owned(format!("{key}.{inner}")), value, open);
        }
        return;
    }
    open.push((key, value));
}

fn vacant<T>(place: &mut Option<T>, value: T) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value);
    Some(())
}

/// A message without the line end that a program wrote behind it, and docker kept.
fn without_end(msg: Cow<'_, str>) -> Cow<'_, str> {
    match msg {
        Cow::Borrowed(msg) => Cow::Borrowed(msg.strip_suffix('\n').unwrap_or(msg)),
        Cow::Owned(msg) => Cow::Owned(msg.strip_suffix('\n').map(str::to_owned).unwrap_or(msg)),
    }
}

fn whole(value: JsonValue<'_>) -> Option<u64> {
    value.number().or_else(|| value.text()?.parse().ok())
}

fn text_or_number(value: JsonValue<'_>) -> Option<Cow<'_, str>> {
    value.text().or_else(|| value.number().map(|_| Cow::Borrowed(value.json())))
}

/// `dir/file.go:42` as a file and a line.
fn split_caller(caller: &str) -> Option<(&str, u64)> {
    let (file, line) = caller.rsplit_once(':')?;
    line.parse().ok().map(|line| (file, line))
}

fn moment(value: JsonValue<'_>) -> Option<Moment> {
    if let Some(text) = value.text() {
        return time::parse(text.trim());
    }
    let micros = match value.members() {
        Some(members) => instant(&members)?,
        None => time::epoch(value.json())?,
    };
    Some(Moment { micros, zone_assumed: false })
}

/// `{"epochSecond":1795374283,"nanoOfSecond":266000000}`, or protobuf's names for it.
fn instant(members: &[Member<'_>]) -> Option<i64> {
    let number = |names: [&str; 2]| {
        members.iter().find(|(key, _)| names.contains(&&**key)).and_then(|(_, v)| v.number())
    };
    let seconds = i64::try_from(number(["epochSecond", "seconds"])?).ok()?;
    let nanos = number(["nanoOfSecond", "nanos"]).filter(|&n| n < 1_000_000_000).unwrap_or(0);
    seconds.checked_mul(1_000_000)?.checked_add(nanos as i64 / 1000)
}

fn severity<'a>(key: &str, value: JsonValue<'a>) -> Option<Severity<'a>> {
    if let Some(n) = value.number() {
        return severity::number(n, key == "levelno");
    }
    let text = value.text()?;
    if let Ok(n) = text.trim().parse() {
        return severity::number(n, key == "levelno");
    }
    let Severity { level, word } = severity::word(&text)?;
    Some(Severity { level, word: word.map(|word| Cow::Owned(word.into_owned())) })
}

/// Says in the record that its time had no zone.
pub(super) fn mark_zone(record: &mut Record<'_>, moment: Moment) {
    if moment.zone_assumed {
        record.note("zone", "assumed");
    }
}

/// The longest name of a program or a machine: it stands in each of its records.
const MAX_CLAIM: usize = 255;

/// What a peer calls itself, if that is a name at all.
pub(super) fn claim(text: &str) -> Option<String> {
    let name = text.trim();
    let fit = !name.is_empty() && name.len() <= MAX_CLAIM && !name.contains(char::is_control);
    fit.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::Line;
    use proptest::prelude::*;

    fn encoded(json: &str) -> String {
        let record = read(json.as_bytes(), 0).unwrap();
        let mut out = Vec::new();
        record.encode(&record.claims, &mut out);
        assert!(Line::parse(&out).is_some(), "{}", String::from_utf8_lossy(&out));
        String::from_utf8(out).unwrap()
    }

    const HEAD: &str = r#""time":"1970-01-01T00:00:00.000000Z","level":"INFO""#;

    #[test]
    fn netlogs_own_names_are_read_as_ever() {
        let json = r#"{"app":"a","host":"h","pid":7,"time":"2026-11-22T18:42:23.123456Z","level":"WARN","target":"t","file":"f","line":1,"thread":"x","msg":"m","kv":{"a":1},"span":"s","lost":3,"truncated":4,"other":[1, 2]}"#;
        let expected = r#"{"app":"a","host":"h","pid":7,"time":"2026-11-22T18:42:23.123456Z","level":"WARN","target":"t","file":"f","line":1,"thread":"x","msg":"m","kv":{"a":1,"other":[1,2]},"span":"s","truncated":4,"lost":3}"#;
        assert_eq!(encoded(json), expected);
    }

    #[test]
    fn what_does_not_fit_its_place_stays_under_kv() {
        let odd = r#""level":"loud","time":true,"line":"x","msg":7,"pid":-1,"host":"a\nb","app":"","kv":[1],"thread":{}"#;
        assert_eq!(
            encoded(&format!("{{{odd}}}")),
            format!("{{{HEAD},\"msg\":\"\",\"kv\":{{{odd}}}}}")
        );
    }

    #[test]
    fn the_better_name_wins_and_the_other_is_kept() {
        let json = r#"{"message":"long","msg":"short","levelno":40,"levelname":"INFO","ts":1,"timestamp":0}"#;
        let kv = r#""kv":{"message":"long","levelno":40,"ts":1}"#;
        assert_eq!(encoded(json), format!("{{{HEAD},\"msg\":\"short\",{kv}}}"));
        let twice = encoded(r#"{"msg":"a","msg":"b"}"#);
        assert!(twice.ends_with(r#""msg":"a","kv":{"msg":"b"}}"#), "{twice}");
    }

    #[test]
    fn a_user_of_gelf_cannot_set_what_is_not_additional() {
        let gelf =
            r#"{"short_message":"m","_level":"ERROR","_host":"x","_time":1,"_":2,"version":"1.1"}"#;
        let kv = r#""kv":{"level":"ERROR","host":"x","time":1,"_":2}"#;
        assert_eq!(encoded(gelf), format!("{{{HEAD},\"msg\":\"m\",{kv}}}"));
    }

    #[test]
    fn what_is_known_from_around_an_object_is_not_overwritten() {
        let mut record = Record::new(5, netlog_wire::Level::Warn, "");
        record.claims.app = Some("outer".into());
        assert!(unfold(&mut record, r#"{"app":"inner","host":"h","message":"m"}"#));
        let claims = (record.claims.app.as_deref(), record.claims.host.as_deref());
        assert_eq!(claims, (Some("outer"), Some("h")));
        assert_eq!((record.time, record.level, &*record.msg), (5, netlog_wire::Level::Warn, "m"));
        assert_eq!(record.kv, [("app".into(), "\"inner\"".into())]);
        assert!(!unfold(&mut record, "{"));
        assert_eq!(record.msg, "m");
    }

    proptest! {
        #[test]
        fn any_object_of_known_names_becomes_a_line(
            names in proptest::collection::vec(
                proptest::sample::select(vec![
                    "time", "level", "msg", "file", "line", "caller", "kv", "fields", "span", "log",
                    "log.level", "instant", "short_message", "_x", "name", "pid", "hostname", "x",
                ]),
                0..8,
            ),
            values in proptest::collection::vec(
                proptest::sample::select(vec![
                    "1", "-1.5e3", "99999999999999999999", "\"warn\"", "\"a:7\"", "null", "[ ]", "{}",
                    "{\"name\":\"x\",\"level\":30}", "\"2026-11-22 19:00:00,5\"", "{\"epochSecond\":9223372036854775807}",
                ]),
                8,
            ),
        ) {
            let members: Vec<String> =
                names.iter().zip(values).map(|(name, value)| format!("\"{name}\": {value}")).collect();
            encoded(&format!("{{{}}}", members.join(", ")));
        }
    }

    #[test]
    fn claims_are_names() {
        assert_eq!(claim(" web1 "), Some("web1".into()));
        for none in ["", " ", "a\u{1b}b", "a\nb", &"x".repeat(256)] {
            assert_eq!(claim(none), None);
        }
    }
}
