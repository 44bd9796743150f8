//! Framing of peers that said no hello, as records: what each format says is taken by its
//! standard meaning, and what fails to be what it looked like is kept whole, as it was written.

use super::inflate::Packing;
use super::message::{Message, Note};
use super::run_sink::{DecodeContext, RunSink};
use super::sniff::Kind;
use super::{json_fields, severity, syslog};
use crate::hub::line_run::LineRun;
use crate::stats::count;
use netlog_wire::{Identity, Level, LineMeta, Record, elements};
use std::borrow::Cow;
use std::mem::take;

/// How many bytes of one read's worth may come of what was packed in it.
pub(super) const UNPACKED: usize = 4 << 20;

/// Adds the records that one message is; an empty one is none. Of what is packed, at most `left`
/// bytes come out.
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
            *left -= inflated.as_ref().map_or(limit, Vec::len);
            let Some(inflated) = inflated.filter(|_| cut == 0) else { return };
            take_syslog(Message { bytes: &inflated, ..message }, context, sink.plain());
        }
        Kind::Json => take_json(message, context, sink.plain()),
        Kind::Syslog => take_syslog(message, context, sink.plain()),
        Kind::Text | Kind::Netlog => take_text(message, context, sink),
    }
}

/// Unpacks a message, within `limit` and what a line may have.
pub(super) fn unpacked(bytes: &[u8], context: DecodeContext<'_>, limit: usize) -> Option<Vec<u8>> {
    let packing = Packing::of(bytes)?;
    match packing.inflate(bytes, limit.min(context.max_line)) {
        Ok(inflated) => {
            context.stats.messages_unpacked.add(1);
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

/// Adds a JSON object; `false` when `line` is none.
fn take_object(message: Message<'_>, context: DecodeContext<'_>, run: &mut LineRun) -> bool {
    let line = message.bytes;
    let mut minute = context.minute.get();
    if message.cut == 0
        && let Some(gist) = LineMeta::of(line, &mut minute)
    {
        context.minute.set(minute);
        run.splice([context.origin.stamp(), &line[1..]], gist);
        count(&context.tally.canonical);
        return true;
    }
    let Ok(mut record) = json_fields::read(line, context.received) else { return false };
    if message.cut > 0 {
        record.truncated = Some(record.truncated.unwrap_or(0) + message.cut);
    }
    count(&context.tally.json);
    add(record, context, run);
    true
}

fn take_syslog(message: Message<'_>, context: DecodeContext<'_>, run: &mut LineRun) {
    let line = whole_characters(message.bytes, message.cut);
    let (text, invalid) = match std::str::from_utf8(line) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(_) => {
            let plain = Record::from_plain(line, context.received);
            (plain.msg, plain.kv.into_iter().next())
        }
    };
    let Some(mut record) = syslog::read(&text, context.received) else {
        count(&context.tally.unparsed);
        return take_peers_line(message, context, run);
    };
    record.kv.extend(invalid);
    if let Some(Note::Overcounted(count)) = message.note {
        record.kv.push(("octet_count".into(), count.to_string().into()));
    }
    let cut = message.cut + (message.bytes.len() - line.len()) as u64;
    record.truncated = (cut > 0).then_some(cut);
    if message.note == Some(Note::Idle) {
        context.stats.messages_ended_by_silence.add(1);
        record.kv.push(("ended_by".into(), "\"silence\"".into()));
    }
    count(&context.tally.syslog);
    add(record, context, run);
}

/// Adds a line of text, which may still be JSON: behind a blank, nested too deep for the eye that
/// looked for its end, or as an array of objects.
fn take_text(message: Message<'_>, context: DecodeContext<'_>, sink: &mut RunSink<'_>) {
    let run = sink.plain();
    let line = message.bytes.trim_ascii();
    let whole = message.cut == 0;
    let done = match line {
        [b'{', ..] if whole => take_object(Message { bytes: line, ..message }, context, run),
        [b'[', .., b']'] if whole => take_array(Message { bytes: line, ..message }, context, run),
        _ => false,
    };
    if !done {
        take_peers_line(message, context, run);
    }
}

/// Adds each object of an array of objects; `false` when `line` is anything else.
fn take_array(message: Message<'_>, context: DecodeContext<'_>, run: &mut LineRun) -> bool {
    let line = message.bytes;
    if line[1..].trim_ascii_start().first() != Some(&b'{') {
        return false;
    }
    let Some(elements) = elements(line) else { return false };
    if elements.iter().any(|element| !element.json().starts_with('{')) {
        return false;
    }
    elements.iter().all(|element| {
        take_object(Message { bytes: element.json().as_bytes(), ..message }, context, run)
    })
}

fn add(mut record: Record<'_>, context: DecodeContext<'_>, run: &mut LineRun) {
    let identity = context.origin.identity(take(&mut record.claims));
    run.record(&record, &identity);
}

/// Adds a line as it is, with the level that it seems to have.
fn take_peers_line(message: Message<'_>, context: DecodeContext<'_>, run: &mut LineRun) {
    let (line, cut) = (message.bytes, message.cut);
    let line = line.strip_suffix(b"\r").filter(|_| cut == 0).unwrap_or(line);
    let level = severity::guess(line).unwrap_or(Level::Info);
    let (stamp, now) = (context.origin.stamp(), (context.received, context.now));
    if cut == 0 && run.text(stamp, now, (level, line)) {
        return count(&context.tally.plain);
    }
    let identity = context.origin.identity(Identity::default());
    take_plain(cut, line, (level, context, &identity), run);
}

/// Adds a line as it is, `cut` bytes of which are missing at its end.
pub(super) fn take_plain(
    cut: u64,
    line: &[u8],
    (level, context, identity): (Level, DecodeContext<'_>, &Identity),
    run: &mut LineRun,
) {
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
mod tests {
    use super::*;
    use crate::decode::Origin;
    use crate::decode::framing::{Framing, Input};
    use crate::stats::{Stats, Tally};
    use std::cell::Cell;

    /// The records that a stream becomes.
    fn taken(stream: &[u8], limit: usize) -> String {
        let origin = Origin::new("10.0.0.7:99".parse().unwrap());
        let (stats, mut runs, mut left) = (Stats::default(), Vec::new(), 1 << 20);
        let received = 1_795_372_943_000_000;
        let (stats, tally, max_line) = (&stats, &Tally::default(), limit);
        let (now, minute) = (&netlog_wire::format_utc(received), &Cell::default());
        let context =
            DecodeContext { origin: &origin, stats, tally, received, now, minute, max_line };
        let mut framing = Framing::new(limit, None);
        for mut input in [Input::Bytes(stream), Input::End] {
            while let Some(message) = framing.next(&mut input).unwrap() {
                let mut sink = RunSink { runs: &mut runs, capacity: 0 };
                take_message(message, context, &mut sink, &mut left);
            }
        }
        runs.pop().map_or_else(String::new, |run| String::from_utf8(run.lines).unwrap())
    }

    const HEAD: &str = r#"{"host":"10.0.0.7","peer":"10.0.0.7:99","time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"#;

    #[test]
    fn a_plain_line_becomes_a_record_with_the_peer_as_host() {
        assert_eq!(taken(b"it's \"7\"\r\n", 99), format!("{HEAD}\"it's \\\"7\\\"\"}}\n"));
        assert_eq!(taken(b"{not json", 99), format!("{HEAD}\"{{not json\"}}\n"));
        assert_eq!(taken(b"{\"a\":1} x\n", 99), format!("{HEAD}\"{{\\\"a\\\":1}} x\"}}\n"));
        assert_eq!((taken(b"", 99), taken(b"\r\n\n\0", 99)), (String::new(), String::new()));
    }

    #[test]
    fn a_cut_line_says_how_much_is_missing_and_ends_with_a_whole_character() {
        assert_eq!(taken(b"abc456789", 3), format!("{HEAD}\"abc\",\"truncated\":6}}\n"));
        assert_eq!(taken("ab€xxx".as_bytes(), 4), format!("{HEAD}\"ab\",\"truncated\":6}}\n"));
        assert_eq!(taken("ab€xxx".as_bytes(), 5), format!("{HEAD}\"ab€\",\"truncated\":3}}\n"));
        assert_eq!(taken(b"{\"a\":1}", 3), format!("{HEAD}\"{{\\\"a\",\"truncated\":4}}\n"));
    }

    #[test]
    fn a_json_line_keeps_its_claims_but_not_its_address() {
        let line = br#"{"msg":"m","app":"shop","host":"web1","peer":"1.2.3.4:5"}"#;
        let expected = r#"{"app":"shop","host":"web1","peer":"10.0.0.7:99","time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"m","kv":{"peer":"1.2.3.4:5"}}"#;
        assert_eq!(taken(line, 99), format!("{expected}\n"));
    }

    #[test]
    fn a_canonical_line_is_stamped_and_otherwise_kept_byte_for_byte() {
        let line = br#"{"time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"\u0041"}"#;
        let expected = r#"{"host":"10.0.0.7","peer":"10.0.0.7:99","time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"\u0041"}"#;
        assert_eq!(taken(line, 99), format!("{expected}\n"));
    }

    #[test]
    fn an_array_of_objects_is_so_many_records_and_any_other_is_text() {
        let lines = taken(b"[{\"msg\":\"a\"}, {\"msg\":\"b\"}]\n", 99);
        assert_eq!(lines, format!("{HEAD}\"a\"}}\n{HEAD}\"b\"}}\n"));
        assert_eq!(taken(b"[main] x [y]", 99), format!("{HEAD}\"[main] x [y]\"}}\n"));
        assert_eq!(taken(b"[{},1]", 99), format!("{HEAD}\"[{{}},1]\"}}\n"));
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_and_counted() {
        let line = taken(b"<13>Nov 22 18:42:23 vm a: caf\xe9\n", 99);
        let kv =
            r#""kv":{"facility":"user","severity":"notice","zone":"assumed","invalid_utf8":1}"#;
        assert!(line.ends_with(&format!("\"msg\":\"caf\\\\xe9\",{kv}}}\n")), "{line}");
    }
}
