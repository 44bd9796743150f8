//! Whoever looks at what a collector holds: HTTP as a script speaks it, a body line by line.

use super::{Records, SOON, Watched};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// An answer that has come whole.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Asks for `target` at `http://host:port`, with more header lines if there are any.
fn ask(server: &str, target: &str, headers: &str) -> BufReader<TcpStream> {
    let authority = server.strip_prefix("http://").expect("an address has a scheme");
    let mut stream = TcpStream::connect(authority).expect("somebody serves");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    let host =
        if headers.contains("Host:") { String::new() } else { format!("Host: {authority}\r\n") };
    // Of this version a body has no frames: it ends with the connection.
    let request = format!("GET {target} HTTP/1.0\r\n{host}{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("the server reads");
    BufReader::new(stream)
}

fn head(reader: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).expect("a head"), 0, "half a head: {head}");
    }
    head
}

/// Asks, and reads the answer to its end.
pub(crate) fn get(server: &str, target: &str) -> Answered {
    get_with(server, target, "")
}

/// The same with header lines of our own.
pub(crate) fn get_with(server: &str, target: &str, headers: &str) -> Answered {
    let mut reader = ask(server, target, headers);
    let head = head(&mut reader);
    let mut body = String::new();
    reader.read_to_string(&mut body).expect("the server closes");
    let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
    Answered { status, head, body }
}

/// The counter `name` of a collector, as `/metrics` has it.
pub(crate) fn metric(server: &str, name: &str) -> u64 {
    metric_with(server, name, "")
}

/// The same with header lines of our own.
pub(crate) fn metric_with(server: &str, name: &str, headers: &str) -> u64 {
    let answered = get_with(server, "/metrics", headers);
    let name = format!("netlog_{name}_total ");
    let value = answered.body.lines().find_map(|line| line.strip_prefix(&name));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
}

/// The records and notices of an answer that must be a success.
pub(crate) fn found(server: &str, target: &str) -> Records {
    let answered = get(server, target);
    assert_eq!(answered.status, 200, "{target}: {}", answered.body);
    Records::read(&answered.body)
}

/// An answer whose body is still coming.
pub(crate) struct Reader {
    body: BufReader<TcpStream>,
    server: String,
    target: String,
}

impl Reader {
    pub(crate) fn open(server: &str, target: &str) -> Self {
        let mut reader = ask(server, target, "");
        let head = head(&mut reader);
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        Self { body: reader, server: server.to_owned(), target: target.to_owned() }
    }

    /// The next record or notice; `None` at the end, however that comes, and if none comes for long.
    pub(crate) fn next(&mut self) -> Option<Value> {
        self.next_until(Some(Instant::now() + SOON * 2))
    }

    /// The same; without a limit, it waits for as long as the connection lives.
    pub(crate) fn next_until(&mut self, limit: Option<Instant>) -> Option<Value> {
        loop {
            let mut line = String::new();
            match self.body.read_line(&mut line) {
                Ok(1..) if line.ends_with('\n') => {}
                _ => return None,
            }
            // The server shows that it is alive, for as long as there is nothing.
            if line == "\n" {
                if limit.is_some_and(|limit| limit <= Instant::now()) {
                    return None;
                }
                continue;
            }
            let value: Value = line.parse().unwrap_or_else(|e| panic!("{e}: {line}"));
            // On a busy machine a test may read nothing for as long as a client may.
            match value["at"].as_str().filter(|_| value["notice"] == "disconnected") {
                Some(at) if self.target.starts_with("/tail") => {
                    *self = Self::open(&self.server, &format!("/tail?after={at}"));
                }
                _ => return Some(value),
            }
        }
    }

    /// The next records, up to the one for which `last` holds; notices are left out.
    pub(crate) fn until(&mut self, mut last: impl FnMut(&Value) -> bool) -> Records {
        let mut records = Vec::new();
        while let Some(value) = self.next() {
            let done = last(&value);
            if value.get("notice").is_none() {
                records.push(value);
            }
            if done {
                return Records(records);
            }
        }
        panic!("it ended after {} records; the last is {:?}", records.len(), records.last());
    }

    /// The next `count` records.
    pub(crate) fn take(&mut self, count: usize) -> Records {
        let mut left = count;
        self.until(|value| {
            left -= usize::from(value.get("notice").is_none());
            left == 0
        })
    }

    /// Reads on in a thread of its own.
    pub(crate) fn gather(mut self) -> Gathered {
        let gathered = Gathered::default();
        let ours = gathered.clone();
        std::thread::spawn(move || {
            while let Some(value) = self.next_until(None) {
                ours.0.change(|values| values.push(value));
            }
        });
        gathered
    }
}

/// What has come so far.
#[derive(Clone, Default)]
pub(crate) struct Gathered(Watched<Vec<Value>>);

impl Gathered {
    /// All records and notices so far.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.0.lock().clone()
    }

    /// The last record so far.
    pub(crate) fn last(&self) -> Option<Value> {
        let values = self.0.lock();
        values.iter().rev().find(|value| value.get("notice").is_none()).cloned()
    }

    /// The notices so far.
    pub(crate) fn notices(&self) -> Vec<Value> {
        self.all().into_iter().filter(|value| value.get("notice").is_some()).collect()
    }

    /// Waits until `count` records have come, however slowly, and answers them.
    pub(crate) fn wait_for(&self, count: usize) -> Records {
        let is_record = |value: &&Value| value.get("notice").is_none();
        // Counted only where there may be enough: it would take long to do so after each of many.
        let enough = |values: &Vec<Value>| {
            values.len() >= count && values.iter().filter(is_record).count() >= count
        };
        let mut before = 0;
        while !self.0.wait(SOON * 2, enough) {
            let so_far = self.0.lock().len();
            assert!(so_far > before, "{so_far} records and notices instead of {count} records");
            before = so_far;
        }
        Records(self.0.lock().iter().filter(is_record).cloned().collect())
    }
}
