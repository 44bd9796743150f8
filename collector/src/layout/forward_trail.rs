//! The places that a stream has acknowledged of late.
//!
//! A stream may lose what it has acknowledged: nats-server syncs its files every two minutes by
//! default. What is older than [`LAG`] is taken to be on the stream's disks.

use super::forward_place::{ForwardPlace, Reached};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Age at which an acknowledgement is relied on: several times nats-server's `sync_interval`.
const LAG: Duration = Duration::from_secs(600);

/// Interval between two places that are remembered.
const STEP: Duration = Duration::from_secs(10);

/// Places that were acknowledged, and when.
#[derive(Debug)]
pub(super) struct ForwardTrail {
    kept: Reached,
    places: VecDeque<AcknowledgedPlace>,
}

#[derive(Debug)]
struct AcknowledgedPlace {
    at: Instant,
    reached: Reached,
}

impl ForwardTrail {
    /// Begins at what is relied on.
    pub(super) fn new(kept: Reached) -> Self {
        Self { kept, places: VecDeque::new() }
    }

    /// The last place that is relied on.
    pub(super) fn kept(&self) -> Reached {
        self.kept
    }

    /// Takes note of an acknowledgement.
    pub(super) fn push(&mut self, at: Instant, reached: Reached) {
        if self.places.back().is_none_or(|last| at.duration_since(last.at) >= STEP) {
            self.places.push_back(AcknowledgedPlace { at, reached });
        }
    }

    /// Relies on what is old enough.
    pub(super) fn forget(&mut self, now: Instant) {
        while let Some(first) = self.places.front()
            && now.duration_since(first.at) >= LAG
        {
            self.kept = first.reached;
            self.places.pop_front();
        }
    }

    /// Forgets what is behind `place`, which has to be sent again.
    pub(super) fn go_back_to(&mut self, place: ForwardPlace) {
        self.places.retain(|passed| passed.reached.place <= place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(offset: u64) -> Reached {
        Reached { place: ForwardPlace { generation: 1, offset }, numbered: offset / 10 }
    }

    #[test]
    fn an_acknowledgement_is_relied_on_when_it_is_old() {
        let begun = Instant::now();
        let mut trail = ForwardTrail::new(reached(0));
        for second in 0..30 {
            trail.push(begun + Duration::from_secs(second), reached(100 + second));
        }
        trail.forget(begun + LAG - STEP);
        assert_eq!(trail.kept(), reached(0));
        trail.forget(begun + LAG);
        assert_eq!(trail.kept(), reached(100));
        trail.go_back_to(reached(115).place);
        trail.forget(begun + LAG * 2);
        assert_eq!((trail.kept(), trail.places.len()), (reached(110), 0));
    }
}
