//! `netlog filter`: what running programs log is changed from afar, for a time, by those who may.

use crate::harness::{
    Child, Collector, SOON, Scene, example, get, get_with, message, program, wait_until,
};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

const TOKENS: &str = "[shop]\ntoken = \"shop-1\"\nsend = true\n\
     [ann]\ntoken = \"ann-1\"\ncontrol = true\nread = true\n\
     [bob]\ntoken = \"bob-1\"\ncontrol = \"app=prices\"\n\
     [eve]\ntoken = \"eve-1\"\nread = true\nsend = true\n\
     [old]\ntoken = \"old-1\"\ncontrol = true\nexpires = 2020-01-01\n";

/// A collector with these tokens, and the same options after a restart.
fn collector(scene: &Scene) -> Collector {
    std::fs::write(scene.path("tokens"), TOKENS).expect("the scene has room");
    let line = "--listen unix://socket --listen tcp://127.0.0.1:0 --http 127.0.0.1:0";
    let collector = Collector::with(scene, &format!("{line} --token-file tokens"));
    collector.process.says("serving http://");
    collector
}

/// A program that logs `debug N` and `info N` for each byte it is fed.
struct Program {
    child: Child,
    fed: u64,
}

impl Program {
    fn start(scene: &Scene, line: &str) -> Self {
        Self::start_with(scene, line, "on")
    }

    fn start_with(scene: &Scene, line: &str, remote: &str) -> Self {
        let mut command = scene.command(&example("subject"));
        command.env("NETLOG_TOKEN", "shop-1").env("NETLOG_REMOTE", remote);
        let to = format!("to=unix://{} do=levels", scene.path("socket").display());
        let words = format!("{to} {line}");
        Self { child: Child::start(command.args(words.split_whitespace())), fed: 0 }
    }

    fn log(&mut self) {
        self.fed += 1;
        self.child.feed(b".");
        self.child.says(&format!("logged {}\n", self.fed));
    }
}

/// `netlog filter` with these words, by the owner of this token.
fn filter(scene: &Scene, collector: &Collector, token: &str, words: &[&str]) -> Child {
    let mut command = scene.command(&program("netlog"));
    command.env("NETLOG_TOKEN", token).args(["filter", "--at", &collector.server()]);
    let mut child = Child::start(command.args(words));
    child.end();
    child
}

/// Waits until the collector has a record with these words.
fn records(collector: &Collector, words: &str) {
    let has = || collector.text().contains(words);
    assert!(wait_until(SOON, has), "no {words:?} in\n{}", collector.text());
}

fn logged_by(collector: &Collector, app: &str) -> Vec<String> {
    let records = collector.records();
    let ours = records.0.iter().filter(|record| record["app"] == app);
    ours.map(|record| message(record).to_owned()).collect()
}

/// Sets a filter and takes it back, in a program that logs in this way.
fn changes_what_is_logged(scene: &Scene, line: &str) {
    let collector = collector(scene);
    let mut shop = Program::start(scene, line);
    shop.log();
    records(&collector, "info 1");
    let set = filter(scene, &collector, "ann-1", &["warn,orders::fill=debug", "--app", "sub*"]);
    assert!(set.stdout().starts_with("set for 1 program until 20"), "{}", set.stdout());
    // The answer of the program.
    records(&collector, "filter is \\\"warn,orders::fill=debug\\\" until 20");
    shop.log();
    records(&collector, "info 2");
    let list = filter(scene, &collector, "ann-1", &[]);
    let expected = "warn,orders::fill=debug app=sub* host=* pid=* until 20";
    assert!(list.stdout().starts_with(expected), "{}", list.stdout());
    let reset = filter(scene, &collector, "ann-1", &["--reset"]);
    assert_eq!(reset.stdout(), "reset for 1 program\n");
    records(&collector, "filter is the program's own again, by ann");
    assert_eq!(filter(scene, &collector, "ann-1", &[]).stdout(), "no filters are set\n");
    shop.log();
    shop.child.succeed();
    let logged = logged_by(&collector, "subject");
    let ours: Vec<&str> =
        logged.iter().map(String::as_str).filter(|m| !m.starts_with("filter")).collect();
    assert_eq!(ours, ["info 1", "debug 2", "info 2", "info 3"]);
    collector.process.says("ann set filter \"warn,orders::fill=debug\" of app=sub*");
}

/// `netlog filter` changes what running programs log, until its time is over or it is reset.
#[test]
fn a_program_logs_debug_records_only_while_a_filter_is_set() {
    changes_what_is_logged(&Scene::new(), "");
}

#[test]
fn events_of_tracing_are_logged_only_while_a_filter_is_set_too() {
    changes_what_is_logged(&Scene::new(), "door=tracing");
}

#[test]
fn a_filter_ends_by_itself() {
    let scene = Scene::new();
    let collector = collector(&scene);
    let mut shop = Program::start(&scene, "");
    shop.log();
    records(&collector, "info 1");
    filter(&scene, &collector, "ann-1", &["trace", "--for", "1s"]);
    // The program has it at once, or, where the machine is slow, finds its time over.
    let over = || {
        let text = collector.text();
        text.contains("its time is over") || text.contains("by this machine's clock")
    };
    assert!(wait_until(SOON, over), "{}", collector.text());
    shop.log();
    shop.child.succeed();
    assert!(!collector.text().contains("debug 2") && collector.text().contains("info 2"));
}

/// A filter stays over a lost connection, and programs that start while it is set get it too.
#[test]
fn a_filter_survives_a_restart_of_the_collector_and_reaches_programs_that_start_later() {
    let scene = Scene::new();
    let first = collector(&scene);
    let mut shop = Program::start(&scene, "");
    shop.log();
    records(&first, "info 1");
    filter(&scene, &first, "ann-1", &["debug", "--for", "1h"]);
    records(&first, "filter is \\\"debug\\\" until 20");
    let mut later = Program::start(&scene, "app=later");
    later.log();
    let answered = || logged_by(&first, "later").iter().any(|m| m.starts_with("filter is"));
    assert!(wait_until(SOON, answered), "{}", first.text());
    later.log();
    later.child.succeed();
    assert!(logged_by(&first, "later").contains(&"debug 2".to_owned()));
    first.stop();
    shop.log();
    let second = collector(&scene);
    shop.log();
    records(&second, "info 3");
    shop.child.succeed();
    let logged = logged_by(&second, "subject");
    for message in ["debug 2", "info 2", "debug 3", "info 3"] {
        let count = logged.iter().filter(|logged| *logged == message).count();
        assert_eq!(count, 1, "{message} in {logged:?}");
    }
    assert_eq!(logged.iter().filter(|m| m.starts_with("filter is")).count(), 1, "{logged:?}");
}

/// Only a token with `control` sets filters, and only of the programs it names.
#[test]
fn a_filter_is_set_only_by_a_token_with_control_and_only_for_the_programs_it_names() {
    let scene = Scene::new();
    let collector = collector(&scene);
    let mut shop = Program::start(&scene, "");
    shop.log();
    records(&collector, "info 1");
    for (token, status, reason) in [
        ("eve-1", 2, "token eve may not set filters: it has no control"),
        ("shop-1", 2, "token shop may not set filters"),
        ("old-1", 2, "the token has expired"),
        ("nonsense", 2, "unknown token"),
        ("", 2, "a token is required"),
    ] {
        for words in [&["debug"][..], &["--reset"], &[]] {
            let mut refused = filter(&scene, &collector, token, words);
            assert_eq!(refused.end().code(), Some(status), "{}", refused.stderr());
            assert!(refused.stderr().contains(reason), "{}", refused.stderr());
        }
    }
    // Of the program that runs, bob's token knows nothing.
    let set = filter(&scene, &collector, "bob-1", &["debug"]);
    assert!(set.stdout().starts_with("set for 0 programs until"), "{}", set.stdout());
    let mut search = scene.command(&program("netlog"));
    search.env("NETLOG_TOKEN", "bob-1").args(["search", "--at", &collector.server()]);
    let mut search = Child::start(&mut search);
    assert_eq!(search.end().code(), Some(2));
    assert!(search.stderr().contains("token bob may not read"), "{}", search.stderr());
    shop.log();
    shop.child.succeed();
    assert_eq!(logged_by(&collector, "subject"), ["info 1", "info 2"]);
    // Whoever may read everything does not learn of filters.
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    assert_eq!(get_with(&collector.server(), "/filter", &bearer("eve-1")).status, 403);
    let ours = get_with(&collector.server(), "/filter", &bearer("bob-1"));
    assert!(ours.status == 200 && ours.body.contains("\"by\":\"bob\""), "{}", ours.body);
    let bad = filter(&scene, &collector, "ann-1", &["orders=loud"]);
    assert!(bad.stderr().contains("invalid filter: "), "{}", bad.stderr());
}

#[test]
fn without_tokens_nobody_sets_a_filter() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let refused = filter(&scene, &collector, "ann-1", &["debug"]);
    let reason = "filters can be set only with --token-file, by a token with control";
    assert!(refused.stderr().contains(reason), "{}", refused.stderr());
    assert_eq!(get(&collector.server(), "/filter").status, 403);
}

#[test]
fn a_program_that_refuses_filters_keeps_its_own() {
    let scene = Scene::new();
    let collector = collector(&scene);
    let mut shop = Program::start_with(&scene, "", "off");
    shop.log();
    records(&collector, "info 1");
    let set = filter(&scene, &collector, "ann-1", &["debug"]);
    let said = set.stdout();
    assert!(said.starts_with("set for 0 programs until 20"), "{said}");
    assert!(said.ends_with("; 1 other does not take filters\n"), "{said}");
    shop.log();
    shop.child.succeed();
    assert_eq!(logged_by(&collector, "subject"), ["info 1", "info 2"]);
}

/// In a file without names, each token has all rights.
#[test]
fn a_token_without_a_name_sets_filters_and_is_named_by_its_line() {
    let scene = Scene::new();
    std::fs::write(scene.path("plain"), "# all rights\nsesame\n").expect("the scene has room");
    let collector = Collector::serving(&scene, "--token-file plain");
    let set = filter(&scene, &collector, "sesame", &["debug"]);
    assert!(set.stdout().starts_with("set for 0 programs until 20"), "{}", set.stdout());
    collector.process.says("the token of line 2 set filter \"debug\" of app=* host=* pid=*: 0");
}

/// A sender gets a filter only if its hello offers to obey it.
#[test]
fn a_sender_that_offers_nothing_gets_nothing_but_acks() {
    let scene = Scene::new();
    let collector = collector(&scene);
    let greet = |id: &str, more: &str| {
        let mut stream = TcpStream::connect(collector.at("tcp")).expect("it listens");
        stream.set_read_timeout(Some(SOON)).expect("a limit");
        let hello = format!(
            "{{\"netlog\":1,\"sender\":\"{}\",\"app\":\"a\",\"host\":\"h\",\"pid\":1,\"next\":1,\
             \"token\":\"shop-1\"{more}}}\n",
            id.repeat(16)
        );
        stream.write_all(hello.as_bytes()).expect("it reads");
        let mut stream = BufReader::new(stream);
        assert_eq!(line(&mut stream), "{\"netlog\":1,\"ack\":0}\n");
        stream
    };
    let mut old = greet("0a", "");
    let mut able = greet("0b", ",\"can\":[\"filter\",\"sing\"]");
    let set = filter(&scene, &collector, "ann-1", &["debug", "--app", "a"]);
    assert!(set.stdout().contains("1 program until"), "{}", set.stdout());
    assert!(set.stdout().contains("1 other does not take filters"), "{}", set.stdout());
    let order = line(&mut able);
    assert!(order.starts_with("{\"filter\":\"debug\",\"until\":\"20"), "{order}");
    assert!(order.ends_with("Z\",\"by\":\"ann\"}\n"), "{order}");
    for stream in [&mut old, &mut able] {
        let record =
            "{\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"INFO\",\"msg\":\"m\"}\n";
        stream.get_mut().write_all(record.as_bytes()).expect("it reads");
        assert_eq!(line(stream), "{\"ack\":1}\n");
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).expect("a line");
    line
}
