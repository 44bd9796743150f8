//! The table of what is understood: a row for each format, as its senders write it, and a test for
//! each row. docs/senders.md lists them.

mod devices;
mod frameworks;
mod network;
mod platforms;

use super::clients::{local, tcp, udp};

/// How the bytes of a row arrive.
#[derive(Debug, Clone, Copy)]
enum Arrival {
    /// One behind the other, on one connection.
    Tcp,
    /// Each in a datagram.
    Udp,
    /// Each in a datagram of a process of this machine.
    Local,
}

/// Declares rows: a name, how it arrives, what is sent, and the records without the peer.
macro_rules! rows {
    ($($name:ident: $arrival:ident [$($sent:literal),+ $(,)?] => [$($record:literal),+ $(,)?];)+) => {
        $(#[test]
        fn $name() {
            super::assert_understood(super::Arrival::$arrival, &[$(&$sent[..]),+], &[$($record),+]);
        })+
    };
}
use rows;

#[track_caller]
fn assert_understood(arrival: Arrival, sent: &[&[u8]], records: &[&str]) {
    let came = match arrival {
        Arrival::Tcp => tcp(&sent.concat()),
        Arrival::Udp => udp(sent),
        Arrival::Local => local(sent),
    };
    assert_eq!(came, records);
}

#[test]
fn a_line_over_the_limit_keeps_all_but_the_end_of_its_longest_string() {
    let long = "x".repeat(70_000);
    let line =
        format!("{{\"app\":\"shop\",\"msg\":\"{long}\",\"host\":\"web1\",\"level\":\"error\"}}\n");
    let records = tcp(line.as_bytes());
    assert_eq!(records.len(), 1);
    let record: serde_json::Value = serde_json::from_str(&records[0]).unwrap();
    assert_eq!((&record["app"], &record["host"]), (&"shop".into(), &"web1".into()));
    assert_eq!(record["level"], "ERROR");
    let kept = record["msg"].as_str().unwrap().len() as u64;
    assert!(kept > 30_000 && record["truncated"] == 70_000 - kept, "{kept} bytes are kept");
}
