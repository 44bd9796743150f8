//! The routes by which the page of one collector reads another one.

use crate::harness::{Child, Collector, SOON, Scene, get_with, program};
use std::io::{Read, Write};
use std::net::TcpStream;

const OURS: &str = "http://site1:1903";

/// The head of the answer to a request with header lines of our own, in lower case.
fn head(collector: &Collector, request: &str, headers: &str) -> String {
    let server = collector.server();
    let authority = server.strip_prefix("http://").expect("a scheme");
    let mut stream = TcpStream::connect(authority).expect("somebody serves");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    let text = format!("{request} HTTP/1.0\r\nHost: {authority}\r\n{headers}\r\n");
    stream.write_all(text.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it closes");
    answer.split("\r\n\r\n").next().expect("a head").to_lowercase()
}

fn from(origin: &str) -> String {
    format!("Origin: {origin}\r\n")
}

/// A page reads another collector only if that one allows the page's origin.
#[test]
fn only_the_page_of_an_allowed_origin_may_read_and_only_records_and_senders() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, &format!("--http-origin {OURS}"));
    let allowed = format!("access-control-allow-origin: {OURS}");
    for path in ["/tail?follow=false", "/search", "/senders", "/tail?levle=warn"] {
        let answer = head(&collector, &format!("GET {path}"), &from(OURS));
        assert!(answer.contains(&allowed) && answer.contains("vary: origin"), "{path}: {answer}");
        assert!(!answer.contains("allow-credentials"), "{answer}");
        for origin in ["null", "*", "http://evil.example", "http://site1", "https://site1:1903"] {
            let answer = head(&collector, &format!("GET {path}"), &from(origin));
            assert!(!answer.contains("access-control"), "{origin}: {answer}");
            assert!(answer.contains("vary: origin"), "{origin}: {answer}");
        }
    }
    for path in ["/", "/page/page.js", "/filter", "/metrics", "/status", "/peers", "/healthz"] {
        for method in ["GET", "OPTIONS"] {
            let headers = from(OURS) + "Access-Control-Request-Method: GET\r\n";
            let answer = head(&collector, &format!("{method} {path}"), &headers);
            assert!(!answer.contains("access-control"), "{method} {path}: {answer}");
        }
    }
}

#[test]
fn a_preflight_allows_a_token_and_nothing_else_and_needs_none_itself() {
    let scene = Scene::new();
    std::fs::write(scene.path("tokens"), "sesame\n").expect("a file");
    let tokens = scene.path("tokens").display().to_string();
    let line = format!("--http-origin {OURS} --token-file {tokens}");
    let collector = Collector::serving(&scene, &line);
    let ask =
        "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\n";
    let answer = head(&collector, "OPTIONS /tail", &(from(OURS) + ask));
    assert!(answer.starts_with("http/1.0 204"), "{answer}");
    for line in [
        &format!("access-control-allow-origin: {OURS}"),
        "access-control-allow-methods: get",
        "access-control-allow-headers: authorization",
        "access-control-max-age: 600",
        "vary: origin",
    ] {
        assert!(answer.lines().any(|other| other == line), "{line} is not in\n{answer}");
    }
    for origin in ["null", "http://evil.example"] {
        let answer = head(&collector, "OPTIONS /tail", &(from(origin) + ask));
        assert!(!answer.contains("access-control"), "{answer}");
    }
    // The page may read why it is refused, and gets nothing without the token.
    let answer = head(&collector, "GET /search", &from(OURS));
    assert!(answer.starts_with("http/1.0 401") && answer.contains("allow-origin"), "{answer}");
    let shown = from(OURS) + "Authorization: Bearer sesame\r\n";
    assert!(head(&collector, "GET /search", &shown).starts_with("http/1.0 200"));
}

#[test]
fn an_allowed_origin_reaches_a_loopback_address_only_by_the_names_that_it_has() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, &format!("--http-origin {OURS}"));
    let headers = format!("{}Host: rebound.example\r\n", from(OURS));
    let answer = get_with(&collector.server(), "/search", &headers);
    assert_eq!(answer.status, 403, "{}", answer.body);
}

#[test]
fn without_the_option_no_answer_allows_another_origin() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    for request in ["GET /search", "GET /senders", "OPTIONS /tail", "GET /peers"] {
        let headers = from(OURS) + "Access-Control-Request-Method: GET\r\n";
        let answer = head(&collector, request, &headers);
        assert!(!answer.contains("access-control") && !answer.contains("vary"), "{answer}");
    }
}

#[test]
fn the_page_is_given_its_peers_and_may_ask_no_other_address() {
    let scene = Scene::new();
    let peers = "--peers http://Site2:1903/ --peers https://logs.example.com:443";
    let collector = Collector::serving(&scene, peers);
    let answer = get_with(&collector.server(), "/peers", "");
    let list = r#"[{"name":"site2:1903","url":"http://site2:1903"},{"name":"logs.example.com","url":"https://logs.example.com"}]"#;
    assert_eq!((answer.status, answer.body.trim_end()), (200, list));
    let page = head(&collector, "GET /", "");
    let sources = "; connect-src 'self' http://site2:1903 https://logs.example.com; ";
    assert!(page.contains(sources), "{page}");
}

#[test]
fn peers_that_a_page_cannot_have_are_refused_with_the_reason() {
    let scene = Scene::new();
    let many: String = (1..=17).map(|n| format!(" --peers http://site{n}:1903")).collect();
    for (line, reason) in [
        (many.as_str(), "too many --peers: at most 16"),
        ("--peers http://site2:1903/logs", "expected no path"),
        ("--peers site2:1903", "expected http://HOST:PORT or https://HOST:PORT"),
        ("--peers http://[::1]:1903", "use a host name"),
        (
            "--http https://127.0.0.1:0 --peers https://site1 --peers http://site2:1903",
            "--peers http://site2:1903: browsers let a page over https:// read only https://",
        ),
        ("--http-origin null", "expected http://HOST:PORT or https://HOST:PORT"),
        ("--http-origin *", "expected http://HOST:PORT or https://HOST:PORT"),
    ] {
        let mut command = scene.command(&program("netlog-collector"));
        command.args(["--check-config", "--file", "x"]).args(line.split_whitespace());
        let mut child = Child::start(&mut command);
        assert!(!child.end().success(), "{line}");
        assert!(child.stderr().contains(reason), "{line}: {}", child.stderr());
    }
}
