//! Records of single messages.

use super::*;
use crate::decode::Origin;
use crate::decode::framing::{Framing, Input};
use crate::stats::{Stats, Tally};
use std::cell::Cell;

/// The records that a stream becomes.
fn taken(stream: &[u8], limit: usize) -> String {
    let origin = Origin::new("10.0.0.7:99".parse().unwrap());
    let (stats, mut runs, mut left) = (Stats::default(), Vec::new(), 1 << 20);
    let received = 1_795_372_943_000_000;
    let (stats, tally, max_line) = (&stats, &Tally::default(), limit);
    let (now, minute) = (&netlog_wire::format_utc(received), &Cell::default());
    let context = DecodeContext { origin: &origin, stats, tally, received, now, minute, max_line };
    let mut framing = Framing::new(limit, None);
    for mut input in [Input::Bytes(stream), Input::End] {
        while let Some(message) = framing.next(&mut input).unwrap() {
            let mut sink = RunSink { runs: &mut runs, capacity: 0 };
            take_message(message, context, &mut sink, &mut left);
        }
    }
    runs.pop().map_or_else(String::new, |run| String::from_utf8(run.lines).unwrap())
}

const HEAD: &str = r#"{"host":"10.0.0.7","peer":"10.0.0.7:99","time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"#;

#[test]
fn a_plain_line_becomes_a_record_with_the_peer_as_host() {
    assert_eq!(taken(b"it's \"7\"\r\n", 99), format!("{HEAD}\"it's \\\"7\\\"\"}}\n"));
    assert_eq!(taken(b"{not json", 99), format!("{HEAD}\"{{not json\"}}\n"));
    assert_eq!(taken(b"{\"a\":1} x\n", 99), format!("{HEAD}\"{{\\\"a\\\":1}} x\"}}\n"));
    assert_eq!((taken(b"", 99), taken(b"\r\n\n\0", 99)), (String::new(), String::new()));
}

#[test]
fn a_cut_line_says_how_much_is_missing_and_ends_with_a_whole_character() {
    assert_eq!(taken(b"abc456789", 3), format!("{HEAD}\"abc\",\"truncated\":6}}\n"));
    assert_eq!(taken("ab€xxx".as_bytes(), 4), format!("{HEAD}\"ab\",\"truncated\":6}}\n"));
    assert_eq!(taken("ab€xxx".as_bytes(), 5), format!("{HEAD}\"ab€\",\"truncated\":3}}\n"));
    assert_eq!(taken(b"{\"a\":1}", 3), format!("{HEAD}\"{{\\\"a\",\"truncated\":4}}\n"));
}

#[test]
fn a_json_line_keeps_its_claims_but_not_its_address() {
    let line = br#"{"msg":"m","app":"shop","host":"web1","peer":"1.2.3.4:5"}"#;
    let expected = r#"{"app":"shop","host":"web1","peer":"10.0.0.7:99","time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"m","kv":{"peer":"1.2.3.4:5"}}"#;
    assert_eq!(taken(line, 99), format!("{expected}\n"));
}

#[test]
fn a_canonical_line_is_stamped_and_otherwise_kept_byte_for_byte() {
    let line = br#"{"time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"\u0041"}"#;
    let expected = r#"{"host":"10.0.0.7","peer":"10.0.0.7:99","time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"\u0041"}"#;
    assert_eq!(taken(line, 99), format!("{expected}\n"));
}

#[test]
fn an_array_of_objects_is_so_many_records_and_any_other_is_text() {
    let lines = taken(b"[{\"msg\":\"a\"}, {\"msg\":\"b\"}]\n", 99);
    assert_eq!(lines, format!("{HEAD}\"a\"}}\n{HEAD}\"b\"}}\n"));
    assert_eq!(taken(b"[main] x [y]", 99), format!("{HEAD}\"[main] x [y]\"}}\n"));
    assert_eq!(taken(b"[{},1]", 99), format!("{HEAD}\"[{{}},1]\"}}\n"));
}

#[test]
fn bytes_that_are_no_text_are_shown_and_counted() {
    let line = taken(b"<13>Nov 22 18:42:23 vm a: caf\xe9\n", 99);
    let kv = r#""kv":{"facility":"user","severity":"notice","zone":"assumed","invalid_utf8":1}"#;
    assert!(line.ends_with(&format!("\"msg\":\"caf\\\\xe9\",{kv}}}\n")), "{line}");
}
