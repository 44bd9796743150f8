//! HTTP on the ordinary port: what is posted is in the file when it is answered, whatever protocol
//! it is in, and hostile requests harm nobody.

mod grpc;
mod journal;
mod loki;
mod siege;
mod smuggling;

use crate::harness::{
    Child, Collector, Records, SOON, Scene, assert_each_once, messages, metric, speak, wait_until,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;

/// A request with its length, at whose answer the connection ends.
fn request(target: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// The status, and the body of the answer.
pub(crate) fn post(
    collector: &Collector,
    target: &str,
    headers: &str,
    body: &[u8],
) -> (u16, String) {
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    stream.write_all(&request(target, headers, body)).expect("the collector reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the collector answers");
    let status = answer.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    (status, body.trim_end().to_owned())
}

/// An `ExportLogsServiceRequest` with one record of `shop`: a warning, `late`.
const EXPORT_PROTOBUF: &[u8] =
    b"\n(\n\x18\n\x16\n\x0cservice.name\x12\x06\n\x04shop\x12\x0c\x12\n\x10\x0d*\x06\n\x04late";

const JSON: &str = "Content-Type: application/json\r\n";

/// What is posted is in the file when it is answered.
#[test]
fn curl_posts_a_line_and_it_is_in_the_file_when_it_is_answered() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let url = format!("http://{}", collector.authority());
    for (target, body) in [("/", "disk full"), ("/backup?level=warn&host=web9", "disk fuller")] {
        let mut curl = Command::new("curl");
        let mut child = Child::start(curl.args(["-sS", "-d", body, &format!("{url}{target}")]));
        child.succeed();
        assert_eq!(child.stdout().trim_end(), r#"{"taken":1}"#);
        let records = collector.records();
        assert_eq!(messages(&records).last(), Some(&body));
    }
    let last = &collector.records().0[1];
    assert_eq!(
        (&last["app"], &last["host"], &last["level"]),
        (&json!("backup"), &json!("web9"), &json!("WARN"))
    );
}

#[test]
fn a_client_that_closes_right_behind_its_request_is_served() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    for n in 0..50 {
        let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
        let body = format!("record {n}");
        stream.write_all(&request("/", "", body.as_bytes())).expect("the collector reads");
    }
    collector.wait_for(50);
}

#[test]
fn a_large_body_in_chunks_that_waits_for_a_go_ahead_is_taken() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let lines: Vec<String> = (1..=5000).map(|n| format!("thread 1 number {n}")).collect();
    let body = lines.join("\n");
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue"]);
    curl.args(["-H", "Content-Type: text/plain", "--data-binary", "@-"]);
    let mut child = Child::start(curl.arg(format!("http://{}", collector.authority())));
    child.feed(body.as_bytes());
    child.succeed();
    assert_eq!(child.stdout().trim_end(), r#"{"taken":5000}"#);
    assert_each_once(&collector.records(), 1, 5000);
}

#[test]
fn a_line_that_is_not_json_is_named_in_the_answer_and_kept() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let body = b"{\"msg\":\"a\"}\nhalf\n{\"msg\":\"b\",\"level\":\"error\"}\n";
    let (status, answer) = post(&collector, "/", JSON, body);
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!((status, &answer["taken"]), (200, &json!(3)));
    assert_eq!(answer["faults"]["first"], "line 2 is not a JSON object; it was kept as text");
    assert_eq!(messages(&collector.records()), ["a", "half", "b"]);
}

/// Records that a token may not send are left out and counted in the answer; those around them are
/// stored.
#[test]
fn otlp_records_that_a_token_may_not_send_are_counted_and_the_others_are_kept() {
    let scene = Scene::new();
    let tokens = "[shop]\ntoken = \"shop-1\"\nsend = \"app=shop\"\n";
    std::fs::write(scene.path("tokens"), tokens).expect("the scene has room");
    let collector = Collector::serving(&scene, "--token-file tokens");
    let bearer = "Authorization: Bearer shop-1\r\n";
    let words = "2 records were not kept, the first because: token shop may not send as app=bank";
    let bank = EXPORT_PROTOBUF.to_vec();
    let at = bank.windows(4).position(|part| part == b"shop").expect("it is in it");
    let bank = [&bank[..at], b"bank", &bank[at + 4..]].concat();
    let mixed = [&bank[..], EXPORT_PROTOBUF, &bank].concat();
    let (status, answer) = post(&collector, "/v1/logs", bearer, &mixed);
    assert!(status == 200 && answer.contains(words) && answer.contains("\x08\x02\x12"), "{answer}");
    let of = |app: &str| {
        json!({
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": app}}]},
            "scopeLogs": [{"logRecords": [{"body": {"stringValue": "late"}}]}],
        })
    };
    let mixed = json!({"resourceLogs": [of("bank"), of("shop"), of("bank")]}).to_string();
    let headers = format!("{bearer}{JSON}");
    let (status, answer) = post(&collector, "/v1/logs", &headers, mixed.as_bytes());
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let partial = &answer["partialSuccess"];
    assert_eq!((status, &partial["rejectedLogRecords"]), (200, &json!("2")), "{answer}");
    assert!(partial["errorMessage"].as_str().is_some_and(|said| said.contains(words)), "{answer}");
    assert_eq!(post(&collector, "/v1/logs", bearer, &bank).0, 403, "nothing of it is kept");
    let records = collector.records();
    assert_eq!(messages(&records.of("shop")), ["late", "late"]);
    assert_eq!(records.0.len(), 2);
}

#[test]
fn every_protocol_is_answered_as_its_clients_expect() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let otlp = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795372943123456789","severityNumber":13,"body":{"stringValue":"otlp"}}]}]}]}"#;
    let loki = r#"{"streams":[{"stream":{"app":"shop"},"values":[["1795372943123456789","level=warn loki"]]}]}"#;
    let gelf = r#"{"version":"1.1","host":"web1","short_message":"gelf","level":4,"_app":"shop"}"#;
    let splunk =
        r#"{"event":"WARN splunk","host":"web1"}{"event":{"msg":"splunk two","level":"warn"}}"#;
    let clef = "{\"@t\":\"2026-11-22T18:42:23.123456Z\",\"@m\":\"clef\",\"@l\":\"Warning\"}\n";
    let head = "Content-Type: text/plain\r\n";
    for (target, headers, body, status, answer) in [
        ("/v1/logs", JSON, otlp, 200, "{}"),
        ("/loki/api/v1/push", JSON, loki, 204, ""),
        ("/gelf", JSON, gelf, 202, ""),
        ("/services/collector/event", head, splunk, 200, r#"{"code":0,"text":"Success"}"#),
        (
            "/services/collector/raw?host=web1",
            head,
            "WARN raw",
            200,
            r#"{"code":0,"text":"Success"}"#,
        ),
        ("/ingest/clef", head, clef, 201, r#"{"MinimumLevelAccepted":null}"#),
    ] {
        assert_eq!(
            post(&collector, target, headers, body.as_bytes()),
            (status, answer.into()),
            "{target}"
        );
    }
    let records = collector.records();
    let expected =
        ["otlp", "level=warn loki", "gelf", "WARN splunk", "splunk two", "WARN raw", "clef"];
    assert_eq!(messages(&records), expected);
    assert!(records.0.iter().all(|record| record["level"] == "WARN"), "{}", collector.text());
}

#[test]
fn a_client_of_splunk_that_names_a_channel_is_given_an_id_and_may_ask_for_it() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let channel = "X-Splunk-Request-Channel: 6c0bd1e4\r\n";
    for id in 0..2 {
        let answer = post(&collector, "/services/collector/event", channel, br#"{"event":"a"}"#);
        assert_eq!(answer, (200, format!(r#"{{"ackId":{id},"code":0,"text":"Success"}}"#)));
    }
    let ask = |target, body: &[u8]| post(&collector, target, "", body);
    let answer = ask("/services/collector/ack?channel=6c0bd1e4", br#"{"acks":[0,1]}"#);
    assert_eq!(answer, (200, r#"{"acks":{"0":true,"1":true}}"#.into()));
    assert_eq!(ask("/services/collector/ack", br#"{"acks":[0]}"#).0, 400);
    assert_eq!(ask("/services/collector/ack?channel=6c0bd1e4", b"[").0, 400);
    assert_eq!(messages(&collector.records()), ["a", "a"]);
}

#[test]
fn dockers_driver_for_splunk_may_verify_its_connection() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let path = "/services/collector/event/1.0";
    let verify = format!("OPTIONS {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = speak(collector.authority(), verify.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let event = r#"{"event":{"line":"disk full","source":"stdout","tag":"orders"},"time":"1795372943.1","host":"web1"}"#;
    assert_eq!(post(&collector, path, "", event.as_bytes()).0, 200);
    assert_eq!(messages(&collector.records()), ["disk full"]);
}

#[test]
fn a_listener_for_http_takes_requests_and_nothing_else() {
    let scene = Scene::new();
    let collector = Collector::with(&scene, "--listen http://127.0.0.1:0");
    assert!(collector.address().starts_with("http://"), "{}", collector.address());
    let answer = speak(collector.authority(), b"disk full\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(post(&collector, "/", "", b"request"), (200, r#"{"taken":1}"#.into()));
    assert_eq!(messages(&collector.records()), ["request"]);
}

#[test]
fn requests_one_behind_another_on_a_connection_are_answered_in_order() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    let one = |n: usize| {
        format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\nthread 1 number {n:02}")
    };
    let all: String = (1..=50).map(one).collect();
    stream.write_all(all.as_bytes()).expect("the collector reads");
    let mut reader = BufReader::new(stream);
    for _ in 0..50 {
        let mut line = String::new();
        while !line.ends_with("{\"taken\":1}\n") {
            assert_ne!(reader.read_line(&mut line).expect("an answer"), 0, "{line}");
        }
    }
    assert_each_once(&collector.records(), 1, 50);
}

#[test]
fn a_request_that_comes_byte_by_byte_is_a_request_and_a_line_of_an_access_log_is_text() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    stream.set_nodelay(true).expect("a socket option");
    for byte in request("/", "", b"slowly") {
        stream.write_all(&[byte]).expect("the collector reads");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the collector answers");
    assert!(answer.ends_with("{\"taken\":1}\n"), "{answer}");
    speak(collector.authority(), b"GET /x HTTP/1.1 200 512\nPOST /y 404\n");
    let expected = ["slowly", "GET /x HTTP/1.1 200 512", "POST /y 404"];
    assert_eq!(messages(&collector.wait_for(3)), expected);
}

#[test]
fn a_client_without_a_token_is_refused_and_each_way_to_show_one_is_known() {
    let scene = Scene::new();
    std::fs::write(scene.path("tokens"), "correct-horse-7f2a\n").expect("the scene has room");
    let collector = Collector::with(&scene, "--listen tcp://127.0.0.1:0 --token-file tokens");
    assert_eq!(post(&collector, "/", "", b"no").0, 401);
    assert_eq!(post(&collector, "/", "Authorization: Bearer wrong\r\n", b"no").0, 401);
    for header in [
        "Authorization: Bearer correct-horse-7f2a",
        "Authorization: Splunk correct-horse-7f2a",
        "Authorization: Basic YW5uOmNvcnJlY3QtaG9yc2UtN2YyYQ==",
        "X-Seq-ApiKey: correct-horse-7f2a",
        "X-Scope-OrgID: correct-horse-7f2a",
        "api-key: correct-horse-7f2a",
    ] {
        assert_eq!(post(&collector, "/", &format!("{header}\r\n"), b"yes").0, 200, "{header}");
    }
    assert_eq!(messages(&collector.records()), ["yes"; 6]);
}

#[test]
fn a_web_page_of_another_site_cannot_write_here() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    for header in ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site", "Origin: null"] {
        assert_eq!(post(&collector, "/", &format!("{header}\r\n"), b"no").0, 403, "{header}");
    }
    assert_eq!(post(&collector, "/", "Origin: http://x\r\n", b"yes").0, 200);
    assert_eq!(messages(&collector.records()), ["yes"]);
}

/// Answer of a side that may hang up in the middle of `bytes`.
fn answer_of_refusal(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(std::net::Shutdown::Write));
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let reset = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
    assert!(read.as_ref().err().is_none_or(reset), "it does not close: {read:?}");
    String::from_utf8_lossy(&answer).into_owned()
}

/// One slow, dead or hostile peer never harms the others.
#[test]
fn hostile_requests_are_refused_and_harm_nobody() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-body 1MiB");
    let head =
        |lines: &str| format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n");
    let headers: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X: {}\r\n", "y".repeat(64 << 10));
    for (what, bytes, status) in [
        ("two lengths", head("Content-Length: 4\r\nContent-Length: 5\r\n") + "abcde", "400"),
        ("a negative length", head("Content-Length: -1\r\n"), "400"),
        ("a length beyond all", head("Content-Length: 99999999999999999999\r\n"), "400"),
        ("too many headers", head(&headers), "431"),
        ("too long a head", head(&long), "431"),
        ("half a chunk", head("Transfer-Encoding: chunked\r\n") + "zz\r\nabc", "400"),
    ] {
        let answer = answer_of_refusal(collector.authority(), bytes.as_bytes());
        assert!(answer.is_empty() || answer.contains(status), "{what}: {answer}");
    }
    assert_eq!(post(&collector, "/", "", &vec![b'a'; 2 << 20]).0, 413);
    assert_eq!(post(&collector, "/", "Content-Encoding: br\r\n", b"x").0, 415);
    assert_eq!(post(&collector, "/v1/logs", "", b"\xff\xff\xff").0, 400);
    assert_eq!(post(&collector, "/nothing/here", "", b"x").0, 404);
    assert_eq!(post(&collector, "/", "", b"still here").0, 200);
    assert_eq!(messages(&collector.records()), ["still here"]);
    assert!(metric(&collector.server(), "http_requests_refused") >= 3);
}

/// One slow, dead or hostile peer never harms the others.
#[test]
fn bodies_that_begin_and_do_not_go_on_take_no_memory_from_others() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let begun = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhalf";
    let slow: Vec<TcpStream> = (0..700)
        .map(|_| {
            let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
            stream.write_all(begun).expect("the collector reads");
            stream
        })
        .collect();
    let all = || metric(&collector.server(), "http_requests") >= slow.len() as u64;
    assert!(wait_until(SOON, all), "not all are being served");
    let body = "a line of a good sender\n".repeat(10_000);
    assert_eq!(post(&collector, "/", "", body.as_bytes()).0, 200);
    assert_eq!(collector.records().0.len(), 10_000);
}

#[test]
fn what_was_answered_outlives_a_kill_of_the_collector() {
    let scene = Scene::new();
    let mut collector = Collector::start(&scene);
    for n in 1..=20 {
        let body = format!("thread 1 number {n}");
        assert_eq!(post(&collector, "/", "", body.as_bytes()).0, 200);
    }
    collector.process.signal(Signal::KILL);
    collector.process.end();
    assert_each_once(&Records::read(&collector.text()), 1, 20);
}
