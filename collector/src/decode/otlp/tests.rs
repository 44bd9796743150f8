//! One export request in both encodings.

use super::*;

fn encoded(record: Record<'_>) -> String {
    let mut out = Vec::new();
    record.encode(&record.claims, &mut out);
    assert!(netlog_wire::Line::parse(&out).is_some(), "{}", String::from_utf8_lossy(&out));
    String::from_utf8(out).unwrap()
}

const LINE: &str = r#"{"app":"shop","host":"web1","pid":7,"time":"2026-11-22T18:42:23.123456Z","level":"ERROR","target":"orders","file":"fill.rs","line":142,"msg":"order 7 failed","kv":{"severity":"FATAL","event_name":"order.failed","ok":false,"us":31,"rate":0.5,"tags":["a",{"b":"c"}],"none":null},"trace":"5b8efff798038103d269b633813fc60c","span":"eee19b7ec3c1b174"}"#;

#[test]
fn a_json_request_becomes_records_with_everything_in_its_place() {
    let request = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"host.name","value":{"stringValue":"web1"}},{"key":"process.pid","value":{"intValue":"7"}}]},"scopeLogs":[{"scope":{"name":"orders"},"logRecords":[{"timeUnixNano":"1795372943123456789","severityNumber":21,"severityText":"FATAL","body":{"stringValue":"order 7 failed"},"eventName":"order.failed","attributes":[{"key":"code.file.path","value":{"stringValue":"fill.rs"}},{"key":"code.line.number","value":{"intValue":142}},{"key":"ok","value":{"boolValue":false}},{"key":"us","value":{"intValue":"31"}},{"key":"rate","value":{"doubleValue":0.5}},{"key":"tags","value":{"arrayValue":{"values":[{"stringValue":"a"},{"kvlistValue":{"values":[{"key":"b","value":{"stringValue":"c"}}]}}]}}},{"key":"none","value":{}}],"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","later":1}]}]}]}"#;
    let records: Vec<_> = JsonRecords::new(request.as_bytes(), 0).unwrap().map(encoded).collect();
    assert_eq!(records, [LINE]);
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
    let scope = [field(1, &field(1, b"orders")), field(2, &record.concat())].concat();
    field(1, &[field(1, &resource.concat()), field(2, &scope)].concat())
}

#[test]
fn a_protobuf_request_becomes_the_same_record() {
    let request = request();
    let mut records = ProtobufRecords::new(&request, 0);
    assert_eq!(records.next().unwrap().map(encoded).as_deref(), Some(LINE));
    assert!(records.next().unwrap().is_none());
}

#[test]
fn a_protobuf_request_cut_anywhere_is_malformed_or_shorter_and_never_a_panic() {
    let request = request();
    for end in 0..request.len() {
        let mut records = ProtobufRecords::new(&request[..end], 0);
        while let Ok(Some(record)) = records.next() {
            encoded(record);
        }
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
    let mut records = ProtobufRecords::new(&request, 0);
    assert!(encoded(records.next().unwrap().unwrap()).contains("null"));
}

#[test]
fn a_record_without_a_time_or_a_severity_gets_both() {
    let request = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"observedTimeUnixNano":1000,"severityText":"warning","body":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"1"}}]}}},{}]}]}]}"#;
    let records: Vec<_> = JsonRecords::new(request.as_bytes(), 5).unwrap().collect();
    assert_eq!(
        (records[0].time, records[0].level, &*records[0].msg),
        (1, Level::Warn, "{\"a\":1}")
    );
    assert_eq!((records[1].time, records[1].level, &*records[1].msg), (5, Level::Info, ""));
}
