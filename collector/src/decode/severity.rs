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
    ("erro", Level::Error, true),
    ("fail", Level::Error, true),
    ("fatal", Level::Error, false),
    ("ftl", Level::Error, false),
    ("fata", Level::Error, false),
    ("pani", Level::Error, false),
    ("pnc", Level::Error, false),
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
    ("debg", Level::Debug, true),
    ("debu", Level::Debug, true),
    ("http", Level::Debug, false),
    ("verbose", Level::Debug, false),
    ("vrb", Level::Debug, false),
    ("fine", Level::Debug, false),
    ("trce", Level::Trace, true),
    ("trc", Level::Trace, true),
    ("trac", Level::Trace, true),
    ("finer", Level::Trace, false),
    ("finest", Level::Trace, false),
    ("silly", Level::Trace, false),
];

/// A bit for each length of a word, by its first letter.
static LENGTHS: [u16; 26] = {
    let mut lengths = [0; 26];
    let mut nth = 0;
    while nth < WORDS.len() {
        let word = WORDS[nth].0.as_bytes();
        lengths[(word[0] - b'a') as usize] |= 1 << word.len();
        nth += 1;
    }
    lengths
};

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
/// writes it (`WARN+1`), with a digit as Apache and MongoDB do (`trace3`, `D2`), or its letter. A
/// terminal of logrus has four letters of it (`ERRO`), and so has Rust's slog.
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
    if name.starts_with("Level(-") {
        // zap's numbers below that of debug.
        return Some(Severity { level: Level::Debug, word: Some(Cow::Borrowed(name)) });
    }
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

/// True if a level's name can hardly mean anything else: others name programs, hosts and settings.
pub(super) fn is_plain_level(word: &str) -> bool {
    !matches!(
        word,
        "http" | "default" | "config" | "fine" | "alert" | "silly" | "note" | "success" | "fail"
    )
}

/// True if a word is a level and can hardly be anything else.
pub(super) fn is_level(said: &[u8]) -> bool {
    known(said).is_some_and(|(word, ..)| is_plain_level(word))
}

/// The entry of a level's name.
pub(super) fn known(said: &[u8]) -> Option<&'static (&'static str, Level, bool)> {
    // The length and the first letter rule most of them out, and most other words altogether.
    let first = said.first()?.to_ascii_lowercase();
    let lengths = LENGTHS.get(usize::from(first.wrapping_sub(b'a')))?;
    if said.len() > 15 || lengths & 1 << said.len() == 0 {
        return None;
    }
    let near = |word: &str| word.len() == said.len() && word.as_bytes()[0] == first;
    WORDS.iter().find(|(word, ..)| near(word) && word.as_bytes().eq_ignore_ascii_case(said))
}

/// The lowest number of a level, and the framework's own word where that says more.
type Threshold = (u64, Level, &'static str);

const PINO: &[Threshold] = &[
    (10, Level::Trace, ""),
    (20, Level::Debug, ""),
    (30, Level::Info, ""),
    (40, Level::Warn, ""),
    (50, Level::Error, ""),
    (60, Level::Error, "fatal"),
];

const PYTHON: &[Threshold] = &[
    (0, Level::Debug, ""),
    (20, Level::Info, ""),
    (30, Level::Warn, ""),
    (40, Level::Error, ""),
    (50, Level::Error, "critical"),
];

const MONOLOG: &[Threshold] = &[
    (100, Level::Debug, ""),
    (200, Level::Info, ""),
    (250, Level::Info, "notice"),
    (300, Level::Warn, ""),
    (400, Level::Error, ""),
    (500, Level::Error, "critical"),
    (550, Level::Error, "alert"),
    (600, Level::Error, "emergency"),
];

const CLOUD: &[Threshold] = &[
    (100, Level::Debug, ""),
    (200, Level::Info, ""),
    (300, Level::Info, "notice"),
    (400, Level::Warn, ""),
    (500, Level::Error, ""),
    (600, Level::Error, "critical"),
    (700, Level::Error, "alert"),
    (800, Level::Error, "emergency"),
];

const LOGBACK: &[Threshold] = &[
    (0, Level::Trace, ""),
    (10_000, Level::Debug, ""),
    (20_000, Level::Info, ""),
    (30_000, Level::Warn, ""),
    (40_000, Level::Error, ""),
    (50_000, Level::Error, "fatal"),
];

const JAVA_UTIL: &[Threshold] = &[
    (0, Level::Trace, ""),
    (500, Level::Debug, ""),
    (700, Level::Info, ""),
    (900, Level::Warn, ""),
    (1000, Level::Error, "severe"),
];

const OPEN_TELEMETRY: &[Threshold] = &[
    (1, Level::Trace, ""),
    (5, Level::Debug, ""),
    (9, Level::Info, ""),
    (13, Level::Warn, ""),
    (17, Level::Error, ""),
    (21, Level::Error, "fatal"),
];

const DOT_NET: &[Threshold] = &[
    (0, Level::Trace, ""),
    (1, Level::Debug, ""),
    (2, Level::Info, ""),
    (3, Level::Warn, ""),
    (4, Level::Error, ""),
    (5, Level::Error, "critical"),
];

/// Windows' events: 0 is logged always, 4 information.
const WINDOWS: &[Threshold] = &[
    (0, Level::Info, ""),
    (1, Level::Error, "critical"),
    (2, Level::Error, ""),
    (3, Level::Warn, ""),
    (4, Level::Info, ""),
    (5, Level::Debug, ""),
];

const NXLOG: &[Threshold] = &[
    (1, Level::Debug, ""),
    (2, Level::Info, ""),
    (3, Level::Warn, ""),
    (4, Level::Error, ""),
    (5, Level::Error, "critical"),
];

/// Reads a level's number on the scale of its framework. Where pino says 40 for a warning, Python
/// says 30: only the key can tell.
pub(super) fn number(n: u64, scale: Scale) -> Option<Severity<'static>> {
    let thresholds = match (scale, n) {
        (Scale::OpenTelemetry, 1..=24) => OPEN_TELEMETRY,
        (Scale::DotNet, 0..=5) => DOT_NET,
        (Scale::NxLog, 1..=5) => NXLOG,
        (Scale::Windows, 0..=5) => WINDOWS,
        (
            Scale::OpenTelemetry | Scale::DotNet | Scale::NxLog | Scale::Windows | Scale::Words,
            _,
        ) => return None,
        (Scale::Cloud, 100..=800) => CLOUD,
        (_, 0..=7) => return Some(syslog(n as u8)),
        (Scale::Python, 10..1000) => PYTHON,
        (_, 100 | 200 | 250 | 300 | 400 | 500 | 550 | 600) => MONOLOG,
        (_, 300..=1000) => JAVA_UTIL,
        (_, 5_000..60_000) => LOGBACK,
        (_, 10..100) => PINO,
        _ => return None,
    };
    let &(_, level, word) = thresholds.iter().rfind(|(from, ..)| n >= *from)?;
    Some(Severity { level, word: Some(word).filter(|word| !word.is_empty()).map(Cow::Borrowed) })
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
            ("ERRO", Level::Error, ""),
            ("FATA", Level::Error, "FATA"),
            ("DEBG", Level::Debug, ""),
            ("Level(-2)", Level::Debug, "Level(-2)"),
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
            (0, Scale::Windows, Level::Info, None),
            (4, Scale::Windows, Level::Info, None),
            (1, Scale::Windows, Level::Error, Some("critical")),
            (13, Scale::OpenTelemetry, Level::Warn, None),
        ] {
            let expected = Severity { level, word: kept.map(Cow::Borrowed) };
            assert_eq!(number(n, scale), Some(expected), "{n} {scale:?}");
        }
        assert_eq!((number(8, Scale::Any), number(u64::MAX, Scale::Python)), (None, None));
    }
}
