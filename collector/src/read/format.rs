//! In what form records and notices are sent: lines of JSON, server-sent events, or text.

use super::position::Position;
use super::scan::ScanCounts;
use crate::hub::recovered_run::RecoveredRun;
use netlog_wire::{Identity, Line, Text, push_sanitized};
use serde_json::json;
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
pub(crate) enum Notice<'a> {
    /// The stored records have been sent; from here on records come as they are written. With the
    /// position where that begins, unless there has never been a record.
    Live(Option<Position>),
    /// Records that nothing holds any more; how many, if that is known.
    Missed(Option<u64>),
    /// Records of a dead program follow, which were logged earlier than those before them.
    Recovered(&'a RecoveredRun),
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
    pub(crate) fn push_notice(self, out: &mut Vec<u8>, notice: Notice<'_>) {
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
            (Self::Text, Notice::Recovered(run)) => recovered_text(run),
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

impl Notice<'_> {
    fn json(self) -> String {
        let mut json = String::from("{\"notice\":");
        let written = match self {
            Self::Live(None) => write!(json, "\"live\"}}"),
            Self::Live(Some(at)) => write!(json, "\"live\",\"at\":\"{at}\"}}"),
            Self::Missed(Some(count)) => write!(json, "\"missed\",\"count\":{count}}}"),
            Self::Missed(None) => write!(json, "\"missed\",\"count\":null}}"),
            Self::Recovered(RecoveredRun { identity, records, .. }) => {
                let Identity { app, host, pid, .. } = identity;
                let app = json!(app);
                let host = json!(host);
                let pid = json!(pid);
                let count = json!(records);
                write!(
                    json,
                    "\"recovered\",\"app\":{app},\"host\":{host},\"pid\":{pid},\"count\":{count}}}"
                )
            }
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

fn recovered_text(run: &RecoveredRun) -> String {
    let Identity { app, host, pid, .. } = &run.identity;
    let name = |name: &Option<String>| {
        let mut safe = Vec::new();
        push_sanitized(&mut safe, name.as_deref().unwrap_or_default());
        String::from_utf8_lossy(&safe).into_owned()
    };
    let records = run.records.map_or_else(|| "records".into(), |count| format!("{count} records"));
    let pid = pid.unwrap_or_default();
    format!("-- {records} of an earlier run follow: {} pid {pid} on {} --\n", name(app), name(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::senders::identity::{Sender, SenderId};

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
    fn a_recovered_run_is_announced_with_names_that_drive_no_terminal() {
        let app = Some("a\u{1b}[2J".to_owned());
        let identity = Identity { app, host: Some("h".into()), pid: Some(7), peer: None };
        let mut sender = Sender::new(SenderId(1), identity, true);
        sender.last_left = Some(9);
        let run = RecoveredRun::new(&sender, 3).unwrap();
        let shown = |form: ResponseFormat| {
            let mut out = Vec::new();
            form.push_notice(&mut out, Notice::Recovered(&run));
            String::from_utf8(out).unwrap()
        };
        let json = r#"{"notice":"recovered","app":"a\u001b[2J","host":"h","pid":7,"count":7}"#;
        assert_eq!(shown(ResponseFormat::Lines), format!("{json}\n"));
        assert_eq!(shown(ResponseFormat::Events), format!("event: notice\ndata: {json}\n\n"));
        let text = shown(ResponseFormat::Text);
        assert!(text.starts_with("-- 7 records of an earlier run follow: a"), "{text}");
        assert!(!text.contains('\u{1b}') && text.ends_with("pid 7 on h --\n"), "{text}");
        assert!(RecoveredRun::new(&sender, 4).is_none(), "once a connection");
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
