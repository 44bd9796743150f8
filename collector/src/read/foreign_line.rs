//! Lines that no collector wrote, shown as records: whoever appended them has a reason.

use netlog_wire::{Identity, Line, Record};

/// Bytes of a line that are shown.
const MOST: usize = 64 << 10;

/// Lines around it that are tried for a time.
const NEAR: usize = 16;

/// Tells whether a line begins and ends as all records do that a collector writes.
pub(super) fn is_ours(line: &[u8]) -> bool {
    const OPENINGS: [&[u8]; 5] =
        [b"{\"time\":\"", b"{\"app\":\"", b"{\"host\":\"", b"{\"pid\":", b"{\"peer\":\""];
    line.last() == Some(&b'}') && OPENINGS.iter().any(|opening| line.starts_with(opening))
}

/// The record in place of the line at `begin..end` of `lines`: it has the time of a record nearby.
pub(super) fn record(lines: &[u8], begin: usize, end: usize) -> Option<Vec<u8>> {
    let line = lines[begin..end].trim_ascii_end();
    if line.is_empty() {
        return None;
    }
    let before = lines[..begin].rsplit(|byte| *byte == b'\n').skip(1);
    let behind = lines[end..].split(|byte| *byte == b'\n');
    let near = before.take(NEAR).chain(behind.take(NEAR));
    let time = { near }.find_map(|line| Line::parse(line).map(|line| line.time));
    let mut record = Record::from_plain(&line[..line.len().min(MOST)], time.unwrap_or(0));
    record.truncated = line.len().checked_sub(MOST + 1).map(|over| over as u64 + 1);
    record.kv.push(("foreign".into(), "true".into()));
    let mut out = Vec::new();
    record.encode(&Identity::default(), &mut out);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_line_has_the_time_of_the_record_before_it() {
        let ours = r#"{"app":"a","time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"m"}"#;
        let lines = format!("first\n{ours}\n\n{{\"x\":1}}\nhalf{ours}\n");
        let shown = |begin: usize| {
            let end = begin + lines[begin..].find('\n').unwrap() + 1;
            let record = record(lines.as_bytes(), begin, end)?;
            let line = Line::parse(&record).expect("canonical");
            Some((line.time, line.msg.text().into_owned()))
        };
        let time = 1_795_372_943_000_000;
        let at = |text: &str| lines.find(text).unwrap();
        assert_eq!(shown(0), Some((time, "first".into())));
        assert_eq!(shown(at("\n\n") + 1), None, "an empty line says nothing");
        assert_eq!(shown(at("{\"x\"")), Some((time, "{\"x\":1}".into())));
        assert_eq!(shown(at("half")), Some((time, format!("half{ours}"))));
        assert!(is_ours(ours.as_bytes()) && !is_ours(b"{\"x\":1}") && !is_ours(b"half"));
    }
}
