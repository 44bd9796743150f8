//! Values of any type in JSON, each an object whose only key names the type.

use super::value_json::push_value;
use crate::decode::draft::{Text, Value};
use crate::decode::json_cursor::{JsonCursor, MalformedJson};
use netlog_wire::number_end;
use std::borrow::Cow;

/// The deepest a value may nest; what is deeper is kept as text.
const DEPTH: usize = 32;

/// Reads an array of keys and values; anything else is passed over.
pub(super) fn attributes<'a>(
    at: &mut JsonCursor<'a>,
    mut take: impl FnMut(Text<'a>, Value<'a>),
) -> Result<(), MalformedJson> {
    if !at.take(b'[') {
        return at.skip().map(|_| ());
    }
    let mut parts = 0;
    while at.next_part(b']', &mut parts)? {
        if at.peek() != Some(b'{') {
            at.skip()?;
        } else if let JsonAttribute { key: Some(key), value } = JsonAttribute::read(at)? {
            take(key, value.unwrap_or(NULL));
        }
    }
    Ok(())
}

const NULL: Value<'static> = Value::Json(Cow::Borrowed("null"));

/// An attribute.
struct JsonAttribute<'a> {
    key: Option<Text<'a>>,
    value: Option<Value<'a>>,
}

impl<'a> JsonAttribute<'a> {
    fn read(at: &mut JsonCursor<'a>) -> Result<Self, MalformedJson> {
        let mut found = Self { key: None, value: None };
        let mut members = 0;
        at.expect(b'{')?;
        while let Some(key) = at.next_likely_key(&mut members, ["\"key\":", "\"value\":"])? {
            match key {
                "key" if at.peek() == Some(b'"') => found.key = Some(at.string()?.text()),
                "value" => found.value = any_value(at)?,
                _ => at.skip().map(|_| ())?,
            }
        }
        Ok(found)
    }
}

/// The keys of the types that most values have.
const KINDS: [&str; 4] =
    ["\"stringValue\":", "\"intValue\":", "\"boolValue\":", "\"doubleValue\":"];

/// The value of an `AnyValue`, which may be empty.
pub(super) fn any_value<'a>(at: &mut JsonCursor<'a>) -> Result<Option<Value<'a>>, MalformedJson> {
    let mut members = 0;
    if !at.take(b'{') {
        return at.skip().map(|_| None);
    }
    let Some(kind) = at.next_likely_key(&mut members, KINDS)? else { return Ok(None) };
    let value = match List::of(kind) {
        Some(list) if at.peek() == Some(b'{') => {
            let mut json = String::new();
            list.push(at, &mut json, 0)?;
            Value::Json(json.into())
        }
        _ => simple(kind, at)?,
    };
    at.leave_object(&mut members)?;
    Ok(Some(value))
}

/// A value that holds no others.
fn simple<'a>(kind: &str, at: &mut JsonCursor<'a>) -> Result<Value<'a>, MalformedJson> {
    Ok(match (kind, at.peek()) {
        ("stringValue" | "bytesValue", Some(b'"')) => Value::Text(at.string()?.text()),
        ("intValue", Some(b'"')) => {
            let text = at.string()?;
            match number_end(text.inside.as_bytes(), 0) {
                Some(end) if end == text.inside.len() => Value::Json(text.inside.into()),
                _ => Value::Text(text.text()),
            }
        }
        _ => at.skip()?.kept(),
    })
}

/// A value that holds others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Array,
    Object,
}

impl List {
    fn of(kind: &str) -> Option<Self> {
        match kind {
            "arrayValue" => Some(Self::Array),
            "kvlistValue" => Some(Self::Object),
            _ => None,
        }
    }

    /// Writes the values of `{"values":[…]}`, which nests so deep already.
    fn push(
        self,
        at: &mut JsonCursor<'_>,
        json: &mut String,
        depth: usize,
    ) -> Result<(), MalformedJson> {
        let mut members = 0;
        at.expect(b'{')?;
        json.push(if self == Self::Array { '[' } else { '{' });
        let start = json.len();
        while let Some(key) = at.next_key(&mut members)? {
            if key.inside != "values" || !at.take(b'[') {
                at.skip()?;
                continue;
            }
            let mut parts = 0;
            while at.next_part(b']', &mut parts)? {
                let before = json.len();
                if before > start {
                    json.push(',');
                }
                let pushed = match self {
                    Self::Array => push_any(at, json, depth + 1).map(|()| true)?,
                    Self::Object => push_pair(at, json, depth + 1)?,
                };
                if !pushed {
                    json.truncate(before);
                }
            }
        }
        json.push(if self == Self::Array { ']' } else { '}' });
        Ok(())
    }
}

/// Writes a key and its value; `false` when there is no key.
fn push_pair(
    at: &mut JsonCursor<'_>,
    json: &mut String,
    depth: usize,
) -> Result<bool, MalformedJson> {
    let mut members = 0;
    let mut key = None;
    let mut value = None;
    if !at.take(b'{') {
        return at.skip().map(|_| false);
    }
    while let Some(member) = at.next_key(&mut members)? {
        match member.inside {
            "key" if at.peek() == Some(b'"') => key = Some(at.string()?.text()),
            "value" => {
                value = Some(*at);
                at.skip()?;
            }
            _ => at.skip().map(|_| ())?,
        }
    }
    let Some(key) = key else { return Ok(false) };
    push_value(json, &Value::Text(key));
    json.push(':');
    match value {
        Some(mut value) => push_any(&mut value, json, depth)?,
        None => json.push_str("null"),
    }
    Ok(true)
}

/// Writes an `AnyValue` as JSON; as text where it nests too deep.
fn push_any(at: &mut JsonCursor<'_>, json: &mut String, depth: usize) -> Result<(), MalformedJson> {
    let as_text = |value: &str| Value::Text(Text::Plain(value.to_owned().into()));
    if depth > DEPTH {
        push_value(json, &as_text(at.skip()?.json));
        return Ok(());
    }
    let mut members = 0;
    if !at.take(b'{') {
        json.push_str("null");
        return at.skip().map(|_| ());
    }
    let Some(kind) = at.next_key(&mut members)? else {
        json.push_str("null");
        return Ok(());
    };
    match List::of(kind.inside) {
        Some(list) if at.peek() == Some(b'{') => list.push(at, json, depth)?,
        _ => match simple(kind.inside, at)? {
            Value::Json(value) if value.starts_with(['{', '[']) => {
                push_value(json, &as_text(&value));
            }
            value => push_value(json, &value),
        },
    }
    at.leave_object(&mut members)
}
