//! Clients that wait for answers, with the collector killed under some of them.

use super::{From, ORDERS, Said, assert_came, client, ours, script, send};
use crate::harness::{
    Child, Collector, Port, Records, SOON, Scene, assert_each_once, message, messages, wait_until,
};
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

#[test]
#[ignore = "needs tests/clients/get"]
fn rsyslog_loses_nothing_when_the_collector_is_killed() {
    rsyslog_loses_nothing("relp", "PORT_RELP");
    rsyslog_loses_nothing("elasticsearch", "PORT_ELASTIC");
}

/// Messages that rsyslog sends by one of its modules are in the file, though the collector is killed.
fn rsyslog_loses_nothing(module: &str, port_name: &str) {
    let scene = Scene::new();
    let port = Port::reserve();
    let listen = format!("--listen tcp://{}", port.address());
    let mut collector = Collector::with(&scene, &listen);
    let local = scene.path("local");
    let mut command = scene.command(&client(&format!("rsyslogd-{module}")));
    command.arg("-n").arg("-i").arg(scene.path("pid"));
    command.arg("-M").arg(client(&format!("rsyslog-{module}-modules")));
    command.arg("-f").arg(script(&format!("rsyslog-{module}.conf"))).env("LOCAL", &local);
    command.env(port_name, port.address().rsplit_once(':').expect("a port").1);
    let mut rsyslogd = Child::start(&mut command);
    assert!(wait_until(SOON, || local.exists()), "it does not start:\n{}", rsyslogd.stderr());
    let mut logger = Command::new("logger");
    logger.arg("-u").arg(&local).args(["-t", "orders", "-p", "user.warning", "--size", "1KiB"]);
    for part in 0..3 {
        let lines: String = (1..=100).map(|n| format!("number {}\n", part * 100 + n)).collect();
        let mut logger = Child::start(&mut logger);
        logger.feed(lines.as_bytes());
        logger.succeed();
        collector.wait_for(part * 100 + 50);
        if part < 2 {
            collector.process.signal(Signal::KILL);
            collector.process.end();
            collector = Collector::with(&scene, &listen);
        }
    }
    let all = || {
        let records = collector.records();
        let mut all: Vec<String> = messages(&records).into_iter().map(str::to_owned).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    };
    assert!(wait_until(SOON, || all() == 300), "{} of 300", all());
    let records = collector.records();
    assert!(records.0.iter().all(|r| r["app"] == "orders" && r["level"] == "WARN"));
    rsyslogd.signal(Signal::TERM);
    rsyslogd.end();
    collector.stop();
}

/// What systemd-journal-upload sends of a journal with 20,000 entries is in the file once, though
/// the collector is killed while it sends, and it is started again.
#[test]
#[ignore = "needs tests/clients/get"]
fn the_journal_of_systemd_is_kept_once_though_the_collector_is_killed() {
    const ENTRIES: usize = 20_000;
    let scene = Scene::new();
    let entry = |n: usize| {
        let time = 1_795_372_943_000_000 + n;
        let ids = "_BOOT_ID=0123456789abcdef0123456789abcdef\n_MACHINE_ID=0123456789abcdef0123456789abcdef";
        format!(
            "__REALTIME_TIMESTAMP={time}\n__MONOTONIC_TIMESTAMP={n}\n{ids}\nMESSAGE=thread 1 number {n}\nPRIORITY=4\nSYSLOG_IDENTIFIER=orders\n_HOSTNAME=web1\n\n"
        )
    };
    let entries: String = (1..=ENTRIES).map(entry).collect();
    std::fs::write(scene.path("entries"), entries).expect("the scene has room");
    let journal = scene.path("test.journal");
    let mut remote = Command::new(client("journal-remote"));
    Child::start(remote.arg("-o").arg(&journal).arg(scene.path("entries"))).succeed();
    let port = Port::reserve();
    let listen = format!("--listen tcp://{}", port.address());
    let upload = || {
        let mut upload = Command::new(client("journal-upload"));
        upload.arg(format!("--url=http://{}", port.address())).arg("--follow=no");
        upload.arg(format!("--file={}", journal.display()));
        upload.arg(format!("--save-state={}", scene.path("state").display()));
        Child::start(&mut upload)
    };
    let mut collector = Collector::with(&scene, &listen);
    let mut first = upload();
    collector.wait_for(1000);
    collector.process.signal(Signal::KILL);
    collector.process.end();
    let cut_off = !first.end().success();
    let collector = Collector::with(&scene, &listen);
    assert!(cut_off || collector.records().0.len() == ENTRIES, "{}", first.stderr());
    upload().succeed();
    let Records(records) = collector.stop();
    assert_eq!(records.len(), ENTRIES);
    assert!(records.iter().all(|r| r["app"] == "orders" && r["level"] == "WARN"));
    assert_each_once(&Records(records), 1, ENTRIES as u64);
}
