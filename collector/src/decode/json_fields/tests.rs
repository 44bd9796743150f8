//! Objects of known and unknown names.

use super::*;
use crate::decode::origin::Origin;
use crate::decode::scratch::with_scratch;
use netlog_wire::Line;
use proptest::prelude::*;

fn encoded(json: &str) -> String {
    with_scratch(|scratch| encoded_with(json, scratch))
}

fn encoded_with(json: &str, scratch: &mut Scratch) -> String {
    let (mut draft, origin) = (Draft::new(0), Origin::new("10.0.0.7:99".parse().unwrap()));
    let mut out = Vec::new();
    assert!(read(json, &mut draft, scratch), "{json}");
    draft.encode(&origin, &mut scratch.time, &mut out);
    assert!(Line::parse(&out).is_some(), "{}", String::from_utf8_lossy(&out));
    let line = String::from_utf8(out).unwrap();
    let host = if draft.host.is_none() { "\"host\":\"10.0.0.7\"," } else { "" };
    line.replacen(host, "", 1).replacen("\"peer\":\"10.0.0.7:99\",", "", 1)
}

const HEAD: &str = r#""time":"1970-01-01T00:00:00.000000Z","level":"INFO""#;

#[test]
fn netlogs_own_names_are_read_as_ever() {
    let json = r#"{"app":"a","host":"h","pid":7,"time":"2026-11-22T18:42:23.123456Z","level":"WARN","target":"t","file":"f","line":1,"thread":"x","msg":"m","kv":{"a":1},"span":"s","lost":3,"truncated":4,"other":[1, 2]}"#;
    let expected = r#"{"app":"a","host":"h","pid":7,"time":"2026-11-22T18:42:23.123456Z","level":"WARN","target":"t","file":"f","line":1,"thread":"x","msg":"m","kv":{"a":1,"other":[1,2]},"span":"s","truncated":4,"lost":3}"#;
    assert_eq!(encoded(json), expected);
}

#[test]
fn what_does_not_fit_its_place_stays_under_kv() {
    let odd = r#""level":"loud","time":true,"line":-2,"msg":7,"pid":-1,"host":"a\nb","app":"","kv":[1],"thread":{}"#;
    assert_eq!(encoded(&format!("{{{odd}}}")), format!("{{{HEAD},\"msg\":\"\",\"kv\":{{{odd}}}}}"));
}

#[test]
fn the_better_name_wins_and_the_other_is_kept() {
    let levels = r#""levelno":40,"levelname":"INFO""#;
    let json =
        format!(r#"{{"message":"long","msg":"short",{levels},"ts":1,"timestamp":1795374000}}"#);
    let kv = r#""kv":{"message":"long","levelno":40,"ts":1}"#;
    let head = HEAD.replace("1970-01-01T00", "2026-11-22T19");
    assert_eq!(encoded(&json), format!("{{{head},\"msg\":\"short\",{kv}}}"));
    let twice = encoded(r#"{"msg":"a","msg":"b"}"#);
    assert!(twice.ends_with(r#""msg":"a","kv":{"msg":"b"}}"#), "{twice}");
}

#[test]
fn a_user_of_gelf_cannot_set_what_is_not_additional() {
    let gelf =
        r#"{"short_message":"m","_level":"ERROR","_host":"x","_time":1,"_":2,"version":"1.1"}"#;
    let kv = r#""kv":{"level":"ERROR","host":"x","time":1,"_":2}"#;
    assert_eq!(encoded(gelf), format!("{{{HEAD},\"msg\":\"m\",{kv}}}"));
}

#[test]
fn what_is_known_from_around_an_object_is_not_overwritten() {
    with_scratch(|scratch| {
        let mut draft = Draft::new(5);
        draft.app = Some(Text::Json("outer"));
        assert!(read(r#"{"app":"inner","host":"h","message":"m"}"#, &mut draft, scratch));
        assert_eq!((draft.app, draft.host), (Some(Text::Json("outer")), Some(Text::Json("h"))));
        assert_eq!((draft.time, draft.msg), (5, Text::Json("m")));
        assert_eq!(draft.kv.len(), 1);
        assert!(!read("{", &mut Draft::new(5), scratch));
    });
}

proptest! {
    #[test]
    fn any_object_of_known_names_becomes_a_line(
        names in proptest::collection::vec(
            proptest::sample::select(vec![
                "time", "level", "msg", "file", "line", "caller", "kv", "fields", "span", "log",
                "log.level", "instant", "short_message", "_x", "name", "pid", "hostname", "x",
            ]),
            0..8,
        ),
        values in proptest::collection::vec(
            proptest::sample::select(vec![
                "1", "-1.5e3", "99999999999999999999", "\"warn\"", "\"a:7\"", "null", "[ ]", "{}",
                "{\"name\":\"x\",\"level\":30}", "\"2026-11-22 19:00:00,5\"", "{\"epochSecond\":9223372036854775807}",
            ]),
            8,
        ),
    ) {
        let members: Vec<String> =
            names.iter().zip(values).map(|(name, value)| format!("\"{name}\": {value}")).collect();
        encoded(&format!("{{{}}}", members.join(", ")));
    }
}

#[test]
fn claims_are_names() {
    assert_eq!(claim(" web1 "), Some("web1"));
    for none in ["", " ", "a\u{1b}b", "a\nb", &"x".repeat(256)] {
        assert_eq!(claim(none), None);
    }
}

#[test]
fn an_object_is_the_same_whatever_came_before_it() {
    let objects = [
        r#"{"a":1,"msg":"m","b":"x","c":2}"#,
        r#"{"a":1,"msg":"m","b":"x","c":2,"d":3}"#,
        r#"{"a":1,"msg":"m","b":"x"}"#,
        r#"{"a": 1, "msg": "m", "b": "x", "c": 2}"#,
        r#"{"a":  1 ,"msg": "m","b" :"x","c":	2}"#,
        r#"{"a":1,"msg":"m","b":{"x":1},"c":2}"#,
        r#"{"a":1,"msg":"m","b":[1, 2],"c":"q\"u\u00e9"}"#,
        r#"{"a":1,"msg":"m","\u0062":"x","c":2}"#,
        r#"{"a":1,"msg":"m","log":"x","c":2}"#,
        r#"{"a":1,"msg":"m","log":{"level":"warn"},"c":2}"#,
        r#"{"a":1,"msg":"m","log":{"level":"warn","c":2}}"#,
        r#"{"a":1,"msg":"m","kv":{"b":1},"c":2}"#,
        r#"{"a":1,"msg":"m","kv":"x","c":2}"#,
        r#"{"level":"warn","ts":"2026-11-22T19:00:00.5Z","a":"","":"b"}"#,
        r#"{"version":"1.1","short_message":"m","_a":1,"_b":"x"}"#,
        r#"{}"#,
        r#"{"a":1}"#,
    ];
    for before in objects {
        for json in objects {
            let mut scratch = Scratch::new();
            encoded_with(before, &mut scratch);
            let after = encoded_with(json, &mut scratch);
            assert_eq!(after, encoded_with(json, &mut Scratch::new()), "{json} behind {before}");
        }
    }
}
