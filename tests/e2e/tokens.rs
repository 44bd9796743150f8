//! `--token-file`: only who shows a token may send, and only who shows one may look.

use crate::harness::{
    Child, Collector, SOON, Scene, assert_each_once, example, get, get_with, metric_with, speak,
    wait_until,
};
use crate::http_intake::post;
use rustix::process::Signal;
use std::io::Read;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;

const TOKEN: &str = "correct-horse-7f2a";
const BEARER: &str = "Authorization: Bearer correct-horse-7f2a\r\n";
const HELLO: &str = r#"{"netlog":1,"sender":"9f3c00000000000000000000000000ab","app":"a","host":"h","pid":1,"next":1"#;

/// A collector with the tokens in this text.
fn guarded(scene: &Scene, tokens: &str) -> Collector {
    let path = scene.path("tokens");
    std::fs::write(&path, tokens).expect("the scene has room");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("it is ours");
    Collector::serving(scene, "--token-file tokens")
}

fn counted(collector: &Collector, name: &str) -> u64 {
    metric_with(&collector.server(), name, BEARER)
}

/// The subject, with this token in its environment.
fn subject(scene: &Scene, token: &str, told: &str) -> Child {
    let mut command = scene.command(&example("subject"));
    Child::start(command.env("NETLOG_TOKEN", token).args(told.split_whitespace()))
}

#[test]
fn a_sender_with_a_token_is_served_and_one_without_is_told_why() {
    let scene = Scene::new();
    let collector = guarded(&scene, &format!("# two of them\nanother-91bc\n{TOKEN}\n"));
    let to = collector.authority();
    for (hello, words) in [
        (format!("{HELLO}}}\n"), "a token is required"),
        (format!("{HELLO},\"token\":\"correct-horse-7f2b\"}}\n"), "unknown token"),
        (format!("{HELLO},\"token\":\"\"}}\n"), "unknown token"),
    ] {
        let answer = speak(to, hello.as_bytes());
        assert_eq!(answer, format!("{{\"error\":\"{words}\"}}\n"));
    }
    assert_eq!(counted(&collector, "strangers_refused"), 3);
    subject(&scene, TOKEN, &format!("to={to} records=500")).succeed();
    subject(&scene, "another-91bc", &format!("to={to} app=other records=5")).succeed();
    let records = collector.records();
    assert_each_once(&records.of("subject"), 1, 500);
    assert_eq!(records.of("other").0.len(), 5);
    assert!(!collector.text().contains(TOKEN), "a token is in no file");
}

/// A sender that is refused for its token keeps its records.
#[test]
fn a_refused_sender_keeps_its_records_until_the_token_is_right() {
    let scene = Scene::new();
    let collector = guarded(&scene, TOKEN);
    let to = collector.authority();
    let mut refused = subject(&scene, "wrong", &format!("to={to} records=50"));
    refused.says("the collector refused the connection: unknown token");
    refused.end();
    assert!(collector.text().is_empty() && scene.rings().len() == 1);
    let token = scene.path("mine");
    std::fs::write(&token, format!("{TOKEN}\n")).expect("the scene has room");
    let spool = scene.spool();
    let line = format!("ship --to {to} --token-file mine {}", spool.display());
    scene.netlog(&line).succeed();
    assert_each_once(&collector.records().of("subject"), 1, 50);
}

/// Nobody sends or reads who should not, where certificates or tokens are asked for.
#[test]
fn peers_that_cannot_show_a_token_are_refused() {
    let scene = Scene::new();
    let path = scene.path("tokens");
    std::fs::write(&path, TOKEN).expect("the scene has room");
    let line = "--listen tcp://127.0.0.1:0 --listen udp://127.0.0.1:0 --http 127.0.0.1:0 \
                --token-file tokens";
    let collector = Collector::with(&scene, line);
    collector.process.says("warning: datagrams cannot carry a token");
    let mut plain = TcpStream::connect(collector.authority()).expect("the collector listens");
    plain.set_read_timeout(Some(SOON)).expect("a limit");
    std::io::Write::write_all(&mut plain, b"let me in\n").expect("the collector reads");
    let closed = plain.read(&mut [0; 64]);
    assert!(closed.is_err(), "a reset says that nothing was kept: {closed:?}");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let udp = collector.process.stderr();
    let udp = udp.lines().find_map(|line| line.strip_prefix("listening on udp://"));
    socket
        .send_to(b"let me in", udp.expect("the collector prints the address"))
        .expect("a datagram");
    assert!(wait_until(SOON, || counted(&collector, "strangers_refused") == 2));
    assert!(collector.stop().0.is_empty());
}

/// Nobody sends or reads who should not, where certificates or tokens are asked for.
#[test]
fn whoever_looks_shows_a_token_but_for_the_page_and_the_health() {
    let scene = Scene::new();
    let collector = guarded(&scene, TOKEN);
    let server = collector.server();
    for path in ["/tail?follow=false", "/search", "/senders", "/metrics"] {
        let answered = get(&server, path);
        assert_eq!(answered.status, 401, "{path}");
        assert!(answered.head.contains("www-authenticate: Bearer"), "{}", answered.head);
        assert!(answered.body.contains("\"error\":\"a token is required\""));
        let wrong = get_with(&server, path, "Authorization: Bearer nonsense\r\n");
        assert!(wrong.status == 401 && wrong.body.contains("unknown token"), "{}", wrong.body);
        let basic = get_with(&server, path, "Authorization: Basic Y29ycmVjdA==\r\n");
        assert_eq!(basic.status, 401);
        assert_eq!(get_with(&server, path, BEARER).status, 200, "{path}");
    }
    for path in ["/", "/page/stream.js", "/healthz"] {
        assert_eq!(get(&server, path).status, 200, "{path}");
    }
    assert_eq!(counted(&collector, "requests_refused"), 12);
}

/// A token in TOML sends only as the senders it names.
#[test]
fn a_named_token_sends_only_as_the_senders_it_names() {
    let scene = Scene::new();
    let tokens = "[shop]\ntoken = \"shop-1\"\nsend = \"app=orders*\"\n\
                  [ann]\ntoken = \"ann-1\"\nread = true\n";
    let collector = guarded(&scene, tokens);
    let to = collector.authority();
    subject(&scene, "shop-1", &format!("to={to} app=orders-eu records=5")).succeed();
    let mut refused = subject(&scene, "shop-1", &format!("to={to} app=prices records=5"));
    refused.says("the collector refused the connection: token shop may not send as app=prices");
    refused.end();
    let mut reader = subject(&scene, "ann-1", &format!("to={to} app=orders records=5"));
    reader.says("the collector refused the connection: token ann may not send");
    reader.end();
    let posted = |token: &str, query: &str| {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        post(&collector, query, &bearer, b"over HTTP\n")
    };
    assert_eq!(posted("shop-1", "/?app=orders").0, 200);
    let (status, error) = posted("shop-1", "/?app=prices");
    assert_eq!(status, 403);
    assert!(error.contains("token shop may not send as app=prices"), "{error}");
    assert_eq!(posted("shop-1", "/").0, 403, "a record without an app is no record of orders*");
    assert_eq!(collector.records().of("orders-eu").0.len(), 5);
    assert_eq!(collector.text().lines().count(), 6);
}

/// A token in TOML reads only the records of the senders it names.
#[test]
fn a_named_token_reads_only_the_records_of_the_senders_it_names() {
    let scene = Scene::new();
    let tokens = "[all]\ntoken = \"all-1\"\nsend = true\nread = true\n\
                  [ann]\ntoken = \"ann-1\"\nread = \"app=orders*\"\n\
                  [shop]\ntoken = \"shop-1\"\nsend = true\n";
    let collector = guarded(&scene, tokens);
    let to = collector.authority();
    for app in ["orders", "prices"] {
        subject(&scene, "all-1", &format!("to={to} app={app} records=5")).succeed();
    }
    let server = collector.server();
    let read = |token: &str, path: &str| {
        let answered = get_with(&server, path, &format!("Authorization: Bearer {token}\r\n"));
        (answered.status, answered.body)
    };
    for path in ["/search?n=all", "/tail?follow=false&n=all", "/senders"] {
        let all = read("all-1", path).1;
        assert!(all.contains("\"orders\"") && all.contains("\"prices\""), "{path}: {all}");
        let some = read("ann-1", path).1;
        assert!(some.contains("\"orders\"") && !some.contains("prices"), "{path}: {some}");
        let (status, error) = read("shop-1", path);
        assert_eq!(status, 403, "{path}");
        assert!(error.contains("token shop may not read"), "{error}");
    }
    assert!(!read("ann-1", "/search?n=all&app=prices").1.contains("prices"));
}

/// A sender id belongs to the token it first came with, also after a restart of the collector.
#[test]
fn a_sender_id_belongs_to_the_token_it_first_came_with_also_after_a_restart() {
    let scene = Scene::new();
    let tokens = "[shop]\ntoken = \"shop-1\"\nsend = true\n\
                  [other]\ntoken = \"other-1\"\nsend = true\nread = true\n";
    let collector = guarded(&scene, tokens);
    let hello = |token: &str, first: u64| {
        let hello = HELLO.replace("\"next\":1", &format!("\"next\":{first}"));
        let record = "{\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"INFO\",\"msg\":\"m\"}";
        format!("{hello},\"token\":\"{token}\"}}\n{record}\n")
    };
    let stolen = "{\"error\":\"this sender id belongs to another token or certificate\"}\n";
    let to = collector.authority().to_owned();
    assert!(speak(&to, hello("shop-1", 1).as_bytes()).contains("{\"ack\":1}"));
    assert_eq!(speak(&to, hello("other-1", 900).as_bytes()), stolen);
    assert!(speak(&to, hello("shop-1", 2).as_bytes()).contains("{\"ack\":2}"));
    collector.stop();
    let collector = Collector::serving(&scene, "--token-file tokens");
    let to = collector.authority();
    assert_eq!(speak(to, hello("other-1", 901).as_bytes()), stolen);
    assert!(speak(to, hello("shop-1", 3).as_bytes()).contains("{\"ack\":3}"));
    assert_eq!(collector.text().lines().count(), 3);
}

/// `netlog token new` adds a token to the file, and prints it once.
#[test]
fn a_new_token_is_printed_once_and_admitted_with_the_rights_it_was_given() {
    let scene = Scene::new();
    let draw = |line: &str| {
        let mut command = scene.netlog(&format!("token new {line}"));
        command.succeed();
        command.stdout().trim().to_owned()
    };
    let shop = draw("shop --send app=orders*");
    let ann = draw("ann --read all --expires 2120-01-01");
    let file = scene.path("tokens.toml");
    let text = std::fs::read_to_string(&file).expect("the file is made");
    assert!(!text.contains(&shop) && !text.contains(&ann), "{text}");
    let mode = std::fs::metadata(&file).expect("the file is made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut again = scene.netlog("token new shop --send all");
    assert_eq!(again.end().code(), Some(1));
    assert!(again.stderr().contains("has a token shop already"), "{}", again.stderr());
    let collector = Collector::serving(&scene, "--token-file tokens.toml");
    let to = collector.authority();
    subject(&scene, &shop, &format!("to={to} app=orders records=5")).succeed();
    let bearer = format!("Authorization: Bearer {ann}\r\n");
    let found = get_with(&collector.server(), "/search?n=all", &bearer);
    assert_eq!(found.body.matches("\"thread 1 number ").count(), 5, "{}", found.body);
}

#[test]
fn the_command_line_shows_its_token_from_a_file_or_the_environment() {
    let scene = Scene::new();
    let collector = guarded(&scene, TOKEN);
    std::fs::write(scene.path("mine"), format!("# mine\n{TOKEN}\n")).expect("the scene has room");
    let line = format!("send --to {} --token-file mine", collector.authority());
    let mut send = scene.netlog(&line);
    send.feed(b"hello\n");
    send.succeed();
    let server = collector.server();
    let mut search = scene.netlog(&format!("search --at {server} --token-file mine"));
    search.succeed();
    assert!(search.stdout().contains("hello"), "{}", search.stdout());
    let mut command = scene.command(&crate::harness::program("netlog"));
    command.env("NETLOG_TOKEN", TOKEN);
    let mut tail = Child::start(command.args(["tail", "--no-follow", "--at", &server]));
    tail.succeed();
    assert!(tail.stdout().contains("hello"), "{}", tail.stdout());
    let mut bare = scene.netlog(&format!("search --at {server}"));
    assert_eq!(bare.end().code(), Some(2));
    assert!(bare.stderr().contains("a token is required"), "{}", bare.stderr());
}

#[test]
fn tokens_are_read_again_at_a_hangup() {
    let scene = Scene::new();
    let collector = guarded(&scene, TOKEN);
    let server = collector.server();
    let path = scene.path("tokens");
    std::fs::write(&path, "the-next-one").expect("it is ours");
    collector.process.signal(Signal::HUP);
    let next = "Authorization: Bearer the-next-one\r\n";
    let status = |bearer: &str| get_with(&server, "/senders", bearer).status;
    assert!(wait_until(SOON, || status(next) == 200));
    assert_eq!(status(BEARER), 401, "the old one no longer works");
    std::fs::write(&path, "not a token").expect("it is ours");
    collector.process.signal(Signal::HUP);
    collector.process.says("the tokens stay: line 1: expected a token");
    assert_eq!(status(next), 200);
}

#[test]
fn a_token_file_that_everybody_can_read_is_warned_of_and_a_missing_one_is_an_error() {
    let scene = Scene::new();
    let path = scene.path("tokens");
    std::fs::write(&path, TOKEN).expect("the scene has room");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("it is ours");
    let collector = Collector::serving(&scene, "--token-file tokens");
    collector.process.says("warning: everybody on this machine has access to tokens");
    let mut none = Collector::launch(&scene, scene.path("other.log"), "--token-file nowhere");
    assert_eq!(none.process.end().code(), Some(1));
    let said = none.process.stderr();
    assert!(said.contains("failed to read tokens of nowhere: no such file"), "{said}");
}
