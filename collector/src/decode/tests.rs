//! Connections from their first byte to their last.

mod bounds;
mod clients;
mod understood;

use super::*;
use netlog_wire::Line;
use proptest::prelude::*;

const HELLO: &str = r#"{"netlog":1,"sender":"9f3c00000000000000000000000000ab","app":"orders","host":"web1","pid":4242,"next":7}"#;
const STAMP: &str = r#""app":"orders","host":"web1","pid":4242,"peer":"10.0.0.7:99","#;

fn decoder() -> Decoder {
    let origin = Origin::new("10.0.0.7:99".parse().unwrap());
    Decoder::new(origin, 200, None, Arc::default())
}

type Heard = (u64, u64, String);

fn heard(input: &str) -> (Result<(), PeerError>, Vec<Heard>) {
    let (mut decoder, mut runs) = (decoder(), Vec::new());
    let outcome = decoder.feed(input.as_bytes(), &mut runs);
    decoder.finish(&mut runs).unwrap();
    let text = |run: LineRun| (run.first, run.count, String::from_utf8(run.lines).unwrap());
    (outcome, runs.into_iter().map(text).collect())
}

#[test]
fn a_hello_numbers_the_records_behind_it_and_stamps_them() {
    let line = r#""time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"a"}"#;
    let (outcome, runs) = heard(&format!("{HELLO}\n\n{{{line}\n{{{line}\n{{{line}"));
    assert_eq!(outcome, Ok(()));
    assert_eq!(runs, [(7, 2, format!("{{{STAMP}{line}\n{{{STAMP}{line}\n"))]);
}

#[test]
fn a_record_costs_no_allocation() {
    let record = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"a","kv":{"n":1}}"#;
    for (first, line) in [
        (HELLO, record),
        ("text", "2026-11-22 18:42:23 WARN \"a\" happened"),
        ("<13>x", "<13>Nov 22 19:00:00 web1 shop[7]: order 7 is \"late\""),
        ("<13>x", "<13>1 2026-11-22T19:00:00.123Z web1 shop 7 ID - [x@1 a=\"b\"] order 7 is late"),
        ("<13>x", "<13>2026-11-22T19:00:00Z web1 shop: {\"level\":\"warn\",\"message\":\"x\"}"),
        (
            "text",
            r#"{"level":"warn","time":"2026-11-22T19:00:00Z","caller":"/a/b.go:7","message":"late"}"#,
        ),
        (
            "text",
            r#"{"level":"warn","msg":"late","time":"2026-11-22T20:00:00+01:00","order":"7 \"x\""}"#,
        ),
        (
            "text",
            r#"{"version":"1.1","host":"vm","short_message":"late","timestamp":1795374000.123,"level":4,"_n":1}"#,
        ),
        (
            "text",
            r#"{"asctime": "2026-11-22 19:00:00,123", "levelname": "WARNING", "message": "late"}"#,
        ),
        (
            "text",
            "{\"level\":30,\"time\":1795374069622,\"pid\":7,\"hostname\":\"vm\",\"msg\":\"hi\",\"n\":7}",
        ),
        (
            "text",
            "{\"timestamp\":\"2026-11-22T19:01:09.6Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"hi\",\"n\":7},\"target\":\"a::b\",\"span\":{\"name\":\"r\"}}",
        ),
        (
            "text",
            "{\"@timestamp\":\"2026-11-22T19:00:00.1Z\",\"message\":\"a \\\"b\\\"\",\"logger_name\":\"d\",\"level\":\"WARN\",\"tags\":[]}",
        ),
    ] {
        let mut decoder = decoder();
        decoder.feed(format!("{first}\n{line}\n").as_bytes(), &mut Vec::new()).unwrap();
        let read = |lines: usize| format!("{line}\n").repeat(lines).into_bytes();
        let mut allocations = |read: &[u8]| {
            let mut runs = Vec::new();
            let fed = || decoder.feed(read, &mut runs).unwrap();
            let seen = allocation_counter::measure(fed);
            (runs.iter().map(|run| run.count).sum::<u64>(), seen.count_total)
        };
        let (one, hundred) = (allocations(&read(1)), allocations(&read(100)));
        assert_eq!((one.0, hundred.0), (1, 100));
        // A buffer for the run and a place for it, and the buffer may grow once.
        assert!(one.1 <= 3 && hundred.1 <= 3, "{line}: {one:?} {hundred:?}");
    }
}

#[test]
fn a_jump_begins_a_new_run() {
    let line = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"a"}"#;
    let (_, runs) = heard(&format!("{HELLO}\n{line}\n{{\"next\":20}}\n{line}\n{line}\n"));
    let numbers: Vec<_> = runs.iter().map(|(first, count, _)| (*first, *count)).collect();
    assert_eq!(numbers, [(7, 1), (20, 2)]);
}

#[test]
fn every_numbered_line_is_one_record_whatever_is_in_it() {
    let long = "x".repeat(300);
    let (_, runs) = heard(&format!("{HELLO}\n{{bad\n[1]\n \n{{\"pid\":1}}\n{long}\n"));
    assert_eq!((runs.len(), runs[0].0, runs[0].1), (1, 7, 5));
    for line in runs[0].2.lines() {
        assert!(line.starts_with(&format!("{{{STAMP}\"time\":")), "{line}");
    }
    assert!(runs[0].2.ends_with("\"truncated\":100}\n"));
    assert!(runs[0].2.contains("\"kv\":{\"pid\":1}"));
}

#[test]
fn a_bad_hello_is_refused_in_words() {
    for (from, to, words) in [
        ("\"netlog\":1", "\"netlog\":2", "unknown version 2: this collector speaks 1"),
        ("9f3c", "9F3C", "malformed sender id"),
        ("\"next\":7", "\"next\":0", "numbers begin at 1"),
        ("\"next\":7", "\"next\":18446744073709551615", "number out of range"),
        ("\"pid\"", "\"dip\"", "malformed hello"),
    ] {
        let line = format!("{}\nplain\n", HELLO.replace(from, to));
        assert_eq!(heard(&line), (Err(PeerError::Rejected(words.into())), vec![]), "{to}");
    }
    let twice = format!("{HELLO}\n{HELLO}\n");
    assert_eq!(heard(&twice).0, Err(PeerError::Rejected("a second hello".into())));
}

#[test]
fn half_a_hello_is_no_line_but_half_a_line_is_one() {
    for end in 1..=HELLO.len() {
        assert_eq!(heard(&HELLO[..end]), (Ok(()), vec![]), "{end}");
    }
    assert_eq!(heard("{\"network\":1").1.len(), 1);
    assert_eq!(heard(&format!("one\n{}", &HELLO[..20])).1[0].1, 2);
}

#[test]
fn lines_without_a_hello_stay_lines_also_when_a_hello_follows() {
    let (outcome, runs) = heard(&format!("one\0two\n{HELLO}\nlast"));
    assert_eq!((outcome, runs.len(), runs[0].1), (Ok(()), 1, 4));
}

#[test]
fn a_run_never_grows_beyond_what_was_reserved_for_it() {
    for line in ["x\n", "\n\n", "\u{1}\n", "{}", "\"\n", "<1>\n", "[{},{}]\n", "1 <1>", "3 <1>"] {
        let (mut decoder, mut runs) = (decoder(), Vec::new());
        let input = line.repeat(1000);
        decoder.feed(input.as_bytes(), &mut runs).unwrap();
        let bytes: usize = runs.iter().map(|run| run.lines.len()).sum();
        assert!(bytes <= decoder.most(input.len()), "{line:?} became {bytes}");
    }
}

proptest! {
    #[test]
    fn any_bytes_become_lines_and_nothing_else(
        pieces in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(vec![
                    &b"<13>"[..], b"Nov 22 19:00:00 ", b"1 - - - - - ", b"[a b=\"", b"\n", b"\0", b"12 ",
                    b"{\"level\":", b"{\"msg\":\"", b"\"}", b"}", b"[{", b"}]", b"zx\x9c", b"\xe2\x82", b" ERROR ",
                ]).prop_map(<[u8]>::to_vec),
                proptest::collection::vec(any::<u8>(), 0..6),
            ],
            0..30,
        ),
        limit in 1_usize..60,
    ) {
        let mut stream = b"x\n".to_vec();
        stream.extend(pieces.concat());
        let origin = Origin::new("10.0.0.7:99".parse().unwrap());
        let (mut decoder, mut runs) = (Decoder::new(origin, limit, None, Arc::default()), vec![]);
        decoder.feed(&stream, &mut runs).unwrap();
        decoder.silence(&mut runs);
        decoder.finish(&mut runs).unwrap();
        for run in runs {
            let lines: Vec<&[u8]> = run.lines.split_inclusive(|&byte| byte == b'\n').collect();
            prop_assert_eq!(lines.len() as u64, run.count);
            for line in lines {
                let parsed = line.strip_suffix(b"\n").and_then(Line::parse);
                prop_assert!(parsed.is_some(), "{}", String::from_utf8_lossy(line));
            }
        }
    }
}
