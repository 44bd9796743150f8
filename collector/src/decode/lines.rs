//! Lines of peers that said no hello: JSON where it is JSON, and otherwise just what was written.

use super::{Receipt, Slot};
use crate::run::Run;
use netlog_wire::{Identity, Line, Piece, Record};

/// Adds the record that one line is; an empty line is none.
pub(crate) fn take_line(piece: Piece<'_>, receipt: Receipt<'_>, slot: Slot<'_>) {
    let whole = piece.cut == 0;
    let line = piece.bytes.strip_suffix(b"\r").filter(|_| whole).unwrap_or(piece.bytes);
    if line.is_empty() && whole {
        return;
    }
    let run = slot.plain();
    let json = whole && line.trim_ascii_start().first() == Some(&b'{');
    if !(json && take_object(line, receipt, run)) {
        let identity = receipt.origin.identity(Identity::default());
        take_plain(piece.cut, line, (receipt, &identity), run);
    }
}

/// Adds a JSON object; `false` when `line` is none.
fn take_object(line: &[u8], receipt: Receipt<'_>, run: &mut Run) -> bool {
    if let Some(parsed) = Line::parse(line).filter(|parsed| !parsed.has_identity()) {
        run.splice(line, (1, receipt.origin.stamp()), &parsed);
        receipt.stats.records_canonical.add(1);
        return true;
    }
    let Ok(mut record) = Record::from_json(line, receipt.received) else { return false };
    let identity = receipt.origin.identity(std::mem::take(&mut record.claims));
    run.record(&record, &identity);
    receipt.stats.records_json.add(1);
    true
}

/// Adds a line as it is, `cut` bytes of which are missing at its end.
pub(super) fn take_plain(
    cut: u64,
    line: &[u8],
    (receipt, identity): (Receipt<'_>, &Identity),
    run: &mut Run,
) {
    let kept = if cut > 0 { whole_characters(line) } else { line };
    let cut = cut + (line.len() - kept.len()) as u64;
    let mut record = Record::from_plain(kept, receipt.received);
    record.truncated = (cut > 0).then_some(cut);
    run.record(&record, identity);
    receipt.stats.records_plain.add(1);
}

/// `line` without the beginning of a character that its cut left behind.
fn whole_characters(line: &[u8]) -> &[u8] {
    let tail = line.len().saturating_sub(3);
    let lead = line[tail..].iter().rposition(|&byte| byte >= 0xc0).map(|at| tail + at);
    match lead.map(|at| (at, std::str::from_utf8(&line[at..]))) {
        Some((at, Err(error))) if error.error_len().is_none() => &line[..at],
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Origin;
    use crate::stats::Stats;

    fn taken(line: &[u8], cut: u64) -> String {
        let origin = Origin::new("10.0.0.7:99".parse().unwrap());
        let (stats, mut runs) = (Stats::default(), Vec::new());
        let receipt = Receipt { origin: &origin, stats: &stats, received: 1_795_372_943_000_000 };
        take_line(Piece { bytes: line, cut }, receipt, Slot { runs: &mut runs, capacity: 0 });
        runs.pop().map_or_else(String::new, |run| String::from_utf8(run.lines).unwrap())
    }

    const HEAD: &str = r#"{"host":"10.0.0.7","peer":"10.0.0.7:99","time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"#;

    #[test]
    fn a_plain_line_becomes_a_record_with_the_peer_as_host() {
        assert_eq!(taken(b"it's \"7\"\r", 0), format!("{HEAD}\"it's \\\"7\\\"\"}}\n"));
        assert_eq!(taken(b"{not json", 0), format!("{HEAD}\"{{not json\"}}\n"));
        assert_eq!((taken(b"", 0), taken(b"\r", 0)), (String::new(), String::new()));
    }

    #[test]
    fn a_cut_line_says_how_much_is_missing_and_ends_with_a_whole_character() {
        assert_eq!(taken(b"abc", 9), format!("{HEAD}\"abc\",\"truncated\":9}}\n"));
        assert_eq!(taken("ab€".split_at(2).0.as_bytes(), 3), taken(b"ab", 3));
        assert_eq!(taken(b"ab\xe2\x82", 3), taken(b"ab", 5));
        assert_eq!(taken("ab€".as_bytes(), 3), format!("{HEAD}\"ab€\",\"truncated\":3}}\n"));
    }

    #[test]
    fn a_json_line_keeps_its_claims_but_not_its_address() {
        let line = br#"{"msg":"m","app":"shop","host":"web1","peer":"1.2.3.4:5"}"#;
        let expected = r#"{"app":"shop","host":"web1","peer":"10.0.0.7:99","time":"2026-11-22T18:42:23.000000Z","level":"INFO","msg":"m","kv":{"peer":"1.2.3.4:5"}}"#;
        assert_eq!(taken(line, 0), format!("{expected}\n"));
    }

    #[test]
    fn a_canonical_line_is_stamped_and_otherwise_kept_byte_for_byte() {
        let line = br#"{"time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"\u0041"}"#;
        let expected = r#"{"host":"10.0.0.7","peer":"10.0.0.7:99","time":"2026-11-22T18:42:23.123456Z","level":"WARN","msg":"\u0041"}"#;
        assert_eq!(taken(line, 0), format!("{expected}\n"));
    }
}
