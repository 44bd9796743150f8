//! An entry of a stream as a record.

use super::labels::EntryLabels;
use crate::decode::draft::Draft;
use crate::decode::post_line::LineText;
use crate::decode::posted::{Posted, RecordWriter};
use crate::decode::scratch::with_scratch;
use crate::decode::time::Moment;
use std::borrow::Cow;

/// A line with its labels and metadata.
#[derive(Debug, Default)]
pub(super) struct LokiEntry<'a> {
    pub(super) time: Option<Moment<'a>>,
    pub(super) line: Cow<'a, str>,
}

impl LokiEntry<'_> {
    /// Writes its record: the line is read as any line is, within what its labels say, and what has no
    /// place in a record is kept under `kv`. An entry without a time gets `received`.
    pub(super) fn write(
        self,
        labels: &EntryLabels<'_>,
        received: i64,
        out: &mut RecordWriter<'_>,
    ) -> Posted {
        with_scratch(|scratch| {
            let envelope = labels.envelope(self.time);
            let mut draft = Draft::new(received);
            envelope.read(LineText::valid(&self.line), &mut draft, scratch);
            labels.keep(&mut draft);
            out.draft(&mut draft, &mut scratch.time)
        })
    }
}
