//! Events of `tracing` and the spans around them, through every way into a program's subscriber.

use crate::harness::{
    Child, Collector, Records, Scene, assert_each_once, example, message, messages,
};
use serde_json::{Value, json};
use std::time::Duration;

/// A hundred thousand records take a while on a busy machine.
const LONG: Duration = Duration::from_secs(120);

/// What `traced do=WHAT` logs, and says on stderr.
fn traced(what: &str) -> (Records, String) {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut program = scene.traced(&format!("to={} do={what}", collector.authority()));
    assert!(program.end_within(LONG).success(), "{}", program.stderr());
    (collector.stop(), program.stderr())
}

/// The spans of a record as text: `request{"id":7}:query`.
fn spans(record: &Value) -> String {
    let Some(spans) = record["spans"].as_array() else { return String::new() };
    let shown = spans.iter().map(|span| {
        let name = span["name"].as_str().expect("a span has a name");
        let values = span.get("kv").map_or_else(String::new, Value::to_string);
        name.to_owned() + &values
    });
    shown.collect::<Vec<_>>().join(":")
}

fn find<'a>(records: &'a Records, msg: &str) -> &'a Value {
    let found: Vec<_> = records.0.iter().filter(|record| message(record) == msg).collect();
    assert_eq!(found.len(), 1, "{msg:?} among {:?}", messages(records));
    found[0]
}

/// Complaints tracing#2670, #3390, #1531: span fields lie buried, and twice.
#[test]
fn fields_keep_their_types_and_span_fields_stand_once_with_their_span() {
    let (records, _) = traced("fields");
    let record = find(&records, "the message of 7");
    let span = record["span"].as_str().expect("the innermost span has an id");
    assert_eq!(span.len(), 16);
    assert_eq!(
        record["spans"],
        json!([{"name": "request", "id": span, "kv": {"id": 7, "ratio": 0.5, "type": "GET"}}])
    );
    assert_eq!((&record["trace"], &record["level"]), (&json!("4bf92f35"), &json!("ERROR")));
    assert!(record["kv"]["wide"].is_number(), "{record}");
    let mut values = record["kv"].clone();
    values.as_object_mut().expect("an object").remove("wide");
    let error = "failed to fill \"7\": an error occurred when formatting an argument";
    assert_eq!(
        values,
        json!({
            "signed": -7, "unsigned": u64::MAX, "nan": "NaN", "truth": true, "text": "a \"b\"\n",
            "debug": "Some(\"x\")", "display": "failed to fill \"7\"", "error": error,
        })
    );
    assert_eq!(record["target"], "traced");
    assert_eq!(record["file"], "tests/traced.rs");
    assert_eq!(find(&records, "named")["kv"], json!({"first": 1, "last": 2}));
    assert_eq!(find(&records, "")["kv"], json!({"only": "fields"}));
}

#[test]
fn an_event_has_the_spans_that_it_names_as_its_parents() {
    let (records, _) = traced("scopes");
    for (msg, expected) in [
        ("in no span", ""),
        ("in both", "outer{\"a\":1}:inner"),
        ("in the outer one", "outer{\"a\":1}"),
        ("in none again", ""),
        ("in one that has no parent", "alone"),
    ] {
        let record = find(&records, msg);
        assert_eq!(spans(record), expected, "{msg}");
        let innermost = record["spans"].as_array().and_then(|spans| spans.last());
        assert_eq!(innermost.map(|span| &span["id"]), record.get("span"), "{msg}");
    }
}

/// Complaint tracing#1372.
#[test]
fn a_field_recorded_later_stands_once_with_its_last_value_in_events_of_child_spans_too() {
    let (records, _) = traced("later");
    assert_later(&records);
}

fn assert_later(records: &Records) {
    let values = |msg| spans(find(records, msg));
    assert_eq!(values("at first"), r#"request{"bytes":0,"id":1,"user":"?"}:query"#);
    assert_eq!(values("then"), r#"request{"bytes":0,"id":1,"status":200,"user":"ann"}:query"#);
    let last =
        r#"request{"bytes":12,"id":1,"status":"a longer one than before","user":"ann"}:query"#;
    assert_eq!(values("at last"), last);
}

#[test]
fn the_outermost_spans_and_the_longest_values_are_left_out_of_a_record_and_counted() {
    let (records, _) = traced("long");
    let record = find(&records, "at the bottom");
    let shown = record["spans"].as_array().expect("an array");
    assert_eq!(shown.len(), 32);
    assert_eq!(shown[31]["kv"]["depth"], 0);
    assert_eq!(shown[0]["kv"]["depth"], 31);
    assert!(record["truncated"].as_u64().is_some_and(|bytes| bytes > 68 * 300));
    let wide = records.0.last().expect("records have arrived");
    assert_eq!(spans(wide), r#"wide{"b":2}"#);
    assert_eq!(wide["kv"], json!({"d": 4}));
    assert!(wide["truncated"].as_u64().is_some_and(|bytes| bytes > 240_000));
}

/// Complaints tracing#3355, PR3605: `log` records lose their values and their target.
#[test]
fn a_log_record_keeps_its_values_and_target_and_has_the_spans_it_was_logged_in() {
    let (records, _) = traced("log");
    assert_eq!(spans(find(&records, "in no span")), "");
    let record = find(&records, "order 7 is late");
    assert_eq!(spans(record), r#"request{"id":7}"#);
    assert_eq!(record["kv"], json!({"client": "acme", "us": 31}));
    assert_eq!(record["target"], "orders::fill");
}

#[test]
fn a_log_record_forwarded_by_somebody_who_has_the_facade_has_its_own_place_and_the_spans() {
    let (records, _) = traced("forwarded");
    let record = find(&records, "order 7 is late");
    assert_eq!(spans(record), r#"request{"id":7}"#);
    assert_eq!(
        (&record["target"], &record["file"]),
        (&"orders::fill".into(), &"tests/traced.rs".into())
    );
    assert!(record["line"].as_u64().is_some_and(|line| line > 1));
    assert_eq!((&record["kv"], &record["level"]), (&Value::Null, &"WARN".into()));
}

#[test]
fn a_panic_has_the_spans_it_happened_in() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut program = scene.traced(&format!("to={} do=panic", collector.authority()));
    assert_eq!(program.end().code(), Some(101));
    let records = collector.stop();
    assert_eq!(spans(find(&records, "panicked: the end")), r#"request{"id":7}"#);
}

#[test]
fn the_end_of_a_span_is_a_record_where_that_is_asked_for() {
    let (records, _) = traced("ends");
    assert_eq!(messages(&records), ["inside", "close", "close"]);
    let ends: Vec<_> = records.0[1..].iter().map(spans).collect();
    assert_eq!(ends, [r#"outer{"id":7}:inner"#, r#"outer{"id":7}"#]);
    for end in &records.0[1..] {
        assert!(end["kv"]["busy_us"].is_u64() && end["kv"]["idle_us"].is_u64(), "{end}");
    }
}

#[test]
fn the_filter_decides_by_target_for_events_and_spans() {
    let (records, _) = traced("filter");
    assert_filtered(&records);
}

fn assert_filtered(records: &Records) {
    let said: Vec<_> = messages(records);
    assert_eq!(&said[..3], ["wanted", "every step", "in a span that is not taken"]);
    let around: Vec<_> = records.0.iter().take(3).map(spans).collect();
    assert_eq!(around, [r#"request{"id":7}"#; 3], "a span that is not taken is left out");
}

/// Complaint tracing#1372 again, and that of everybody whose filter took another layer's events.
#[test]
fn another_layer_and_its_own_filter_neither_disturb_nor_are_disturbed() {
    let (records, stderr) = traced("beside");
    assert_filtered(&records);
    assert_later(&records);
    assert_eq!(spans(find(&records, "from log in a span that is not taken")), r#"request{"id":7}"#);
    assert_eq!(spans(find(&records, "in a child of it")), r#"request{"id":7}:query"#);
    assert_eq!(find(&records, "from log")["kv"], json!({"number": 7}));
    for theirs in ["too much", "not wanted", "wanted", "in a span that is not taken", "at last"] {
        assert!(stderr.contains(theirs), "{theirs:?} is not in\n{stderr}");
    }
    assert!(!stderr.contains("every step"), "{stderr}");
    let file = records.0.iter().map(Value::to_string).collect::<String>();
    assert!(!file.contains("\\u001b"), "no colours of theirs: {file}");
}

/// Complaints tracing#2519, PR3572, #3516, #2448, #2704.
#[test]
fn somebody_who_only_asks_whether_a_level_is_enabled_costs_us_no_span_and_no_event() {
    let (records, _) = traced("asked");
    let around: Vec<_> = records.0.iter().map(spans).collect();
    let expected = [0, 1, 2].map(|id| format!("request{{\"id\":{id}}}"));
    assert_eq!(around, expected, "{:?}", messages(&records));
}

/// Complaint metered-rs#56: one layer without an answer for each call site makes every disabled event
/// slow.
#[test]
fn a_disabled_call_site_is_disabled_once_and_nobody_is_asked_again() {
    let (records, _) = traced("disabled");
    assert_eq!(messages(&records), ["asked for", "asked for"]);
}

#[test]
fn a_program_that_has_a_subscriber_gets_a_logger_without_spans() {
    let (records, _) = traced("taken");
    assert_eq!(messages(&records), ["but this"]);
    assert_eq!(spans(&records.0[0]), "");
}

#[test]
fn a_debug_that_logs_and_opens_spans_while_it_is_logged_loses_nothing() {
    let (records, _) = traced("displays");
    let below = records.0.iter().filter(|record| message(record) == "talkative 0").count();
    assert_eq!(below, 4, "{:?}", messages(&records));
    let record = find(&records, "talkative 1");
    let expected = r#"talks{"later":"talkative 1","value":"talkative 1"}"#;
    assert_eq!((spans(record), &record["kv"]), (expected.into(), &json!({"value": "talkative 1"})));
}

#[test]
fn each_record_of_a_thousand_concurrent_requests_has_exactly_its_own_spans() {
    let (records, _) = traced("requests");
    let mut said: Vec<_> = messages(&records);
    for record in &records.0 {
        let spans = record["spans"].as_array().expect("it was logged in spans");
        let [request, query] = &spans[..] else { panic!("in two spans: {record}") };
        let own = format!("request {} step {}", request["kv"]["id"], query["kv"]["step"]);
        assert_eq!(message(record), own);
        assert_eq!(record["span"], query["id"]);
    }
    said.sort_unstable();
    said.dedup();
    assert_eq!((records.0.len(), said.len()), (100_000, 100_000));
}

#[test]
fn a_directive_of_rust_log_that_selects_by_span_is_ignored_with_one_line_and_the_others_count() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let told = format!("to={} records=5", collector.authority());
    let mut command = scene.command(&example("subject"));
    command.env("RUST_LOG", "[request{id=7}]=debug,subject=warn").args(told.split(' '));
    let mut quiet = Child::start(&mut command);
    quiet.succeed();
    let said = quiet.stderr();
    assert_eq!(
        said.matches("ignored the directive \"[request{id=7}]=debug\"").count(),
        1,
        "{said}"
    );
    assert!(collector.records().0.is_empty(), "the other directive counts");
    Child::start(command.env("RUST_LOG", "[request]=trace")).succeed();
    assert_each_once(&collector.stop(), 1, 5);
}
