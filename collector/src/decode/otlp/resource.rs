//! Everything that all records of a resource and a scope have in common.

use super::shared_attributes::{SharedAttributes, json_text};
use crate::decode::draft::{Draft, Text, Value};
use crate::decode::json_fields::{claim, vacant};
use crate::decode::record_limits::cut_name;
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
    /// All attributes that do not say who sends.
    pub(super) attributes: SharedAttributes,
}

impl Resource {
    /// Takes an attribute of the resource.
    pub(super) fn take(&mut self, key: &Text<'_>, value: &Value<'_>) {
        if self.identify(key.as_str(), value).is_none() {
            self.attributes.take(key, value);
        }
    }

    /// Takes an attribute that says who sends.
    fn identify(&mut self, key: &str, value: &Value<'_>) -> Option<()> {
        match (key, value) {
            ("service.name", Value::Text(name)) => vacant(&mut self.app, name_json(name)?),
            ("process.pid", Value::Number(pid)) => vacant(&mut self.pid, *pid),
            ("process.pid", Value::Json(number)) => vacant(&mut self.pid, number.parse().ok()?),
            (_, Value::Text(name)) => {
                let at = HOSTS.iter().position(|host| *host == key)?;
                vacant(&mut self.hosts[at], name_json(name)?)
            }
            _ => None,
        }
    }

    /// Keeps as attributes the names that do not become the host; no attribute follows.
    pub(super) fn end(&mut self) {
        let names =
            HOSTS.iter().zip(&self.hosts).filter_map(|(key, host)| Some((key, host.as_ref()?)));
        for (key, name) in names.skip(1) {
            self.attributes.take(&Text::Json(key), &Value::Text(Text::Json(name)));
        }
        self.attributes.end();
    }

    /// Says in `draft` who sends.
    pub(super) fn sign<'a>(&'a self, draft: &mut Draft<'a>) {
        draft.app = self.app.as_deref().map(Text::Json);
        draft.host = self.hosts.iter().flatten().next().map(|host| Text::Json(host));
        draft.pid = self.pid;
    }
}

/// A scope.
#[derive(Debug, Default)]
pub(super) struct InstrumentationScope {
    /// Its name as the inside of a JSON string.
    pub(super) name: String,
    /// Its version and its attributes.
    pub(super) attributes: SharedAttributes,
}

impl InstrumentationScope {
    pub(super) fn set_name(&mut self, name: &Text<'_>) {
        let mut name = Cow::Owned(name.meant());
        cut_name(&mut name);
        self.name = json_text(&name);
    }

    pub(super) fn set_version(&mut self, version: Text<'_>) {
        if !version.is_empty() {
            self.attributes.take(&Text::Json("otel.scope.version"), &Value::Text(version));
        }
    }
}

/// A name, if it is fit to be one.
fn name_json(name: &Text<'_>) -> Option<String> {
    claim(&name.meant()).map(json_text)
}
