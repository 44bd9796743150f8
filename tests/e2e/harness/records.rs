//! Records as a collector's file has them, and the question whether each is there once.

use serde_json::Value;
use std::collections::BTreeMap;

/// The records of a file, in order.
#[derive(Debug, Clone)]
pub(crate) struct Records(pub(crate) Vec<Value>);

impl Records {
    pub(crate) fn read(text: &str) -> Self {
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let parse = |line: &str| {
            // Not `from_str`, which would be compiled here, and so without optimisation.
            let value = line.parse::<Value>();
            value.unwrap_or_else(|e| panic!("no record: {e}: {line:?}"))
        };
        Self(whole.lines().map(parse).collect())
    }

    /// Those the collector itself added are about the others: not what a test counts.
    pub(crate) fn of(&self, app: &str) -> Self {
        Self(
            self.0.iter().filter(|r| r["app"] == app && r["target"] != "netlog").cloned().collect(),
        )
    }
}

pub(crate) fn message(record: &Value) -> &str {
    record["msg"].as_str().expect("every record has a message")
}

pub(crate) fn messages(records: &Records) -> Vec<&str> {
    records.0.iter().map(message).collect()
}

/// For each thread of the subject the numbers it logged, in the order of the file.
pub(crate) fn by_thread(records: &Records) -> BTreeMap<u64, Vec<u64>> {
    let mut threads = BTreeMap::<_, Vec<_>>::new();
    for record in &records.0 {
        let mut words = message(record).split(' ');
        if let (Some("thread"), Some(thread), Some("number"), Some(number)) =
            (words.next(), words.next(), words.next(), words.next())
        {
            let number = number.trim_end_matches('x');
            let thread = thread.parse();
            let number = number.parse();
            threads.entry(thread.expect("a number")).or_default().push(number.expect("a number"));
        }
    }
    threads
}

/// Every number of every thread is there once, and each thread's in their order.
#[track_caller]
pub(crate) fn assert_each_once(records: &Records, threads: u64, each: u64) {
    let found = by_thread(records);
    let whole: Vec<u64> = (1..=each).collect();
    for thread in 1..=threads {
        let numbers = found.get(&thread).map_or(&[][..], Vec::as_slice);
        if numbers == whole {
            continue;
        }
        let count = |n: &u64| numbers.iter().filter(|m| *m == n).count();
        let missing: Vec<_> = whole.iter().filter(|n| count(n) == 0).collect();
        let twice: Vec<_> = whole.iter().filter(|n| count(n) > 1).collect();
        panic!(
            "thread {thread}: {} of {each} records, {} missing {:?}…, {} more than once {:?}…{}",
            numbers.len(),
            missing.len(),
            &missing[..missing.len().min(5)],
            twice.len(),
            &twice[..twice.len().min(5)],
            if missing.is_empty() && twice.is_empty() { ", not in order" } else { "" },
        );
    }
    assert_eq!(found.len() as u64, threads, "other threads have logged: {:?}", found.keys());
}

/// Each record says in which thread it was logged, and so does its span.
pub(crate) fn assert_in_spans(records: &Records) {
    for record in &records.0 {
        let spans = record["spans"].as_array().expect("it was logged in a span");
        let [span] = &spans[..] else { panic!("in one span: {record}") };
        let thread = format!("thread {} number ", span["kv"]["id"]);
        assert!(message(record).starts_with(&thread), "{record}");
        assert_eq!(record["span"], span["id"]);
    }
}
