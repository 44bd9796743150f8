//! Structured data, and everything else that may follow a priority.

use super::*;
use crate::decode::origin::Origin;
use crate::decode::scratch::with_scratch;
use netlog_wire::Line;
use proptest::prelude::*;

const NOW: i64 = 1_795_374_300_000_000;

fn encoded(message: &str) -> Option<Vec<u8>> {
    let (mut draft, origin) = (Draft::new(NOW), Origin::new("10.0.0.7:99".parse().unwrap()));
    let mut out = Vec::new();
    with_scratch(|scratch| {
        read(message, &mut draft, None, scratch)?;
        draft.encode(&origin, &mut scratch.time, &mut out);
        Some(())
    })?;
    Some(out)
}

fn kv(message: &str) -> String {
    let line = encoded(message).unwrap();
    let read = Line::parse(&line).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&line)));
    let values: serde_json::Value = serde_json::from_slice(read.kv.unwrap_or(b"{}")).unwrap();
    let kv = read.values().into_iter().map(|(key, _)| key);
    let kv = kv.filter(|key| key != "facility" && key != "severity");
    let kv: Vec<String> = kv.map(|key| format!("{key}={}", values[&*key])).collect();
    format!("{}|{}", kv.join(" "), read.msg.text())
}

#[test]
fn structured_data_is_read_with_its_escapes_and_kept_when_malformed() {
    for (data, expected) in [
        (r#"[a@1 x="1" y="\"\\\]\n"][b] m"#, r#"a@1.x="1" a@1.y="\"\\]\\n" b=true|m"#),
        (r#"[a x=""]"#, r#"a.x=""|"#),
        ("- m", "|m"),
        ("-", "|"),
        ("", "|"),
        (r#"[a x="1"#, r#"|[a x="1"#),
        (r#"[a x=1] m"#, r#"|[a x=1] m"#),
        (r#"[a x="1"][b y=] m"#, r#"a.x="1" malformed="structured data"|[b y=] m"#),
        ("m without data", "|m without data"),
    ] {
        assert_eq!(kv(&format!("<13>1 - - - - - {data}")), expected, "{data}");
    }
}

#[test]
fn what_is_almost_rfc_5424_is_read_as_what_there_is() {
    assert_eq!(kv("<13>1 yesterday h a - - - m"), "|1 yesterday h a - - - m");
    assert_eq!(kv("<13>1 - h a proc-7 -"), r#"procid="proc-7"|"#);
    assert_eq!(kv("<13>1"), "|1");
    let long = "x".repeat(1000);
    let line = encoded(&format!("<13>1 - {long} a - - - m")).unwrap();
    let read = Line::parse(&line).unwrap();
    assert_eq!(
        (read.app.unwrap().text(), read.host.unwrap().text()),
        ("a".into(), "10.0.0.7".into())
    );
    assert!(read.values().iter().any(|(key, value)| key == "host" && *value == long));
}

proptest! {
    #[test]
    fn any_message_becomes_a_line(
        head in proptest::sample::select(vec![
            "<13>", "<13>1 ", "<13>Nov 22 19:00:00 ", "<13>1 - - - - - [", "<13>2026-11-22T19:00:00",
            "<13>1: *Nov 22 19:00:00: ", "<13>Nov 22 19:00:00 h a[", "<13>h a: {\"", "",
        ]),
        tail in "[ -~\u{e9}\n]{0,24}",
    ) {
        if let Some(out) = encoded(&format!("{head}{tail}")) {
            prop_assert!(Line::parse(&out).is_some(), "{}", String::from_utf8_lossy(&out));
        }
    }
}
