//! Clients that wait for answers, with the collector killed under some of them.

use super::{From, ORDERS, Said, assert_came, client, ours, script, send};
use crate::harness::{Child, Collector, Port, Records, Scene, message};
use rustix::process::Signal;
use std::process::Command;

#[test]
#[ignore = "needs tests/clients/get"]
fn fluent_logger_of_python_sends_what_is_logged() {
    let line = format!("python3 {} 127.0.0.1 {{tcp}}", script("forward.py").display());
    let from = From { app: Some("orders"), host: &ours() };
    assert_came(&line, &send(&line, "", 2), from, &ORDERS);
}

/// The line that runs `tests/clients/forward.mjs`.
fn forward_line(rest: &str) -> String {
    let modules = client("node/node_modules");
    format!("node {} {} 127.0.0.1 {rest}", script("forward.mjs").display(), modules.display())
}

#[test]
#[ignore = "needs tests/clients/get"]
fn the_logger_of_fluent_org_is_acknowledged_in_each_of_its_modes() {
    let from = From { app: Some("orders"), host: "web1" };
    let expected: Vec<String> = (1..=3).map(|n| format!("thread 1 number {n}")).collect();
    let expected: Vec<Said<'_>> = expected.iter().map(|msg| ("WARN", &msg[..])).collect();
    for mode in ["Message", "Forward", "PackedForward", "CompressedPackedForward"] {
        let line = forward_line(&format!("{{tcp}} {mode} 3"));
        assert_came(&line, &send(&line, "", 3), from, &expected);
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn the_logger_of_fluent_org_shows_that_it_knows_the_key() {
    let scene = Scene::new();
    std::fs::write(scene.path("key"), "correct-horse\n").expect("the scene has room");
    let listen = "--listen tcp://127.0.0.1:0?as=forward&key-file=key";
    let collector = Collector::with(&scene, listen);
    let (_, port) = collector.authority().rsplit_once(':').expect("an address has a port");
    let line = forward_line(&format!("{port} PackedForward 3 correct-horse"));
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("a line has a first word"));
    Child::start(command.args(words)).succeed();
    assert_eq!(collector.stop().0.len(), 3);
}

#[test]
#[ignore = "needs tests/clients/get"]
fn the_logger_of_fluent_org_loses_nothing_when_the_collector_is_killed() {
    let scene = Scene::new();
    let port = Port::reserve();
    let listen = format!("--listen tcp://{}", port.address());
    let mut collector = Collector::with(&scene, &listen);
    let number = port.address().rsplit_once(':').expect("an address has a port").1.to_owned();
    let line = forward_line(&format!("{number} PackedForward 300"));
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("a line has a first word"));
    let mut sender = Child::start(command.args(words));
    for kill in 1..=2 {
        collector.wait_for(kill * 100);
        collector.process.signal(Signal::KILL);
        collector.process.end();
        collector = Collector::with(&scene, &listen);
    }
    sender.succeed();
    let Records(records) = collector.stop();
    let mut all: Vec<&str> = records.iter().map(message).collect();
    assert!(all.len() <= 302, "{} records of 300, after 2 kills", all.len());
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 300, "{}", sender.stdout());
}
