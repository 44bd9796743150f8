//! Levels as foreign peers say them: words of two dozen loggers, numbers of seven scales.

use super::key_names::Scale;
use netlog_wire::Level;
use std::borrow::Cow;

/// Level words, and whether the word says no more than our level does; the common ones first.
const WORDS: &[(&str, Level, bool)] = &[
    ("info", Level::Info, true),
    ("warn", Level::Warn, true),
    ("error", Level::Error, true),
    ("debug", Level::Debug, true),
    ("trace", Level::Trace, true),
    ("warning", Level::Warn, true),
    ("err", Level::Error, true),
    ("eror", Level::Error, true),
    ("fail", Level::Error, true),
    ("fatal", Level::Error, false),
    ("ftl", Level::Error, false),
    ("critical", Level::Error, false),
    ("crit", Level::Error, false),
    ("alert", Level::Error, false),
    ("emerg", Level::Error, false),
    ("emergency", Level::Error, false),
    ("panic", Level::Error, false),
    ("dpanic", Level::Error, false),
    ("severe", Level::Error, false),
    ("wrn", Level::Warn, true),
    ("inf", Level::Info, true),
    ("information", Level::Info, true),
    ("informational", Level::Info, true),
    ("notice", Level::Info, false),
    ("note", Level::Info, false),
    ("config", Level::Info, false),
    ("default", Level::Info, false),
    ("success", Level::Info, false),
    ("dbg", Level::Debug, true),
    ("dbug", Level::Debug, true),
    ("http", Level::Debug, false),
    ("verbose", Level::Debug, false),
    ("vrb", Level::Debug, false),
    ("fine", Level::Debug, false),
    ("trce", Level::Trace, true),
    ("trc", Level::Trace, true),
    ("finer", Level::Trace, false),
    ("finest", Level::Trace, false),
    ("silly", Level::Trace, false),
];

/// Letters that stand for a level where nothing else can stand.
const LETTERS: &[(u8, &str)] = &[
    (b'e', "error"),
    (b'f', "fatal"),
    (b'w', "warn"),
    (b'i', "info"),
    (b'd', "debug"),
    (b't', "trace"),
    (b'v', "verbose"),
];

/// The names of syslog's severities (RFC 5424, section 6.2.1), by their numbers.
const SYSLOG: [&str; 8] = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"];

/// A level, and the peer's own word for it where that says more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Severity<'a> {
    pub(super) level: Level,
    pub(super) word: Option<Cow<'a, str>>,
}

/// Reads the value of a level: a name in any case and colour, also with an offset as Go's slog
/// writes it (`WARN+1`), with a digit as Apache and MongoDB do (`trace3`, `D2`), or its letter.
pub(super) fn word(text: &str) -> Option<Severity<'_>> {
    // The common ones, without a search.
    let level = match text {
        "info" | "INFO" | "Info" | "Information" => Level::Info,
        "error" | "ERROR" | "Error" | "err" => Level::Error,
        "warn" | "WARN" | "Warn" | "warning" | "WARNING" | "Warning" => Level::Warn,
        "debug" | "DEBUG" | "Debug" => Level::Debug,
        "trace" | "TRACE" | "Trace" => Level::Trace,
        _ => return other_word(text),
    };
    Some(Severity { level, word: None })
}

fn other_word(text: &str) -> Option<Severity<'_>> {
    let name = text.trim();
    let base = name.split_once(['+', '-']).map_or(name, |(base, _)| base);
    let base = base.trim_end_matches(|c: char| c.is_ascii_digit());
    let letter = |byte: u8| LETTERS.iter().find(|(letter, _)| letter.eq_ignore_ascii_case(&byte));
    let full = match base.as_bytes() {
        [byte] => letter(*byte).map_or(base, |(_, word)| word),
        _ => base,
    };
    let &(_, level, exact) = known(full.as_bytes())?;
    let keeps = !exact || name.len() > base.len();
    Some(Severity { level, word: keeps.then_some(Cow::Borrowed(name)) })
}

/// Whether a level's name can hardly mean anything else: others name programs, hosts and settings.
pub(super) fn is_plain_level(word: &str) -> bool {
    !matches!(
        word,
        "http" | "default" | "config" | "fine" | "alert" | "silly" | "note" | "success" | "fail"
    )
}

/// Whether a word is a level and can hardly be anything else.
pub(super) fn is_level(said: &[u8]) -> bool {
    known(said).is_some_and(|(word, ..)| is_plain_level(word))
}

/// The entry of a level's name.
pub(super) fn known(said: &[u8]) -> Option<&'static (&'static str, Level, bool)> {
    // The length and the first letter rule most of them out.
    let first = said.first()?.to_ascii_lowercase();
    let near = |word: &str| word.len() == said.len() && word.as_bytes()[0] == first;
    WORDS.iter().find(|(word, ..)| near(word) && word.as_bytes().eq_ignore_ascii_case(said))
}

/// Reads a level's number on the scale of its framework. Where pino says 40 for a warning, Python
/// says 30: only the key can tell.
pub(super) fn number(n: u64, scale: Scale) -> Option<Severity<'static>> {
    let (level, word) = match (scale, n) {
        (Scale::OpenTelemetry, _) => open_telemetry(n)?,
        (Scale::DotNet, _) => dot_net(n)?,
        (Scale::NxLog, _) => nxlog(n)?,
        (Scale::Cloud, 100..=800) => cloud(n)?,
        (_, 0..=7) => return Some(syslog(n as u8)),
        (Scale::Python, 10..1000) => python(n),
        (_, 100..=600) if n.is_multiple_of(50) => monolog(n)?,
        (_, 300..=1000) => java_util(n),
        (_, 5_000..60_000) => logback(n),
        _ => pino(n)?,
    };
    Some(Severity { level, word: word.map(Cow::Borrowed) })
}

type Read = (Level, Option<&'static str>);

fn pino(n: u64) -> Option<Read> {
    Some(match n {
        10..20 => (Level::Trace, None),
        20..30 => (Level::Debug, None),
        30..40 => (Level::Info, None),
        40..50 => (Level::Warn, None),
        50..60 => (Level::Error, None),
        60..=100 => (Level::Error, Some("fatal")),
        _ => return None,
    })
}

fn python(n: u64) -> Read {
    match n {
        ..20 => (Level::Debug, None),
        20..30 => (Level::Info, None),
        30..40 => (Level::Warn, None),
        40..50 => (Level::Error, None),
        _ => (Level::Error, Some("critical")),
    }
}

fn monolog(n: u64) -> Option<Read> {
    Some(match n {
        100 => (Level::Debug, None),
        200 => (Level::Info, None),
        250 => (Level::Info, Some("notice")),
        300 => (Level::Warn, None),
        400 => (Level::Error, None),
        500 => (Level::Error, Some("critical")),
        550 => (Level::Error, Some("alert")),
        600 => (Level::Error, Some("emergency")),
        _ => return None,
    })
}

fn cloud(n: u64) -> Option<Read> {
    Some(match n / 100 {
        1 => (Level::Debug, None),
        2 => (Level::Info, None),
        3 => (Level::Info, Some("notice")),
        4 => (Level::Warn, None),
        5 => (Level::Error, None),
        6 => (Level::Error, Some("critical")),
        7 => (Level::Error, Some("alert")),
        8 => (Level::Error, Some("emergency")),
        _ => return None,
    })
}

fn logback(n: u64) -> Read {
    match n {
        ..10_000 => (Level::Trace, None),
        10_000..20_000 => (Level::Debug, None),
        20_000..30_000 => (Level::Info, None),
        30_000..40_000 => (Level::Warn, None),
        40_000..50_000 => (Level::Error, None),
        _ => (Level::Error, Some("fatal")),
    }
}

fn java_util(n: u64) -> Read {
    match n {
        ..500 => (Level::Trace, None),
        500..700 => (Level::Debug, None),
        700..900 => (Level::Info, None),
        900..1000 => (Level::Warn, None),
        _ => (Level::Error, Some("severe")),
    }
}

fn open_telemetry(n: u64) -> Option<Read> {
    Some(match n {
        1..=4 => (Level::Trace, None),
        5..=8 => (Level::Debug, None),
        9..=12 => (Level::Info, None),
        13..=16 => (Level::Warn, None),
        17..=20 => (Level::Error, None),
        21..=24 => (Level::Error, Some("fatal")),
        _ => return None,
    })
}

fn dot_net(n: u64) -> Option<Read> {
    Some(match n {
        0 => (Level::Trace, None),
        1 => (Level::Debug, None),
        2 => (Level::Info, None),
        3 => (Level::Warn, None),
        4 => (Level::Error, None),
        5 => (Level::Error, Some("critical")),
        _ => return None,
    })
}

fn nxlog(n: u64) -> Option<Read> {
    Some(match n {
        1 => (Level::Debug, None),
        2 => (Level::Info, None),
        3 => (Level::Warn, None),
        4 => (Level::Error, None),
        5 => (Level::Error, Some("critical")),
        _ => return None,
    })
}

/// The level of a syslog severity.
pub(super) fn syslog(severity: u8) -> Severity<'static> {
    let name = SYSLOG[usize::from(severity & 7)];
    word(name).unwrap_or(Severity { level: Level::Info, word: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_loggers_are_levels() {
        for (text, level, kept) in [
            ("Warning", Level::Warn, ""),
            ("FATAL", Level::Error, "FATAL"),
            ("silly", Level::Trace, "silly"),
            ("DEBUG-4", Level::Debug, "DEBUG-4"),
            (" info ", Level::Info, ""),
            ("trace3", Level::Trace, "trace3"),
            ("eror", Level::Error, ""),
            ("W", Level::Warn, ""),
            ("D2", Level::Debug, "D2"),
            ("F", Level::Error, "F"),
        ] {
            let said = word(text).map(|s| (s.level, s.word.map(Cow::into_owned)));
            assert_eq!(
                said,
                Some((level, Some(kept.to_owned()).filter(|k| !k.is_empty()))),
                "{text}"
            );
        }
        assert_eq!((word("loud"), word(""), word("7"), word("x")), (None, None, None, None));
    }

    #[test]
    fn a_number_is_read_on_the_scale_of_its_framework() {
        for (n, scale, level, kept) in [
            (3, Scale::Any, Level::Error, None),
            (5, Scale::Syslog, Level::Info, Some("notice")),
            (30, Scale::Any, Level::Info, None),
            (30, Scale::Python, Level::Warn, None),
            (50, Scale::Python, Level::Error, Some("critical")),
            (60, Scale::Any, Level::Error, Some("fatal")),
            (100, Scale::Any, Level::Debug, None),
            (100, Scale::Cloud, Level::Debug, None),
            (300, Scale::Any, Level::Warn, None),
            (400, Scale::Cloud, Level::Warn, None),
            (550, Scale::Any, Level::Error, Some("alert")),
            (900, Scale::Any, Level::Warn, None),
            (30_000, Scale::Any, Level::Warn, None),
            (3, Scale::DotNet, Level::Warn, None),
            (4, Scale::NxLog, Level::Error, None),
            (13, Scale::OpenTelemetry, Level::Warn, None),
        ] {
            let expected = Severity { level, word: kept.map(Cow::Borrowed) };
            assert_eq!(number(n, scale), Some(expected), "{n} {scale:?}");
        }
        assert_eq!((number(8, Scale::Any), number(u64::MAX, Scale::Python)), (None, None));
    }
}
