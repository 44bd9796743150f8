//! The one table of other loggers' names: which of them mean what a record has a place for.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a record has a place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
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
    Truncated,
    Lost,
    /// `name`: the program's beside a host and a pid, the logger's otherwise.
    Name,
}

/// The places `key` may have, each with its rank among the names of that place.
pub(super) fn ranks(key: &str, gelf: bool) -> &'static [(usize, Place)] {
    static KNOWN: LazyLock<Ranks> = LazyLock::new(|| by_name(NAMES));
    static IN_GELF: LazyLock<Ranks> = LazyLock::new(|| by_name(ADDITIONAL));
    let ranks = KNOWN.get(key).or_else(|| IN_GELF.get(key).filter(|_| gelf));
    ranks.map_or(&[], Vec::as_slice)
}

type Ranks = HashMap<&'static str, Vec<(usize, Place)>>;

fn by_name(table: &[(Place, &'static [&'static str])]) -> Ranks {
    let mut ranks = Ranks::new();
    for (place, names) in table {
        for (rank, name) in names.iter().enumerate() {
            ranks.entry(name).or_default().push((rank, *place));
        }
    }
    ranks
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
    (Place::Truncated, &["truncated"]),
    (Place::Lost, &["lost"]),
    (Place::Name, &["name"]),
];

/// The objects whose members are looked at one by one.
pub(super) const OPENED: &[&str] = &[
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
