//! Records of dead programs in the live view: they come later than they were logged, and readers
//! learn how many of which run follow.

use crate::harness::{Collector, Port, Reader, SOON, Scene, speak, wait_until};
use crate::templates;
use serde_json::Value;

/// Leaves spools of two killed programs behind, the first with 3 records and the second with 5.
fn two_dead_programs(scene: &Scene, port: &Port) -> [u64; 2] {
    [3, 5].map(|records| {
        let told = format!("to={} records={records} end=kill", port.address());
        let mut subject = scene.subject(&told);
        let pid = subject.pid();
        subject.end();
        u64::from(pid)
    })
}

/// Starts the next program, which delivers them, and returns all that a tail got by then.
fn tail_while_they_are_delivered(
    start: impl FnOnce(&Scene, &str) -> Collector,
    query: &str,
    records: usize,
) -> Vec<Value> {
    let scene = Scene::new();
    let port = Port::reserve();
    let dead = two_dead_programs(&scene, &port);
    let collector = start(&scene, &format!("--listen tcp://{}", port.address()));
    let mut tail = Reader::open(&collector.server(), &format!("/tail?n=0{query}"));
    assert_eq!(tail.next().expect("a notice")["notice"], "live");
    let tail = tail.gather();
    let mut next = scene.subject(&format!("to={} records=1 wait=1", port.address()));
    tail.wait_for(records);
    next.succeed();
    let mut all = tail.all();
    for value in &mut all {
        let run = dead.iter().position(|pid| value["pid"] == *pid);
        value["run"] = run.into();
    }
    all
}

/// Each notice, and after it the records of the same run.
fn assert_announced(all: &[Value], counts: [u64; 2]) {
    let notices: Vec<_> = all.iter().filter(|value| value["notice"] == "recovered").collect();
    let said: Vec<_> = notices.iter().map(|it| (it["run"].clone(), it["count"].clone())).collect();
    assert_eq!(said, [(0.into(), counts[0].into()), (1.into(), counts[1].into())], "{all:#?}");
    for (run, count) in counts.into_iter().enumerate() {
        let of_run = |value: &&Value| value["run"] == run && value["target"] != "netlog";
        let kinds: Vec<_> = all.iter().filter(of_run).map(|it| it["notice"].is_string()).collect();
        assert!(kinds[0], "the notice of run {run} comes first: {all:#?}");
        assert_eq!(kinds.len() as u64, 1 + count, "{all:#?}");
    }
}

/// The crash notices of both, and the record of the program that delivers them.
const OTHERS: usize = 3;

#[test]
fn a_live_tail_announces_how_many_records_of_which_earlier_run_follow() {
    assert_announced(&tail_while_they_are_delivered(Collector::serving, "", 8 + OTHERS), [3, 5]);
}

#[test]
fn so_does_one_over_the_files_of_many_programs() {
    let start =
        |scene: &Scene, line: &str| templates::start(scene, &format!("{line} --http 127.0.0.1:0"));
    assert_announced(&tail_while_they_are_delivered(start, "", 8 + OTHERS), [3, 5]);
}

#[test]
fn a_run_of_which_a_tail_wants_nothing_is_not_announced() {
    let all = tail_while_they_are_delivered(Collector::serving, "&grep=number+[45]", 2);
    let notices: Vec<_> = all.iter().filter(|value| value["notice"] == "recovered").collect();
    assert_eq!(notices.len(), 1, "{all:#?}");
    assert_eq!(notices[0]["count"], 5);
}

#[test]
fn the_command_line_tool_announces_them_in_words() {
    let scene = Scene::new();
    let port = Port::reserve();
    let [first, _] = two_dead_programs(&scene, &port);
    let collector = Collector::serving(&scene, &format!("--listen tcp://{}", port.address()));
    let tail = scene.netlog(&format!("tail --at {} -n 0", collector.server()));
    // It shows nothing when it is live; a record that it shows proves it.
    let shown = || {
        speak(&port.address(), b"are you there?\n");
        tail.stdout().contains("are you there?")
    };
    assert!(wait_until(SOON, shown), "{}", tail.stderr());
    scene.subject(&format!("to={} records=1", port.address())).succeed();
    let host = collector.records().of("subject").0[0]["host"].clone();
    let host = host.as_str().expect("every sender has a host");
    tail.says(&format!("-- 3 records of an earlier run follow: subject pid {first} on {host} --"));
}
