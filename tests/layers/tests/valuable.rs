//! Structures in records, where `tracing` hands them over (`--cfg tracing_unstable`).

use netlog_layers::{Collector, find};
use serde_json::json;
use tracing::{info, info_span};
use valuable::Valuable;

#[derive(Valuable)]
struct Order {
    id: u64,
    price: f64,
    items: Vec<Item>,
    note: Option<&'static str>,
}

#[derive(Valuable)]
struct Item {
    name: &'static str,
    urgent: bool,
}

/// Complaints tracing PR2960, #3032, discussion 1906.
#[test]
fn structures_are_nested_json_with_their_types() {
    let items = vec![Item { name: "a \"b\"\n", urgent: true }];
    let order = Order { id: 7, price: 1.5, items, note: None };
    let collector = Collector::start();
    let builder = netlog::builder(&collector.address).filter("info").memory_spool(true);
    let _guard = builder.init().expect("netlog starts");
    let long = vec!["x".repeat(1000); 1000];
    let records = collector.records(|| {
        let span = info_span!("request", order = order.as_value());
        span.in_scope(|| info!(order = order.as_value(), last = true, "filled"));
        info!(order = long.as_value(), last = 2, "too long");
    });
    let expected = json!({
        "id": 7, "price": 1.5, "items": [{"name": "a \"b\"\n", "urgent": true}], "note": null
    });
    let record = find(&records, "filled");
    assert_eq!(record["kv"], json!({"order": expected, "last": true}));
    assert_eq!(record["spans"][0]["kv"], json!({"order": expected}));
    let long = find(&records, "too long");
    assert_eq!(long["kv"], json!({"last": 2}));
    assert!(long["truncated"].as_u64().is_some_and(|bytes| bytes > 60_000), "{long}");
}
