//! The way of a peer's decoded records to the hub, and the wait until they are in the sinks.

use super::shared::IntakeContext;
use crate::decode::Origin;
use crate::decode::post_defaults::Defaults;
use crate::decode::posted::{Fault, PostedRecords, RecordWriter, WriteTerms};
use crate::hub::line_run::{LineRun, Source};
use crate::senders::grant::Grant;
use crate::senders::peer::Peer;
use std::time::Duration;
use tokio::time::timeout;

/// Bytes of records that are handed to the hub at once.
const HAND_OVER: usize = 64 << 10;

/// One peer, and all that handing over its records needs.
pub(super) struct Submitter<'a> {
    pub(super) peer: Peer,
    pub(super) origin: Origin,
    pub(super) shared: &'a IntakeContext,
}

/// Outcome of records that were handed over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SubmitOutcome {
    /// Records that were handed over.
    pub(super) taken: u64,
    /// Parts that were no records, or no records of the kind that was expected.
    pub(super) faults: u64,
    /// The first fault.
    pub(super) first: Option<String>,
    /// Faults that are records which the token may not send.
    pub(super) forbidden: u64,
    /// The rest behind a fault could not be read.
    pub(super) broken: bool,
}

/// Terms on which records are handed over.
#[derive(Debug, Clone, Copy)]
pub(super) struct SubmitTerms<'a> {
    pub(super) defaults: &'a Defaults,
    /// Rights of the token that came with the records, where tokens are required.
    pub(super) grant: Option<&'a Grant>,
    /// Time to wait for room.
    pub(super) limit: Duration,
    /// A record that the token may not send is a fault, and those behind it are read.
    pub(super) partial: bool,
}

/// The hub takes nothing now, or never will again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HubBusy;

/// Reason why not all records were handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SubmitError {
    Busy,
    /// The token may not send the next record.
    Forbidden(String),
}

impl From<HubBusy> for SubmitError {
    fn from(_: HubBusy) -> Self {
        Self::Busy
    }
}

impl Submitter<'_> {
    /// Hands over records, a part at a time; each part waits for room as long as the limit.
    ///
    /// # Errors
    ///
    /// When there was no room in time, or the token may not send a record. The parts before it have
    /// been handed over.
    pub(super) async fn hand_over(
        &self,
        records: &mut PostedRecords<'_>,
        terms: SubmitTerms<'_>,
    ) -> Result<SubmitOutcome, SubmitError> {
        // A client that gets no answer sends again, and its records have no numbers.
        if self.shared.is_stalled() {
            return Err(SubmitError::Busy);
        }
        let mut outcome = SubmitOutcome::default();
        loop {
            let mut run = LineRun::new(Source::Plain, 1, 0);
            let over = self.fill(&mut run, records, terms, &mut outcome)?;
            outcome.taken += run.count;
            self.give(run, terms.limit).await?;
            if over {
                break;
            }
        }
        match outcome.first {
            Some(words) if outcome.taken == 0 && outcome.forbidden == outcome.faults => {
                Err(SubmitError::Forbidden(words))
            }
            _ => Ok(outcome),
        }
    }

    /// Adds records to `run` until it is long enough; `true` when there are no more.
    fn fill(
        &self,
        run: &mut LineRun,
        records: &mut PostedRecords<'_>,
        terms: SubmitTerms<'_>,
        outcome: &mut SubmitOutcome,
    ) -> Result<bool, SubmitError> {
        let write = WriteTerms {
            origin: &self.origin,
            defaults: terms.defaults,
            grant: terms.grant,
            max_line: self.shared.limits.max_line,
        };
        while run.lines.len() < HAND_OVER {
            let fault = match records.next(&mut RecordWriter::new(write, run)) {
                Some(Ok(())) => continue,
                Some(Err(fault)) => fault,
                None => return Ok(true),
            };
            outcome.faults += 1;
            let words = match fault {
                Fault::Forbidden(words) if !terms.partial => {
                    return Err(SubmitError::Forbidden(words));
                }
                Fault::Forbidden(words) => {
                    outcome.forbidden += 1;
                    words
                }
                Fault::Rejected(words) => words,
                Fault::Malformed(words) => {
                    outcome.broken = true;
                    words
                }
            };
            outcome.first.get_or_insert(words);
        }
        Ok(false)
    }

    async fn give(&self, run: LineRun, limit: Duration) -> Result<(), HubBusy> {
        if run.count == 0 {
            return Ok(());
        }
        match timeout(limit, self.shared.hub.reserve(run.lines.capacity())).await {
            Ok(Ok(room)) => {
                self.shared.hub.give(vec![run], room);
                Ok(())
            }
            _ => Err(HubBusy),
        }
    }

    /// Waits until all that was handed over may be acknowledged.
    ///
    /// # Errors
    ///
    /// When that did not happen within `limit`, or never will.
    pub(super) async fn settled(&self, limit: Duration) -> Result<(), HubBusy> {
        match timeout(limit, self.shared.hub.acked()).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(HubBusy),
        }
    }
}
