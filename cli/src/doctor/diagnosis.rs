//! The findings in the status of one collector.

use super::finding::{Finding, Subject, Verdict};
use super::words::{bytes, counted, date, period};
use netlog_wire::parse_time;
use serde_json::Value;

/// Time that a first connection may take, in microseconds.
const CONNECTING: i64 = 10_000_000;

const MAKE_ROOM: &str = "make room, or see why the file cannot be written; senders keep their records in their spools until then";
const REACH_IT: &str = "start it, or let this collector through to it; until then its files keep what waits, as long as --keep-size, --keep-age and --keep-files allow";
const REACH_STREAM: &str = "start the server, or let this reader through to it; until then the stream keeps what its max_age and max_bytes allow";
const SLOW_TARGET: &str =
    "run netlog doctor for that collector too, or look at the server of that stream";
const SLOW_READER: &str = "see if its disk or its processors are busy; it needs as much of both as all collectors together";
const REACH_STORE: &str = "see that the store runs and takes this collector's key; until then files are kept, as long as --keep-size allows";
const SLOW_STORE: &str = "see if the store or the network to it is slow";
const KEEP_MORE: &str = "their collector kept less than the outage lasted: raise --keep-size, --keep-age or --keep-files";
const KEEP_LARGER: &str =
    "--keep-size is less than what was rotated while the store was away or slow: raise it";
const SEARCH_LOST: &str = "`netlog search --target netlog` shows which; the collectors' own files have these records as long as they keep them";

/// Time for which a file may wait for the archive, in microseconds: a large one takes its time.
const ARCHIVING: i64 = 3_600_000_000;

/// A status, and how long records may wait.
pub(super) struct Diagnosis<'a> {
    pub(super) at: &'a str,
    pub(super) status: &'a Value,
    /// The sequence that a reader had a moment before, if it had messages to read.
    pub(super) before: Option<u64>,
    /// In microseconds.
    pub(super) max_wait: i64,
}

/// True for the status of a reader with messages to read: only another status shows if it does.
pub(super) fn is_reading(status: &Value) -> bool {
    status["from"]["waiting_messages"].as_u64().is_some_and(|waiting| waiting > 0)
}

/// The last message that a reader has read.
pub(super) fn sequence(status: &Value) -> Option<u64> {
    status["from"]["sequence"].as_u64()
}

impl Diagnosis<'_> {
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![self.health()];
        findings.extend(self.forwarding());
        findings.extend(self.archiving());
        findings.extend(self.reading());
        findings.extend(self.notes());
        findings
    }

    fn health(&self) -> Finding {
        let text = |key: &str| self.status[key].as_str().unwrap_or("unknown");
        let who = format!("host {}, version {}", text("host"), text("version"));
        match self.status["error"].as_str() {
            None => self.find(Verdict::Ok, Subject::Collector, format!("writes records ({who})")),
            Some(error) => {
                let message = format!("cannot write: {error} ({who})");
                self.find(Verdict::Problem, Subject::Collector, message).advise(MAKE_ROOM)
            }
        }
    }

    fn forwarding(&self) -> Option<Finding> {
        let forward = &self.status["forward"];
        let to = forward["to"].as_str()?;
        let find = |verdict, message| self.find(verdict, Subject::Forwarding, message);
        let waiting_since = forward["waiting_since"].as_str();
        let waiting = self.waiting(forward);
        if forward["connected"] == false {
            let message = self.disconnected(forward, "forward to", to)?;
            let message = format!("{message}; {waiting}");
            let since = waiting_since.or_else(|| forward["since"].as_str());
            return Some(find(Verdict::Problem, message).since(since).advise(REACH_IT));
        }
        if waiting_since.is_some_and(|since| self.age(since) > self.max_wait) {
            let message = format!("{waiting} for {to}, which is connected and slow");
            let found = find(Verdict::Problem, message).since(waiting_since);
            return Some(found.advise(SLOW_TARGET));
        }
        Some(find(Verdict::Ok, format!("forwards to {to}: {waiting}")).since(waiting_since))
    }

    fn archiving(&self) -> Option<Finding> {
        let archive = &self.status["archive"];
        let to = archive["to"].as_str()?;
        let find = |verdict, message| self.find(verdict, Subject::Archive, message);
        let waiting_since = archive["waiting_since"].as_str();
        let waiting = self.waiting(archive);
        if archive["error"].is_string() {
            let message = self.disconnected(archive, "archive to", to)?;
            let since = waiting_since.or_else(|| archive["since"].as_str());
            let found = find(Verdict::Problem, format!("{message}; {waiting}")).since(since);
            return Some(found.advise(REACH_STORE));
        }
        let slow =
            waiting_since.is_some_and(|since| self.age(since) > ARCHIVING.max(self.max_wait));
        let found =
            |verdict| find(verdict, format!("archives to {to}: {waiting}")).since(waiting_since);
        Some(match slow {
            true => found(Verdict::Problem).advise(SLOW_STORE),
            false => found(Verdict::Ok),
        })
    }

    /// The amount that waits for a connection or the archive.
    fn waiting(&self, link: &Value) -> String {
        match (link["waiting_bytes"].as_u64(), link["waiting_since"].as_str()) {
            (None, _) => "an unknown amount waits".to_owned(),
            (Some(0), _) | (_, None) => "nothing waits".to_owned(),
            (Some(count), Some(since)) => {
                let files = link["waiting_files"].as_u64().unwrap_or(1);
                let files = counted(files, "file", "files");
                format!("{} in {files} wait since {}", bytes(count), self.moment(since))
            }
        }
    }

    fn reading(&self) -> Option<Finding> {
        let from = &self.status["from"];
        let stream = from["stream"].as_str()?;
        let find = |verdict, message| self.find(verdict, Subject::Reader, message);
        if from["connected"] == false {
            let message = self.disconnected(from, "read", stream)?;
            let found = find(Verdict::Problem, message).since(from["since"].as_str());
            return Some(found.advise(REACH_STREAM));
        }
        let waiting = from["waiting_messages"].as_u64().unwrap_or(0);
        let read_up_to = from["read_up_to"].as_str();
        if waiting == 0 {
            return Some(find(Verdict::Ok, format!("has read all of {stream}")));
        }
        let moves = self.before != sequence(self.status);
        let since = read_up_to.or_else(|| from["since"].as_str());
        let messages = counted(waiting, "message", "messages");
        let place = since.map_or_else(String::new, |at| format!(" behind {}", self.moment(at)));
        let pace = if moves { "it is catching up" } else { "it does not go on" };
        let message = format!("{messages} of {stream}{place} are still to be read: {pace}");
        let late = since.is_some_and(|since| self.age(since) > self.max_wait);
        Some(match late {
            true => find(Verdict::Problem, message).since(since).advise(SLOW_READER),
            false => find(Verdict::Ok, message).since(since),
        })
    }

    /// The message about a connection that is not there; `None` if it is only just being made.
    fn disconnected(&self, link: &Value, deed: &str, target: &str) -> Option<String> {
        let since = link["since"].as_str().unwrap_or_default();
        let error = link["error"].as_str();
        if error.is_none() && self.age(since) < CONNECTING {
            return None;
        }
        let error = error.unwrap_or("no answer");
        Some(format!("cannot {deed} {target} since {}: {error}", self.moment(since)))
    }

    /// Losses since the start of the collector.
    fn notes(&self) -> Vec<Finding> {
        let started = self.status["started"].as_str().unwrap_or_default();
        let count = |key: &str| self.status[key].as_u64().filter(|count| *count > 0);
        let note = |about, what: String| {
            let message = format!("{what} since the start at {}", date(started));
            self.find(Verdict::Note, about, message).since(Some(started))
        };
        let lost = count("records_not_forwarded").map(|lost| {
            let records = counted(lost, "record was removed", "records were removed");
            note(Subject::Forwarding, format!("{records} before being forwarded")).advise(KEEP_MORE)
        });
        let gaps = count("stream_gaps").map(|gaps| {
            let gaps = counted(gaps, "gap", "gaps");
            note(Subject::Reader, format!("{gaps} in the stream")).advise(SEARCH_LOST)
        });
        let damaged = count("stream_batches_damaged").map(|damaged| {
            let damaged = counted(damaged, "damaged message", "damaged messages");
            note(Subject::Reader, format!("{damaged} in the stream")).advise(SEARCH_LOST)
        });
        let removed = count("segments_not_archived").map(|removed| {
            let files = counted(removed, "file was removed", "files were removed");
            note(Subject::Archive, format!("{files} before being archived")).advise(KEEP_LARGER)
        });
        [lost, removed, gaps, damaged].into_iter().flatten().collect()
    }

    fn find(&self, verdict: Verdict, about: Subject, message: String) -> Finding {
        Finding::new(verdict, self.at, about, message)
    }

    /// Time between `since` and the status, by the collector's clock.
    fn age(&self, since: &str) -> i64 {
        let time = |text: &str| parse_time(text.as_bytes());
        let now = self.status["time"].as_str().and_then(time);
        now.zip(time(since)).map_or(0, |(now, since)| now - since)
    }

    fn moment(&self, since: &str) -> String {
        format!("{} ({} ago)", date(since), period(self.age(since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: &str = "2026-11-22T18:42:00.000000Z";
    const JUST_NOW: &str = "2026-11-22T18:41:58.000000Z";
    const EARLIER: &str = "2026-11-22T18:12:00.000000Z";

    fn status() -> Value {
        json!({
            "host": "web1", "version": "0.1.0", "time": NOW, "started": EARLIER,
            "healthy": true, "error": null, "forward": null, "archive": null, "from": null,
            "records_not_forwarded": 0, "stream_gaps": 0, "stream_batches_damaged": 0,
        })
    }

    fn findings(status: &Value, before: Option<u64>) -> Vec<(Verdict, String)> {
        let diagnosis = Diagnosis { at: "http://a:1903", status, before, max_wait: 60_000_000 };
        let found = diagnosis.findings().into_iter();
        found.map(|finding| (finding.verdict, finding.message)).collect()
    }

    /// The second finding, behind the one about the collector itself.
    fn second(status: &Value, before: Option<u64>) -> (Verdict, String) {
        findings(status, before).swap_remove(1)
    }

    #[test]
    fn a_collector_that_cannot_write_is_a_problem() {
        let mut status = status();
        let ok = "writes records (host web1, version 0.1.0)";
        assert_eq!(findings(&status, None), [(Verdict::Ok, ok.to_owned())]);
        status["error"] = "no space left on device".into();
        let full = "cannot write: no space left on device (host web1, version 0.1.0)";
        assert_eq!(findings(&status, None), [(Verdict::Problem, full.to_owned())]);
    }

    #[test]
    fn records_that_wait_to_be_forwarded_are_a_problem_when_it_takes_too_long() {
        let mut status = status();
        let to = "tcp://central:1902";
        let forward = |connected: bool, since: &str, error: Option<&str>, waits: Option<&str>| {
            json!({
                "to": to, "connected": connected, "since": since, "error": error,
                "waiting_bytes": if waits.is_some() { 3 << 20 } else { 0 },
                "waiting_files": u64::from(waits.is_some()), "waiting_since": waits,
            })
        };
        let wait = "3.0 MiB in 1 file wait since 2026-11-22T18:12:00Z (30 min ago)";
        for (state, verdict, message) in [
            (
                forward(true, EARLIER, None, None),
                Verdict::Ok,
                format!("forwards to {to}: nothing waits"),
            ),
            (
                forward(true, EARLIER, None, Some(JUST_NOW)),
                Verdict::Ok,
                format!(
                    "forwards to {to}: 3.0 MiB in 1 file wait since 2026-11-22T18:41:58Z (2 s ago)"
                ),
            ),
            (
                forward(true, EARLIER, None, Some(EARLIER)),
                Verdict::Problem,
                format!("{wait} for {to}, which is connected and slow"),
            ),
            (
                forward(false, EARLIER, Some("connection refused"), Some(EARLIER)),
                Verdict::Problem,
                format!(
                    "cannot forward to {to} since 2026-11-22T18:12:00Z (30 min ago): \
                     connection refused; {wait}"
                ),
            ),
            (
                forward(false, EARLIER, None, None),
                Verdict::Problem,
                format!(
                    "cannot forward to {to} since 2026-11-22T18:12:00Z (30 min ago): no answer; \
                     nothing waits"
                ),
            ),
        ] {
            status["forward"] = state;
            assert_eq!(second(&status, None), (verdict, message));
        }
        status["forward"] = forward(false, JUST_NOW, None, Some(JUST_NOW));
        assert_eq!(findings(&status, None).len(), 1, "it has only just begun");
    }

    #[test]
    fn a_store_that_fails_is_a_problem_at_once_and_a_slow_one_after_an_hour() {
        let mut status = status();
        let archive = |error: Option<&str>, waits: Option<&str>| {
            json!({
                "to": "s3://logs/web1", "since": EARLIER, "error": error,
                "waiting_bytes": if waits.is_some() { 3 << 20 } else { 0 },
                "waiting_files": u64::from(waits.is_some()), "waiting_since": waits,
            })
        };
        let at = |since| match since {
            EARLIER => "3.0 MiB in 1 file wait since 2026-11-22T18:12:00Z (30 min ago)",
            _ => "3.0 MiB in 1 file wait since 2026-11-22T16:12:00Z (2 h ago)",
        };
        let long = "2026-11-22T16:12:00.000000Z";
        let failing = "cannot archive to s3://logs/web1 since 2026-11-22T18:12:00Z (30 min ago): \
                       503 Service Unavailable";
        let refused = Some("503 Service Unavailable");
        for (state, verdict, message) in [
            (archive(None, None), Verdict::Ok, "archives to s3://logs/web1: nothing waits".into()),
            (
                archive(None, Some(EARLIER)),
                Verdict::Ok,
                format!("archives to s3://logs/web1: {}", at(EARLIER)),
            ),
            (
                archive(None, Some(long)),
                Verdict::Problem,
                format!("archives to s3://logs/web1: {}", at(long)),
            ),
            (archive(refused, None), Verdict::Problem, format!("{failing}; nothing waits")),
            (
                archive(refused, Some(EARLIER)),
                Verdict::Problem,
                format!("{failing}; {}", at(EARLIER)),
            ),
        ] {
            status["archive"] = state;
            assert_eq!(second(&status, None), (verdict, message));
        }
    }

    #[test]
    fn a_reader_is_late_by_the_last_message_that_it_has_read() {
        let mut status = status();
        let from = |waiting: u64, read_up_to: &str| {
            json!({
                "stream": "nats://n:4222/NETLOG", "connected": true, "since": EARLIER, "error": null,
                "sequence": 7, "read_up_to": read_up_to, "waiting_messages": waiting,
            })
        };
        status["from"] = from(0, EARLIER);
        assert!(!is_reading(&status));
        let all = "has read all of nats://n:4222/NETLOG";
        assert_eq!(second(&status, None), (Verdict::Ok, all.to_owned()));
        status["from"] = from(5, JUST_NOW);
        assert!(is_reading(&status));
        assert_eq!(second(&status, Some(3)).0, Verdict::Ok);
        status["from"] = from(5, EARLIER);
        for (before, pace) in [(3, "it is catching up"), (7, "it does not go on")] {
            let (verdict, message) = second(&status, Some(before));
            assert_eq!(verdict, Verdict::Problem);
            let expected = format!(
                "5 messages of nats://n:4222/NETLOG behind 2026-11-22T18:12:00Z (30 min ago) are \
                 still to be read: {pace}"
            );
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn losses_are_notes_with_the_time_since_when_they_are_counted() {
        let mut status = status();
        status["records_not_forwarded"] = 1.into();
        status["segments_not_archived"] = 3.into();
        status["stream_gaps"] = 2.into();
        let start = "since the start at 2026-11-22T18:12:00Z";
        let expected = [
            format!("1 record was removed before being forwarded {start}"),
            format!("3 files were removed before being archived {start}"),
            format!("2 gaps in the stream {start}"),
        ];
        let found = findings(&status, None).split_off(1);
        assert_eq!(found, expected.map(|message| (Verdict::Note, message)));
    }
}
