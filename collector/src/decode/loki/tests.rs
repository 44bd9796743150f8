//! One push in both encodings.

use super::labels::LABELS;
use super::*;
use crate::decode::posted::written::lines;
use crate::decode::protobuf::MalformedProtobuf;

const LINE: &str = r#"{"app":"shop","host":"web1","time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"late","kv":{"env":"prod","order":"7"}}"#;

#[test]
fn labels_and_metadata_of_a_json_push_find_their_places() {
    let push = r#"{"streams":[{"stream":{"service_name":"shop","host":"web1","level":"warn","env":"prod"},"values":[["1795372943123456789","late",{"order":"7"}],[1795372943123456789,"late",{"order":"7"}],["x"]]}]}"#;
    let fault = "value 2 of a stream is not [\"nanoseconds\", \"line\"]";
    assert_eq!(lines(json(push.as_bytes(), 0).unwrap()), [LINE, LINE, fault]);
    assert!(json(b"[]", 0).is_none() && json(b"{}", 0).is_none());
}

#[test]
fn a_push_in_the_older_form_becomes_the_same_record() {
    let entries = r#"[{"ts":"2026-11-22T19:42:23.123456789+01:00","line":"late","order":"7"},{"ts":1795372943.123456,"line":"late","order":"7"},{"ts":"soon","line":"late"}]"#;
    let labels = r#""{service_name=\"shop\", host=\"web1\",level=\"warn\",env=\"prod\"}""#;
    let fault = "value 2 of a stream is not {\"ts\": \"time\", \"line\": \"text\"}";
    for push in [
        format!(r#"{{"streams":[{{"labels":{labels},"entries":{entries}}}]}}"#),
        format!(r#"{{"streams":[{{"entries":{entries},"labels":{labels}}}]}}"#),
    ] {
        assert_eq!(lines(json(push.as_bytes(), 0).unwrap()), [LINE, LINE, fault], "{push}");
    }
    let odd = r#"{"streams":[{"labels":"{app=~x}","entries":[{"ts":"2026-11-22T18:42:23","line":"ERROR boom"}]}]}"#;
    let line = r#"{"time":"2026-11-22T18:42:23.000000Z","level":"ERROR","msg":"ERROR boom","kv":{"zone":"assumed","labels":"app=~x"}}"#;
    assert_eq!(lines(json(odd.as_bytes(), 0).unwrap()), [line]);
    let escaped = r#"{"streams":[{"labels":"{x=\"a\\nb\\\\n\\\"\"}","entries":[{"ts":"2026-11-22T18:42:23Z","line":"m"}]}]}"#;
    let line =
        r#"{"time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"m","kv":{"x":"a\nb\\n\""}}"#;
    assert_eq!(lines(json(escaped.as_bytes(), 0).unwrap()), [line]);
}

/// The record of the only line of a push, without its time.
fn record_of(labels: &str, entry: &str) -> String {
    let push = format!(r#"{{"streams":[{{"stream":{labels},"values":[[{TIME},{entry}]]}}]}}"#);
    lines(json(push.as_bytes(), 0).unwrap()).concat().replacen(
        r#""time":"2026-11-22T18:42:23.123456Z","#,
        "",
        1,
    )
}

const TIME: &str = r#""1795372943123456789""#;

#[test]
fn labels_count_more_than_the_line_whose_values_are_kept() {
    let labels = r#"{"app":"shop","host":"node1","level":"critical","env":"prod"}"#;
    let json = r#""{\"host\":\"www.example.com\",\"service\":\"checkout\",\"app\":\"shop\",\"ts\":\"2026-11-22T18:42:23Z\",\"level\":\"warn\",\"msg\":\"GET /\",\"env\":\"test\"}""#;
    let kv = r#"{"severity":"critical","host":"www.example.com","service":"checkout","ts":"2026-11-22T18:42:23Z","level":"warn","env":"test","label.env":"prod"}"#;
    let head = r#"{"app":"shop","host":"node1","level":"ERROR""#;
    assert_eq!(record_of(labels, json), format!(r#"{head},"msg":"GET /","kv":{kv}}}"#));
    let same = r#""{\"host\":\"node1\",\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"CRITICAL\",\"msg\":\"m\",\"env\":\"prod\"}""#;
    let kv = r#"{"severity":"critical","level":"CRITICAL","env":"prod"}"#;
    assert_eq!(record_of(labels, same), format!(r#"{head},"msg":"m","kv":{kv}}}"#));
    let syslog = r#""<13>1 2026-11-22T18:42:23Z web1 sshd 7 - - hi""#;
    let kv = r#"{"facility":"user","severity":"critical","app":"sshd","host":"web1","time":"2026-11-22T18:42:23.000000Z","level":"notice","env":"prod"}"#;
    let head = r#"{"app":"shop","host":"node1","pid":7,"level":"ERROR""#;
    assert_eq!(record_of(labels, syslog), format!(r#"{head},"msg":"hi","kv":{kv}}}"#));
}

#[test]
fn ids_of_a_span_find_their_places_and_no_name_is_written_twice() {
    let metadata = r#"{"trace_id":"t1","span_id":"s1","order":"7"}"#;
    let head = r#"{"level":"INFO","msg":"m","kv""#;
    for (line, end) in [
        (r#""m""#, r#"{"order":"7"},"trace":"t1","span":"s1"}"#),
        (
            r#""{\"msg\":\"m\",\"trace_id\":\"t1\",\"span_id\":\"s2\",\"order\":\"7\"}""#,
            r#"{"order":"7","span_id":"s1"},"trace":"t1","span":"s2"}"#,
        ),
        (
            r#""{\"msg\":\"m\",\"order\":8}""#,
            r#"{"order":8,"label.order":"7"},"trace":"t1","span":"s1"}"#,
        ),
    ] {
        assert_eq!(record_of("{}", &format!("{line},{metadata}")), format!("{head}:{end}"));
    }
}

#[test]
fn a_stream_without_entries_is_a_fault_that_names_it() {
    let push = r#"{"streams":[{"stream":{},"values":[]},{"stream":{"app":"shop"}},7,{"values":null},{"stream":{},"values":{}}]}"#;
    let fault = |at| format!("stream {at} has neither \"values\" nor \"entries\"");
    assert_eq!(lines(json(push.as_bytes(), 0).unwrap()), [fault(1), fault(2), fault(4)]);
}

#[test]
fn labels_that_would_be_written_with_each_line_are_bounded() {
    let long = "A".repeat(LABELS);
    let push =
        format!(r#"{{"streams":[{{"stream":{{"x":"{long}","y":"z"}},"values":[["1","late"]]}}]}}"#);
    let written = lines(json(push.as_bytes(), 0).unwrap()).concat();
    assert!(written.contains(r#""kv":{"y":"z","labels_truncated":"16389"}"#), "{written}");
    let mut labels = protobuf::selector(&format!("{{x=\"{long}\", y=\"z\"}}"));
    assert_eq!(labels.whole().len(), 2);
}

#[test]
fn a_protobuf_push_becomes_the_same_record() {
    let field = |number: u8, bytes: &[u8]| {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    };
    let pair = field(3, &[field(1, b"order"), field(2, b"7")].concat());
    let mut time = vec![8];
    let mut seconds = 1_795_372_943_u64;
    while seconds > 0x7f {
        time.push(u8::try_from(seconds & 0x7f).unwrap() | 0x80);
        seconds >>= 7;
    }
    time.push(u8::try_from(seconds).unwrap());
    time.extend([16, 0x95, 0x9a, 0xef, 0x3a]);
    let entry = field(2, &[field(1, &time), field(2, b"late"), pair].concat());
    let labels = field(1, br#"{service_name="shop", host="web1", level="warn", env="prod"}"#);
    let push = field(1, &[labels, entry].concat());
    assert_eq!(lines(protobuf(&push, 0)), [LINE]);
    assert_eq!(lines(protobuf(&push[..20], 0)), [MalformedProtobuf.to_string()]);
}

#[test]
fn hostile_values_of_a_json_push_are_records_all_the_same() {
    let values = [
        r#"["99999999999999999999","a"]"#,
        r#"["1","a"]"#,
        r#"["1","a",{"k":1e999,"k":"\ud800","":{}}]"#,
        r#"["1","\ud800\udc00 \udc00 \u0000",null,7,[[]]]"#,
        r#"["1",{"a":1}]"#,
    ];
    let push = format!(
        r#"{{"streams":[{{"stream":{{"app":"\ud800"}},"values":[{}]}}]}}"#,
        values.join(",")
    );
    let shown = lines(json(push.as_bytes(), 0).unwrap());
    assert_eq!(shown.len(), values.len());
    let records = shown.iter().filter(|line| netlog_wire::Line::parse(line.as_bytes()).is_some());
    assert_eq!(records.count(), 3, "{shown:?}");
    let deep = format!(r#"["1","a",{{"k":{}}}]"#, "[".repeat(100_000));
    let push = format!(r#"{{"streams":[{{"stream":{{}},"values":[["1","before"],{deep}]}}]}}"#);
    let shown = lines(json(push.as_bytes(), 0).unwrap());
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].contains("before") && shown[1].starts_with("invalid JSON"), "{shown:?}");
}
