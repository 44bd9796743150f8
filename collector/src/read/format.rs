//! In what form records and notices are sent: lines of JSON, server-sent events, or text.

use super::position::Position;
use crate::hub::recovered_run::RecoveredRun;
use netlog_wire::{Line, Text, push_sanitized};
use serde::Serialize;
use std::num::NonZeroU64;

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
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "notice", rename_all = "lowercase")]
pub(crate) enum Notice<'a> {
    /// The stored records have been sent; from here on records come as they are written. With the
    /// position where that begins, unless there has never been a record.
    Live {
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Position>,
    },
    /// Records that nothing holds any more; how many, if that is known.
    Missed { count: Option<u64> },
    /// Records of a dead program follow, which were logged earlier than those before them.
    Recovered { app: Option<&'a str>, host: Option<&'a str>, pid: Option<u64>, count: Option<u64> },
    /// All was searched; or only what these words say.
    End {
        matched: u64,
        /// Bytes that were read, and that the ledgers said need not be.
        scanned: u64,
        skipped: u64,
        /// Pieces of files that could not be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        unreadable: Option<NonZeroU64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        only: Option<&'static str>,
    },
    /// The client took nothing for too long. With the position behind what it was sent.
    Disconnected {
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Position>,
    },
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
        let json = serde_json::to_string(&notice).unwrap_or_default();
        let shown = match (self, notice) {
            (Self::Lines, _) => format!("{json}\n"),
            (Self::Events, Notice::Live { at: Some(at) }) => {
                format!("id: {at}\nevent: notice\ndata: {json}\n\n")
            }
            (Self::Events, _) => format!("event: notice\ndata: {json}\n\n"),
            (Self::Text, Notice::Missed { count: Some(count) }) => {
                format!("-- {count} records missed --\n")
            }
            (Self::Text, Notice::Missed { count: None }) => "-- records missed --\n".into(),
            (Self::Text, Notice::End { only: Some(only), .. }) => {
                format!("-- searched only {only} --\n")
            }
            (Self::Text, Notice::End { unreadable: Some(pieces), .. }) => {
                format!("-- records may be missing: unreadable pieces of files: {pieces} --\n")
            }
            (Self::Text, Notice::Disconnected { reason, .. }) => {
                format!("-- disconnected: {reason} --\n")
            }
            (Self::Text, Notice::Recovered { app, host, pid, count }) => {
                let records =
                    count.map_or_else(|| "records".into(), |count| format!("{count} records"));
                let app = sanitized(app);
                let host = sanitized(host);
                let pid = pid.unwrap_or_default();
                format!("-- {records} of an earlier run follow: {app} pid {pid} on {host} --\n")
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

impl<'a> Notice<'a> {
    pub(crate) fn disconnected(at: Option<Position>) -> Self {
        Self::Disconnected { reason: "nothing was read for 30 s", at }
    }

    pub(crate) fn recovered(run: &'a RecoveredRun) -> Self {
        let app = run.identity.app.as_deref();
        let host = run.identity.host.as_deref();
        Self::Recovered { app, host, pid: run.identity.pid, count: run.records }
    }
}

fn sanitized(name: Option<&str>) -> String {
    let mut safe = Vec::new();
    push_sanitized(&mut safe, name.unwrap_or_default());
    String::from_utf8_lossy(&safe).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::senders::identity::{Sender, SenderId};
    use netlog_wire::Identity;

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
            form.push_notice(&mut out, Notice::recovered(&run));
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
