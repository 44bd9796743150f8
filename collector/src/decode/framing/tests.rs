//! Streams of every client, split in every way.

use super::*;
use proptest::prelude::*;

type Whole = (Kind, Vec<u8>, u64, Option<Note>);

fn take_all(
    framing: &mut Framing,
    mut input: Input<'_>,
    mut each: impl FnMut(Message<'_>),
) -> Result<(), PeerError> {
    while let Some(message) = framing.next(&mut input)? {
        each(message);
    }
    Ok(())
}

/// What comes of a stream in these reads, or what it is refused as.
fn heard(limit: usize, reads: &[&[u8]]) -> Result<Vec<Whole>, PeerError> {
    let (mut framing, mut out) = (Framing::new(limit, None), Vec::new());
    for input in reads.iter().map(|read| Input::Bytes(read)).chain([Input::End]) {
        take_all(&mut framing, input, |m| {
            out.push((
                m.kind,
                m.bytes.to_vec(),
                m.cut,
                m.note.filter(|note| *note != Note::Indexed),
            ))
        })?;
        assert!(framing.held() <= limit.max(8 << 10));
    }
    assert!(framing.held.is_empty() && framing.replay.is_empty() && framing.lent.is_empty());
    out.retain(|(_, bytes, ..)| !bytes.trim_ascii().is_empty());
    Ok(out)
}

/// The same, whole and byte by byte, as text.
fn texts(stream: &[u8]) -> Vec<(Kind, String)> {
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    let whole = heard(1000, &[stream]).unwrap();
    assert_eq!(heard(1000, &bytes).unwrap(), whole);
    let text = |(kind, bytes, ..): Whole| (kind, String::from_utf8_lossy(&bytes).into_owned());
    whole.into_iter().map(text).collect()
}

fn are(kind: Kind, texts: &[&str]) -> Vec<(Kind, String)> {
    texts.iter().map(|text| (kind, (*text).to_owned())).collect()
}

#[test]
fn lines_end_at_lf_or_nul_and_the_last_at_the_end() {
    let expected = are(
        Kind::Text,
        &["one", "two\r", "three"].map(|t| t.replace("\\r", "\r")).each_ref().map(|t| t.as_str()),
    );
    assert_eq!(texts(b"one\ntwo\r\n\0three"), expected);
    assert_eq!(
        texts(b"<11>tcp hello\0<14>tcp two\0"),
        are(Kind::Syslog, &["<11>tcp hello", "<14>tcp two"])
    );
}

#[test]
fn octet_counts_are_believed_where_they_are_right() {
    let frames = b"11 <13>1 - one16 <14>1 - two\nmore\n<15>plain\n10 <13>1 - 2\n";
    let expected =
        are(Kind::Syslog, &["<13>1 - one", "<14>1 - two\nmore", "<15>plain", "<13>1 - 2\n"]);
    assert_eq!(texts(frames), expected);
}

#[test]
fn a_count_that_is_none_costs_no_line() {
    let stream = b"7 <5> left on the shelf\n9 <6> right\n";
    let heard = heard(1000, &[stream]).unwrap();
    let notes: Vec<_> = heard.iter().map(|m| (m.0, m.3)).collect();
    assert_eq!(
        notes,
        [(Kind::Syslog, None), (Kind::Text, Some(Note::Uncounted)), (Kind::Text, None)]
    );
    let bytes: Vec<u8> = heard.into_iter().flat_map(|m| m.1).collect();
    assert_eq!(bytes, b"<5> left on the shelf9 <6> right");
    assert_eq!(
        texts(b"99999999999999999999 <1>x\nb\n"),
        are(Kind::Text, &["99999999999999999999 <1>x", "b"])
    );
    assert_eq!(texts(b"999999999 <1>x\nb\n"), are(Kind::Text, &["999999999 <1>x", "b"]));
}

#[test]
fn counting_goes_on_behind_a_wrong_count_and_nothing_is_lost() {
    let grown = "34 <13>1 - web1 shop - - - gr\u{fc}\u{df}e eins38 <11>1 - web1 shop - - - order 2 failed36 <12>1 - web1 shop - - - order 3 late";
    let expected = [
        (Kind::Syslog, "<13>1 - web1 shop - - - gr\u{fc}\u{df}e ei"),
        (Kind::Text, "ns"),
        (Kind::Syslog, "<11>1 - web1 shop - - - order 2 failed"),
        (Kind::Syslog, "<12>1 - web1 shop - - - order 3 late"),
    ];
    assert_eq!(texts(grown.as_bytes()), expected.map(|(kind, text)| (kind, text.to_owned())));
    let notes: Vec<_> = heard(1000, &[grown.as_bytes()]).unwrap().iter().map(|m| m.3).collect();
    assert_eq!(notes, [None, Some(Note::Uncounted), None, None]);
}

#[test]
fn digits_that_a_wrong_count_left_over_are_no_part_of_the_next_count() {
    let wrong = "<13>1 - web1 shop - - - gr\u{fc}\u{df}e 12";
    let [first, second] = [1, 2].map(|n| format!("<13>1 - web1 shop - - - order {n}"));
    let counted = |text: &str| format!("{} {text}", text.len());
    let stream =
        format!("{} {wrong}{}{}", wrong.chars().count(), counted(&first), counted(&second));
    let expected = [wrong.trim_end_matches("12"), &first, &second];
    assert_eq!(texts(stream.as_bytes()), are(Kind::Syslog, &expected));
    let read = heard(1000, &[stream.as_bytes()]).unwrap();
    let notes: Vec<_> = read.iter().map(|m| m.3).collect();
    // The digits are in the record.
    assert_eq!(notes, [None, Some(Note::Overcounted(1200 + first.len())), None]);
}

#[test]
fn a_doubted_count_ends_where_the_next_counted_message_begins() {
    let stream = b"9 <13>1 - ab12 <13>1 - two99 <14>1 - three11 <15>1 - fourx";
    let whole = heard(1000, &[&stream[..]]).unwrap();
    let seen: Vec<_> = whole.iter().map(|m| (m.1.as_slice(), m.3)).collect();
    let expected: [(&[u8], _); 6] = [
        (b"<13>1 - a", None),
        (b"b", Some(Note::Uncounted)),
        (b"<13>1 - two9", None),
        (b"<14>1 - t", None),
        (b"hree", Some(Note::Uncounted)),
        (b"<15>1 - four", None),
    ];
    assert_eq!(seen[..2], expected[..2]);
    assert!(
        seen.iter().any(|(_, note)| matches!(note, Some(Note::Overcounted(_) | Note::Uncounted)))
    );
    let bytes: Vec<u8> = whole.iter().flat_map(|m| m.1.clone()).collect();
    assert!(bytes.ends_with(b"<15>1 - fourx"), "{}", String::from_utf8_lossy(&bytes));
}

#[test]
fn the_longest_string_of_an_object_over_the_limit_is_cut_and_all_else_kept() {
    let long = "x\u{e9}\\n".repeat(400);
    let object = format!(
        "{{\"app\":\"shop\",\"msg\":\"{long}\",\"n\":[1,{{\"m\":\"short\"}}],\"host\":\"web1\"}}"
    );
    for (reads, stream) in
        [(1, format!("{object}\nnext\n")), (7, format!("{object}{object}\nnext\n"))]
    {
        let whole = heard(500, &[stream.as_bytes()]).unwrap();
        let parts: Vec<&[u8]> = stream.as_bytes().chunks(reads).collect();
        assert_eq!(heard(500, &parts).unwrap(), whole);
        let (kind, bytes, cut, note) = &whole[0];
        assert_eq!((*kind, *note), (Kind::Json, Some(Note::Shortened)));
        assert_eq!(bytes.len() + *cut as usize, object.len());
        let json: serde_json::Value = serde_json::from_slice(bytes).expect("still an object");
        assert_eq!((&json["app"], &json["host"]), (&"shop".into(), &"web1".into()));
        assert_eq!(json["n"][1]["m"], "short");
        assert!(json["msg"].as_str().is_some_and(|msg| long.replace("\\n", "\n").starts_with(msg)));
        assert_eq!(whole.last().map(|last| last.1.as_slice()), Some(&b"next"[..]));
    }
    let numbers = format!("{{\"a\":[{}]}}\n", "1,".repeat(400) + "1");
    let kept = heard(500, &[numbers.as_bytes()]).unwrap();
    assert_eq!((kept.len(), kept[0].3, kept[0].1.len()), (1, None, 500));
}

#[test]
fn messages_without_an_end_end_where_the_next_begins() {
    let stream = b"<132>Nov 22 19:01:11 h a[1]: {\"m\":\"<b>\"}<132>Nov 22 19:01:12 h a[1]: two<13>1 - x<<13>2026-11-22T00:00:00Z y";
    let expected = [
        "<132>Nov 22 19:01:11 h a[1]: {\"m\":\"<b>\"}",
        "<132>Nov 22 19:01:12 h a[1]: two",
        "<13>1 - x<",
        "<13>2026-11-22T00:00:00Z y",
    ];
    assert_eq!(texts(stream), are(Kind::Syslog, &expected));
}

#[test]
fn a_quoted_message_is_no_message() {
    let quoting = "<13>Nov 22 19:01:11 h a: got <14>Nov 22 19:01:10 h b: x";
    assert_eq!(texts(quoting.as_bytes()), are(Kind::Syslog, &[quoting]));
    let later = "<13>a:<14>Nov 22 19:01:10 h b: x";
    let stream = format!("<13>first\n{later}\n");
    assert_eq!(texts(stream.as_bytes()), are(Kind::Syslog, &["<13>first", later]));
}

#[test]
fn a_message_has_lines_where_messages_end_at_nuls() {
    let stream = b"<11>one\0<11>two\n  line\nline\0<11>three\n<11>four\n\0text\n<11>five\n";
    let expected = [
        (Kind::Syslog, "<11>one"),
        (Kind::Syslog, "<11>two\n  line\nline"),
        (Kind::Syslog, "<11>three"),
        (Kind::Syslog, "<11>four\n"),
        (Kind::Text, "text"),
        (Kind::Syslog, "<11>five"),
    ];
    assert_eq!(texts(stream), expected.map(|(kind, text)| (kind, text.to_owned())));
    let long = format!("<11>one\0<11>{}\nnext\n", "x".repeat(1000));
    let ends = texts(long.as_bytes()).into_iter().map(|(kind, text)| (kind, text.len()));
    let expected = [(Kind::Syslog, 7), (Kind::Syslog, 1000), (Kind::Text, 4)];
    assert_eq!(ends.collect::<Vec<_>>(), expected, "one that is too long ends at its line");
}

#[test]
fn silence_ends_only_what_begins_with_a_priority_and_whole_objects() {
    let (mut framing, mut out) = (Framing::new(1000, None), Vec::new());
    let mut each = |m: Message<'_>| out.push((m.bytes.to_vec(), m.note));
    for read in ["text", " more\n", "<13>one", "<13>Nov 22 two", "{\"a\":", "1} ", "<13>x\n<13>y"] {
        for input in [Input::Bytes(read.as_bytes()), Input::Silence] {
            take_all(&mut framing, input, &mut each).unwrap();
        }
    }
    take_all(&mut framing, Input::End, &mut each).unwrap();
    let expected: [(&[u8], _); 6] = [
        (b"text more", None),
        (b"<13>one", Some(Note::Idle)),
        (b"<13>Nov 22 two", Some(Note::Idle)),
        (b"{\"a\":1}", None),
        (b"<13>x", None),
        (b"<13>y", None),
    ];
    assert_eq!(out, expected.map(|(bytes, note)| (bytes.to_vec(), note)));
}

#[test]
fn an_object_ends_at_its_brace_however_it_is_written() {
    let stream = b"{\"a\":1}\r\n{\n  \"b\": [\n{}]\n}\0{\"c\":\"}\"}{\"d\":1}";
    let expected = ["{\"a\":1}", "{\n  \"b\": [\n{}]\n}", "{\"c\":\"}\"}", "{\"d\":1}"];
    assert_eq!(texts(stream), are(Kind::Json, &expected));
}

#[test]
fn a_line_that_goes_on_behind_an_object_is_text_all_of_it() {
    let stream = b"{\"a\":1} and more\n{\"b\":2}}\n{\"c\":3}<13>x\0{\n} more\n";
    let text = ["{\"a\":1} and more", "{\"b\":2}}", "{\"c\":3}<13>x"];
    let pretty = [are(Kind::Json, &["{\n}"]), are(Kind::Text, &["more"])].concat();
    assert_eq!(texts(stream), [are(Kind::Text, &text), pretty].concat());
}

#[test]
fn objects_may_follow_one_another_on_a_line() {
    let stream = b"{\"a\":1}{\"b\":2} {\"c\":3}, {\"d\":4},\r\n{\"e\":5} ,";
    let expected = ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}", "{\"d\":4}", "{\"e\":5}"];
    assert_eq!(texts(stream), are(Kind::Json, &expected));
}

#[test]
fn what_begins_like_an_object_and_is_none_is_text_line_by_line() {
    assert_eq!(texts(b"{not json\nnext\n"), are(Kind::Text, &["{not json", "next"]));
    let cut_off = texts(b"{\"a\":1,\n{\"b\":2}\nlast");
    let expected = [(Kind::Text, "{\"a\":1,"), (Kind::Json, "{\"b\":2}"), (Kind::Text, "last")];
    assert_eq!(cut_off, expected.map(|(kind, text)| (kind, text.to_owned())));
    assert_eq!(texts(b"{\n\n\"a\nb\"\n}"), are(Kind::Text, &["{", "\"a", "b\"", "}"]));
}

#[test]
fn a_mark_is_skipped_and_a_proxy_header_is_no_record() {
    assert_eq!(
        texts(b"\xef\xbb\xbf{}\n\xef\xbb\xbfx"),
        [are(Kind::Json, &["{}"]), are(Kind::Text, &["x"])].concat()
    );
    let header = "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r";
    let stream = format!("{header}\n<13>x\n{header}\n");
    let expected =
        [are(Kind::Proxy, &[header]), are(Kind::Syslog, &["<13>x"]), are(Kind::Text, &[header])]
            .concat();
    assert_eq!(texts(stream.as_bytes()), expected);
}

#[test]
fn after_a_hello_all_is_lines() {
    let stream = b"{\"netlog\":1}\n{\n<13>x<13>1 - \nrest";
    assert_eq!(texts(stream), are(Kind::Netlog, &["{\"netlog\":1}", "{", "<13>x<13>1 - "]));
    assert_eq!(texts(b"x\n{\"netlog\":1}\n")[1], (Kind::Json, "{\"netlog\":1}".to_owned()));
}

#[test]
fn an_overlong_message_is_cut_and_the_next_one_lives() {
    let long = "x".repeat(50);
    for (stream, first) in [
        (format!("{long}\nok\n"), 40),
        (format!("<13>{long}\nok\n"), 44),
        (format!("54 <13>{long}ok\n"), 44),
        (format!("{{\"a\":\n\"{long}\"}}ok\n"), 49),
        (format!("<13>{long}<13>Nov 22 ok"), 44),
    ] {
        let split: Vec<&[u8]> = stream.as_bytes().chunks(3).collect();
        let whole = heard(10, &[stream.as_bytes()]).unwrap();
        assert_eq!(heard(10, &split).unwrap(), whole);
        assert_eq!((whole.len(), whole[0].1.len(), whole[0].2), (2, 10, first), "{stream}");
        assert!(whole[1].1.ends_with(b"ok") || whole[1].1 == b"<13>Nov 22");
    }
}

#[test]
fn an_endless_message_holds_no_more_than_the_limit() {
    for start in ["x", "<13>x", "200000 <13>", "{\"a\":\"", "{\"a\":[\n", "{\n"] {
        let mut framing = Framing::new(1000, None);
        for read in [start.as_bytes()].into_iter().chain([&[b' '; 1000][..]; 100]) {
            take_all(&mut framing, Input::Bytes(read), |_| unreachable!("it has no end")).unwrap();
            assert!(framing.held() <= 1000);
        }
        let mut cut = 0;
        take_all(&mut framing, Input::End, |m| cut += m.cut).unwrap();
        assert!(cut >= 99_000);
    }
}

/// Pieces of streams that make every state meet every other.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(vec![
        "\n",
        "\0",
        "\r\n",
        "<13>",
        "<132>Nov 22 ",
        "<13>1 - ",
        "<",
        "12 <13>hello",
        "5 zx\u{1}",
        "5 ",
        "{",
        "}",
        "{\"a\":",
        "\"",
        "\\",
        "[",
        "]",
        ",",
        ":",
        "1",
        "{\"a\":1}",
        " ",
        "text",
        "\u{feff}",
        "PROXY ",
        "GET / HTTP/1.1",
        "{\"netlog\":1}",
        "<13>2026-11-22",
        "2026-",
        "Nov ",
    ]);
    prop_oneof![
        8 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_bytes_in_any_reads_give_the_same_messages(
        pieces in proptest::collection::vec(piece(), 0..24),
        cuts in proptest::collection::vec(0_usize..200, 0..12),
        limit in 1_usize..40,
    ) {
        let stream = pieces.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let reads: Vec<&[u8]> = cuts.windows(2).map(|w| &stream[w[0]..w[1]]).collect();
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        let whole = heard(limit, &[&stream]);
        prop_assert_eq!(&heard(limit, &reads), &whole);
        prop_assert_eq!(&heard(limit, &bytes), &whole);
    }

    #[test]
    fn no_byte_of_text_is_lost(pieces in proptest::collection::vec(piece(), 0..24)) {
        let mut stream = b"text\n".to_vec();
        stream.extend(pieces.concat());
        let mut seen = 0;
        for (.., bytes, cut, _) in heard(1000, &[&stream]).unwrap() {
            seen += bytes.iter().filter(|b| b.is_ascii_alphabetic()).count() + cut as usize;
        }
        let z = stream.windows(2).filter(|w| w == b"zx").count();
        let sent = stream.iter().filter(|b| b.is_ascii_alphabetic()).count();
        prop_assert!(seen <= sent && seen + z >= sent);
    }
}
