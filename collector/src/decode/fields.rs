//! JSON of other loggers: which of their names mean what a record has a place for.

use super::severity::{self, Severity};
use super::time::{self, Moment};
use netlog_wire::{JsonValue, Member, NotARecord, Record, members};
use std::borrow::Cow;

/// What a record has a place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Time,
    Level,
    Target,
    File,
    Line,
    /// `path/file.go:42`.
    Caller,
    Thread,
    Msg,
    App,
    Host,
    Pid,
    Span,
    /// `name`: the program's beside a host and a pid, the logger's otherwise.
    Name,
}

/// The names of each place, those first that are to win when an object has several. A dotted name
/// also stands for an object within an object.
///
/// pino, bunyan, winston, zerolog, zap, logrus, slog (both), log4rs, tracing, log4j2 (JsonLayout,
/// ECS, GELF), logback, python-json-logger, structlog, logstash, GELF, CLEF, journald, docker.
const NAMES: &[(Place, &[&str])] = &[
    (
        Place::Time,
        &[
            "time",
            "@timestamp",
            "timestamp",
            "ts",
            "instant",
            "@t",
            "datetime",
            "asctime",
            "timeMillis",
            "_SOURCE_REALTIME_TIMESTAMP",
            "__REALTIME_TIMESTAMP",
            "created",
            "date",
        ],
    ),
    (
        Place::Level,
        &[
            "level",
            "severity",
            "log.level",
            "levelname",
            "lvl",
            "loglevel",
            "log_level",
            "@l",
            "levelno",
            "level_value",
            "PRIORITY",
        ],
    ),
    (
        Place::Target,
        &[
            "target",
            "logger",
            "logger_name",
            "loggerName",
            "log.logger",
            "extra.logger_name",
            "module_path",
        ],
    ),
    (
        Place::File,
        &[
            "file",
            "filename",
            "pathname",
            "source.file",
            "log.origin.file.name",
            "extra.path",
            "CODE_FILE",
        ],
    ),
    (
        Place::Line,
        &[
            "line",
            "lineno",
            "line_number",
            "source.line",
            "log.origin.file.line",
            "extra.line",
            "CODE_LINE",
        ],
    ),
    (Place::Caller, &["caller", "file", "log.origin"]),
    (
        Place::Thread,
        &[
            "thread",
            "thread_name",
            "threadName",
            "process.thread.name",
            "extra.thread_name",
            "threadId",
        ],
    ),
    (
        Place::Msg,
        &[
            "msg",
            "message",
            "short_message",
            "fields.message",
            "@m",
            "_msg",
            "MESSAGE",
            "event",
            "log",
            "@mt",
        ],
    ),
    (Place::App, &["app", "service.name", "application", "program", "SYSLOG_IDENTIFIER"]),
    (Place::Host, &["host", "hostname", "host.name", "host.hostname", "_HOSTNAME"]),
    (Place::Pid, &["pid", "process.pid", "process", "processId", "_PID"]),
    (Place::Span, &["span", "span.name"]),
    (Place::Name, &["name"]),
];

/// The objects whose members are looked at one by one.
const OPENED: &[&str] = &[
    "fields",
    "span",
    "log",
    "log.origin",
    "log.origin.file",
    "service",
    "host",
    "process",
    "process.thread",
    "source",
    "extra",
];

/// The places of GELF's additional fields. Others, such as `_level`, are the user's own.
const ADDITIONAL: &[(Place, &[&str])] = &[
    (Place::File, &["_file", "_filename"]),
    (Place::Line, &["_line"]),
    (Place::Target, &["_logger", "_logger_name", "_loggerName"]),
    (Place::Thread, &["_thread", "_thread_name", "_threadName"]),
    (Place::App, &["_app", "_app_name", "_application"]),
    (Place::Pid, &["_pid"]),
];

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
            wanted.extend(ranks(key, gelf).map(|(rank, place)| (rank, at, place)));
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

/// The places `key` may have, each with its rank among the names of that place.
fn ranks(key: &str, gelf: bool) -> impl Iterator<Item = (usize, Place)> {
    let additional = if gelf && key.starts_with('_') { ADDITIONAL } else { &[] };
    let places = NAMES.iter().chain(additional);
    places.filter_map(move |&(place, names)| {
        names.iter().position(|name| *name == key).map(|rank| (rank, place))
    })
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
