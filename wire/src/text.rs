//! The text form of a record, for people: one line, `Ldate | Lshortfile` with a prefix.

use crate::escape::push_sanitized;
use crate::json::{JsonValue, elements};
use crate::level::Level;
use crate::line::Line;
use crate::time::format_utc;
use std::borrow::Cow;

/// Style of the text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// Treatment of line breaks inside a message.
    pub newlines: Newlines,
    /// Colours of levels and sources.
    pub paint: Paint,
    /// The time zone that times are shown in, in seconds east of UTC.
    pub east: i32,
    /// Width of the name in brackets, padded with spaces so that what follows lines up.
    pub name_width: usize,
    /// Columns in front of the message.
    pub columns: Columns,
}

/// Columns of the text form in front of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// Date and time to the microsecond, level, name, source.
    All,
    /// The time of day to the millisecond, level, name, source: for a narrow terminal.
    Fewer,
    /// The time of day to the millisecond, level, name: for a very narrow one.
    Fewest,
}

/// Treatment of line breaks inside a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newlines {
    /// Written as `\n`, so that one record is one physical line: for files and pipes.
    Escaped,
    /// Continued on the next line behind a gutter that no record begins with: for a terminal.
    Indented,
}

/// Colours of the text form (ANSI escape sequences, ECMA-48).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Text only.
    Plain,
    /// The level in its colour, the source dimmed.
    Colour,
}

/// Prefix of each line of a record but its first: no record begins so.
const GUTTER: &[u8] = b"\n    | ";

impl Text {
    /// One physical line, no colours.
    pub const PLAIN: Self = Self {
        newlines: Newlines::Escaped,
        paint: Paint::Plain,
        east: 0,
        name_width: 0,
        columns: Columns::All,
    };

    /// Appends `line` and a line end:
    /// `2026-11-22 18:42:23.123456 INFO  [orders] src/fill.rs:142 order 7 filled client=acme us=31`.
    pub fn push(self, out: &mut Vec<u8>, line: &Line<'_>) {
        self.push_with(out, line, |out, text| out.extend_from_slice(text.as_bytes()));
    }

    /// The same, with `matter` writing the part behind the source, message and values, piece by
    /// piece as it is shown: so that it can make parts of it stand out.
    pub fn push_with(
        self,
        out: &mut Vec<u8>,
        line: &Line<'_>,
        matter: impl FnMut(&mut Vec<u8>, &str),
    ) {
        self.push_time(out, line);
        self.painted(out, level_colour(line.level), |out| {
            out.extend_from_slice(format!("{:<5}", line.level).as_bytes());
        });
        self.push_name(out, line);
        if let Some(file) = line.file.or(line.target).filter(|_| self.columns != Columns::Fewest) {
            out.push(b' ');
            self.painted(out, "2", |out| {
                push_sanitized(out, &file.text());
                if let (Some(_), Some(number)) = (line.file, line.line) {
                    out.extend_from_slice(format!(":{number}").as_bytes());
                }
            });
        }
        out.push(b' ');
        self.push_matter(out, line, matter);
        out.push(b'\n');
    }

    fn push_time(self, out: &mut Vec<u8>, line: &Line<'_>) {
        let time = format_utc(line.time.saturating_add(i64::from(self.east) * 1_000_000));
        let date = &time[..10];
        let of_day = &time[11..26];
        match self.columns {
            Columns::All => out.extend_from_slice(&[date, b" ", of_day].concat()),
            Columns::Fewer | Columns::Fewest => out.extend_from_slice(&of_day[..12]),
        }
        out.push(b' ');
    }

    fn push_name(self, out: &mut Vec<u8>, line: &Line<'_>) {
        let mut shown = Vec::new();
        if let Some(name) = line.app.or(line.host) {
            shown.push(b'[');
            push_sanitized(&mut shown, &name.text());
            shown.push(b']');
        }
        let width = String::from_utf8_lossy(&shown).chars().count();
        if width > 0 {
            out.push(b' ');
            self.painted(out, &self.name_colour(line), |out| out.extend_from_slice(&shown));
        }
        if self.name_width > 0 {
            let gap = usize::from(width == 0) + (self.name_width + 2).saturating_sub(width);
            out.extend(std::iter::repeat_n(b' ', gap));
        }
    }

    /// A colour for each app on each host, by a hash (FNV-1a), so that it stays the same.
    fn name_colour(self, line: &Line<'_>) -> String {
        const HUES: [u8; 10] = [36, 35, 34, 32, 33, 96, 95, 94, 92, 93];
        let names = [line.app, line.host].into_iter().flatten();
        let bytes = names.flat_map(|name| name.escaped());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        HUES[(hash % HUES.len() as u64) as usize].to_string()
    }

    fn push_matter(
        self,
        out: &mut Vec<u8>,
        line: &Line<'_>,
        mut matter: impl FnMut(&mut Vec<u8>, &str),
    ) {
        let msg = line.msg.text();
        let mut parts = Vec::new();
        match self.newlines {
            Newlines::Escaped => parts.push(&*msg),
            Newlines::Indented => parts.extend(msg.trim_end_matches('\n').split('\n')),
        }
        let mut values = Vec::new();
        push_values(&mut values, line);
        let several = parts.len() > 1;
        if let Some(spans) = line.spans {
            let mut shown = Vec::new();
            push_spans(&mut shown, spans);
            matter(out, &String::from_utf8_lossy(&shown));
        }
        for (at, part) in parts.into_iter().enumerate() {
            let mut shown = Vec::new();
            push_sanitized(&mut shown, part);
            if !several {
                shown.append(&mut values);
            }
            if at > 0 {
                out.extend_from_slice(GUTTER);
            }
            matter(out, &String::from_utf8_lossy(&shown));
        }
        // Behind the last line of a backtrace they would be taken for a part of it.
        if !values.is_empty() {
            out.extend_from_slice(GUTTER);
            matter(out, String::from_utf8_lossy(&values).trim_start());
        }
    }

    fn painted(self, out: &mut Vec<u8>, colour: &str, inner: impl FnOnce(&mut Vec<u8>)) {
        if self.paint == Paint::Plain {
            return inner(out);
        }
        out.extend_from_slice(format!("\x1b[{colour}m").as_bytes());
        inner(out);
        out.extend_from_slice(b"\x1b[0m");
    }
}

fn level_colour(level: Level) -> &'static str {
    match level {
        Level::Error => "1;31",
        Level::Warn => "33",
        Level::Info => "32",
        Level::Debug => "36",
        Level::Trace => "2",
    }
}

impl<'a> Line<'a> {
    /// Searchable text of a record: the message and behind it the values and the spans, as they
    /// are shown.
    pub fn searchable_text(&self) -> Cow<'a, str> {
        let msg = self.msg.text();
        let counts = self.truncated.or(self.lost);
        let spans = self.trace.is_some() || self.span.is_some() || self.spans.is_some();
        if self.kv.is_none() && !spans && counts.is_none() {
            return msg;
        }
        let mut matter = msg.into_owned().into_bytes();
        push_values(&mut matter, self);
        if let Some(spans) = self.spans {
            matter.push(b' ');
            push_spans(&mut matter, spans);
            matter.truncate(matter.trim_ascii_end().len());
        }
        String::from_utf8_lossy(&matter).into_owned().into()
    }
}

/// The values behind the message: `key=value`, quoted where a space would make them unreadable.
fn push_values(out: &mut Vec<u8>, line: &Line<'_>) {
    for (key, value) in line.values() {
        out.push(b' ');
        push_sanitized(out, &key);
        out.push(b'=');
        push_value(out, &value);
    }
    // Spans that are shown by name need no ids.
    let ids = [("trace", line.trace), ("span", line.span)];
    for (key, id) in ids.into_iter().filter(|_| line.spans.is_none()) {
        let Some(id) = id else { continue };
        out.extend_from_slice(format!(" {key}=").as_bytes());
        push_value(out, &id.text());
    }
    let counts = [("truncated", line.truncated), ("lost", line.lost)];
    for (key, count) in counts.into_iter().filter_map(|(key, n)| Some((key, n?))) {
        out.extend_from_slice(format!(" {key}={count}").as_bytes());
    }
}

/// The spans in front of a message, outermost first: `request{id=7}:query: `.
fn push_spans(out: &mut Vec<u8>, spans: &[u8]) {
    let start = out.len();
    for span in elements(spans).unwrap_or_default() {
        push_span(out, span);
        out.push(b':');
    }
    if out.len() > start {
        out.push(b' ');
    }
}

/// A span's values stand under `kv`, or, as other loggers write them, beside its name.
fn push_span(out: &mut Vec<u8>, span: JsonValue<'_>) {
    let members = span.members().unwrap_or_default();
    let mut fields = Vec::new();
    for (key, value) in members {
        match (&*key, value.members()) {
            ("name", _) => push_sanitized(out, &value.text().unwrap_or_default()),
            ("id", _) => {}
            ("kv", Some(values)) => fields.extend(values),
            _ => fields.push((key, value)),
        }
    }
    if fields.is_empty() {
        return;
    }
    for (at, (key, value)) in fields.into_iter().enumerate() {
        out.push(if at == 0 { b'{' } else { b' ' });
        push_sanitized(out, &key);
        out.push(b'=');
        push_value(out, &value.text().unwrap_or_else(|| value.json().into()));
    }
    out.push(b'}');
}

fn push_value(out: &mut Vec<u8>, value: &str) {
    let bare = !value.is_empty() && !value.contains([' ', '"', '=']);
    if bare {
        return push_sanitized(out, value);
    }
    out.push(b'"');
    push_sanitized(out, &value.replace('"', "\\\""));
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(style: Text, line: &str) -> String {
        let mut out = Vec::new();
        style.push(&mut out, &Line::parse(line.as_bytes()).expect(line));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_reads_as_the_design_shows() {
        let line = r#"{"app":"orders","time":"2026-11-22T18:42:23.123456Z","level":"INFO","target":"orders::fill","file":"src/fill.rs","line":142,"thread":"main","msg":"order 7 filled","kv":{"client":"acme","us":31}}"#;
        let expected = "2026-11-22 18:42:23.123456 INFO  [orders] src/fill.rs:142 order 7 filled client=acme us=31\n";
        assert_eq!(text(Text::PLAIN, line), expected);
    }

    #[test]
    fn a_plain_line_shows_its_host_and_a_value_its_quotes() {
        let line = r#"{"host":"10.0.0.7","time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"m","kv":{"a":"b c","q":"\"","e":"","o":{"x":[1]}},"lost":3}"#;
        let expected = "2026-11-22 18:42:23.123456 WARN  [10.0.0.7] m a=\"b c\" q=\"\\\"\" e=\"\" o=\"{\\\"x\\\":[1]}\" lost=3\n";
        assert_eq!(text(Text::PLAIN, line), expected);
    }

    #[test]
    fn a_record_never_makes_a_second_line_that_looks_like_one() {
        let line = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"ERROR","msg":"one\n2026-11-22 18:42:23.123456 INFO  forged\u001b[31m\u202e"}"#;
        assert_eq!(text(Text::PLAIN, line).matches('\n').count(), 1);
        let shown = Text { newlines: Newlines::Indented, paint: Paint::Colour, ..Text::PLAIN };
        let shown = text(shown, line);
        let expected = "2026-11-22 18:42:23.123456 \x1b[1;31mERROR\x1b[0m one\n    | 2026-11-22 18:42:23.123456 INFO  forged\\x1b[31m\\u{202e}\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn times_are_shown_where_people_are_and_names_line_up() {
        let line = r#"{"app":"db","time":"2026-11-22T23:42:23.123456Z","level":"INFO","msg":"m"}"#;
        let here = Text { east: 3600, name_width: 4, ..Text::PLAIN };
        assert_eq!(text(here, line), "2026-11-23 00:42:23.123456 INFO  [db]   m\n");
        let nameless = r#"{"time":"2026-11-22T23:42:23.123456Z","level":"INFO","msg":"m"}"#;
        assert_eq!(text(here, nameless), "2026-11-23 00:42:23.123456 INFO         m\n");
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_columns() {
        let line = r#"{"app":"db","time":"2026-11-22T23:42:23.123456Z","level":"INFO","file":"a.rs","line":7,"msg":"m"}"#;
        let shown = |columns| text(Text { columns, ..Text::PLAIN }, line);
        assert_eq!(shown(Columns::All), "2026-11-22 23:42:23.123456 INFO  [db] a.rs:7 m\n");
        assert_eq!(shown(Columns::Fewer), "23:42:23.123 INFO  [db] a.rs:7 m\n");
        assert_eq!(shown(Columns::Fewest), "23:42:23.123 INFO  [db] m\n");
    }

    #[test]
    fn what_stands_behind_the_source_can_be_made_to_stand_out_line_by_line() {
        let line = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"one\ntwo","kv":{"n":1}}"#;
        let mut out = Vec::new();
        let style = Text { newlines: Newlines::Indented, ..Text::PLAIN };
        style.push_with(&mut out, &Line::parse(line.as_bytes()).unwrap(), |out, piece| {
            out.extend_from_slice(format!("<{piece}>").as_bytes());
        });
        let expected = "2026-11-22 18:42:23.123456 INFO  <one>\n    | <two>\n    | <n=1>\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn spans_stand_before_the_message() {
        let line = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"slow","kv":{"ms":9},"trace":"4b","span":"2","spans":[{"name":"request","id":"1","kv":{"id":7,"path":"/a b","n\u001b":null}},{"name":"query","id":"2"}]}"#;
        let expected = "2026-11-22 18:42:23.123456 INFO  request{id=7 path=\"/a b\" n\\x1b=null}:query: slow ms=9\n";
        assert_eq!(text(Text::PLAIN, line), expected);
        let matter = Line::parse(line.as_bytes()).unwrap().searchable_text().into_owned();
        assert!(matter.starts_with("slow ms=9 request{id=7 "), "{matter}");
    }

    #[test]
    fn spans_of_other_loggers_are_shown_as_far_as_they_are_understood() {
        let shown = |spans: &str| {
            let line = format!(
                r#"{{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"m","span":"x","spans":{spans}}}"#
            );
            text(Text::PLAIN, &line).split_off(33)
        };
        assert_eq!(shown(r#"[{"user":"ann","name":"login"}]"#), "login{user=ann}: m\n");
        assert_eq!(shown(r#"[7,{"name":7,"kv":[1]}]"#), ":{kv=[1]}: m\n");
        assert_eq!(shown("[]"), "m\n");
    }

    #[test]
    fn ids_without_spans_are_shown_as_values() {
        let line = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"m","trace":"4b","span":"2"}"#;
        assert!(text(Text::PLAIN, line).ends_with(" m trace=4b span=2\n"));
    }

    #[test]
    fn the_matter_of_a_record_is_its_message_and_its_values() {
        let matter =
            |line: &str| Line::parse(line.as_bytes()).unwrap().searchable_text().into_owned();
        let line = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"a\nb","kv":{"n":1,"s":"x y"}}"#;
        assert_eq!(matter(line), "a\nb n=1 s=\"x y\"");
    }
}
