//! Requests of Elasticsearch's `_bulk`: lines in pairs, an action and the document it is about.

use super::json_fields::claim;
use super::post::{Posted, PostedRecords, line_record};
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
    Box::new(actions(body).filter_map(move |action| posted(action, received)))
}

fn posted(action: Result<BulkAction<'_>, String>, received: i64) -> Option<Posted<'_>> {
    let action = match action {
        Ok(action) => action,
        Err(fault) => return Some(Err(fault)),
    };
    let mut record = line_record(action.document?, received);
    if let Some(index) = action.text("_index").filter(|_| record.claims.app.is_none()) {
        record.claims.app = claim(&index).map(str::to_owned);
    }
    Some(Ok(record))
}

/// Number of actions in a body.
pub(crate) fn count(body: &[u8]) -> usize {
    actions(body).count()
}

/// The answer to a body whose records are kept: each action with its status.
pub(crate) fn answer(body: &[u8]) -> Value {
    let item = |action: BulkAction<'_>| {
        let kept = action.document.is_some();
        let result = if kept { "created" } else { "not_found" };
        let status = if kept { 201 } else { 404 };
        let index = action.text("_index");
        let id = action.text("_id");
        json!({ &*action.name: {
            "_index": index, "_id": id, "_version": 1, "result": result, "status": status,
            "_seq_no": 0, "_primary_term": 1, "_shards": {"total": 1, "successful": 1, "failed": 0},
        }})
    };
    let items: Vec<Value> = actions(body).filter_map(Result::ok).map(item).collect();
    json!({"took": 0, "errors": false, "items": items})
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"{\"create\":{\"_index\":\"shop\"}}\n{\"@timestamp\":\"2026-11-22T18:42:23.123456Z\",\"message\":\"late\",\"log.level\":\"warn\"}\n{\"delete\":{\"_id\":\"1\"}}\n{\"index\":{\"_id\":\"2\"}}\nERROR half {\n";

    #[test]
    fn each_document_is_a_record_and_each_action_has_an_answer() {
        let all: Vec<_> = records(BODY, 0).map(Result::unwrap).collect();
        let said: Vec<_> = all.iter().map(|record| &*record.msg).collect();
        assert_eq!(said, ["late", "ERROR half {"]);
        assert_eq!(all[0].claims.app.as_deref(), Some("shop"));
        assert_eq!(all[0].time, 1_795_372_943_123_456);
        let answer = answer(BODY);
        assert_eq!(answer["items"][0]["create"]["status"], 201);
        assert_eq!(answer["items"][1]["delete"]["status"], 404);
        assert_eq!(answer["items"][2]["index"]["_id"], "2");
        assert_eq!(answer["items"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn a_line_that_is_no_action_is_named() {
        let fault = records(b"{\"a\":1}\n{}\n", 0).next().unwrap().unwrap_err();
        assert_eq!(fault, "action 1: expected create, index, update or delete");
    }
}
