//! In what form records and notices are sent: lines of JSON, server-sent events, or text.

use super::position::Position;
use super::scan::ScanCounts;
use netlog_wire::{Line, Text};
use std::fmt::Write;

/// The form that a request accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseFormat {
    /// One JSON object a line.
    Lines,
    /// `text/event-stream`, for browsers.
    Events,
    /// Lines for people.
    Text,
}

/// A message to the client beside the records.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Notice {
    /// The stored records have been sent; from here on records come as they are written. With the
    /// position where that begins, unless there has never been a record.
    Live(Option<Position>),
    /// Records that nothing holds any more; how many, if that is known.
    Missed(Option<u64>),
    /// All was searched; or only what these words say.
    End { matched: u64, counts: ScanCounts, only: Option<&'static str> },
    /// The client took nothing for too long. With the position behind what it was sent.
    Disconnected(Option<Position>),
}

impl ResponseFormat {
    /// The form that an `Accept` header asks for.
    pub(crate) fn accepted(accept: &str) -> Self {
        let first = accept.split([',', ';']).next().unwrap_or_default().trim();
        match first {
            "text/event-stream" => Self::Events,
            "text/plain" => Self::Text,
            _ => Self::Lines,
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::Events => "text/event-stream",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// Appends a record, given as its line without the end. The position becomes its last member.
    pub(crate) fn push(self, out: &mut Vec<u8>, line: &[u8], position: Position) {
        if self == Self::Text {
            match Line::parse(line) {
                Some(parsed) => return Text::PLAIN.push(out, &parsed),
                None => return out.extend_from_slice(&[line, b"\n"].concat()),
            }
        }
        if self == Self::Events {
            out.extend_from_slice(b"id: ");
            position.push(out);
            out.extend_from_slice(b"\ndata: ");
        }
        out.extend_from_slice(line.strip_suffix(b"}").unwrap_or(line));
        out.extend_from_slice(b",\"at\":\"");
        position.push(out);
        out.extend_from_slice(if self == Self::Events { b"\"}\n\n" } else { b"\"}\n" });
    }

    /// Appends a notice. To people it is shown only if they would take silence for completeness.
    pub(crate) fn push_notice(self, out: &mut Vec<u8>, notice: Notice) {
        let json = notice.json();
        let shown = match (self, notice) {
            (Self::Lines, _) => format!("{json}\n"),
            (Self::Events, Notice::Live(Some(at))) => {
                format!("id: {at}\nevent: notice\ndata: {json}\n\n")
            }
            (Self::Events, _) => format!("event: notice\ndata: {json}\n\n"),
            (Self::Text, Notice::Missed(Some(count))) => format!("-- {count} records missed --\n"),
            (Self::Text, Notice::Missed(None)) => "-- records missed --\n".into(),
            (Self::Text, Notice::End { only: Some(only), .. }) => {
                format!("-- searched only {only} --\n")
            }
            (Self::Text, Notice::Disconnected(_)) => {
                "-- disconnected: nothing was read for 30 s --\n".into()
            }
            (Self::Text, _) => String::new(),
        };
        out.extend_from_slice(shown.as_bytes());
    }

    /// Sent when there is nothing to send, so that a broken connection is noticed.
    pub(crate) fn keep_alive(self) -> &'static [u8] {
        match self {
            Self::Lines => b"\n",
            Self::Events => b":\n\n",
            Self::Text => b"",
        }
    }
}

impl Notice {
    fn json(self) -> String {
        let mut json = String::from("{\"notice\":");
        let written = match self {
            Self::Live(None) => write!(json, "\"live\"}}"),
            Self::Live(Some(at)) => write!(json, "\"live\",\"at\":\"{at}\"}}"),
            Self::Missed(Some(count)) => write!(json, "\"missed\",\"count\":{count}}}"),
            Self::Missed(None) => write!(json, "\"missed\",\"count\":null}}"),
            Self::Disconnected(at) => {
                let at = at.map(|at| format!(",\"at\":\"{at}\"")).unwrap_or_default();
                write!(json, "\"disconnected\",\"reason\":\"nothing was read for 30 s\"{at}}}")
            }
            Self::End { matched, counts, only } => {
                let ScanCounts { scanned, skipped, .. } = counts;
                let only = only.map(|only| format!(",\"only\":\"{only}\"")).unwrap_or_default();
                let counts = format!("\"scanned\":{scanned},\"skipped\":{skipped}");
                write!(json, "\"end\",\"matched\":{matched},{counts}{only}}}")
            }
        };
        debug_assert!(written.is_ok(), "a String takes all");
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] =
        br#"{"app":"a","time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"m"}"#;

    fn pushed(form: ResponseFormat) -> String {
        let mut out = Vec::new();
        form.push(&mut out, LINE, Position { fingerprint: 255, offset: 7 });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_is_sent_as_it_stands_with_its_place_behind_it() {
        let line = r#"{"app":"a","time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"m","at":"00000000000000ff-7"}"#;
        assert_eq!(pushed(ResponseFormat::Lines), format!("{line}\n"));
        assert_eq!(
            pushed(ResponseFormat::Events),
            format!("id: 00000000000000ff-7\ndata: {line}\n\n")
        );
        assert_eq!(pushed(ResponseFormat::Text), "2026-11-22 18:42:23.123456 INFO  [a] m\n");
    }

    #[test]
    fn the_form_is_the_first_that_is_accepted() {
        for (accept, form) in [
            ("", ResponseFormat::Lines),
            ("*/*", ResponseFormat::Lines),
            ("application/x-ndjson", ResponseFormat::Lines),
            ("text/event-stream", ResponseFormat::Events),
            ("text/plain;q=1, */*", ResponseFormat::Text),
        ] {
            assert_eq!(ResponseFormat::accepted(accept), form, "{accept}");
        }
    }
}
