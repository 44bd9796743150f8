//! The text form of a record, for people: one line, `Ldate | Lshortfile` with a prefix.

use crate::escape::push_plain;
use crate::level::Level;
use crate::line::Line;
use crate::time::utc;

/// How the text form is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// What becomes of line breaks inside a message.
    pub newlines: Newlines,
    /// Whether levels and sources have colours.
    pub paint: Paint,
}

/// What becomes of line breaks inside a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newlines {
    /// Written as `\n`, so that one record is one physical line: for files and pipes.
    Escaped,
    /// Continued on the next line behind a gutter that no record begins with: for a terminal.
    Indented,
}

/// Whether the text form has colours (ANSI escape sequences, ECMA-48).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Text only.
    Plain,
    /// The level in its colour, the source dimmed.
    Colour,
}

impl Text {
    /// One physical line, no colours.
    pub const PLAIN: Self = Self { newlines: Newlines::Escaped, paint: Paint::Plain };

    /// Appends `line` and a line end:
    /// `2026-11-22 18:42:23.123456 INFO  [orders] src/fill.rs:142 order 7 filled client=acme us=31`.
    pub fn push(self, out: &mut Vec<u8>, line: &Line<'_>) {
        let time = utc(line.time);
        out.extend_from_slice(&time[..10]);
        out.push(b' ');
        out.extend_from_slice(&time[11..26]);
        out.push(b' ');
        self.painted(out, level_colour(line.level), |out| {
            out.extend_from_slice(format!("{:<5}", line.level).as_bytes());
        });
        if let Some(name) = line.app.or(line.host) {
            out.extend_from_slice(b" [");
            push_plain(out, &name.text());
            out.push(b']');
        }
        if let Some(file) = line.file.or(line.target) {
            out.push(b' ');
            self.painted(out, "2", |out| {
                push_plain(out, &file.text());
                if let (Some(_), Some(number)) = (line.file, line.line) {
                    out.extend_from_slice(format!(":{number}").as_bytes());
                }
            });
        }
        out.push(b' ');
        self.push_message(out, &line.msg.text());
        push_values(out, line);
        out.push(b'\n');
    }

    fn push_message(self, out: &mut Vec<u8>, msg: &str) {
        if self.newlines == Newlines::Escaped {
            return push_plain(out, msg);
        }
        for (at, part) in msg.trim_end_matches('\n').split('\n').enumerate() {
            if at > 0 {
                out.extend_from_slice(b"\n    | ");
            }
            push_plain(out, part);
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

/// The values behind the message: `key=value`, quoted where a space would make them unreadable.
fn push_values(out: &mut Vec<u8>, line: &Line<'_>) {
    if let Some(kv) = line.kv {
        for (key, value) in crate::record::shown(kv) {
            out.push(b' ');
            push_plain(out, &key);
            out.push(b'=');
            push_value(out, &value);
        }
    }
    if let Some(span) = line.span {
        out.extend_from_slice(b" span=");
        push_value(out, &span.text());
    }
    let counts = [("truncated", line.truncated), ("lost", line.lost)];
    for (key, count) in counts.into_iter().filter_map(|(key, n)| Some((key, n?))) {
        out.extend_from_slice(format!(" {key}={count}").as_bytes());
    }
}

fn push_value(out: &mut Vec<u8>, value: &str) {
    let bare = !value.is_empty() && !value.contains([' ', '"', '=']);
    if bare {
        return push_plain(out, value);
    }
    out.push(b'"');
    push_plain(out, &value.replace('"', "\\\""));
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
        let shown = text(Text { newlines: Newlines::Indented, paint: Paint::Colour }, line);
        let expected = "2026-11-22 18:42:23.123456 \x1b[1;31mERROR\x1b[0m one\n    | 2026-11-22 18:42:23.123456 INFO  forged\\x1b[31m\\u{202e}\n";
        assert_eq!(shown, expected);
    }
}
