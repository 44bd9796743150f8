//! The one table of other loggers' names: which of them mean what a record has a field for.
//!
//! Names are compared without regard to case, `_` and `-`, but for `_` in front: `LogLevel`,
//! `log_level` and `logLevel` are one name, `_level` is another.

mod opened;
mod scale;

use std::sync::LazyLock;

pub(super) use opened::{OPENED, opened};
pub(super) use scale::{Scale, scale};

/// A field of a record, or two of which the value shows which it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
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
    Trace,
    Span,
    Spans,
    Recorded,
    Truncated,
    Lost,
    /// `name`: the program's beside a host and a pid, the logger's otherwise.
    Name,
}

/// Names that mean something only beside a marker of the framework that writes them.
struct Dialect {
    /// The object has one of these keys.
    markers: &'static [&'static str],
    names: &'static [(Field, &'static [&'static str])],
}

/// The names of each field, those first that win when an object has several. A dotted name also
/// stands for an object within an object.
///
/// pino, bunyan, winston, zerolog, zap, logrus, slog (both), log4rs, flexi_logger, tracing, emit,
/// fern, log4j2 (JsonLayout, ECS, GELF), logback, Quarkus, Spring, python-json-logger, loguru,
/// structlog, logstash, GELF, CLEF, Serilog, .NET console, NLog, NXLog, hclog, journald, docker,
/// Google Cloud, Datadog, OpenTelemetry, PostgreSQL.
const NAMES: &[(Field, &[&str])] = &[
    (
        Field::Time,
        &[
            "time",
            "@timestamp",
            "timestamp",
            "ts",
            "instant",
            "@t",
            "datetime",
            "asctime",
            "timemillis",
            "created",
            "record.time.timestamp",
            "record.time.repr",
            "eventtime",
            "timeunixnano",
            "timelocal",
            "timeiso8601",
            "timestampseconds",
            "t.$date",
            "t",
            "date",
        ],
    ),
    (
        Field::Level,
        &[
            "level",
            "severity",
            "log.level",
            "levelname",
            "lvl",
            "loglevel",
            "@l",
            "@level",
            "record.level.name",
            "severitytext",
            "levelno",
            "levelvalue",
            "severitynumber",
            "severityvalue",
            "errorseverity",
            "jsonpayload.severity",
            "jsonpayload.level",
            "status",
        ],
    ),
    (
        Field::Target,
        &[
            "target",
            "logger",
            "loggername",
            "log.logger",
            "extra.loggername",
            "modulepath",
            "sourcecontext",
            "category",
            "@module",
            "mdl",
            "record.name",
            "module",
        ],
    ),
    (
        Field::File,
        &[
            "file",
            "filename",
            "pathname",
            "source.file",
            "log.origin.file.name",
            "extra.path",
            "codefile",
            "record.file.path",
            "logging.googleapis.com/sourcelocation.file",
        ],
    ),
    (
        Field::Line,
        &[
            "line",
            "lineno",
            "linenumber",
            "source.line",
            "log.origin.file.line",
            "extra.line",
            "codeline",
            "record.line",
            "logging.googleapis.com/sourcelocation.line",
        ],
    ),
    (Field::Caller, &["caller", "@caller", "file", "log.origin"]),
    (
        Field::Thread,
        &[
            "thread",
            "threadname",
            "process.thread.name",
            "extra.threadname",
            "record.thread.name",
            "threadid",
        ],
    ),
    (
        Field::Msg,
        &[
            "msg",
            "message",
            "shortmessage",
            "fields.message",
            "@m",
            "@message",
            "_msg",
            "renderedmessage",
            "record.message",
            "event",
            "log",
            "textpayload",
            "jsonpayload.message",
            "jsonpayload.msg",
            "body",
            "@mt",
            "messagetemplate",
            "text",
            "line",
        ],
    ),
    (
        Field::App,
        &[
            "app",
            "service.name",
            "application",
            "appname",
            "program",
            "syslogidentifier",
            "service",
            "dd.service",
        ],
    ),
    (Field::Host, &["host", "hostname", "host.name", "host.hostname"]),
    (Field::Pid, &["pid", "process.pid", "process", "processid", "record.process.id"]),
    (
        Field::Trace,
        &["trace", "traceid", "trace.id", "@tr", "dd.traceid", "logging.googleapis.com/trace"],
    ),
    (
        Field::Span,
        &[
            "span",
            "span.name",
            "spanid",
            "span.id",
            "@sp",
            "dd.spanid",
            "logging.googleapis.com/spanid",
        ],
    ),
    (Field::Spans, &["spans"]),
    (Field::Recorded, &["recorded"]),
    (Field::Truncated, &["truncated"]),
    (Field::Lost, &["lost"]),
    (Field::Name, &["name"]),
];

/// Names that win over the others where the framework that writes them is known.
const DIALECTS: &[Dialect] = &[
    // Monolog: Symfony, Laravel.
    Dialect {
        markers: &["levelname"],
        names: &[(Field::Level, &["levelname"]), (Field::Target, &["channel"])],
    },
    // MongoDB.
    Dialect {
        markers: &["t.$date"],
        names: &[(Field::Level, &["s"]), (Field::Target, &["c"]), (Field::Thread, &["ctx"])],
    },
    // NXLog.
    Dialect { markers: &["severityvalue"], names: &[(Field::App, &["sourcename"])] },
    // GELF: its additional fields. Others, such as `_level`, are the user's own.
    Dialect {
        markers: &["shortmessage"],
        names: &[
            (Field::File, &["_file", "_filename"]),
            (Field::Line, &["_line"]),
            (Field::Target, &["_logger", "_loggername"]),
            (Field::Thread, &["_thread", "_threadname"]),
            (Field::App, &["_app", "_appname", "_application"]),
            (Field::Pid, &["_pid"]),
        ],
    },
    // journald, also without its underscores, and syslog-ng's `format-json`.
    Dialect {
        markers: &[
            "__realtimetimestamp",
            "_sourcerealtimetimestamp",
            "__cursor",
            "_hostname",
            "syslogidentifier",
            "facility",
        ],
        names: &[
            (Field::Time, &["_sourcerealtimetimestamp", "__realtimetimestamp"]),
            (Field::Level, &["priority"]),
            (Field::Host, &["_hostname"]),
            (Field::App, &["syslogidentifier", "_comm"]),
            (Field::Pid, &["_pid", "syslogpid"]),
        ],
    },
    // VictoriaLogs.
    Dialect { markers: &["_msg"], names: &[(Field::Time, &["_time"])] },
    // Events of Windows, by Fluent Bit and Fluentd.
    Dialect {
        markers: &["timecreated"],
        names: &[
            (Field::Time, &["timecreated"]),
            (Field::Level, &["level"]),
            (Field::Target, &["channel"]),
            (Field::Msg, &["message", "description"]),
            (Field::App, &["providername"]),
            (Field::Host, &["computer"]),
        ],
    },
    // Falco.
    Dialect {
        markers: &["outputfields"],
        names: &[(Field::Level, &["priority"]), (Field::Msg, &["output"])],
    },
];

/// A field that a name may be for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning {
    pub(super) field: Field,
    /// Its place among the names of the field: the lowest wins.
    pub(super) rank: u8,
    /// A bit for the dialect that it is of; 0 for all.
    pub(super) dialect: u8,
}

struct KnownName {
    name: String,
    meanings: Vec<Meaning>,
    /// The dialects that this name is a marker of.
    marks: u8,
}

/// All names, in order.
static KNOWN: LazyLock<Vec<KnownName>> = LazyLock::new(|| {
    let mut known: Vec<KnownName> = Vec::new();
    let mut entry = |name: &str| {
        known.iter().position(|known| known.name == name).unwrap_or_else(|| {
            known.push(KnownName { name: name.to_owned(), meanings: Vec::new(), marks: 0 });
            known.len() - 1
        })
    };
    let mut meanings = Vec::new();
    for (field, names) in NAMES {
        for (rank, name) in (DIALECT_RANKS..).zip(*names) {
            meanings.push((entry(name), Meaning { field: *field, rank, dialect: 0 }));
        }
    }
    let mut marks = Vec::new();
    for (at, dialect) in DIALECTS.iter().enumerate() {
        let bit = 1 << at;
        for (field, names) in dialect.names {
            for (rank, name) in (0..).zip(*names) {
                meanings.push((entry(name), Meaning { field: *field, rank, dialect: bit }));
            }
        }
        marks.extend(dialect.markers.iter().map(|name| (entry(name), bit)));
    }
    meanings.into_iter().for_each(|(at, meaning)| known[at].meanings.push(meaning));
    marks.into_iter().for_each(|(at, bit)| known[at].marks |= bit);
    known.sort_by(|one, other| one.name.cmp(&other.name));
    known
});

/// Room for the longest name.
const LONGEST: usize = 48;

/// Ranks below this are those of dialects.
const DIALECT_RANKS: u8 = 16;

/// The bit of GELF among the dialects.
pub(super) const GELF: u8 = 1 << 3;

/// The bit of Windows among the dialects.
const WINDOWS: u8 = 1 << 6;

/// The fields that `key` in the object `prefix` may fill, and the dialects that it is a marker of.
pub(super) fn meanings(prefix: &str, key: &str) -> (&'static [Meaning], u8) {
    let mut buffer = [0; LONGEST];
    let Some(name) = normal(prefix, key, &mut buffer) else { return (&[], 0) };
    match KNOWN.binary_search_by(|known| known.name.as_bytes().cmp(name)) {
        Ok(at) => (&KNOWN[at].meanings, KNOWN[at].marks),
        Err(_) => (&[], 0),
    }
}

/// The name in the form that the tables have it in.
fn normal<'b>(prefix: &str, key: &str, buffer: &'b mut [u8; LONGEST]) -> Option<&'b [u8]> {
    let mut len = 0;
    let mut push = |byte: u8| {
        let place = buffer.get_mut(len)?;
        *place = byte.to_ascii_lowercase();
        len += 1;
        Some(())
    };
    if !prefix.is_empty() {
        prefix.bytes().chain([b'.']).try_for_each(&mut push)?;
    }
    let mut in_front = true;
    for byte in key.bytes() {
        in_front &= byte == b'_';
        if in_front || !matches!(byte, b'_' | b'-') {
            push(byte)?;
        }
    }
    Some(&buffer[..len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_underscores() {
        let first = |prefix, key| meanings(prefix, key).0.first().map(|meaning| meaning.field);
        for key in ["level", "Level", "LEVEL", "LogLevel", "log_level", "log-level"] {
            assert_eq!(first("", key), Some(Field::Level), "{key}");
        }
        assert_eq!(first("log", "level"), Some(Field::Level));
        assert_eq!(first("record.time", "repr"), Some(Field::Time));
        for key in ["_level", "levels", "", "le vel", &"x".repeat(100)] {
            assert_eq!(first("", key), None, "{key}");
        }
        assert_eq!(meanings("", "short_message").1, GELF);
    }

    #[test]
    fn every_name_stands_in_its_normal_form() {
        let all = NAMES.iter().chain(DIALECTS.iter().flat_map(|dialect| dialect.names));
        for name in all.flat_map(|(_, names)| *names) {
            let mut buffer = [0; LONGEST];
            assert_eq!(normal("", name, &mut buffer), Some(name.as_bytes()), "{name}");
        }
    }
}
