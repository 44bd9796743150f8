//! JSON objects member by member: each value stays unread until somebody asks what it is.

use crate::escape::JsonStr;
use crate::scan;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The members of the JSON object that `line` is, in their order; a key may occur twice.
///
/// # Errors
///
/// When `line` is not one JSON object.
pub fn members(line: &[u8]) -> Result<Vec<Member<'_>>, NotARecord> {
    let Members(members) = serde_json::from_slice(line).map_err(NotARecord)?;
    Ok(members)
}

/// The elements of the JSON array that `line` is; `None` when it is not an array.
pub fn elements(line: &[u8]) -> Option<Vec<JsonValue<'_>>> {
    let values: Vec<&RawValue> = serde_json::from_slice(line).ok()?;
    Some(values.into_iter().map(JsonValue).collect())
}

/// A key and its value.
pub type Member<'a> = (Cow<'a, str>, JsonValue<'a>);

/// A JSON value as it was written.
#[derive(Debug, Clone, Copy)]
pub struct JsonValue<'a>(&'a RawValue);

impl<'a> JsonValue<'a> {
    /// The JSON text itself.
    pub fn json(self) -> &'a str {
        self.0.get()
    }

    /// JsonText of a string; `None` for any other value.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let inside = self.json().strip_prefix('"')?.strip_suffix('"')?;
        Some(JsonStr(inside.as_bytes()).text())
    }

    /// A whole number from zero; `None` for any other value.
    pub fn number(self) -> Option<u64> {
        serde_json::from_str(self.json()).ok()
    }

    /// An array as compact JSON text; `None` for any other value, and for one that nests too deep.
    pub(crate) fn array(self) -> Option<Cow<'a, str>> {
        Some(self.compact()).filter(|json| json.starts_with('['))
    }

    /// `Some(true)` for `true`; `None` for any other value.
    pub(crate) fn truth(self) -> Option<bool> {
        (self.json() == "true").then_some(true)
    }

    /// The members of an object; `None` for any other value.
    pub fn members(self) -> Option<Vec<Member<'a>>> {
        members(self.json().as_bytes()).ok()
    }

    /// The value without white space between its parts; a string where it nests too deep.
    pub fn compact(self) -> Cow<'a, str> {
        let json = self.json();
        let bytes = json.as_bytes();
        let mut out = Cow::Borrowed(json);
        if bytes.iter().copied().any(is_space) && !json.starts_with('"') {
            out = Cow::Owned(squeeze(json));
        }
        if !out.starts_with(['{', '[']) {
            return out;
        }
        let probe = format!("{{\"\":{out}}}");
        if scan::object_end(probe.as_bytes(), 0) == Some(probe.len()) {
            return out;
        }
        Cow::Owned(serde_json::Value::from(json).to_string())
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

fn squeeze(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut at = 0;
    while let Some(&byte) = json.as_bytes().get(at) {
        let end = match byte {
            b'"' => scan::string_end(json.as_bytes(), at + 1).map_or(json.len(), |end| end + 1),
            _ => at + 1,
        };
        if !is_space(byte) {
            out.push_str(&json[at..end]);
        }
        at = end;
    }
    out
}

/// A line that is not one JSON object.
#[derive(Debug)]
pub struct NotARecord(serde_json::Error);

impl fmt::Display for NotARecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the line is not a json object")
    }
}

impl std::error::Error for NotARecord {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

struct Members<'a>(Vec<Member<'a>>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a json object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<JsonText<'de>, &'de RawValue>()? {
                    members.push((key.0, JsonValue(value)));
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Walk)
    }
}

/// A string, borrowed where it holds no escapes.
struct JsonText<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for JsonText<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = JsonText<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<JsonText<'de>, E> {
                Ok(JsonText(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<JsonText<'de>, E> {
                Ok(JsonText(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Read)
    }
}
