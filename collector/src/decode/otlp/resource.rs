//! Everything that all records of a resource and a scope have in common.

use crate::decode::draft::{Draft, Text, Value};
use crate::decode::json_fields::claim;
use crate::decode::record_limits::cut_name;
use netlog_wire::push_json;
use std::borrow::Cow;

/// The resource attributes that say on which machine a program runs, the better first.
const HOSTS: [&str; 3] = ["host.name", "k8s.pod.name", "service.instance.id"];

/// A resource, with its names as the insides of JSON strings.
#[derive(Debug, Default)]
pub(super) struct Resource {
    app: Option<String>,
    pid: Option<u64>,
    /// The names by which the host may be known, the better first.
    hosts: [Option<String>; 3],
}

impl Resource {
    /// Takes an attribute of the resource, if it says who sends.
    pub(super) fn take(&mut self, key: &str, value: &Value<'_>) {
        match (key, value) {
            ("service.name", Value::Text(name)) => self.app = name_json(name),
            ("process.pid", Value::Number(pid)) => self.pid = Some(*pid),
            ("process.pid", Value::Json(number)) => self.pid = number.parse().ok(),
            (_, Value::Text(name)) => {
                if let Some(at) = HOSTS.iter().position(|host| *host == key) {
                    self.hosts[at] = name_json(name);
                }
            }
            _ => {}
        }
    }

    /// Says in `draft` who sends.
    pub(super) fn sign<'a>(&'a self, draft: &mut Draft<'a>) {
        draft.app = self.app.as_deref().map(Text::Json);
        draft.host = self.hosts.iter().flatten().next().map(|host| Text::Json(host));
        draft.pid = self.pid;
    }
}

/// A name, if it is fit to be one.
fn name_json(name: &Text<'_>) -> Option<String> {
    claim(&name.meant()).map(json_text)
}

/// The name of a scope as the inside of a JSON string.
pub(super) fn scope_name(name: Text<'_>) -> String {
    let mut name = Cow::Owned(name.meant());
    cut_name(&mut name);
    json_text(&name)
}

/// Text as the inside of a JSON string.
fn json_text(text: &str) -> String {
    let mut json = Vec::with_capacity(text.len());
    push_json(&mut json, text);
    String::from_utf8(json).unwrap_or_default()
}
