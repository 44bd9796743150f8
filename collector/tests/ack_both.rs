//! `--ack both`: what is acknowledged is with the collector that it is forwarded to.

use crate::bench::{Bench, HELLO, record};
use netlog_collector::{AckPlace, Collector, Options};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const NOTHING: &str = "{\"netlog\":1,\"ack\":0}\n";

fn temp() -> Arc<TempDir> {
    Arc::new(TempDir::new().unwrap())
}

fn central(dir: &Arc<TempDir>) -> Bench {
    let relay_from = vec!["unix".parse().unwrap()];
    Bench::start_unix(dir.clone(), Options { relay_from, ..Options::default() })
}

/// The options of one that forwards to the collector in `centre`.
fn site(centre: &Path) -> Options {
    let to = format!("unix://{}", centre.join("netlog.sock").display());
    Options { forward_to: Some(to.parse().unwrap()), ack: AckPlace::Both, ..Options::default() }
}

/// > With `--ack both`, a record is acknowledged when the other collector has it.
#[test]
fn senders_and_clients_get_their_answers_when_the_centre_has_their_records() {
    let centre = temp();
    let site = Bench::start_in(temp(), site(centre.path()));
    let mut sender = site.sender();
    sender.send(&format!("{HELLO}{}{}", record("a"), record("b")));
    site.wait_for_lines(2);
    // A sender that connects again gets no higher ack.
    let mut again = site.sender();
    again.send(HELLO);
    again.expect(NOTHING);
    let mut client = site.connect();
    client
        .write_all(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        )
        .unwrap();
    site.wait_for_lines(3);
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    client.read(&mut [0]).unwrap_err();
    let central = central(&centre);
    sender.expect(&format!("{NOTHING}{{\"ack\":8}}\n"));
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(central.wait_for_lines(3).len(), 3);
    let mut later = site.sender();
    later.send(HELLO);
    later.expect("{\"netlog\":1,\"ack\":8}\n");
    drop((sender, again, later));
    assert_eq!((site.end(), central.end()), (3, 3));
}

#[test]
fn a_collector_that_was_restarted_acknowledges_what_it_had_once_it_is_forwarded() {
    let centre = temp();
    let dir = temp();
    let first = Bench::start_in(dir.clone(), site(centre.path()));
    let lines = format!("{HELLO}{}{}", record("a"), record("b"));
    let mut sender = first.sender();
    sender.send(&lines);
    first.wait_for_lines(2);
    drop(sender);
    first.end();
    let second = Bench::start_in(dir, site(centre.path()));
    let mut sender = second.sender();
    sender.send(&lines);
    sender.expect(NOTHING);
    let central = central(&centre);
    sender.expect("{\"ack\":8}\n");
    assert_eq!(central.wait_for_lines(2).len(), 2);
    assert_eq!(second.wait_for_lines(2).len(), 2, "what came again was dropped");
}

#[test]
fn a_client_that_waits_for_its_answer_does_not_keep_the_collector_from_ending() {
    let site = Bench::start_in(temp(), site(temp().path()));
    let mut client = site.connect();
    let offers = "relp_version=0\ncommands=syslog";
    let open = format!("1 open {} {offers}\n", offers.len());
    client.write_all(format!("{open}2 syslog 5 hello\n").as_bytes()).unwrap();
    site.wait_for_lines(1);
    assert_eq!(site.end(), 1);
    let mut answers = Vec::new();
    // It may be reset.
    let _ = client.read_to_end(&mut answers);
    let answers = String::from_utf8(answers).unwrap();
    assert!(!answers.contains("2 rsp 6 200"), "{answers}");
}

#[test]
fn acks_cannot_wait_for_a_collector_where_nothing_is_forwarded() {
    let options = Options { ack: AckPlace::Both, ..Options::default() };
    let error = Collector::check(&options).unwrap_err().to_string();
    assert_eq!(error, "--ack both needs --forward-to");
}
