//! Attributes that all records of a resource or of a scope have in common.

use super::value_json::push_value;
use crate::decode::draft::{Draft, Pair, Text, Value};
use crate::decode::record_limits::values_len;
use netlog_wire::push_json;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// The most bytes of the attributes of a resource, or of a scope: they are written with each of its
/// records.
pub(super) const ATTRIBUTES: usize = 8 << 10;

/// Attributes as members of a JSON object: as many as are not too long in all.
#[derive(Debug, Default)]
pub(super) struct SharedAttributes {
    members: String,
    /// The range of each member.
    ranges: Vec<Range<usize>>,
    /// The place of a key's member among them.
    places: HashMap<String, usize>,
    /// A bit for each key: most keys of records are others.
    marks: u64,
    cut: usize,
}

impl SharedAttributes {
    pub(super) fn take(&mut self, key: &Text<'_>, value: &Value<'_>) {
        let key = json_text(&key.meant());
        let before = self.members.len();
        if before > 0 {
            self.members.push(',');
        }
        let start = self.members.len();
        self.members.extend(["\"", &key, "\":"]);
        match value {
            Value::Text(text) => self.members.extend(["\"", &json_text(&text.meant()), "\""]),
            value => push_value(&mut self.members, value),
        }
        if self.members.len() > ATTRIBUTES {
            self.cut += self.members.len() - before;
            self.members.truncate(before);
            return;
        }
        self.marks |= mark(&key);
        self.places.insert(key, self.ranges.len());
        self.ranges.push(start..self.members.len());
    }

    /// Adds how many bytes were cut, if any were.
    pub(super) fn end(&mut self) {
        if self.cut > 0 {
            let comma = if self.members.is_empty() { "" } else { "," };
            self.members.push_str(&format!("{comma}\"{TRUNCATED}\":{}", self.cut));
            self.cut = 0;
        }
    }

    fn place(&self, key: &str) -> Option<usize> {
        (self.marks & mark(key) != 0).then(|| self.places.get(key).copied()).flatten()
    }

    /// The members whose keys are not those of `kv`, nor of what is nearer to a record.
    fn beside(&self, kv: &[Pair<'_>], nearer: Option<&Self>) -> Cow<'_, str> {
        let own = kv.iter().filter_map(|pair| self.place(pair.key.as_str()));
        let mut hidden: BTreeSet<usize> = own.collect();
        if let Some(nearer) = nearer {
            hidden.extend(nearer.places.keys().filter_map(|key| self.place(key)));
        }
        let Some(&first) = hidden.first() else { return Cow::Borrowed(&self.members) };
        let mut kept = self.members[..self.ranges[first].start].to_owned();
        for (place, range) in self.ranges.iter().enumerate().skip(first) {
            if !hidden.contains(&place) {
                kept.extend([&self.members[range.clone()], ","]);
            }
        }
        let noted = self.ranges.last().map_or(0, |last| last.end + 1);
        kept.push_str(self.members.get(noted..).unwrap_or_default());
        kept.truncate(kept.trim_end_matches(',').len());
        Cow::Owned(kept)
    }
}

/// The number of bytes of attributes that were left out.
const TRUNCATED: &str = "attributes_truncated";

/// Keeps the attributes of a scope and of its resource under `kv`, where a record has none of the same
/// name itself. Where its line would become longer than `limit` bytes they are left out, and counted.
pub(super) fn keep_shared<'a>(
    draft: &mut Draft<'a>,
    scope: &'a SharedAttributes,
    resource: &'a SharedAttributes,
    limit: usize,
) {
    let own = draft.kv.len();
    for (shared, nearer) in [(scope, None), (resource, Some(scope))] {
        if shared.members.is_empty() {
            continue;
        }
        let members = shared.beside(&draft.kv[..own], nearer);
        if members.is_empty() {
            continue;
        }
        let fits = draft.msg.len() + values_len(draft) + members.len() + 4 <= limit;
        let (key, value) = match fits {
            true => ("", Value::Members(members)),
            false => (TRUNCATED, Value::Number(members.len() as u64)),
        };
        draft.kv.push(Pair { prefix: Cow::Borrowed(""), key: Text::Json(key), value });
    }
}

/// The bit of a key.
fn mark(key: &str) -> u64 {
    let last = key.as_bytes().last().copied().unwrap_or(0);
    1 << ((key.len() + 5 * usize::from(last)) % 64)
}

/// Text as the inside of a JSON string.
pub(super) fn json_text(text: &str) -> String {
    let mut json = Vec::with_capacity(text.len());
    push_json(&mut json, text);
    String::from_utf8(json).unwrap_or_default()
}
