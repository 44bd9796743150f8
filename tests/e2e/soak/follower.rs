//! A tail of everything that counts: each number of each thread comes once, in order.

use crate::harness::{Reader, message};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Thread of a life of an app.
pub(super) type Thread = (String, u64, u64);

/// The numbers that have come so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) last: BTreeMap<Thread, u64>,
    pub(super) records: u64,
    pub(super) problems: Vec<String>,
}

/// A tail that runs as long as its collector.
pub(super) struct Follower(Arc<Mutex<Seen>>);

impl Follower {
    pub(super) fn start(server: &str) -> Self {
        let mut reader = Reader::open(server, "/tail?n=all");
        let seen = Arc::<Mutex<Seen>>::default();
        let ours = seen.clone();
        std::thread::spawn(move || {
            while let Some(value) = reader.next_until(None) {
                ours.lock().expect("nobody panics with it").take(&value);
            }
        });
        Self(seen)
    }

    pub(super) fn seen(&self) -> Seen {
        self.0.lock().expect("nobody panics with it").clone()
    }

    /// Highest number of a thread so far.
    pub(super) fn last(&self, thread: &Thread) -> u64 {
        let seen = self.0.lock().expect("nobody panics with it");
        seen.last.get(thread).copied().unwrap_or_default()
    }
}

impl Seen {
    fn take(&mut self, value: &Value) {
        self.records += 1;
        if let Some(notice) = value.get("notice") {
            // Programs that are killed leave records behind, which come after those of the next run.
            let expected = ["disconnected", "live", "recovered"];
            if !expected.iter().any(|expected| notice == expected) {
                self.problems.push(format!("a notice: {value}"));
            }
            return;
        }
        if value["target"] == "netlog" {
            if value.get("lost").is_some() {
                self.problems.push(format!("lost: {value}"));
            }
            return;
        }
        let words: Vec<_> = message(value).split(' ').collect();
        if words.first() != Some(&"thread") {
            return;
        }
        let number = |at: usize| words[at].parse::<u64>().expect("a number");
        let app = value["app"].as_str().unwrap_or_default().to_owned();
        let last = self.last.entry((app, number(5), number(1))).or_default();
        if number(3) != *last + 1 {
            let problem = format!("{} came after {last}", message(value));
            self.problems.push(problem.chars().take(100).collect());
        }
        *last = number(3);
    }
}
