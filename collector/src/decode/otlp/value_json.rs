//! Values as JSON, where they stand within others.

use crate::decode::draft::{Text, Value};

/// Appends a value.
pub(super) fn push_value(json: &mut String, value: &Value<'_>) {
    match value {
        Value::Text(Text::Json(inside)) => json.extend(["\"", inside, "\""]),
        Value::Text(Text::Plain(text)) => {
            json.push_str(&serde_json::Value::from(&**text).to_string());
        }
        Value::Json(inner) | Value::Members(inner) => json.push_str(inner),
        Value::Number(number) => json.push_str(&number.to_string()),
    }
}
