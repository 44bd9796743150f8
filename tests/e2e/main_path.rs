//! The main path: a log call in one process, a line in a file of another.

use crate::harness::{Collector, SOON, Scene, assert_each_once, messages, wait_until};
use rustix::process::Signal;
use serde_json::Value;

#[test]
fn ten_thousand_records_of_one_program_are_in_the_file_once_each_in_order_with_all_their_parts() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut subject = scene.subject(&format!("to={} records=10000", collector.authority()));
    let pid = subject.pid();
    subject.succeed();
    let records = collector.stop();
    assert_eq!(records.0.len(), 10_000);
    assert_each_once(&records, 1, 10_000);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for record in &records.0 {
        assert_eq!(record["app"], "subject");
        assert_eq!(record["host"], host.as_str());
        assert_eq!(record["pid"], pid);
        assert_eq!(record["level"], "INFO");
        assert_eq!(record["target"], "subject");
        assert_eq!(record["file"], "tests/subject/main.rs");
        assert_eq!(record["thread"], "main");
        assert!(record["line"].as_u64().is_some_and(|line| line > 1), "{record}");
        assert!(record["peer"].as_str().is_some_and(|p| p.starts_with("127.0.0.1:")), "{record}");
    }
    let times: Vec<_> = records.0.iter().map(|r| r["time"].as_str().expect("a time")).collect();
    assert!(times.is_sorted(), "the records of one thread have growing times");
    assert!(times.iter().all(|time| time.len() == 27 && time.ends_with('Z')), "{}", times[0]);
}

#[test]
fn the_parts_of_a_record_stand_in_one_fixed_order() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    scene.subject(&format!("to={} records=1", collector.authority())).succeed();
    collector.wait_for(1);
    let text = collector.text();
    let keys =
        ["app", "host", "pid", "peer", "time", "level", "target", "file", "line", "thread", "msg"];
    let places = keys.map(|key| text.find(&format!("\"{key}\":")).unwrap_or(usize::MAX));
    assert!(places.is_sorted() && places[10] < usize::MAX, "{text}");
}

/// The records of a thread stay in their order, however many threads log.
#[test]
fn many_threads_log_at_once_and_each_threads_records_stay_in_order() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let told = format!("to={} threads=8 records=2000 block=600", collector.authority());
    scene.subject(&told).succeed();
    assert_each_once(&collector.stop(), 8, 2000);
}

#[test]
fn many_programs_log_at_once_and_none_disturbs_another() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let told = |n: u32| format!("to={} app=app{n} records=500 threads=2", collector.authority());
    let mut subjects: Vec<_> = (0..10).map(|n| scene.subject(&told(n))).collect();
    subjects[3].signal(Signal::KILL);
    for (n, subject) in subjects.iter_mut().enumerate().filter(|(n, _)| *n != 3) {
        let status = subject.end();
        assert!(status.success(), "app{n}: {status}\n{}", subject.stderr());
    }
    let records = collector.stop();
    for n in (0..10).filter(|n| *n != 3) {
        assert_each_once(&records.of(&format!("app{n}")), 2, 500);
    }
}

/// SIGTERM loses nothing that the collector has read.
#[test]
fn sigterm_at_the_collector_loses_nothing_it_had_read_and_its_senders_keep_the_rest() {
    let scene = Scene::new();
    let port = crate::harness::Port::reserve();
    let listen = format!("--listen tcp://{}", port.address());
    let first = Collector::with(&scene, &listen);
    let told = format!("to={} threads=2 records=50000 block=600 wait=1", port.address());
    let mut subject = scene.subject(&told);
    first.wait_for(1000);
    first.stop();
    let second = Collector::with(&scene, &listen);
    let records = second.wait_within(SOON * 2, 100_000);
    assert_each_once(&records, 2, 50_000);
    subject.succeed();
    assert_eq!(second.stop().0.len(), 100_000);
}

#[test]
fn the_collector_acks_only_what_is_in_the_file() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut subject = scene.subject(&format!("to={} records=200", collector.authority()));
    subject.succeed();
    // The guard has waited for the ack, which empties the spool: no waiting here.
    assert!(scene.rings().is_empty(), "it was not acked");
    assert_each_once(&collector.records(), 1, 200);
}

#[test]
fn values_keep_their_types() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    scene.subject(&format!("to={} do=hostile", collector.authority())).succeed();
    let records = collector.stop();
    let values = records.0.iter().find(|r| r["msg"] == "values").expect("the record with values");
    let expected = r#"{"quote":"a \"b\" c","newline":"x\ny","number":7,"truth":true}"#;
    assert_eq!(values["kv"], serde_json::from_str::<Value>(expected).expect("json"));
}

#[test]
fn an_idle_program_costs_nothing_and_speaks_again_when_it_has_something_to_say() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut subject = scene.subject(&format!("to={} records=10 wait=1", collector.authority()));
    subject.says("logged");
    // Delivered while the program goes on, not only at its end.
    let records = collector.wait_for(10);
    assert_eq!(messages(&records)[9], "thread 1 number 10");
    assert!(subject.running());
    subject.succeed();
    assert!(wait_until(SOON, || scene.rings().is_empty()), "an empty spool is removed");
}
