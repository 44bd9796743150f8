//! The logger as other systems than Linux compile it (`--cfg netlog_portable`), and the ends of a
//! program at which it delivers everything there too.

use crate::harness::{
    Child, Collector, Scene, assert_each_once, assert_in_spans, message, portable_subject,
};

const NOTICE: &str = "on this system records wait in memory: a crash or a kill loses those that";

/// Starts the subject of this build.
fn start(scene: &Scene, told: &str) -> Child {
    Child::start(scene.command(&portable_subject()).args(told.split(' ')))
}

#[test]
#[ignore = "builds the logger and the collector once more: ./check runs it"]
fn on_other_systems_a_return_an_exit_a_panic_a_drop_and_a_flush_deliver_everything() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let to = collector.authority();
    let ways =
        ["return", "leak", "exit", "panic", "thread-panic", "guard-then-kill", "flush-then-kill"];
    for way in ways {
        for door in ["log", "tracing"] {
            let app = format!("{way}-{door}");
            let told = format!("to={to} app={app} threads=2 records=500 end={way} door={door}");
            let mut subject = start(&scene, &told);
            subject.end();
            assert_eq!(subject.stderr().matches(NOTICE).count(), 1, "{}", subject.stderr());
            let mut records = collector.records().of(&app);
            let panics = records.0.iter().filter(|record| record["target"] == "panic").count();
            assert_eq!(panics, usize::from(way.contains("panic")), "{way}");
            records.0.retain(|record| record["target"] == "subject");
            assert_each_once(&records, 2, 500);
            if door == "tracing" {
                assert_in_spans(&records);
            }
        }
    }
    assert!(scene.rings().is_empty(), "there are no spool files");
}

#[test]
#[ignore = "builds the logger and the collector once more: ./check runs it"]
fn on_other_systems_a_forked_child_has_a_sender_of_its_own_too() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let to = collector.authority();
    start(&scene, &format!("to={to} app=app records=500 do=fork")).succeed();
    assert_each_once(&collector.stop(), 3, 500);
}

#[test]
#[ignore = "builds the logger and the collector once more: ./check runs it"]
fn on_other_systems_records_wait_for_a_collector_that_is_away_and_datagrams_arrive() {
    let scene = Scene::new();
    let port = crate::harness::Port::reserve();
    let told = format!("to={} app=app records=500 wait=1 quiet=1", port.address());
    let mut subject = start(&scene, &told);
    subject.says("cannot be reached");
    let listen = format!("--listen tcp://{0} --listen udp://{0}", port.address());
    let collector = Collector::with(&scene, &listen);
    subject.succeed();
    assert!(!subject.stderr().contains(NOTICE), "memory_spool silences the line");
    let told = format!("to=udp://{} app=udp records=50", port.address());
    start(&scene, &told).succeed();
    assert!(crate::harness::wait_until(crate::harness::SOON, || {
        collector.records().of("udp").0.len() == 50
    }));
    let records = collector.stop();
    assert_each_once(&records.of("app"), 1, 500);
    assert_eq!(records.of("udp").0.first().map(message), Some("thread 1 number 1"));
}
