//! Records of a body as tests compare them: as lines, without the peer.

use super::{Fault, PostedRecords, RecordWriter, WriteTerms};
use crate::decode::origin::Origin;
use crate::decode::post_defaults::Defaults;
use crate::hub::line_run::{LineRun, Source};

/// The line of each record, or its fault.
#[cfg(test)]
pub(crate) fn written(records: PostedRecords<'_>) -> Vec<Result<String, Fault>> {
    written_within(records, 64 << 10)
}

/// The line of each record or its fault, where lines may have so many bytes.
pub(crate) fn written_within(
    mut records: PostedRecords<'_>,
    max_line: usize,
) -> Vec<Result<String, Fault>> {
    const PEER: &str = "10.0.0.7:99";
    let origin = Origin::new(PEER.parse().expect("an address"));
    let terms =
        WriteTerms { origin: &origin, defaults: &Defaults::default(), grant: None, max_line };
    let mut lines = Vec::new();
    loop {
        let mut run = LineRun::new(Source::Plain, 1, 0);
        let Some(posted) = records.next(&mut RecordWriter::new(terms, &mut run)) else {
            return lines;
        };
        assert_eq!(run.count, u64::from(posted.is_ok()), "one record, or none and a fault");
        lines.push(posted.map(|()| {
            let line = String::from_utf8(run.lines).expect("text");
            let line = line.replacen("\"host\":\"10.0.0.7\",", "", 1);
            let line = line.replacen(&format!("\"peer\":\"{PEER}\","), "", 1);
            line.strip_suffix('\n').expect("an end").to_owned()
        }));
    }
}

/// The lines, and the faults in words.
#[cfg(test)]
pub(crate) fn lines(records: PostedRecords<'_>) -> Vec<String> {
    let words = |fault| match fault {
        Fault::Rejected(words) | Fault::Forbidden(words) | Fault::Malformed(words) => words,
    };
    written(records).into_iter().map(|line| line.unwrap_or_else(words)).collect()
}
