//! The contract of the `log` facade, where it is easy to break.

use crate::harness::{
    Collector, Port, Records, Scene, assert_each_once, assert_in_spans, message, messages,
};

#[test]
fn a_second_init_is_an_error_not_a_panic_and_the_first_goes_on() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut subject = scene.subject(&format!("to={} do=twice", collector.authority()));
    subject.succeed();
    assert_eq!(subject.stderr().trim_end(), "second init: Err(AlreadySet)");
}

#[test]
fn a_display_that_logs_while_it_is_logged_loses_neither_record() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    scene.subject(&format!("to={} do=display", collector.authority())).succeed();
    let records = collector.stop();
    assert_eq!(messages(&records), ["talkative 0", "talkative 1", "talkative 2", "talkative 3"]);
}

#[test]
fn a_thread_locals_destructor_can_log() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    scene.subject(&format!("to={} do=locals", collector.authority())).succeed();
    let records = collector.stop();
    let mut said = messages(&records);
    said.sort_unstable();
    let expected = [
        "the last word of main",
        "the last word of the first local",
        "the last word of the last local",
        "the thread speaks",
    ];
    assert_eq!(said, expected);
}

/// A forked child becomes a sender of its own with its first record; the parent continues as
/// before.
#[test]
fn a_program_that_forks_after_init_goes_on_logging_and_so_do_its_child_and_grandchild() {
    assert_logs_across_forks("log");
}

#[test]
fn spans_go_on_in_forked_children_with_ids_of_their_own() {
    let records = assert_logs_across_forks("tracing");
    assert_in_spans(&records);
    let mut spans: Vec<_> = records.0.iter().map(|record| record["span"].to_string()).collect();
    spans.sort_unstable();
    spans.dedup();
    assert_eq!(spans.len(), 6, "each process has opened two");
}

fn assert_logs_across_forks(door: &str) -> Records {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let told = format!("to={} do=fork records=1000 door={door}", collector.authority());
    let mut subject = scene.subject(&told);
    subject.succeed();
    let records = collector.stop();
    assert_each_once(&records, 3, 1000);
    let mut pids: Vec<_> = records.0.iter().map(|r| r["pid"].as_u64().expect("a pid")).collect();
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 3, "each process is a sender of its own");
    assert!(scene.rings().is_empty(), "no spool is left behind: {:?}", scene.rings());
    records
}

/// A log call never waits for the network, takes no lock, allocates nothing, and makes no system
/// call in the common case. (`logger/tests/allocations.rs` counts allocations.)
#[test]
fn a_log_call_makes_no_system_call_and_so_waits_for_nobody() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let nobody = Port::reserve();
    for door in ["log", "tracing"] {
        for to in [collector.authority(), &nobody.address().to_string()] {
            let told = format!("to={to} app={door} do=sealed records=1000 door={door}");
            scene.subject(&told).succeed();
        }
        let mut records = collector.records().of(door);
        records.0.retain(|record| !message(record).starts_with("thread 2"));
        assert_each_once(&records, 1, 1000);
    }
}

#[test]
fn a_bad_address_says_what_to_write_instead() {
    let scene = Scene::new();
    let mut subject = scene.subject("to=localhost");
    assert_eq!(subject.end().code(), Some(3));
    let expected = "init failed: invalid address \"localhost\": the port is missing; expected host:port, tcp://host:port, tls://host:port, udp://host:port or unix:///path\n";
    assert_eq!(subject.stderr(), expected);
}

#[test]
fn what_is_teed_is_also_on_stderr_as_text() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut subject = scene.subject(&format!("to={} records=1 tee=1", collector.authority()));
    subject.succeed();
    assert!(subject.stderr().ends_with("thread 1 number 1\n"), "{}", subject.stderr());
    assert_each_once(&collector.stop(), 1, 1);
}
