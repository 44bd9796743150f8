//! JSON of other loggers, read by the meaning of its names.

mod values;

use super::draft::{Draft, Pair, Text, Value};
use super::expected_keys::ExpectedKeys;
use super::json_index::{MemberSpan, RawValue, ValueShape, index, index_flat, squeeze};
use super::json_shape::JsonShape;
use super::key_names::{Field, Scale};
use super::level_guess::guess;
use super::scratch::Scratch;
use super::time::MinuteMemory;
use std::borrow::Cow;
use std::mem::{replace, take};
use std::ops::Range;

pub(super) use values::as_written;
pub(super) use values::claim;
use values::{
    TraceId, caller, claimed, from_bytes, level, moment, number, spans, text, text_or_number,
    trace, unescaped, whole, without_end,
};

/// Reads any JSON object into `draft`: what it has no field for stays under `kv`, in order. What
/// is known of the sender from around the object stays; of time and level the object may know
/// more. `false` when `json` is no object.
pub(super) fn read<'a>(json: &'a str, draft: &mut Draft<'a>, scratch: &mut Scratch) -> bool {
    let Scratch { members, shapes, as_expected, .. } = scratch;
    members.clear();
    let Some(object) = index(json.as_bytes(), shapes.expected(), members) else { return false };
    *as_expected = object.as_expected;
    read_indexed(json, draft, scratch);
    true
}

/// The same for an object whose members have been found.
pub(super) fn read_indexed<'a>(json: &'a str, draft: &mut Draft<'a>, scratch: &mut Scratch) {
    let members = take(&mut scratch.members);
    let Scratch { shapes, minutes, as_expected, .. } = scratch;
    let shape = match take(as_expected) {
        true => shapes.last(),
        false => Some(shapes.of(json, &members)),
    };
    let contained = shape.and_then(|shape| {
        Filling { json, draft, minutes, filled: 0, used: [0; 4] }.fill(&members, shape)
    });
    if let Some((line, filled)) = contained {
        read_copied(&line, filled, draft, scratch);
    }
    scratch.give_back(members);
}

/// Reads the object that a program wrote and its container's runtime put into a string. Fields
/// that are `filled` already are not filled again.
fn read_copied(json: &str, filled: u32, draft: &mut Draft<'_>, scratch: &mut Scratch) {
    let mut members = Vec::new();
    if index(json.as_bytes(), &ExpectedKeys::new(), &mut members).is_none() {
        return;
    }
    let mut inner = replace(draft, Draft::new(0)).into_owned();
    inner.msg = Text::Json("");
    let Scratch { shapes, minutes, .. } = scratch;
    let shape = shapes.of(json, &members);
    Filling { json, draft: &mut inner, minutes, filled, used: [0; 4] }.fill(&members, shape);
    *draft = inner.into_owned();
}

struct Filling<'r, 'a> {
    json: &'a str,
    draft: &'r mut Draft<'a>,
    minutes: &'r mut MinuteMemory,
    /// A bit for each field that has been filled from this object.
    filled: u32,
    /// A bit for each member that filled one.
    used: [u64; 4],
}

impl<'a> Filling<'_, 'a> {
    /// Fills the fields, and keeps the rest. Answers a line that is an object itself, and the bits
    /// of the fields that are known better from around it.
    fn fill(mut self, members: &[MemberSpan], shape: &JsonShape) -> Option<(String, u32)> {
        let mut container = None;
        let mut carried = None;
        for candidate in &shape.candidates {
            let bit = 1 << candidate.field as u32;
            let at = usize::from(candidate.member);
            if self.filled & bit != 0 || self.is_used(at) {
                continue;
            }
            let Some(member) = members.get(at) else { continue };
            if self.put(candidate.field, candidate.scale, member).is_some() {
                self.filled |= bit;
                self.used[at / 64] |= 1 << (at % 64);
                if candidate.field == Field::Msg {
                    let value = member.value(self.json).json;
                    match member.key(self.json) {
                        "log" => container = Some(value),
                        "message" | "line" => carried = Some(value),
                        _ => {}
                    }
                }
            }
        }
        self.keep_rest(members, shape.gelf);
        if let Some(line) = carried.and_then(|value| value.strip_prefix('"')) {
            self.guess(line.as_bytes());
        }
        let line = self.contained(container?)?;
        Some((line, self.filled & 1 << Field::Time as u32))
    }

    /// Keeps the members that fill no field. Those that stand together as records write them are
    /// kept as one.
    fn keep_rest(&mut self, members: &[MemberSpan], gelf: bool) {
        let mut run: Option<Range<usize>> = None;
        for (at, member) in members.iter().enumerate() {
            if at < 256 && self.is_used(at) {
                continue;
            }
            let range = member.range();
            let nested = member.inner() != 0 || member.key(self.json) == "kv";
            if gelf || nested || !member.is_plain() {
                self.keep_run(run.take());
                self.keep(member, gelf);
                continue;
            }
            // Nothing but a comma can be between them.
            run = match run {
                Some(run) if run.end + 1 == range.start => Some(run.start..range.end),
                run => {
                    self.keep_run(run);
                    Some(range)
                }
            };
        }
        self.keep_run(run);
    }

    fn keep_run(&mut self, run: Option<Range<usize>>) {
        let Some(members) = run.and_then(|run| self.json.get(run)) else { return };
        let value = Value::Members(members.into());
        self.draft.kv.push(Pair { prefix: "".into(), key: Text::Json(""), value });
    }

    fn is_used(&self, at: usize) -> bool {
        self.used[at / 64] & 1 << (at % 64) != 0
    }

    /// Puts the value of `member` into a field; `None` when that is taken or does not take it.
    fn put(&mut self, field: Field, scale: Scale, member: &MemberSpan) -> Option<()> {
        let value = member.value(self.json);
        let draft = &mut *self.draft;
        match field {
            Field::Time => {
                let moment = moment(value, member.key(self.json), self.minutes)?;
                if draft.knows(Field::Time) {
                    return (moment.micros == draft.time).then_some(());
                }
                draft.set_time(moment);
            }
            Field::Level => {
                let severity = level(value, scale)?;
                if draft.knows(Field::Level) {
                    let more = severity.word.is_some() && severity.word != draft.severity;
                    return (severity.level == draft.level && !more).then_some(());
                }
                draft.level = severity.level;
                draft.severity = severity.word;
                draft.own_level = true;
            }
            Field::Msg => match text(value) {
                Some(text) => draft.msg = without_end(text),
                None => draft.take_bytes(&from_bytes(value.json)?),
            },
            Field::Target => vacant(&mut draft.target, text(value)?)?,
            Field::File => {
                let file = text(value).filter(|_| caller(value.json).is_none())?;
                vacant(&mut draft.file, file)?;
            }
            Field::Line => vacant(&mut draft.line, whole(value.json)?)?,
            Field::Caller => {
                let (file, line) = caller(value.json)?;
                vacant(&mut draft.file, file)?;
                draft.line = Some(line);
            }
            Field::Thread => vacant(&mut draft.thread, text_or_number(value)?)?,
            Field::App | Field::Name => vacant_or_same(&mut draft.app, claimed(value)?)?,
            Field::Host => vacant_or_same(&mut draft.host, claimed(value)?)?,
            Field::Pid => vacant(&mut draft.pid, whole(value.json)?)?,
            Field::Trace => {
                let TraceId { id, path } = trace(value)?;
                vacant(&mut draft.trace, id)?;
                path.into_iter().for_each(|path| draft.note("trace_path", path));
            }
            Field::Span => vacant(&mut draft.span, text(value)?)?,
            Field::Spans => {
                let fits = spans(value.json) && member.shape != ValueShape::Deep;
                vacant(&mut draft.spans, compact(value.json, member.shape, fits)?)?;
            }
            Field::Recorded => draft.recorded = (value.json == "true").then_some(true)?,
            Field::Truncated => vacant(&mut draft.truncated, number(value.json)?)?,
            Field::Lost => vacant(&mut draft.lost, number(value.json)?)?,
        }
        Some(())
    }

    /// Keeps a member as a value.
    fn keep(&mut self, member: &MemberSpan, gelf: bool) {
        let key = member.key(self.json);
        let value = member.value(self.json);
        let prefix = match member.prefix() {
            // What a logger says of an event is the event's own.
            "fields" => "",
            prefix => prefix,
        };
        if prefix.is_empty()
            && key == "kv"
            && value.json.starts_with('{')
            && self.keep_all(value.json)
        {
            return;
        }
        if gelf && self.is_envelope(key, value) {
            return;
        }
        let key = match key.strip_prefix('_') {
            Some(name) if gelf && !name.is_empty() => name,
            _ => key,
        };
        let value = kept(value, member.shape);
        self.draft.kv.push(Pair {
            prefix: prefix.into(),
            key: as_written(key, member.is_escaped()),
            value,
        });
    }

    /// Keeps the members of `kv` as if they stood outside.
    fn keep_all(&mut self, object: &'a str) -> bool {
        let mut members = Vec::new();
        if index_flat(object.as_bytes(), &mut members).is_none() {
            return false;
        }
        self.draft.kv.extend(members.iter().map(|member| Pair {
            prefix: "".into(),
            key: as_written(member.key(object), member.is_escaped()),
            value: kept(member.value(object), member.shape),
        }));
        true
    }

    /// True for members that GELF has about itself, or twice.
    fn is_envelope(&self, key: &str, value: RawValue<'_>) -> bool {
        match key {
            "version" => matches!(value.json, "\"1.0\"" | "\"1.1\""),
            "full_message" => {
                text(value).is_none_or(|text| text.is_empty() || text == self.draft.msg)
            }
            _ => false,
        }
    }

    /// The line of a program that its container's runtime put into a string, if it is an object. If
    /// it is not, its level is guessed: the runtime knows none.
    fn contained(&mut self, value: &str) -> Option<String> {
        let line = unescaped(value.strip_prefix('"')?.strip_suffix('"')?);
        let line = line.trim_ascii();
        if line.starts_with('{') && line.ends_with('}') {
            return Some(line.to_owned());
        }
        self.guess(line.as_bytes());
        None
    }

    /// Guesses the level of a line that a shipper carries, which knows none.
    fn guess(&mut self, line: &[u8]) {
        if self.filled & 1 << Field::Level as u32 == 0
            && !self.draft.own_level
            && !self.draft.knows(Field::Level)
            && self.draft.priority.is_none()
            && let Some(level) = guess(line)
        {
            self.draft.level = level;
            self.draft.own_level = true;
        }
    }
}

/// A value as a record keeps it.
fn kept(value: RawValue<'_>, shape: ValueShape) -> Value<'_> {
    match (shape, text(value)) {
        (ValueShape::Deep, _) => Value::Text(Text::Plain(value.json.into())),
        (_, Some(text)) => Value::Text(text),
        (_, None) => Value::Json(compact(value.json, shape, true).unwrap_or_default()),
    }
}

/// A value without white space between its parts, if it is wanted at all.
fn compact(value: &str, shape: ValueShape, wanted: bool) -> Option<Cow<'_, str>> {
    wanted.then(|| match shape {
        ValueShape::Spaced => Cow::Owned(squeeze(value)),
        _ => Cow::Borrowed(value),
    })
}

/// Puts a value into a field; `None` when that is taken.
pub(super) fn vacant<T>(field: &mut Option<T>, value: T) -> Option<()> {
    if field.is_some() {
        return None;
    }
    *field = Some(value);
    Some(())
}

/// The same for a name, which may stand there already.
fn vacant_or_same<'a>(field: &mut Option<Text<'a>>, name: Text<'a>) -> Option<()> {
    match field {
        Some(known) => (known.as_str() == name.as_str()).then_some(()),
        None => vacant(field, name),
    }
}

#[cfg(test)]
mod tests;
