//! Strings that mean harm arrive exactly in JSON, and harmless where people read them.

use crate::harness::{Collector, Scene, messages, speak};

/// What the subject logs when told `do=hostile`, but for the last two.
const HOSTILE: [&str; 9] = [
    "quotes \" and \\ and ' and `",
    "one\ntwo\r\n2026-11-22 18:42:23.123456 ERROR [root] src/main.rs:1 forged",
    "escape \u{1b}[31mred\u{1b}[0m \u{9b}31m bell \u{7} delete \u{7f}",
    "nul \0 in the middle",
    "bidi \u{202e}desrever\u{202c} \u{2066}isolate\u{2069} \u{200f}mark",
    "grüße 日本語 🦀",
    "{\"json\":[1,2]}",
    "",
    "values",
];

#[test]
fn hostile_strings_arrive_exactly_in_json() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    scene.subject(&format!("to={} do=hostile", collector.authority())).succeed();
    let records = collector.stop();
    let said = messages(&records);
    assert_eq!(said[..HOSTILE.len()], HOSTILE);
    assert_eq!(said[HOSTILE.len() + 1..], ["the last"]);
}

#[test]
fn a_message_of_a_megabyte_is_cut_and_marked_with_how_much() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    scene.subject(&format!("to={} do=hostile", collector.authority())).succeed();
    let records = collector.stop();
    let long = &records.0[HOSTILE.len()];
    let said = long["msg"].as_str().expect("a message");
    let whole = "0123456789abcdef".repeat(64 * 1024);
    assert!(whole.starts_with(said) && said.len() > 60_000, "{} bytes arrived", said.len());
    assert_eq!(long["truncated"].as_u64(), Some((whole.len() - said.len()) as u64));
}

#[test]
fn hostile_strings_are_harmless_as_text_one_line_each() {
    let scene = Scene::new();
    let collector = Collector::with(&scene, "--listen tcp://127.0.0.1:0 --format text");
    scene.subject(&format!("to={} do=hostile", collector.authority())).succeed();
    let text = collector.text();
    assert_eq!(text.lines().count(), HOSTILE.len() + 2, "one line each");
    for line in text.lines() {
        assert!(line.contains(" [subject] tests/subject/main.rs:"), "{line}");
        let harm = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!line.contains(harm), "{line:?}");
        assert!(!line.contains('\u{2066}') && !line.contains('\u{200f}'), "{line:?}");
    }
    assert!(text.contains(r"one\ntwo\r\n2026-11-22"), "{text}");
    assert!(text.contains(r"escape \x1b[31mred\x1b[0m \u{9b}31m bell \x07 delete \x7f"), "{text}");
    assert!(text.contains("grüße 日本語 🦀"));
}

#[test]
fn bytes_that_are_no_text_are_made_visible_and_lost_never() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    speak(collector.authority(), b"caf\xe9 \xff\xfe\nna\xc3\xafve\n\xc3");
    let records = collector.wait_for(3);
    assert_eq!(messages(&records), ["caf\\xe9 \\xff\\xfe", "naïve", "\\xc3"]);
    assert_eq!(records.0[0]["kv"]["invalid_utf8"], 3);
    assert!(records.0[1].get("kv").is_none());
}

#[test]
fn a_plain_peer_cannot_pass_for_another_sender() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let forged = r#"one","app":"orders","pid":"7"#;
    speak(collector.authority(), format!("{forged}\n").as_bytes());
    let records = collector.wait_for(1);
    assert_eq!(messages(&records), [forged]);
    assert_eq!(
        (&records.0[0]["host"], &records.0[0]["level"]),
        (&"127.0.0.1".into(), &"INFO".into())
    );
    assert!(records.0[0].get("app").is_none());
}
