//! Methods of HTTP other than GET, and clients that send as little as they may.

use crate::harness::{Collector, SOON, Scene, get_with};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

/// The answer to a request, in lower case, read until the server closes.
pub(crate) fn ask(collector: &Collector, request: &str) -> String {
    let server = collector.server();
    let authority = server.strip_prefix("http://").expect("a scheme");
    let mut stream = TcpStream::connect(authority).expect("somebody listens");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    // Not closing our half: to readers that is a client which left.
    stream.write_all(format!("{request}\r\n\r\n").as_bytes()).expect("the other side reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the other side closes");
    answer.to_lowercase()
}

/// Value of a header, empty if there is none.
fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let mut lines = answer.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

#[test]
fn every_route_answers_head_like_get_without_a_body_and_a_tail_ends_at_once() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    for route in ["/", "/healthz", "/metrics", "/senders", "/search", "/tail"] {
        // As HTTP/1.0, the connection ends with the answer.
        let head = ask(&collector, &format!("HEAD {route} HTTP/1.0"));
        assert!(head.starts_with("http/1.0 200"), "{route}: {head}");
        assert!(head.ends_with("\r\n\r\n"), "{route} has a body: {head}");
        if route != "/tail" {
            let whole = ask(&collector, &format!("GET {route} HTTP/1.0"));
            let kind = "content-type";
            assert_eq!(header(&head, kind), header(&whole, kind), "{route}");
        }
    }
    let refused = ask(&collector, "HEAD /search?level=loud HTTP/1.0");
    assert!(refused.starts_with("http/1.0 400") && refused.ends_with("\r\n\r\n"), "{refused}");
}

#[test]
fn health_is_answered_to_a_client_of_http_1_0_without_a_host() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let answer = ask(&collector, "GET /healthz HTTP/1.0");
    assert!(
        answer.starts_with("http/1.0 200") && answer.contains("{\"healthy\":true}"),
        "{answer}"
    );
}

#[test]
fn options_names_the_methods() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    for route in ["/", "/tail", "/healthz"] {
        let answer = ask(&collector, &format!("OPTIONS {route} HTTP/1.0"));
        assert!(answer.starts_with("http/1.0 20"), "{route}: {answer}");
        assert_eq!(header(&answer, "allow"), "get, head, options", "{route}");
        assert!(!answer.contains("access-control"), "{answer}");
    }
}

#[test]
fn only_names_of_this_machine_and_those_of_http_host_are_answered_and_the_error_names_the_option() {
    let scene = Scene::new();
    let collector =
        Collector::serving(&scene, "--http-host logs.example.org --http-host b.example");
    let ask = |host| get_with(&collector.server(), "/metrics", &format!("Host: {host}\r\n"));
    for host in ["localhost.", "127.0.0.2", "[::1]:1903", "Logs.Example.org", "b.example:80"] {
        assert_eq!(ask(host).status, 200, "{host}");
    }
    let refused = ask("evil.example");
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("--http-host adds"), "{}", refused.body);
}

/// A page from elsewhere has no token, so that its name does not matter.
#[test]
fn with_a_token_the_name_of_the_host_does_not_matter() {
    let scene = Scene::new();
    let path = scene.path("tokens");
    std::fs::write(&path, "correct-horse-7f2a\n").expect("the scene has room");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("it is ours");
    let collector = Collector::serving(&scene, "--token-file tokens");
    let ask = |more| {
        let headers = format!("Host: logs.example.org\r\n{more}");
        get_with(&collector.server(), "/metrics", &headers).status
    };
    assert_eq!(ask("Authorization: Bearer correct-horse-7f2a\r\n"), 200);
    assert_eq!(ask(""), 401);
}
