//! Reports of lost and restored connections: one line on stderr each.

use crate::endpoint::Endpoint;
use crate::spool::Spool;
use crate::stderr::report;
use std::cell::Cell;

/// State of the reports, for a worker that makes any.
#[derive(Default)]
pub(crate) struct Outage {
    /// Records lost before the present outage, if there is one.
    lost_before: Cell<Option<u64>>,
    /// `true` once it was reported in this outage that one side refused the other.
    refusal_reported: Cell<bool>,
    /// `true` once it was reported that records go to another collector.
    turn_reported: Cell<bool>,
}

impl Outage {
    /// Reports the loss of the connection, once until it is restored. If one side refused the other,
    /// that is reported even when the outage began with another reason: it needs a person.
    pub(super) fn begin(&self, spool: &Spool, endpoint: &Endpoint, reason: &str, refused: bool) {
        let refusal_reported =
            self.refusal_reported.replace(self.refusal_reported.get() || refused);
        if self.lost_before.get().is_some() {
            if refused && !refusal_reported {
                report(&format!("{endpoint} still cannot be used ({reason})"));
            }
            return;
        }
        self.lost_before.set(Some(spool.lost().iter().sum()));
        let path = spool.path();
        let place = path.map_or_else(|| "memory".into(), |path| path.display().to_string());
        report(&format!("{endpoint} cannot be reached ({reason}); records wait in {place}"));
    }

    /// Reports that `next` is tried in place of `last`, once until the first is back.
    pub(super) fn turn(&self, last: &Endpoint, next: &Endpoint, reason: &str, refused: bool) {
        let refusal_reported =
            self.refusal_reported.replace(self.refusal_reported.get() || refused);
        if self.lost_before.get().is_none() && !self.turn_reported.replace(true) {
            report(&format!("{last} cannot be reached ({reason}); trying {next}"));
        } else if refused && !refusal_reported {
            report(&format!("{last} still cannot be used ({reason})"));
        }
    }

    /// Reports that records are delivered again, to the `first` collector or another one.
    pub(super) fn end(&self, spool: &Spool, endpoint: &Endpoint, first: bool) {
        self.refusal_reported.set(false);
        let turned = first && self.turn_reported.replace(false);
        let Some(before) = self.lost_before.take() else {
            if turned {
                report(&format!("{endpoint} is back"));
            }
            return;
        };
        match spool.lost().iter().sum::<u64>().saturating_sub(before) {
            0 => report(&format!("{endpoint} is back")),
            1 => report(&format!("{endpoint} is back; 1 record was lost meanwhile")),
            lost => report(&format!("{endpoint} is back; {lost} records were lost meanwhile")),
        }
    }
}
