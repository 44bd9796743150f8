//! One export request in both encodings.

use super::shared_attributes::ATTRIBUTES;
use super::*;
use crate::decode::posted::written::{lines, written, written_within};
use crate::decode::posted::{Fault, PostedRecords};

fn json(request: &str, received: i64) -> PostedRecords<'_> {
    Box::new(JsonRecords::new(request.as_bytes(), received).expect("an object"))
}

fn protobuf(request: &[u8]) -> PostedRecords<'_> {
    Box::new(ProtobufRecords::new(request, 0))
}

const LINE: &str = r#"{"app":"shop","host":"web1","pid":7,"time":"2026-11-22T18:42:23.123456Z","level":"ERROR","target":"orders","file":"fill.rs","line":142,"msg":"order 7 failed","kv":{"severity":"FATAL","event_name":"order.failed","ok":false,"us":31,"rate":0.5,"tags":["a",{"b":"c"}],"none":null,"otel.scope.version":"1.2.0","replicas":2,"deployment.environment.name":"prod","service.instance.id":"i-1"},"trace":"5b8efff798038103d269b633813fc60c","span":"eee19b7ec3c1b174"}"#;

#[test]
fn a_json_request_becomes_records_with_everything_in_its_place() {
    let request = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"host.name","value":{"stringValue":"web1"}},{"key":"process.pid","value":{"intValue":"7"}},{"key":"service.instance.id","value":{"stringValue":"i-1"}},{"key":"deployment.environment.name","value":{"stringValue":"prod"}},{"key":"us","value":{"intValue":"1"}},{"key":"replicas","value":{"intValue":"3"}}]},"scopeLogs":[{"scope":{"name":"orders","version":"1.2.0","attributes":[{"key":"replicas","value":{"intValue":"2"}}]},"logRecords":[{"timeUnixNano":"1795372943123456789","severityNumber":21,"severityText":"FATAL","body":{"stringValue":"order 7 failed"},"eventName":"order.failed","attributes":[{"key":"code.file.path","value":{"stringValue":"fill.rs"}},{"key":"code.line.number","value":{"intValue":142}},{"key":"ok","value":{"boolValue":false}},{"key":"us","value":{"intValue":"31"}},{"key":"rate","value":{"doubleValue":0.5}},{"key":"tags","value":{"arrayValue":{"values":[{"stringValue":"a"},{"kvlistValue":{"values":[{"key":"b","value":{"stringValue":"c"}}]}}]}}},{"key":"none","value":{}}],"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","later":1}]}]}]}"#;
    assert_eq!(lines(json(request, 0)), [LINE]);
}

/// Appends a length-delimited field.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = bytes.len();
    while len > 0x7f {
        out.push(u8::try_from(len & 0x7f).unwrap() | 0x80);
        len >>= 7;
    }
    out.push(u8::try_from(len).unwrap());
    out.extend_from_slice(bytes);
    out
}

fn fixed(number: u8, value: u64) -> Vec<u8> {
    [&[number << 3 | 1][..], &value.to_le_bytes()].concat()
}

fn attribute(key: &str, value: &[u8]) -> Vec<u8> {
    field(6, &key_value(key, value))
}

fn key_value(key: &str, value: &[u8]) -> Vec<u8> {
    [field(1, key.as_bytes()), field(2, value)].concat()
}

fn request() -> Vec<u8> {
    let text = |text: &str| field(1, text.as_bytes());
    let resource = [
        field(1, &key_value("service.name", &text("shop"))),
        field(1, &key_value("host.name", &text("web1"))),
        field(1, &key_value("process.pid", &[24, 7])),
        field(1, &key_value("service.instance.id", &text("i-1"))),
        field(1, &key_value("deployment.environment.name", &text("prod"))),
        field(1, &key_value("us", &[24, 1])),
        field(1, &key_value("replicas", &[24, 3])),
    ];
    let tags = [field(1, &text("a")), field(1, &field(6, &field(1, &key_value("b", &text("c")))))];
    let (trace, span) = (0x5b8e_fff7_9803_8103_d269_b633_813f_c60c_u128, 0xeee1_9b7e_c3c1_b174_u64);
    let record = [
        fixed(1, 1_795_372_943_123_456_789),
        vec![16, 21],
        field(3, b"FATAL"),
        field(5, &text("order 7 failed")),
        attribute("code.file.path", &text("fill.rs")),
        attribute("code.line.number", &[24, 0x8e, 1]),
        attribute("ok", &[16, 0]),
        attribute("us", &[24, 31]),
        attribute("rate", &fixed(4, 0.5_f64.to_bits())),
        attribute("tags", &field(5, &tags.concat())),
        attribute("none", &[]),
        field(9, &trace.to_be_bytes()),
        field(10, &span.to_be_bytes()),
        field(12, b"order.failed"),
    ];
    let replicas = key_value("replicas", &[24, 2]);
    let scope = [field(1, b"orders"), field(2, b"1.2.0"), field(3, &replicas)].concat();
    let scope = [field(1, &scope), field(2, &record.concat())].concat();
    field(1, &[field(1, &resource.concat()), field(2, &scope)].concat())
}

#[test]
fn a_protobuf_request_becomes_the_same_record() {
    assert_eq!(lines(protobuf(&request())), [LINE]);
}

#[test]
fn a_protobuf_request_cut_anywhere_is_malformed_or_shorter_and_never_a_panic() {
    let request = request();
    for end in 0..request.len() {
        written(protobuf(&request[..end]));
    }
}

#[test]
fn values_nested_without_end_are_cut_off() {
    let mut value = field(1, b"x");
    for _ in 0..200 {
        value = field(5, &field(1, &value));
    }
    let record = field(2, &field(5, &value));
    let request = field(1, &field(2, &record));
    assert!(lines(protobuf(&request))[0].contains("null"));
}

#[test]
fn a_record_without_a_time_or_a_severity_gets_both() {
    let request = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"observedTimeUnixNano":1000,"severityText":"warning","body":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"1"}}]}}},{}]}]}]}"#;
    let expected = [
        r#"{"time":"1970-01-01T00:00:00.000001Z","level":"WARN","msg":"{\"a\":1}"}"#,
        r#"{"time":"1970-01-01T00:00:00.000005Z","level":"INFO","msg":""}"#,
    ];
    assert_eq!(lines(json(request, 5)), expected);
}

#[test]
fn a_word_for_a_severity_is_kept_where_it_says_more_than_the_level() {
    for (number, text, level, kept) in [
        (9, "NOTICE", "INFO", "NOTICE"),
        (9, "Information", "INFO", ""),
        (10, "INFO2", "INFO", "INFO2"),
        (17, "SEVERE", "ERROR", "SEVERE"),
        (18, "CRITICAL", "ERROR", "CRITICAL"),
        (24, "Error", "ERROR", "FATAL"),
        (0, "emerg", "ERROR", "emerg"),
        (9, r#"audit \"x\""#, "INFO", r#"audit \"x\""#),
        (13, "ERROR", "WARN", "ERROR"),
    ] {
        let record = format!(r#"{{"severityNumber":{number},"severityText":"{text}"}}"#);
        let kv = match kept {
            "" => String::new(),
            word => format!(r#","kv":{{"severity":"{word}"}}"#),
        };
        let end = format!(r#""level":"{level}","msg":""{kv}}}"#);
        let line = lines(json(&request_of(&[&record]), 0)).concat();
        assert!(line.ends_with(&end), "{number} {text}: {line}");
    }
}

/// A request of one record with a body, whose resource has an attribute of so many bytes and others.
fn request_with_attributes(body: usize, attribute: usize) -> String {
    let [body, attribute] = [body, attribute].map(|len| "A".repeat(len));
    let text =
        |key: &str, text: &str| format!(r#"{{"key":"{key}","value":{{"stringValue":"{text}"}}}}"#);
    let attributes = [text("a", "1"), text("long", &attribute), text("b", "2")].join(",");
    format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{attributes}]}},"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{body}"}},"attributes":[{}]}}]}}]}}]}}"#,
        text("b", "3"),
    )
}

#[test]
fn attributes_that_would_be_written_with_each_record_are_bounded() {
    let end = |request: &str| {
        let found = written_within(json(request, 0), 2 * ATTRIBUTES);
        let line = found.into_iter().next().unwrap().unwrap();
        line.split_once(r#","kv":"#).unwrap().1.to_owned()
    };
    let long = request_with_attributes(1, ATTRIBUTES);
    let cut = r#"{"b":"3","a":"1","attributes_truncated":8202}}"#;
    assert_eq!(end(&long), cut);
    let filled = request_with_attributes(2 * ATTRIBUTES - 100, 100);
    assert_eq!(end(&filled), r#"{"b":"3","attributes_truncated":117}}"#);
}

#[test]
fn a_resource_and_a_scope_may_stand_behind_their_records() {
    let request = r#"{"resourceLogs":[{"scopeLogs":[{"schemaUrl":"","logRecords":[{"timeUnixNano":"1000"}],"scope":{"name":"a"}},{"logRecords":[{"timeUnixNano":2000}]}],"resource":{"attributes":[{"value":{"stringValue":"shop"},"key":"service.name"}]}}, null, {"scopeLogs":[{"logRecords":[{"timeUnixNano":"3000"}]}]}]}"#;
    let expected = [
        r#"{"app":"shop","time":"1970-01-01T00:00:00.000001Z","level":"INFO","target":"a","msg":""}"#,
        r#"{"app":"shop","time":"1970-01-01T00:00:00.000002Z","level":"INFO","msg":""}"#,
        r#"{"time":"1970-01-01T00:00:00.000003Z","level":"INFO","msg":""}"#,
    ];
    assert_eq!(lines(json(request, 0)), expected);
}

#[test]
fn values_of_every_type_are_what_they_were() {
    let values = [
        (r#"{"intValue":"-7"}"#, "-7"),
        (r#"{"intValue":"7x"}"#, r#""7x""#),
        (r#"{"intValue": 7 }"#, "7"),
        (r#"{"doubleValue":"NaN"}"#, r#""NaN""#),
        (r#"{"boolValue":true}"#, "true"),
        (r#"{"bytesValue":"aGk="}"#, r#""aGk=""#),
        (r#"{"stringValue":"a\"\u00e9"}"#, r#""a\"é""#),
        (r#"{"arrayValue":{}}"#, "[]"),
        (r#"{"arrayValue":{"values":[{},{"intValue":"1"},7]}}"#, "[null,1,null]"),
        (
            r#"{"kvlistValue":{"values":[7,{"value":{"intValue":1},"key":"a"},{"key":"b"}]}}"#,
            r#"{"a":1,"b":null}"#,
        ),
        (r#"{"arrayValue":{"values":[{"later":{"a":[1]}}]}}"#, r#"["{\"a\":[1]}"]"#),
        (r#"{"later":{"a": [ 1 ]}}"#, r#"{"a":[1]}"#),
        ("{}", "null"),
        ("7", "null"),
    ];
    for (value, expected) in values {
        let request = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"attributes":[{{"key":"k","value":{value}}}]}}]}}]}}]}}"#
        );
        let line = lines(json(&request, 0)).concat();
        assert!(line.ends_with(&format!(r#""kv":{{"k":{expected}}}}}"#)), "{value}: {line}");
    }
}

#[test]
fn a_record_that_cannot_be_read_is_left_out_and_those_around_it_are_kept() {
    let record = r#"{"timeUnixNano":"1000","body":{"stringValue":"m"}}"#;
    let request =
        format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record},7,{record}]}}]}}]}}"#);
    let found = written(json(&request, 0));
    let words = "log record 1 of a scope is not a JSON object".to_owned();
    assert_eq!(found[1], Err(Fault::Rejected(words)));
    assert!(found[0].is_ok() && found[2].is_ok() && found.len() == 3, "{found:?}");
    let good = field(2, &field(5, &field(1, b"m")));
    let bad = field(2, &[0x2a, 0x7f]);
    let request = field(1, &field(2, &[&good[..], &bad, &good].concat()));
    let found = written(protobuf(&request));
    assert!(matches!(found[1], Err(Fault::Rejected(_))), "{found:?}");
    assert!(found[0].is_ok() && found[2].is_ok() && found.len() == 3, "{found:?}");
}

#[test]
fn a_json_request_cut_anywhere_keeps_what_stands_before_the_cut() {
    let record = r#"{"timeUnixNano":"1000","body":{"stringValue":"m"}}"#;
    let request =
        format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record},{record}]}}]}}]}}"#);
    assert_eq!(written(json(&request, 0)).len(), 2);
    for end in 1..request.len() {
        let found = written(json(&request[..end], 0));
        assert!(matches!(found.last(), Some(Err(Fault::Malformed(_)))), "{end}: {found:?}");
    }
    let trailing = written(json("{\"resourceLogs\":[]} x", 0));
    assert!(matches!(trailing[..], [Err(Fault::Malformed(_))]), "{trailing:?}");
}

/// A request of JSON records.
fn request_of(records: &[&str]) -> String {
    let records = records.join(",");
    let scopes = format!(r#"[{{"scope":{{}},"logRecords":[{records}]}}]"#);
    format!(r#"{{"resourceLogs":[{{"resource":{{}},"scopeLogs":{scopes}}}]}}"#)
}

/// A value within so many arrays.
fn nested(depth: usize) -> String {
    let value = [r#"{"arrayValue":{"values":["#.repeat(depth), "]}}".repeat(depth)];
    format!(r#"{{"body":{}}}"#, value.join(r#"{"stringValue":"x"}"#))
}

#[test]
fn hostile_values_of_json_are_records_all_the_same() {
    let twice = r#"{"key":"k","value":{"intValue":"99999999999999999999"}}"#;
    let records = [
        r#"{"timeUnixNano":"1","timeUnixNano":"1795372943123456789","body":{"stringValue":"a"}}"#,
        r#"{"timeUnixNano":"99999999999999999999","body":{"doubleValue":1e999}}"#,
        r#"{"timeUnixNano":-1,"severityNumber":1.5,"body":{"intValue":"-9223372036854775809"}}"#,
        r#"{"body":{"stringValue":"\ud800 \ud83d\ude00 \u0000 \udc00"},"body":{}}"#,
        r#"{"body":{"kvlistValue":{"values":[{"key":"\ud800","value":{"intValue":"1x"}}]}}}"#,
        r#"{"body":[[[]]],"attributes":{"key":1},"traceId":7,"spanId":null}"#,
        &format!(r#"{{"attributes":[{twice},{twice}]}}"#),
        &nested(10),
        &nested(31),
    ];
    let shown = lines(json(&request_of(&records), 5));
    assert_eq!(shown.len(), records.len());
    for (line, record) in shown.iter().zip(records) {
        assert!(netlog_wire::Line::parse(line.as_bytes()).is_some(), "{record}: {line}");
    }
    assert!(shown[0].contains(r#""time":"2026-11-22T18:42:23.123456Z""#), "{}", shown[0]);
    assert!(shown[6].ends_with(r#""kv":{"k":99999999999999999999,"k":99999999999999999999}}"#));
}

#[test]
fn json_that_nests_too_deep_ends_a_request_behind_what_was_before() {
    for depth in [130, 1000, 100_000] {
        let request = request_of(&[r#"{"body":{"stringValue":"before"}}"#, &nested(depth), "{}"]);
        let shown = lines(json(&request, 5));
        assert_eq!(shown.len(), 2, "{depth}");
        assert!(shown[0].contains("before") && shown[1].starts_with("invalid JSON"), "{depth}");
    }
}
