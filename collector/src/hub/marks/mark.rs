//! The mark of one sender.

use crate::hub::batch::Batch;
use crate::hub::line_run::LineRun;
use crate::senders::identity::Sender;
use crate::senders::number_gaps::{AddedRange, NumberGaps, NumberRange};
use crate::senders::owner::Owner;

/// Counts of a run that came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Records that are in the sinks, or on their way, already.
    pub(super) repeated: u64,
    /// Gaps forgotten because the sender had too many.
    pub(super) gaps_forgotten: u64,
}

/// Progress of one sender.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The highest number in a batch that is written or being written.
    pub(crate) sealed: u64,
    /// The numbers below it that are not.
    pub(super) gaps: NumberGaps,
    /// The highest number in the sinks: what may be acked.
    pub(crate) written: u64,
    /// Records written since the collector first saw someone deliver them for the dead sender.
    pub(crate) recovered: u64,
    /// True once its end has been reported.
    pub(crate) ended: bool,
    /// True once it came back on a second connection.
    pub(super) returned: bool,
    /// When it was last heard of, by a clock that nobody sets.
    pub(crate) seen: i64,
    /// The token or the certificate that its first record came with.
    pub(crate) owner: Owner,
}

impl Mark {
    /// The numbers below it that the sinks miss.
    pub(crate) fn gaps(&self) -> &NumberGaps {
        &self.gaps
    }

    /// Sets the owner, once.
    pub(crate) fn set_owner(&mut self, owner: Owner) {
        if self.owner == Owner::NOBODY {
            self.owner = owner;
        }
    }

    /// Lets through to `batch` what of `run` is new. The numbers of a sender whose id was derived
    /// have no gaps.
    pub(crate) fn pass(&mut self, mut run: LineRun, sender: &Sender, batch: &mut Batch) -> Passed {
        let range = NumberRange { first: run.first, last: run.last() };
        let all = run.count;
        let before = batch.runs.len();
        if all == 0 {
            return Passed::default();
        }
        let parts = match self.gaps.is_empty() {
            true => Vec::new(),
            false => self.gaps.missing(self.sealed, range),
        };
        if parts.is_empty() {
            run.skip_to(if self.gaps.is_empty() { self.sealed } else { range.last });
        }
        match parts.as_slice() {
            [] if run.count == 0 => {}
            [] => batch.runs.push(run),
            parts => batch.runs.extend(parts.iter().map(|part| run.part(part.first, part.last))),
        }
        let added = match sender.id.is_derived() {
            true => AddedRange { mark: self.sealed.max(range.last), forgotten: 0 },
            false => self.gaps.add(self.sealed, range),
        };
        self.sealed = added.mark;
        let new: u64 = batch.runs[before..].iter().map(|run| run.count).sum();
        self.recovered += if sender.recovered { new } else { 0 };
        Passed { repeated: all - new, gaps_forgotten: added.forgotten }
    }
}
