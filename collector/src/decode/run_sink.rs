//! The place where the next record goes, and what is known about every record of a read.

use super::origin::Origin;
use crate::hub::line_run::{LineRun, Source};
use crate::stats::{Stats, Tally};
use netlog_wire::{MinuteCache, TIME_LEN};
use std::cell::Cell;

/// Properties shared by every record of a read: its peer, its time of reception.
#[derive(Clone, Copy)]
pub(crate) struct DecodeContext<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) stats: &'a Stats,
    pub(crate) tally: &'a Tally,
    /// Time of reception in microseconds since 1970.
    pub(crate) received: i64,
    /// The same as records write it.
    pub(crate) now: &'a [u8; TIME_LEN],
    /// The minute of the record before.
    pub(crate) minute: &'a Cell<MinuteCache>,
    /// The longest line there may be.
    pub(crate) max_line: usize,
}

/// The place where the next record goes: the last run, or a new one behind it.
pub(crate) struct RunSink<'a> {
    pub(crate) runs: &'a mut Vec<LineRun>,
    /// Number of bytes a new run makes room for: about what this read will become.
    pub(crate) capacity: usize,
}

impl RunSink<'_> {
    /// The last run if it `fits`, else a new one of the source and first number that `begin` says.
    #[inline]
    pub(super) fn run(
        &mut self,
        fits: impl Fn(&LineRun) -> bool,
        begin: impl FnOnce() -> (Source, u64),
    ) -> &mut LineRun {
        let runs = &mut *self.runs;
        if !runs.last().is_some_and(fits) {
            let (source, first) = begin();
            // Only the first run of a read is likely to be all of it.
            let capacity = if runs.is_empty() { self.capacity } else { 0 };
            runs.push(LineRun::new(source, first, capacity));
        }
        let last = runs.len() - 1;
        &mut runs[last]
    }

    /// The last run if it is one of plain records, else a new one.
    #[inline]
    pub(super) fn plain(&mut self) -> &mut LineRun {
        self.run(|run| matches!(run.source, Source::Plain), || (Source::Plain, 1))
    }
}
