//! `netlog`.

use crate::harness::{Collector, Port, Scene, assert_each_once, messages};

/// `netlog send` succeeds only when everything is delivered.
#[test]
fn send_delivers_the_lines_of_its_input_before_it_succeeds() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut send =
        scene.netlog(&format!("send --to {} --app shell -l warn", collector.authority()));
    send.feed(b"one\ntwo\r\nthree without an end");
    send.succeed();
    let records = collector.records();
    assert_eq!(messages(&records), ["one", "two", "three without an end"]);
    for record in &records.0 {
        assert_eq!((&record["app"], &record["level"]), (&"shell".into(), &"WARN".into()));
    }
}

#[test]
fn send_fails_when_nobody_takes_the_lines_and_ship_delivers_them_later() {
    let scene = Scene::new();
    let port = Port::reserve();
    let mut send = scene.netlog(&format!("send --to {}", port.address()));
    send.feed(b"one\n");
    assert_eq!(send.end().code(), Some(1));
    assert!(
        send.stderr().contains("they wait in the spool for `netlog ship`"),
        "{}",
        send.stderr()
    );
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    let mut ship = scene.netlog(&format!("ship --to {}", port.address()));
    ship.succeed();
    assert_eq!(messages(&collector.stop()), ["one"]);
}

#[test]
fn ship_says_what_it_found_and_what_became_of_it() {
    let scene = Scene::new();
    let port = Port::reserve();
    let mut subject =
        scene.subject(&format!("to={} app=orders records=37 end=kill", port.address()));
    let pid = subject.pid();
    subject.end();
    let mut nobody = scene.netlog(&format!("ship --to {}", port.address()));
    assert_eq!(nobody.end().code(), Some(1));
    assert!(nobody.stdout().contains("37 records kept: "), "{}", nobody.stdout());
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    let mut ship =
        scene.netlog(&format!("ship {} --to {}", scene.spool().display(), port.address()));
    ship.succeed();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let expected = format!("orders pid {pid} on {host}: 37 records delivered\n");
    assert_eq!(ship.stdout(), expected);
    let mut records = collector.stop();
    records.0.retain(|record| record["target"] == "subject");
    assert_each_once(&records, 1, 37);
    let mut again = scene.netlog(&format!("ship --to {}", port.address()));
    again.succeed();
    assert_eq!(again.stdout(), "nothing to deliver: no dead program left records behind\n");
}

#[test]
fn an_unknown_word_is_a_usage_error() {
    let scene = Scene::new();
    for line in ["", "sned", "send --colour", "ship --to"] {
        assert_eq!(scene.netlog(line).end().code(), Some(2), "netlog {line}");
    }
}

#[test]
fn health_is_asked_of_a_collectors_address_of_readers() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    scene.netlog(&format!("health --at {}", collector.server())).succeed();
    let senders = collector.address().replace("tcp://", "http://");
    let both = format!("health --at {} --at {senders}", collector.server());
    let mut health = scene.netlog(&both);
    assert_eq!(health.end().code(), Some(1));
    let expected = "expected the answer of a collector's --http address";
    assert_eq!(health.stderr(), format!("netlog: {senders}: {expected}\n"));
    let mut nobody = scene.netlog("health --at http://127.0.0.1:1");
    assert_eq!(nobody.end().code(), Some(1));
    nobody.says("http://127.0.0.1:1 is not healthy: connection refused");
}
