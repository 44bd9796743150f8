//! Messages of peers that said no hello, as records: what each format says is taken by its
//! standard meaning, and what fails to be what it looked like is kept whole, as it was written.

use super::draft::{Draft, Pair, Text, Value};
use super::inflate::{DeflateFormat, Inflated};
use super::level_guess::guess;
use super::message::{Message, Note};
use super::run_sink::{DecodeContext, RunSink};
use super::scratch::{Scratch, with_scratch};
use super::shown_bytes::shown;
use super::sniff::Kind;
use super::steps::step;
use super::{container_line, json_fields, syslog};
use crate::hub::line_run::LineRun;
use crate::stats::count;
use netlog_wire::{Identity, Level, LineMeta, Record, TextRecord, elements, is_plain};
use std::borrow::Cow;

/// The most bytes that come of the compressed messages of one read.
pub(super) const UNPACKED: usize = 4 << 20;

/// Adds the records of one message; an empty one has none. At most `left` bytes are decompressed.
pub(super) fn take_message(
    message: Message<'_>,
    context: DecodeContext<'_>,
    sink: &mut RunSink<'_>,
    left: &mut usize,
) {
    let Message { kind, bytes, cut, note } = message;
    if matches!(note, Some(Note::Uncounted | Note::Overcounted(_))) {
        context.stats.counts_disbelieved.add(1);
    }
    if bytes.trim_ascii().is_empty() && cut == 0 {
        return;
    }
    match kind {
        Kind::Proxy => context.stats.proxy_headers_ignored.add(1),
        Kind::Packed => {
            let limit = context.max_line.min(*left);
            let inflated =
                bytes.strip_prefix(b"z").and_then(|bytes| unpacked(bytes, context, limit));
            // What was in vain may have been as much work as was allowed.
            *left -= inflated.as_ref().map_or(limit, |inflated| inflated.bytes.len());
            let Some(inflated) = inflated.filter(|_| cut == 0) else { return };
            let note = (!inflated.whole).then_some(Note::Capped);
            take_syslog(Message { bytes: &inflated.bytes, note, ..message }, context, sink.plain());
        }
        Kind::Json => take_json(message, context, sink.plain()),
        Kind::Syslog => take_syslog(message, context, sink.plain()),
        Kind::Text | Kind::Netlog => take_text(message, context, sink),
    }
}

/// Unpacks a message, within `limit` and what a line may have.
pub(super) fn unpacked(bytes: &[u8], context: DecodeContext<'_>, limit: usize) -> Option<Inflated> {
    let packing = DeflateFormat::of(bytes)?;
    match packing.inflate(bytes, limit.min(context.max_line)) {
        Ok(inflated) => {
            context.stats.messages_unpacked.add(1);
            context.stats.messages_capped.add(u64::from(!inflated.whole));
            Some(inflated)
        }
        Err(_) => {
            context.stats.messages_not_unpacked.add(1);
            None
        }
    }
}

fn take_json(message: Message<'_>, context: DecodeContext<'_>, run: &mut LineRun) {
    let whole = message.cut == 0 || message.note == Some(Note::Shortened);
    if !whole || !take_object(message, context, run) {
        count(&context.tally.unparsed);
        take_peers_line(message, context, run);
    }
}

/// Adds a JSON object; `false` when the message is something else.
pub(super) fn take_object(
    message: Message<'_>,
    context: DecodeContext<'_>,
    run: &mut LineRun,
) -> bool {
    let Message { bytes: line, cut, .. } = message;
    if cut == 0 && line.starts_with(b"{\"time\":\"") {
        let mut minute = context.minute.get();
        if let Some(meta) = LineMeta::of(line, &mut minute) {
            context.minute.set(minute);
            run.splice([context.origin.stamp(), &line[1..]], meta);
            count(&context.tally.canonical);
            return true;
        }
    }
    // In JSON a backslash is written as two.
    let (text, invalid) = as_text(line, "\\\\");
    with_scratch(|scratch| {
        let mut draft = Draft::new(context.received);
        if message.note == Some(Note::Indexed) && invalid == 0 {
            json_fields::read_indexed(&text, &mut draft, scratch);
        } else if !json_fields::read(&text, &mut draft, scratch) {
            return false;
        }
        draft.note_invalid(invalid);
        if cut > 0 {
            draft.truncated = Some(draft.truncated.unwrap_or(0).saturating_add(cut));
        }
        count(&context.tally.json);
        add(&draft, context, scratch, run);
        true
    })
}

/// A message as text, and how many of its bytes were none.
fn as_text<'a>(line: &'a [u8], backslash: &str) -> (Cow<'a, str>, usize) {
    step(line.len());
    match std::str::from_utf8(line) {
        Ok(text) => (Cow::Borrowed(text), 0),
        Err(_) => {
            let (text, invalid) = shown(line, backslash);
            (Cow::Owned(text), invalid)
        }
    }
}

fn take_syslog(message: Message<'_>, context: DecodeContext<'_>, run: &mut LineRun) {
    let line = whole_characters(message.bytes, message.cut);
    let (text, invalid) = as_text(line, "\\");
    let taken = with_scratch(|scratch| {
        let mut draft = Draft::new(context.received);
        draft.clean = is_plain(line);
        syslog::read(&text, &mut draft, context.origin.local_host(), scratch)?;
        draft.note_invalid(invalid);
        if let Some(Note::Overcounted(count)) = message.note {
            let value = Value::Number(count as u64);
            draft.kv.push(Pair { prefix: "".into(), key: Text::Json("octet_count"), value });
        }
        let cut = message.cut + (message.bytes.len() - line.len()) as u64;
        draft.truncated = (cut > 0).then_some(cut).or(draft.truncated);
        if message.note == Some(Note::Capped) {
            draft.note("decompressed", Text::Json("in part"));
        }
        if message.note == Some(Note::Idle) {
            context.stats.messages_ended_by_silence.add(1);
            draft.note("ended_by", Text::Json("silence"));
        }
        count(&context.tally.syslog);
        add(&draft, context, scratch, run);
        Some(())
    });
    if taken.is_none() {
        count(&context.tally.unparsed);
        take_peers_line(message, context, run);
    }
}

fn add(draft: &Draft<'_>, context: DecodeContext<'_>, scratch: &mut Scratch, run: &mut LineRun) {
    run.write(draft.meta(), |out| draft.encode(context.origin, &mut scratch.time, out));
}

/// Adds the rest of a compressed datagram that holds too many lines: one record of text that says
/// how many they are.
pub(super) fn take_merged(
    rest: &[u8],
    whole: bool,
    context: DecodeContext<'_>,
    sink: &mut RunSink<'_>,
) {
    let kept = whole_characters(&rest[..rest.len().min(context.max_line)], 1);
    let (text, invalid) = as_text(kept, "\\");
    let lines = memchr::memchr2_iter(b'\n', 0, rest).count() as u64;
    with_scratch(|scratch| {
        let mut draft = Draft::new(context.received);
        draft.msg = Text::Plain(text.trim_end().into());
        let value = Value::Number(lines);
        draft.kv.push(Pair { prefix: "".into(), key: Text::Json("merged_lines"), value });
        if !whole {
            draft.note("decompressed", Text::Json("in part"));
        }
        draft.note_invalid(invalid);
        let cut = (rest.len() - kept.len()) as u64;
        draft.truncated = (cut > 0).then_some(cut);
        count(&context.tally.plain);
        add(&draft, context, scratch, sink.plain());
    });
}

/// Adds a line of text, which may still be JSON: behind a blank, nested too deep for the scanner
/// that looked for its end, or as an array of objects.
fn take_text(message: Message<'_>, context: DecodeContext<'_>, sink: &mut RunSink<'_>) {
    let run = sink.plain();
    let line = message.bytes.trim_ascii();
    let whole = message.cut == 0;
    let done = match line {
        [b'{', ..] if whole => take_object(Message { bytes: line, ..message }, context, run),
        [b'[', .., b']'] if whole => take_array(Message { bytes: line, ..message }, context, run),
        _ if whole && container_line::begins_one(message.bytes) => {
            take_container_line(message.bytes, context, run)
        }
        _ => false,
    };
    if !done {
        take_peers_line(message, context, run);
    }
}

/// Adds a line that the runtime of a container wrote; `false` when it is anything else.
fn take_container_line(line: &[u8], context: DecodeContext<'_>, run: &mut LineRun) -> bool {
    let (text, invalid) = as_text(line.strip_suffix(b"\r").unwrap_or(line), "\\");
    step(2 * line.len());
    let taken = with_scratch(|scratch| {
        let mut draft = Draft::new(context.received);
        container_line::read(&text, &mut draft, scratch)?;
        draft.note_invalid(invalid);
        count(&context.tally.plain);
        add(&draft, context, scratch, run);
        Some(())
    });
    taken.is_some()
}

/// Adds each object of an array of objects; `false` when the message is anything else.
fn take_array(message: Message<'_>, context: DecodeContext<'_>, run: &mut LineRun) -> bool {
    let line = message.bytes;
    if line[1..].trim_ascii_start().first() != Some(&b'{') {
        return false;
    }
    step(line.len());
    let Some(elements) = elements(line) else { return false };
    if elements.iter().any(|element| !element.json().starts_with('{')) {
        return false;
    }
    for element in elements {
        let message = Message { bytes: element.json().as_bytes(), ..message };
        if !take_object(message, context, run) {
            take_peers_line(message, context, run);
        }
    }
    true
}

/// Adds a line as it is, with the level that it seems to have.
fn take_peers_line(message: Message<'_>, context: DecodeContext<'_>, run: &mut LineRun) {
    let Message { bytes: line, cut, .. } = message;
    let line = line.strip_suffix(b"\r").filter(|_| cut == 0).unwrap_or(line);
    step(line.len().min(64) + 2 * line.len());
    let level = guess(line).unwrap_or(Level::Info);
    let text = TextRecord { stamp: context.origin.stamp(), time: context.now, level, text: line };
    if cut == 0 && run.text(context.received, &text) {
        return count(&context.tally.plain);
    }
    let identity = context.origin.identity(Identity::default());
    take_plain(PlainLine { line, cut, level, identity: &identity }, context, run);
}

/// A line that is kept as it is, as a record's message, and the rest of that record.
pub(super) struct PlainLine<'a> {
    pub(super) line: &'a [u8],
    /// Number of bytes that are missing at its end.
    pub(super) cut: u64,
    pub(super) level: Level,
    pub(super) identity: &'a Identity,
}

/// Adds a line as it is.
pub(super) fn take_plain(plain: PlainLine<'_>, context: DecodeContext<'_>, run: &mut LineRun) {
    let PlainLine { line, cut, level, identity } = plain;
    let kept = whole_characters(line, cut);
    let cut = cut + (line.len() - kept.len()) as u64;
    let mut record = Record::from_plain(kept, context.received);
    record.level = level;
    record.truncated = (cut > 0).then_some(cut);
    run.record(&record, identity);
    count(&context.tally.plain);
}

/// `line` without the beginning of a character that its cut left behind, if it was cut.
fn whole_characters(line: &[u8], cut: u64) -> &[u8] {
    let tail = line.len().saturating_sub(3);
    let lead = line[tail..].iter().rposition(|&byte| byte >= 0xc0).map(|at| tail + at);
    match lead.filter(|_| cut > 0).map(|at| (at, std::str::from_utf8(&line[at..]))) {
        Some((at, Err(error))) if error.error_len().is_none() => &line[..at],
        _ => line,
    }
}

#[cfg(test)]
mod tests;
