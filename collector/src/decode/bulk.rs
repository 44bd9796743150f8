//! Requests of Elasticsearch's `_bulk`: lines in pairs, an action and the document it is about.

use super::draft::Text;
use super::json_fields::claim;
use super::post_line::write_line_with;
use super::posted::{Fault, Posted, PostedRecords, RecordWriter, each};
use netlog_wire::{JsonValue, members};
use serde_json::{Value, json};
use std::borrow::Cow;

/// An action, and the document behind it.
struct BulkAction<'a> {
    name: Cow<'a, str>,
    about: Option<JsonValue<'a>>,
    document: Option<&'a [u8]>,
}

impl BulkAction<'_> {
    fn text(&self, key: &str) -> Option<String> {
        let members = self.about?.members()?;
        let (_, value) = members.into_iter().find(|(name, _)| name == key)?;
        value.text().map(Cow::into_owned)
    }
}

/// The actions of a body; a line that is not an action ends them with a fault.
fn actions(body: &[u8]) -> impl Iterator<Item = Result<BulkAction<'_>, String>> + Send {
    let mut lines = body.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let mut over = false;
    let mut at = 0_u64;
    std::iter::from_fn(move || {
        let line = lines.next().filter(|_| !over)?;
        at += 1;
        let first = members(line).ok().and_then(|members| members.into_iter().next());
        let known =
            first.filter(|(name, _)| matches!(&**name, "create" | "index" | "update" | "delete"));
        let Some((name, about)) = known else {
            over = true;
            return Some(Err(format!("action {at}: expected create, index, update or delete")));
        };
        let document = if name == "delete" { None } else { lines.next() };
        Some(Ok(BulkAction { name, about: Some(about), document }))
    })
}

/// The records of a body; one whose document is not JSON is a record of text. An action that removes
/// something has none.
pub(crate) fn records(body: &[u8], received: i64) -> PostedRecords<'_> {
    let with_document = |action: &Result<BulkAction<'_>, String>| {
        action.as_ref().map_or(true, |action| action.document.is_some())
    };
    each(actions(body).filter(with_document), move |action, out| write(action, received, out))
}

fn write(
    action: Result<BulkAction<'_>, String>,
    received: i64,
    out: &mut RecordWriter<'_>,
) -> Posted {
    let action = action.map_err(Fault::Malformed)?;
    let document = action.document.unwrap_or_default();
    write_line_with(document, received, out, |draft| {
        if draft.app.is_none() {
            let index = action.text("_index");
            let app = index.as_deref().and_then(claim);
            draft.app = app.map(|app| Text::Plain(app.to_owned().into()));
        }
    })
}

/// Number of actions in a body.
pub(crate) fn count(body: &[u8]) -> usize {
    actions(body).count()
}

/// The answer to a body that was `received` then, and whose records are kept: each action with its
/// status. `index` is that of actions that name none.
pub(crate) fn answer(body: &[u8], index: Option<&str>, received: i64) -> Value {
    let item = |at: usize, action: BulkAction<'_>| {
        let kept = action.document.is_some();
        let result = if kept { "created" } else { "not_found" };
        let status = if kept { 201 } else { 404 };
        let index = action.text("_index").or_else(|| index.map(str::to_owned));
        let id = action.text("_id").unwrap_or_else(|| format!("{received:x}-{at}"));
        json!({ &*action.name: {
            "_index": index, "_id": id, "_version": 1, "result": result, "status": status,
            "_seq_no": 0, "_primary_term": 1, "_shards": {"total": 1, "successful": 1, "failed": 0},
        }})
    };
    let actions = actions(body).filter_map(Result::ok).enumerate();
    let items: Vec<Value> = actions.map(|(at, action)| item(at, action)).collect();
    json!({"took": 0, "errors": false, "items": items})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::posted::written::lines;

    const BODY: &[u8] = b"{\"create\":{\"_index\":\"shop\"}}\n{\"@timestamp\":\"2026-11-22T18:42:23.123456Z\",\"message\":\"late\",\"log.level\":\"warn\"}\n{\"delete\":{\"_id\":\"1\"}}\n{\"index\":{\"_id\":\"2\"}}\nERROR half {\n";

    #[test]
    fn each_document_is_a_record_and_each_action_has_an_answer() {
        let expected = [
            r#"{"app":"shop","time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"late"}"#,
            r#"{"time":"1970-01-01T00:00:00.000000Z","level":"ERROR","msg":"ERROR half {"}"#,
        ];
        assert_eq!(lines(records(BODY, 0)), expected);
        let answer = answer(BODY, Some("orders"), 255);
        assert_eq!(answer["items"][0]["create"]["status"], 201);
        let created = &answer["items"][0]["create"];
        assert_eq!((&created["_index"], &created["_id"]), (&"shop".into(), &"ff-0".into()));
        assert_eq!(answer["items"][1]["delete"]["status"], 404);
        assert_eq!(answer["items"][2]["index"]["_index"], "orders");
        assert_eq!(answer["items"][2]["index"]["_id"], "2");
        assert_eq!(answer["items"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn a_line_that_is_no_action_is_named() {
        let fault = "action 1: expected create, index, update or delete";
        assert_eq!(lines(records(b"{\"a\":1}\n{}\n", 0)), [fault]);
    }
}
