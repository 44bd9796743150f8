//! A collector that keeps what it is sent, for tests of one program each.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Long enough for any machine.
const LONG: Duration = Duration::from_secs(60);

/// A collector of one sender.
pub struct Collector {
    pub address: String,
    records: Receiver<Value>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it has an address").to_string();
        let (sender, records) = channel();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("the logger connects");
            keep(stream, sender)
        });
        Self { address, records }
    }

    /// What `log` logs; the logger has started with this collector's address.
    pub fn records(&self, log: impl FnOnce()) -> Vec<Value> {
        log();
        let flushed = netlog::flush(LONG);
        assert!(flushed.acked, "{flushed:?}");
        self.records.try_iter().collect()
    }
}

fn keep(stream: TcpStream, records: Sender<Value>) {
    let mut answers = stream.try_clone().expect("a second handle");
    let mut count = 0;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let mut answer = "{\"netlog\":1,\"ack\":0}\n".to_owned();
        if !line.starts_with("{\"netlog\"") {
            count += 1;
            answer = format!("{{\"ack\":{count}}}\n");
            let record = serde_json::from_str(&line).expect("a record is JSON");
            if records.send(record).is_err() {
                return;
            }
        }
        if answers.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The record with this message.
pub fn find<'a>(records: &'a [Value], msg: &str) -> &'a Value {
    let found = records.iter().find(|record| record["msg"] == msg);
    found.unwrap_or_else(|| panic!("{msg:?} is not in {records:#?}"))
}
