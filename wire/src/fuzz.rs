//! Properties of every line, whoever wrote it. The targets in `fuzz/` look for bytes for which it
//! does not; the tests hold it against all the bytes that were found so far.

use crate::{
    CollectorMessage, Identity, Line, LineMeta, MinuteCache, Record, SenderMessage, object_len,
};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// A line that scans as canonical is JSON and reads the same read by serde; any other object is
/// encoded as a canonical line that reads the same, and stays as it is from then on.
pub fn canonical(line: &[u8]) {
    let text = String::from_utf8_lossy(line);
    let object: Result<BTreeMap<String, IgnoredAny>, _> = serde_json::from_str(&text);
    let object = object.is_ok() && str::from_utf8(line).is_ok();
    if let Some(len) = object_len(line) {
        let scanned: Result<IgnoredAny, _> = serde_json::from_slice(&line[..len]);
        assert!(scanned.is_ok(), "{text}");
    }
    let Ok(record) = Record::from_json(line, 0) else {
        assert!(Line::parse(line).is_none() && !object, "{text}");
        return;
    };
    if let Some(scanned) = Line::parse(line) {
        assert_eq!(
            LineMeta::of(line, &mut MinuteCache::default()),
            (!scanned.has_identity()).then(|| scanned.gist())
        );
        same(&scanned, &record);
    }
    let encoded = encoded(&record);
    let scanned = Line::parse(&encoded).expect("what is encoded is canonical");
    same(&scanned, &record);
    let again = Record::from_json(&encoded, 0).expect("what is encoded is an object");
    assert_eq!(self::encoded(&again), encoded, "it stays as it is");
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode(&record.claims, &mut out);
    out
}

fn same(line: &Line<'_>, record: &Record<'_>) {
    assert_eq!((line.time, line.level), (record.time, record.level));
    assert_eq!(line.msg.text(), record.msg);
    let texts = [(line.target, &record.target), (line.file, &record.file)];
    for (scanned, read) in texts.into_iter().chain([(line.thread, &record.thread)]) {
        assert_eq!(scanned.map(|text| text.text()).as_deref(), read.as_deref());
    }
    assert_eq!(
        (line.line, line.lost, line.truncated),
        (record.line, record.lost, record.truncated)
    );
    for (scanned, read) in [(line.trace, &record.trace), (line.span, &record.span)] {
        assert_eq!(scanned.map(|text| text.text()).as_deref(), read.as_deref());
    }
    let spans = record.spans.as_deref().map(str::as_bytes);
    assert_eq!((line.spans, line.recorded), (spans, record.recorded));
    let Identity { app, host, pid, .. } = &record.claims;
    assert_eq!(line.app.map(|app| app.text()).as_deref(), app.as_deref());
    assert_eq!(line.host.map(|host| host.text()).as_deref(), host.as_deref());
    assert_eq!(line.pid, *pid);
}

/// Checks that what is read of a conversation is written as it was meant, in one line.
pub fn conversation(line: &[u8]) {
    let mut said = Vec::new();
    let mut answered = Vec::new();
    if let Some(greeting) = SenderMessage::parse(line) {
        greeting.push(&mut said);
        assert_eq!(SenderMessage::parse(said.trim_ascii_end()), Some(greeting));
    }
    if let Some(reply) = CollectorMessage::parse(line) {
        reply.push(&mut answered);
        assert_eq!(CollectorMessage::parse(answered.trim_ascii_end()), Some(reply));
    }
    for line in [said, answered] {
        let ends = line.iter().filter(|&&byte| byte == b'\n').count();
        assert!(ends == usize::from(!line.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Holds a property against each line of each file of a corpus.
    fn each(name: &str, holds: impl Fn(&[u8])) {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus");
        let files = fs::read_dir(format!("{corpus}/{name}")).expect("there is such a corpus");
        let mut count = 0;
        for file in files.flatten() {
            let bytes = fs::read(file.path()).expect("a file");
            holds(&bytes);
            bytes.split(|&byte| byte == b'\n').for_each(&holds);
            count += 1;
        }
        assert!(count > 3, "only {count} files in {name}");
    }

    #[test]
    fn what_scans_as_canonical_reads_the_same_by_serde() {
        each("canonical", canonical);
        each("json", canonical);
    }

    #[test]
    fn what_is_said_is_read_as_it_was_meant() {
        each("conversation", conversation);
        each("canonical", conversation);
    }
}
