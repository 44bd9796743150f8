//! Limits of what a record of a body may hold.

use super::draft::{Draft, Text, Value};
use netlog_wire::Record;
use std::borrow::Cow;

/// The most bytes of a name of a source, a file, a thread or a span.
const NAME: usize = 1024;

/// Cuts a name that no program has, and returns how much of it.
pub(super) fn cut_name(name: &mut Cow<'_, str>) -> usize {
    let mut end = name.len().min(NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let cut = name.len() - end;
    if cut > 0 {
        *name = Cow::Owned(name[..end].to_owned());
    }
    cut
}

/// Cuts a record whose line would be longer than `limit` bytes: its names, its message, its values.
pub(crate) fn shorten(record: &mut Record<'_>, limit: usize) {
    let Record { target, file, thread, trace, span, .. } = record;
    let names = [target, file, thread, trace, span].into_iter().flatten();
    let mut cut: usize = names.map(cut_name).sum();
    if record.spans.as_ref().is_some_and(|spans| spans.len() > limit / 4) {
        cut += record.spans.take().map_or(0, |spans| spans.len());
    }
    if cut > 0 {
        record.truncated = Some(cut as u64 + record.truncated.unwrap_or(0));
    }
    let values: usize = record.kv.iter().map(|(key, value)| key.len() + value.len() + 4).sum();
    let len = record.msg.len() + values;
    if len <= limit {
        return;
    }
    if values > limit / 2 {
        record.kv.clear();
    }
    let mut end = record.msg.len().min(limit / 2);
    while !record.msg.is_char_boundary(end) {
        end -= 1;
    }
    let msg: Cow<'static, str> = record.msg[..end].to_owned().into();
    record.msg = msg;
    let kept =
        end + record.kv.iter().map(|(key, value)| key.len() + value.len() + 4).sum::<usize>();
    record.truncated = Some((len - kept) as u64 + record.truncated.unwrap_or(0));
}

/// True if a record in pieces may be longer than its limits, as the pieces are written.
pub(super) fn may_be_long(draft: &Draft<'_>, limit: usize) -> bool {
    let Draft { target, file, thread, trace, span, .. } = draft;
    let mut names = [target, file, thread, trace, span].into_iter().flatten();
    let spans = draft.spans.as_ref().map_or(0, |spans| spans.len());
    draft.msg.len() + values_len(draft) > limit
        || spans > limit / 4
        || names.any(|name: &Text<'_>| name.len() > NAME)
}

/// The length of the values of a record in pieces, with their keys.
pub(super) fn values_len(draft: &Draft<'_>) -> usize {
    let value_len = |value: &Value<'_>| match value {
        Value::Json(json) | Value::Members(json) => json.len(),
        Value::Text(text) => text.len() + 2,
        Value::Number(_) => 20,
    };
    let pairs = draft.kv.iter();
    pairs.map(|pair| pair.prefix.len() + pair.key.len() + value_len(&pair.value) + 4).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::Level;

    #[test]
    fn a_long_record_is_cut_and_says_by_how_much() {
        let mut record = Record::new(0, Level::Info, "ü".repeat(600));
        record.kv.push(("k".into(), "1".into()));
        shorten(&mut record, 1000);
        assert_eq!((record.msg.len(), record.truncated, record.kv.len()), (500, Some(700), 1));
        let mut named = Record::new(0, Level::Info, "m");
        named.target = Some("ü".repeat(600).into());
        named.spans = Some("[]".repeat(300).into());
        shorten(&mut named, 1000);
        assert_eq!(named.target.map(|target| target.len()), Some(1024));
        assert_eq!((named.spans, named.truncated), (None, Some(176 + 600)));
        let mut wide = Record::new(0, Level::Info, "m");
        wide.note("k", &"v".repeat(2000));
        shorten(&mut wide, 1000);
        assert_eq!((&*wide.msg, wide.kv.len()), ("m", 0));
        assert!(wide.truncated > Some(2000));
    }
}
