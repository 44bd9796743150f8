//! What is at the other end of a program that logs, when it is no collector.

use crate::harness::{
    Child, Collector, Peer, Port, SOON, Scene, assert_each_once, succeeds_once, udp_peer,
    wait_until,
};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

/// `nc -lk` on a port that was kept free for it, ready to be connected to.
fn netcat(port: &Port) -> Child {
    let address = port.address();
    let (host, port) = address.rsplit_once(':').expect("an address has a port");
    let child = Child::start(Command::new("nc").args(["-lk", host, port]));
    assert!(wait_until(SOON, || TcpStream::connect(&address).is_ok()), "{}", child.stderr());
    child
}

/// How long a program that logs three records takes from its start to its end.
fn time_of_a_run(scene: &Scene, told: &str) -> Duration {
    let mut subject = scene.subject(&format!("{told} records=3"));
    let began = Instant::now();
    subject.succeed();
    began.elapsed()
}

#[test]
fn nc_shows_readable_lines_of_a_program_that_formats_text_which_ends_at_once() {
    let scene = Scene::new();
    let port = Port::reserve();
    let nc = netcat(&port);
    let told = format!("to={} format=text app=orders", port.address());
    let mut runs = 0;
    assert!(succeeds_once(|_| {
        runs += 1;
        time_of_a_run(&scene, &told) < Duration::from_secs(1)
    }));
    assert!(nc.prints(|text| text.matches('\n').count() == 3 * runs), "{}", nc.stdout());
    for (line, number) in nc.stdout().lines().zip((1..=3).cycle()) {
        let (date, rest) = line.split_at(26);
        assert!(date.starts_with("20") && date[4..].starts_with('-'), "{line}");
        let tail = format!(" thread 1 number {number}");
        assert!(rest.starts_with(" INFO  [orders] tests/subject/main.rs:"), "{line}");
        assert!(rest.ends_with(&tail), "{line}");
    }
}

#[test]
fn nc_gets_json_lines_of_any_other_program_which_ends_within_three_seconds() {
    let scene = Scene::new();
    let port = Port::reserve();
    let nc = netcat(&port);
    let told = format!("to={}", port.address());
    let mut runs = 0;
    assert!(succeeds_once(|_| {
        runs += 1;
        time_of_a_run(&scene, &told) < Duration::from_secs(3)
    }));
    assert!(nc.prints(|text| text.matches('\n').count() == 4 * runs), "{}", nc.stdout());
    assert!(nc.stdout().starts_with("{\"netlog\":1,\"sender\":\""), "{}", nc.stdout());
    assert!(nc.stdout().ends_with("\"msg\":\"thread 1 number 3\"}\n"), "{}", nc.stdout());
    assert!(scene.rings().is_empty(), "what was written to it counts as delivered");
}

#[test]
fn a_program_that_formats_text_sends_each_record_once_and_nothing_else() {
    let scene = Scene::new();
    let peer = Peer::start();
    let told = format!("to={} format=text records=500", peer.address());
    scene.subject(&told).succeed();
    peer.hears("number 500\n");
    assert_eq!(peer.text().lines().count(), 500);
}

#[test]
fn records_travel_as_datagrams_over_both_families() {
    for family in ["127.0.0.1", "[::1]"] {
        let scene = Scene::new();
        let collector = Collector::with(&scene, &format!("--listen udp://{family}:0"));
        scene.subject(&format!("to={} records=100", collector.address())).succeed();
        let records = collector.wait_for(100);
        assert_each_once(&records, 1, 100);
        assert_eq!(records.0[0]["app"], "subject", "{family}");
        assert_eq!(records.0[0]["file"], "tests/subject/main.rs");
    }
}

#[test]
fn a_datagram_to_nobody_harms_nobody() {
    let scene = Scene::new();
    let (socket, address) = udp_peer("127.0.0.1:0");
    drop(socket);
    let told = format!("to=udp://{address}");
    assert!(succeeds_once(|_| time_of_a_run(&scene, &told) < Duration::from_secs(3)));
    assert!(scene.rings().is_empty(), "what was sent counts as delivered: {:?}", scene.rings());
}

#[test]
fn a_name_with_both_families_is_listened_on_and_reached_on_both() {
    let scene = Scene::new();
    let collector = Collector::with(&scene, "--listen tcp://localhost:0");
    let two = || collector.process.stderr().matches("listening on ").count() == 2;
    assert!(wait_until(SOON, two), "{}", collector.process.stderr());
    let port = collector.address().rsplit_once(':').expect("a port").1;
    for (thread, host) in ["127.0.0.1", "[::1]", "localhost"].iter().enumerate() {
        let told = format!("to={host}:{port} app=app{thread} records=10");
        scene.subject(&told).succeed();
        assert_each_once(&collector.records().of(&format!("app{thread}")), 1, 10);
    }
}
