//! JSON values as the fields of a record take them.

use crate::decode::draft::Text;
use crate::decode::json_index::RawValue;
use crate::decode::key_names::Scale;
use crate::decode::level_guess::colour_code;
use crate::decode::severity::{self, Severity};
use crate::decode::steps::step;
use crate::decode::time::{self, MinuteMemory, Moment, Zone};
use netlog_wire::JsonStr;
use std::borrow::Cow;

/// The longest name of a program or a machine: it stands in each of its records.
const MAX_CLAIM: usize = 255;

/// The inside of a string, if `value` is one.
fn inside(value: &str) -> Option<&str> {
    let inside = value.as_bytes().first() == Some(&b'"') && value.len() > 1;
    inside.then(|| value.get(1..value.len() - 1)).flatten()
}

/// The text that the inside of a string means.
pub(super) fn unescaped(inside: &str) -> String {
    step(inside.len());
    JsonStr::new(inside).text().into_owned()
}

/// The text of a string. Escapes stay as they are, but for those that may not be text.
pub(super) fn text(value: RawValue<'_>) -> Option<Text<'_>> {
    let inside = inside(value.json)?;
    Some(as_written(inside, value.escaped))
}

/// The inside of a string as text of a record: with its escapes, unless they may be no characters.
pub(in crate::decode) fn as_written(inside: &str, escaped: bool) -> Text<'_> {
    match escaped && inside.contains("\\u") {
        true => Text::Plain(unescaped(inside).into()),
        false => Text::Json(inside),
    }
}

/// The text of a string, without escapes.
fn meant(value: RawValue<'_>) -> Option<Cow<'_, str>> {
    let inside = inside(value.json)?;
    Some(match value.escaped {
        true => unescaped(inside).into(),
        false => inside.into(),
    })
}

/// The bytes of a message that came as an array of them, as journald writes what is no text.
pub(super) fn from_bytes(value: &str) -> Option<Vec<u8>> {
    let inside = value.strip_prefix('[')?.strip_suffix(']')?;
    inside.split(',').map(|byte| byte.trim().parse().ok()).collect()
}

/// A message without the line end that a program wrote behind it, and docker kept.
pub(super) fn without_end(msg: Text<'_>) -> Text<'_> {
    match msg {
        Text::Json(msg) => match msg.strip_suffix("\\n") {
            Some(kept) if !kept.ends_with('\\') => Text::Json(kept),
            _ => Text::Json(msg),
        },
        Text::Plain(Cow::Owned(mut msg)) => {
            if msg.ends_with('\n') {
                msg.pop();
            }
            Text::Plain(msg.into())
        }
        Text::Plain(msg) => Text::Plain(msg),
    }
}

/// A whole number from zero.
pub(super) fn number(value: &str) -> Option<u64> {
    let digits = value.as_bytes();
    digits.first().filter(|byte| byte.is_ascii_digit())?;
    value.parse().ok()
}

/// A whole number, also as a string.
pub(super) fn whole(value: &str) -> Option<u64> {
    number(inside(value).unwrap_or(value))
}

/// The id of a trace, and the path that it ends, as Google Cloud writes it.
pub(super) struct TraceId<'a> {
    pub(super) id: Text<'a>,
    pub(super) path: Option<Text<'a>>,
}

pub(super) fn trace(value: RawValue<'_>) -> Option<TraceId<'_>> {
    match text(value)? {
        Text::Json(path) if path.starts_with("projects/") => {
            let (_, id) = path.rsplit_once('/')?;
            Some(TraceId { id: Text::Json(id), path: Some(Text::Json(path)) })
        }
        id => Some(TraceId { id, path: None }),
    }
}

pub(super) fn text_or_number(value: RawValue<'_>) -> Option<Text<'_>> {
    text(value).or_else(|| number(value.json).map(|_| Text::Json(value.json)))
}

/// `dir/file.go:42` as a file and a line.
pub(super) fn caller(value: &str) -> Option<(Text<'_>, u64)> {
    let (file, line) = inside(value)?.rsplit_once(':')?;
    let line = number(line)?;
    Some((Text::Json(file), line))
}

/// The name of a program or a machine, if it is fit to be one; also repeated in an array.
pub(super) fn claimed(value: RawValue<'_>) -> Option<Text<'_>> {
    let RawValue { json, escaped } = value;
    if let Some(inside) = inside(json) {
        if !escaped {
            return claim(inside).map(Text::Json);
        }
        return claim(&unescaped(inside)).map(|name| Text::Plain(name.to_owned().into()));
    }
    let mut names = json.strip_prefix('[')?.strip_suffix(']')?.split(',').map(str::trim);
    let first = names.next().filter(|name| !name.contains('\\'))?;
    if !names.all(|name| name == first) {
        return None;
    }
    claim(inside(first)?).map(Text::Json)
}

/// A name of a program or a machine, if it is fit to be one.
pub(in crate::decode) fn claim(text: &str) -> Option<&str> {
    let name = text.trim();
    let plain = |byte: u8| (0x20..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\');
    if (1..=MAX_CLAIM).contains(&name.len()) && name.bytes().all(plain) {
        return Some(name);
    }
    // A quote and a backslash are written as two bytes.
    let escaped = || name.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    let fit = !name.is_empty()
        && name.len() <= MAX_CLAIM
        && !name.contains(char::is_control)
        && name.len() + escaped() <= MAX_CLAIM;
    fit.then_some(name)
}

/// True if a value has the form of a record's spans.
pub(super) fn spans(value: &str) -> bool {
    let element = value.strip_prefix('[').map(str::trim_start);
    element
        .is_some_and(|rest| rest.starts_with('{') && rest.contains("\"id\"") && rest.ends_with(']'))
}

pub(super) fn moment<'a>(
    value: RawValue<'a>,
    key: &str,
    minutes: &mut MinuteMemory,
) -> Option<Moment<'a>> {
    // A letter for a key is a weak sign.
    let weak = key.len() == 1;
    let RawValue { json: value, escaped } = value;
    if let Some(inside) = inside(value) {
        if let Some(micros) = minutes.utc(inside) {
            return Some(Moment { micros, zone: Zone::Known });
        }
        return match escaped {
            // A zone's name would not outlive the copy.
            true => {
                let text = unescaped(inside);
                let moment = time::parse(text.trim())?;
                let zone = match moment.zone {
                    Zone::Known => Zone::Known,
                    _ => Zone::Assumed,
                };
                Some(Moment { micros: moment.micros, zone })
            }
            false if weak && number(inside).is_some() => None,
            false => time::parse(inside.trim()),
        };
    }
    let micros = match value.starts_with('{') {
        true => instant(value)?,
        false => time::count(value).filter(|_| !weak)?,
    };
    Some(Moment { micros, zone: Zone::Known })
}

/// `{"epochSecond":1795374283,"nanoOfSecond":266000000}`, or protobuf's names for it.
fn instant(value: &str) -> Option<i64> {
    let fields = |names: [&str; 2]| names.iter().find_map(|name| member(value, name));
    let seconds = i64::try_from(whole(fields(["epochSecond", "seconds"])?)?).ok()?;
    // Beyond what epochs in seconds may be, it is something else.
    let seconds = Some(seconds).filter(|&seconds| seconds < 100_000_000_000)?;
    let nanos = fields(["nanoOfSecond", "nanos"]).and_then(whole).filter(|&n| n < 1_000_000_000);
    seconds.checked_mul(1_000_000)?.checked_add(nanos.unwrap_or(0) as i64 / 1000)
}

/// The number or string behind `"name":` in a small object.
fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let quoted =
        |at: usize| object[..at].ends_with('"') && object[at + name.len()..].starts_with('"');
    let (at, _) = object.match_indices(name).find(|(at, _)| quoted(*at))?;
    let rest = object[at + name.len() + 1..].trim_start().strip_prefix(':')?.trim_start();
    let end = rest.find([',', '}', ' ', '\n', '\r', '\t'])?;
    Some(&rest[..end])
}

/// The level that a value says.
pub(super) fn level(value: RawValue<'_>, scale: Scale) -> Option<Severity<'_>> {
    if let Some(n) = whole(value.json) {
        return severity::number(n, scale);
    }
    let text = meant(value)?;
    if scale == Scale::Words && !severity::is_level(text.as_bytes()) {
        return None;
    }
    let owned = |severity: Severity<'_>| Severity {
        level: severity.level,
        word: severity.word.map(|word| Cow::Owned(word.into_owned())),
    };
    match text {
        Cow::Borrowed(text) => severity::word(text),
        Cow::Owned(text) => severity::word(&without_colours(&text)).map(owned),
    }
}

fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        let code = colour_code(&rest.as_bytes()[at..]).max(1);
        rest = &rest[at + code..];
    }
    out.push_str(rest);
    out
}
