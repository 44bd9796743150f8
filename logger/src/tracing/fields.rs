//! Fields of spans and events as JSON members, each value in its own type.

#[cfg(all(tracing_unstable, feature = "valuable"))]
use super::structured;
use crate::encode::push_number;
use netlog_wire::push_json;
use std::error::Error;
use std::fmt::{self, Write as _};
use tracing_core::field::{Field, Visit};

/// A field's value.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Unsigned(u64),
    Signed(i64),
    Unsigned128(u128),
    Signed128(i128),
    Float(f64),
    Bool(bool),
    Text(&'a str),
    Error(&'a (dyn Error + 'static)),
    Debug(&'a dyn fmt::Debug),
    #[cfg(all(tracing_unstable, feature = "valuable"))]
    Valuable(valuable::Value<'a>),
}

/// Hands each field to a closure.
pub(super) struct ForEachField<F>(pub(super) F);

impl<F: FnMut(&Field, Value<'_>)> Visit for ForEachField<F> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        (self.0)(field, Value::Unsigned(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        (self.0)(field, Value::Signed(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        (self.0)(field, Value::Unsigned128(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        (self.0)(field, Value::Signed128(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        (self.0)(field, Value::Float(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        (self.0)(field, Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        (self.0)(field, Value::Text(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        (self.0)(field, Value::Error(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        (self.0)(field, Value::Debug(value));
    }

    #[cfg(all(tracing_unstable, feature = "valuable"))]
    fn record_value(&mut self, field: &Field, value: valuable::Value<'_>) {
        (self.0)(field, Value::Valuable(value));
    }
}

/// Appends `"key":value` behind `before`, if `out` is then at most `limit` bytes long; if not, answers
/// how many bytes were left out.
pub(super) fn push_member(
    out: &mut Vec<u8>,
    before: &[u8],
    field: &Field,
    value: Value<'_>,
    limit: usize,
) -> Result<(), usize> {
    let start = out.len();
    out.extend_from_slice(before);
    out.push(b'"');
    // A raw identifier is Rust's way to spell a name, not a part of it.
    push_json(out, field.name().strip_prefix("r#").unwrap_or_else(|| field.name()));
    out.extend_from_slice(b"\":");
    value.push(out, limit);
    if out.len() <= limit {
        return Ok(());
    }
    let cut = out.len() - start;
    out.truncate(start);
    Err(cut)
}

impl Value<'_> {
    /// Appends the value as JSON; formatting ends soon after `out` is `limit` bytes long.
    fn push(self, out: &mut Vec<u8>, limit: usize) {
        let bare = match self {
            Value::Unsigned(number) => return push_number(out, number),
            Value::Signed(number) => {
                if number < 0 {
                    out.push(b'-');
                }
                return push_number(out, number.unsigned_abs());
            }
            Value::Bool(truth) => {
                return out.extend_from_slice(if truth { b"true" } else { b"false" });
            }
            Value::Unsigned128(_) | Value::Signed128(_) => true,
            // JSON has no word for the others (RFC 8259, section 6).
            Value::Float(number) => number.is_finite(),
            Value::Text(_) | Value::Error(_) | Value::Debug(_) => false,
            #[cfg(all(tracing_unstable, feature = "valuable"))]
            Value::Valuable(value) => return structured::push(out, value, limit),
        };
        if bare {
            return self.push_inside(out, limit);
        }
        out.push(b'"');
        self.push_inside(out, limit);
        out.push(b'"');
    }

    /// Appends the value as text, escaped as the inside of a JSON string.
    pub(super) fn push_inside(self, out: &mut Vec<u8>, limit: usize) {
        if let Value::Text(text) = self {
            return push_json(out, text);
        }
        // A Debug that fails says nothing more; what it said until then stays.
        let _ = write!(Bounded { out, limit }, "{self}");
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unsigned(number) => write!(f, "{number}"),
            Value::Signed(number) => write!(f, "{number}"),
            Value::Unsigned128(number) => write!(f, "{number}"),
            Value::Signed128(number) => write!(f, "{number}"),
            Value::Float(number) => write!(f, "{number}"),
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Text(text) => f.write_str(text),
            Value::Error(error) => write_chain(f, *error),
            Value::Debug(value) => value.fmt(f),
            #[cfg(all(tracing_unstable, feature = "valuable"))]
            Value::Valuable(value) => write!(f, "{value:?}"),
        }
    }
}

/// An error and its causes: `failed to open x: permission denied`.
fn write_chain(f: &mut fmt::Formatter<'_>, error: &(dyn Error + 'static)) -> fmt::Result {
    /// A cause can be its own cause.
    const MOST: usize = 32;
    write!(f, "{error}")?;
    let mut cause = error.source();
    for _ in 0..MOST {
        let Some(error) = cause else { break };
        write!(f, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}

/// Escapes what is formatted into it, and refuses more once it is full.
struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.out.len() > self.limit {
            return Err(fmt::Error);
        }
        push_json(self.out, text);
        Ok(())
    }
}
