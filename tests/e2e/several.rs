//! The command-line tool reads from several collectors at once.

use crate::harness::{Collector, SOON, Scene, speak, wait_until};

/// A record that was logged at this second.
fn record(second: u32) -> String {
    format!(
        "{{\"time\":\"2026-11-22T18:42:{second:02}.000000Z\",\"level\":\"INFO\",\"msg\":\"{second}\"}}\n"
    )
}

fn send(collector: &Collector, seconds: &[u32]) {
    let lines: String = seconds.iter().map(|second| record(*second)).collect();
    let address = collector.address().trim_start_matches("tcp://").to_owned();
    speak(&address, lines.as_bytes());
}

/// What is written in `text` of messages and marks, one word a record.
fn shown(text: &str, names: &[&str]) -> Vec<String> {
    let lines = text.lines().map(|line| {
        let name = names.iter().position(|name| line.contains(*name)).expect("it is marked");
        let record: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
        assert_eq!(record["collector"], names[name]);
        format!("{}@{name}", record["msg"].as_str().unwrap_or_default())
    });
    lines.collect()
}

/// Records of several collectors are ordered by time, and marked.
#[test]
fn a_search_of_several_collectors_is_in_the_order_of_time_and_says_which_has_what() {
    let scenes = [Scene::new(), Scene::new()];
    let collectors = scenes.each_ref().map(|scene| Collector::serving(scene, ""));
    send(&collectors[0], &[1, 4, 5, 9]);
    send(&collectors[1], &[2, 3, 7]);
    let first = collectors[0].server();
    let second = collectors[1].server();
    let names = [first.as_str(), second.as_str()];
    let at = format!("--at {first} --at {second}");
    let search = |words: &str| {
        let mut search = scenes[0].netlog(&format!("search {at} -o json {words}"));
        search.succeed();
        shown(&search.stdout().replace("{\"notice\"", "\n{\"notice\""), &names)
    };
    let records = |words: &str| {
        let mut found = search(words);
        found.retain(|word| !word.starts_with('@'));
        found
    };
    let all = ["1@0", "2@1", "3@1", "4@0", "5@0", "7@1", "9@0"];
    assert_eq!(records(""), all);
    assert_eq!(records("-n 3"), all[4..]);
    assert_eq!(records("-n 2 --order newest"), ["9@0", "7@1"]);
    let mut text = scenes[0].netlog(&format!("search {at} --utc -n 1"));
    text.succeed();
    assert!(
        text.stdout().starts_with(&format!("{first} 2026-11-22 18:42:09")),
        "{}",
        text.stdout()
    );
    drop(collectors);
}

#[test]
fn a_collector_that_is_away_is_named_and_the_others_are_searched() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    send(&collector, &[1]);
    let at = format!("--at {} --at http://127.0.0.1:1", collector.server());
    let mut search = scene.netlog(&format!("search {at} -o raw"));
    assert_eq!(search.end().code(), Some(2));
    assert_eq!(search.stdout(), "1\n");
    let said = search.stderr();
    assert!(said.contains("http://127.0.0.1:1: cannot be read: connection refused"), "{said}");
}

#[test]
fn a_tail_of_several_collectors_goes_on_with_one_while_another_is_away() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let at = format!("--at {} --at http://127.0.0.1:1", collector.server());
    let tail = scene.netlog(&format!("tail {at} -n all"));
    tail.says("http://127.0.0.1:1: connection lost");
    send(&collector, &[1, 2]);
    let both = || tail.stdout().matches(&format!("{} ", collector.server())).count() == 2;
    assert!(wait_until(SOON, both), "{}", tail.stdout());
}

#[test]
fn a_tail_that_does_not_follow_shows_the_records_of_the_others_and_names_the_one_that_is_away() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    send(&collector, &[1, 2]);
    let good = collector.server();
    for at in [
        format!("--at {good} --at http://127.0.0.1:1"),
        format!("--at http://127.0.0.1:1 --at {good} --no-reconnect"),
    ] {
        let mut tail = scene.netlog(&format!("tail --no-follow -o raw {at}"));
        assert_eq!(tail.end().code(), Some(1));
        assert_eq!(tail.stdout(), "1\n2\n");
        let away = "-- http://127.0.0.1:1: cannot be read: connection refused --\n";
        assert_eq!(tail.stderr(), away);
    }
    let line = format!("tail --no-reconnect --at {good} --at http://127.0.0.1:1");
    let mut tail = scene.netlog(&line);
    assert_eq!(tail.end().code(), Some(1));
    let refused = "netlog: failed to read from http://127.0.0.1:1: connection refused\n";
    assert_eq!(tail.stderr(), refused);
}

#[test]
fn a_collector_that_rejects_the_request_is_named() {
    let scenes = [Scene::new(), Scene::new()];
    std::fs::write(scenes[1].path("tokens"), "of-readers\n").expect("the scene has room");
    let open = Collector::serving(&scenes[0], "");
    let guarded = Collector::serving(&scenes[1], "--token-file tokens");
    let at = format!("--at {} --at {}", open.server(), guarded.server());
    for command in ["search", "tail", "tail --no-follow"] {
        let mut netlog = scenes[0].netlog(&format!("{command} {at}"));
        assert_eq!(netlog.end().code(), Some(2), "{command}");
        let said = netlog.stderr();
        assert!(said.starts_with(&format!("netlog: {}: ", guarded.server())), "{said}");
        assert!(!said.contains(&open.server()) && said.contains("token"), "{said}");
    }
}
