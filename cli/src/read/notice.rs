//! The collector's notices, in words.

use serde_json::Value;

/// Describes a notice to people.
pub(super) fn describe(notice: &Value) -> String {
    match notice["collector"].as_str() {
        Some(collector) => format!("{collector}: {}", words(notice)),
        None => words(notice),
    }
}

fn words(notice: &Value) -> String {
    let text = |key: &str| notice[key].as_str().unwrap_or_default();
    match text("notice") {
        "live" => "end of the stored records".into(),
        "missed" => match notice["count"].as_u64() {
            Some(count) => format!("{count} records were missed: this reader is too slow"),
            None => "records were missed: the collector no longer has them".into(),
        },
        "recovered" => {
            let records = match notice["count"].as_u64() {
                Some(1) => "1 record".into(),
                Some(count) => format!("{count} records"),
                None => "records".into(),
            };
            let pid = &notice["pid"];
            format!(
                "{records} of an earlier run follow: {} pid {pid} on {}",
                text("app"),
                text("host")
            )
        }
        "lost" => format!("connection lost ({}), reconnecting", text("error")),
        "away" => format!("cannot be read: {}", text("error")),
        "incomplete" => {
            format!("the connection was lost, the search is incomplete: {}", text("error"))
        }
        "end" => match notice["unreadable"].as_u64() {
            Some(pieces) => {
                format!("records may be missing: unreadable pieces of files: {pieces}")
            }
            None => format!("searched only {}", text("only")),
        },
        "reconnected" => "reconnected, continuing after the last record".into(),
        other => other.to_owned(),
    }
}
