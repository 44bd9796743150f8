//! The canonical record line: recognised by scanning, read without being copied.

use crate::escape::JsonStr;
use crate::json::elements;
use crate::level::Level;
use crate::record::shown;
use crate::scan;
use crate::time::{MinuteCache, TIME_LEN};
use std::borrow::Cow;

/// A canonical record line, read in place. Strings are still escaped; [`JsonStr::text`] reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The identity the collector stamped in front: the sender's program.
    pub app: Option<JsonStr<'a>>,
    /// The machine the sender says it runs on; for a peer that says nothing, its address.
    pub host: Option<JsonStr<'a>>,
    /// The sender's process id.
    pub pid: Option<u64>,
    /// The address the collector saw the record come from.
    pub peer: Option<JsonStr<'a>>,
    /// When it was logged, in microseconds since 1970, UTC.
    pub time: i64,
    /// Severity.
    pub level: Level,
    /// The module or subject it was logged for.
    pub target: Option<JsonStr<'a>>,
    /// The source file.
    pub file: Option<JsonStr<'a>>,
    /// The line in the source file, from 1.
    pub line: Option<u64>,
    /// The name of the thread.
    pub thread: Option<JsonStr<'a>>,
    /// Message.
    pub msg: JsonStr<'a>,
    /// The structured values: a JSON object.
    pub kv: Option<&'a [u8]>,
    /// Id of the trace it belongs to, in hex.
    pub trace: Option<JsonStr<'a>>,
    /// Id of the innermost span it was logged in.
    pub span: Option<JsonStr<'a>>,
    /// The spans around it, outermost first: a JSON array.
    pub spans: Option<&'a [u8]>,
    /// True if the flight recorder kept it, to be shipped later.
    pub recorded: bool,
    /// Number of bytes cut off `msg`.
    pub truncated: Option<u64>,
    /// Number of records this one reports as lost.
    pub lost: Option<u64>,
}

/// Properties of a canonical line that a collector needs to keep it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineMeta {
    /// When it was logged, in microseconds since 1970, UTC.
    pub time: i64,
    /// Severity.
    pub level: Level,
    /// Number of records it reports as lost.
    pub lost: u64,
    /// True if it was cut.
    pub truncated: bool,
}

impl LineMeta {
    /// The gist of `line` if [`Line::parse`] would take it and it does not say who sent it, which
    /// only a collector may. Nothing else of it is kept, which takes half the time. `minute` is that
    /// of the line before.
    pub fn of(line: &[u8], minute: &mut MinuteCache) -> Option<Self> {
        Line::read::<false>(line, minute).map(|line| line.gist())
    }
}

impl<'a> Line<'a> {
    /// Properties of `line`, if it is canonical.
    #[inline(always)]
    pub fn gist(&self) -> LineMeta {
        let lost = self.lost.unwrap_or(0);
        let truncated = self.truncated.is_some();
        LineMeta { time: self.time, level: self.level, lost, truncated }
    }

    /// Reads `line` (without its end) if it is canonical: every key in its place, valid UTF-8,
    /// valid JSON, no white space between the parts. `None` says it is anything else.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        Self::read::<true>(line, &mut MinuteCache::default())
    }

    /// Reads it, and who sent it if it may be `STAMPED` with that.
    #[inline(always)]
    fn read<const STAMPED: bool>(line: &'a [u8], minute: &mut MinuteCache) -> Option<Self> {
        let mut rest = Cursor { line, escapes: scan::has_escapes(line).ok()?, at: 0 };
        rest.take("{")?;
        let mut app = None;
        let mut host = None;
        let mut pid = None;
        let mut peer = None;
        if STAMPED {
            app = rest.string(r#""app":""#, ",")?;
            host = rest.string(r#""host":""#, ",")?;
            pid = rest.number(r#""pid":"#, ",")?;
            peer = rest.string(r#""peer":""#, ",")?;
        }
        rest.take(r#""time":""#)?;
        let time = rest.time(minute)?;
        rest.take(r#"","level":""#)?;
        let level = rest.level()?;
        let target = rest.string(r#","target":""#, "")?;
        let file = rest.string(r#","file":""#, "")?;
        let line = rest.number(r#","line":"#, "")?;
        let thread = rest.string(r#","thread":""#, "")?;
        let msg = rest.string(r#","msg":""#, "")??;
        let kv = rest.object(r#","kv":"#)?;
        // Most records have none of what may follow.
        let tail = if rest.rest() == b"}" { Tail::default() } else { rest.tail()? };
        let Tail { trace, span, spans, recorded, truncated, lost } = tail;
        Some(Self {
            app,
            host,
            pid,
            peer,
            time,
            level,
            target,
            file,
            line,
            thread,
            msg,
            kv,
            trace,
            span,
            spans,
            recorded,
            truncated,
            lost,
        })
    }

    /// The members of `kv` in their order: strings without their quotes, all else as JSON.
    pub fn values(&self) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        self.kv.map(shown).unwrap_or_default()
    }

    /// True if it was logged in the span of this id, or in one within it.
    pub fn is_in_span(&self, id: &str) -> bool {
        // Most are not, which is seen without reading the array.
        let Some(spans) = self.spans else { return false };
        memchr::memmem::find(spans, id.as_bytes()).is_some()
            && elements(spans).into_iter().flatten().any(|span| {
                let members = span.members().unwrap_or_default();
                members
                    .iter()
                    .any(|(key, value)| key == "id" && value.text().as_deref() == Some(id))
            })
    }

    /// True if the line names its sender already, which only a collector may.
    pub fn has_identity(&self) -> bool {
        self.app.is_some() || self.host.is_some() || self.pid.is_some() || self.peer.is_some()
    }
}

/// Members behind the values of a record.
#[derive(Default)]
struct Tail<'a> {
    trace: Option<JsonStr<'a>>,
    span: Option<JsonStr<'a>>,
    spans: Option<&'a [u8]>,
    recorded: bool,
    truncated: Option<u64>,
    lost: Option<u64>,
}

struct Cursor<'a> {
    line: &'a [u8],
    /// True if it has a backslash.
    escapes: bool,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.line[self.at..]
    }

    // Inlined, every literal has a known length and is compared as a few words, not by a call.
    #[inline(always)]
    fn take(&mut self, literal: &str) -> Option<()> {
        self.rest().starts_with(literal.as_bytes()).then(|| self.at += literal.len())
    }

    /// The string behind `key` (which ends with the opening quote) and before `after`; the outer
    /// `None` says the line is not canonical, the inner that it has no such key.
    #[inline(always)]
    fn string(&mut self, key: &str, after: &str) -> Option<Option<JsonStr<'a>>> {
        if self.take(key).is_none() {
            return Some(None);
        }
        let end = match self.escapes {
            true => scan::string_end(self.line, self.at)?,
            false => scan::quote(self.line, self.at)?,
        };
        let inside = &self.line[self.at..end];
        self.at = end + 1;
        self.take(after)?;
        Some(Some(JsonStr(inside)))
    }

    #[inline(always)]
    fn number(&mut self, key: &str, after: &str) -> Option<Option<u64>> {
        if self.take(key).is_none() {
            return Some(None);
        }
        let start = self.at;
        let mut number = 0_u64;
        while let Some(digit) = self.line.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            self.at += 1;
        }
        if self.at == start || (self.line[start] == b'0' && self.at > start + 1) {
            return None;
        }
        self.take(after)?;
        Some(Some(number))
    }

    #[inline(always)]
    fn object(&mut self, key: &str) -> Option<Option<&'a [u8]>> {
        if self.take(key).is_none() {
            return Some(None);
        }
        let end = scan::object_end(self.line, self.at)?;
        let object = &self.line[self.at..end];
        self.at = end;
        Some(Some(object))
    }

    /// Reads the rest of the line, to its end.
    #[inline(never)]
    fn tail(&mut self) -> Option<Tail<'a>> {
        let tail = Tail {
            trace: self.string(r#","trace":""#, "")?,
            span: self.string(r#","span":""#, "")?,
            spans: self.array(r#","spans":"#)?,
            recorded: self.take(r#","recorded":true"#).is_some(),
            truncated: self.number(r#","truncated":"#, "")?,
            lost: self.number(r#","lost":"#, "")?,
        };
        (self.rest() == b"}").then_some(tail)
    }

    fn array(&mut self, key: &str) -> Option<Option<&'a [u8]>> {
        if self.take(key).is_none() {
            return Some(None);
        }
        let end = scan::array_end(self.line, self.at)?;
        let array = &self.line[self.at..end];
        self.at = end;
        Some(Some(array))
    }

    #[inline(always)]
    fn time(&mut self, minute: &mut MinuteCache) -> Option<i64> {
        let text = self.rest().first_chunk::<TIME_LEN>()?;
        self.at += TIME_LEN;
        minute.read(text)
    }

    #[inline(always)]
    fn level(&mut self) -> Option<Level> {
        // Each literal for itself: see `take`.
        Some(match self.rest().first()? {
            b'E' => self.take("ERROR\"").map(|()| Level::Error)?,
            b'W' => self.take("WARN\"").map(|()| Level::Warn)?,
            b'I' => self.take("INFO\"").map(|()| Level::Info)?,
            b'D' => self.take("DEBUG\"").map(|()| Level::Debug)?,
            _ => self.take("TRACE\"").map(|()| Level::Trace)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESIGN: &str = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","target":"orders::fill","file":"src/fill.rs","line":142,"thread":"main","msg":"order 7 filled","kv":{"client":"acme","us":31}}"#;

    #[test]
    fn the_line_of_the_design_is_canonical() {
        let line = Line::parse(DESIGN.as_bytes()).unwrap();
        assert_eq!(line.time, 1_795_372_943_123_456);
        assert_eq!(line.level, Level::Info);
        assert_eq!(line.target.unwrap().text(), "orders::fill");
        assert_eq!(line.file.unwrap().text(), "src/fill.rs");
        assert_eq!(line.line, Some(142));
        assert_eq!(line.thread.unwrap().text(), "main");
        assert_eq!(line.msg.text(), "order 7 filled");
        assert_eq!(line.kv, Some(&br#"{"client":"acme","us":31}"#[..]));
        assert_eq!((line.span, line.truncated, line.lost), (None, None, None));
        assert!(!line.has_identity());
    }

    #[test]
    fn the_stamped_line_is_canonical_too() {
        let stamped = format!(
            r#"{{"app":"orders","host":"web1","pid":4242,"peer":"[::1]:9",{}"#,
            &DESIGN[1..]
        );
        let line = Line::parse(stamped.as_bytes()).unwrap();
        assert_eq!(line.app.unwrap().text(), "orders");
        assert_eq!(line.peer.unwrap().text(), "[::1]:9");
        assert_eq!((line.pid, line.has_identity()), (Some(4242), true));
    }

    #[test]
    fn the_least_record_is_canonical() {
        let least = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":""}"#;
        assert!(Line::parse(least.as_bytes()).is_some());
        let most = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"","kv":{},"trace":"t","span":"a","spans":[],"recorded":true,"truncated":1,"lost":2}"#;
        let line = Line::parse(most.as_bytes()).unwrap();
        assert_eq!((line.truncated, line.lost), (Some(1), Some(2)));
        assert!(line.recorded);
    }

    #[test]
    fn a_record_in_spans_is_canonical() {
        let spans =
            r#"[{"name":"request","id":"5f01","kv":{"id":7}},{"name":"query","id":"5f02"}]"#;
        let line = format!(
            r#"{},"trace":"4bf9","span":"5f02","spans":{spans}}}"#,
            &DESIGN[..DESIGN.len() - 1]
        );
        let read = Line::parse(line.as_bytes()).unwrap();
        assert_eq!(read.trace.unwrap().text(), "4bf9");
        assert_eq!(read.span.unwrap().text(), "5f02");
        assert_eq!(read.spans, Some(spans.as_bytes()));
        assert!(!read.recorded);
        for (find, replace) in [
            (r#""spans":["#, r#""spans":[,"#),
            (r#""spans":["#, r#""spans": ["#),
            (r#""trace":"4bf9","span":"5f02""#, r#""span":"5f02","trace":"4bf9""#),
            (r#""span":"5f02","#, ""),
        ] {
            let other = line.replacen(find, replace, 1);
            assert_ne!(other, line);
            assert_eq!(Line::parse(other.as_bytes()).is_some(), replace.is_empty(), "{other}");
        }
        let recorded = format!(r#"{},"recorded":false}}"#, &DESIGN[..DESIGN.len() - 1]);
        assert_eq!(Line::parse(recorded.as_bytes()), None);
    }

    #[test]
    fn anything_else_is_not() {
        for (find, replace) in [
            ("{\"time", " {\"time"),
            ("\"INFO\"", "\"info\""),
            ("INFO", "INFORM"),
            ("T18", " 18"),
            ("18:42:23", "18:42:60"),
            ("2026-11", "2026-13"),
            (".123456Z", ".123456+00:00"),
            (":142", ":0142"),
            (":142", ":-1"),
            (":142", ":"),
            (":142", ":99999999999999999999999"),
            ("}}", "}"),
            ("}}", "}} "),
            ("}}", "}},"),
            ("\"main\"", "\"ma\u{1}in\""),
            ("main", "ma\\qin"),
            ("\"us\":31", "\"us\": 31"),
            (",\"thread\"", ", \"thread\""),
            ("\"msg\"", "\"message\""),
            ("order 7", "order \" 7"),
            ("{\"time\"", "{\"sender\":1,\"time\""),
        ] {
            let line = DESIGN.replacen(find, replace, 1);
            assert_ne!(line, DESIGN);
            assert_eq!(Line::parse(line.as_bytes()), None, "{line}");
        }
        for cut in 0..DESIGN.len() {
            assert_eq!(Line::parse(&DESIGN.as_bytes()[..cut]), None);
        }
        assert_eq!(
            Line::parse(
                b"{\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"WARN\",\"msg\":\"\xff\"}"
            ),
            None
        );
    }
}
