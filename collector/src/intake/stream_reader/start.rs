//! The message to begin with, for a stream that may not be the one that was read last.

use crate::layout::stream_position::StreamPosition;
use async_nats::datetime::from_nanos;
use async_nats::jetstream::consumer::DeliverPolicy;

/// Time that is read again when it is not certain what was read: nats-server syncs its files every
/// two minutes by default, and collectors publish again what they published this long ago.
const AGAIN: i64 = 600 * 1_000_000_000;

/// The stream as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamFacts {
    /// When it was made, in nanoseconds since 1970, as all times here.
    pub(super) made: i64,
    pub(super) first: u64,
    pub(super) last: u64,
    /// When its last message was published.
    pub(super) last_time: i64,
    /// When the message at the position was published, if it is there and readable.
    pub(super) position_time: Option<i64>,
}

/// The first message to read, and the reason if that is not the one behind the position.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) from: StartPlace,
    pub(super) reason: Reason,
}

/// A place in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartPlace {
    First,
    Sequence(u64),
    Time(i64),
}

/// The reason for a start that is not the plain continuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Continues,
    /// Nothing of this stream has been read.
    New,
    /// The stream was made anew, or has lost what was read.
    WentBack,
    /// The system was started again, and the files may have lost what was read.
    Rebooted,
    /// So many messages were removed before they were read.
    Removed(u64),
}

impl Start {
    /// Decides for a stream with these facts.
    pub(super) fn new(known: Option<&StreamPosition>, facts: StreamFacts, rebooted: bool) -> Self {
        let StreamFacts { made, first, last, last_time, position_time } = facts;
        let Some(known) = known else {
            return Self { from: StartPlace::First, reason: Reason::New };
        };
        let again = StartPlace::Time(known.time.min(last_time).saturating_sub(AGAIN));
        if known.made != made {
            return Self { from: StartPlace::First, reason: Reason::WentBack };
        }
        let there = known.sequence >= first;
        let differs = position_time.is_some_and(|time| time != known.time);
        if known.sequence > last || (there && differs) {
            return Self { from: again, reason: Reason::WentBack };
        }
        let next = known.sequence + 1;
        match first.saturating_sub(next) {
            0 if rebooted => Self { from: again, reason: Reason::Rebooted },
            0 => Self { from: StartPlace::Sequence(next), reason: Reason::Continues },
            removed => Self { from: StartPlace::Sequence(first), reason: Reason::Removed(removed) },
        }
    }
}

impl StartPlace {
    /// The same as the server is told.
    pub(super) fn policy(self) -> DeliverPolicy {
        match self {
            Self::First => DeliverPolicy::All,
            Self::Sequence(start_sequence) => DeliverPolicy::ByStartSequence { start_sequence },
            Self::Time(nanos) => match from_nanos(nanos.into()) {
                Ok(start_time) => DeliverPolicy::ByStartTime { start_time },
                Err(_) => DeliverPolicy::All,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: i64 = 2 * AGAIN;

    fn start(facts: StreamFacts, rebooted: bool) -> Start {
        let mut known = StreamPosition::new("NETLOG", 1);
        known.advance(7, TIME);
        Start::new(Some(&known), facts, rebooted)
    }

    #[test]
    fn reading_begins_behind_the_position_unless_the_stream_is_another_one() {
        let same = StreamFacts {
            made: 1,
            first: 1,
            last: 9,
            last_time: TIME + 5,
            position_time: Some(TIME),
        };
        let next = StartPlace::Sequence(8);
        assert_eq!(start(same, false), Start { from: next, reason: Reason::Continues });
        assert_eq!(Start::new(None, same, false).from, StartPlace::First);
        let earlier = StartPlace::Time(TIME - AGAIN);
        assert_eq!(start(same, true), Start { from: earlier, reason: Reason::Rebooted });
        let anew = StreamFacts { made: 2, ..same };
        let first = Start { from: StartPlace::First, reason: Reason::WentBack };
        assert_eq!(start(anew, false), first);
        let shorter = StreamFacts { last: 6, last_time: TIME - 5, position_time: None, ..same };
        let before = Start { from: StartPlace::Time(TIME - 5 - AGAIN), reason: Reason::WentBack };
        assert_eq!(start(shorter, false), before);
        // Published again meanwhile, and so as long as before.
        let again = StreamFacts { position_time: Some(TIME + 1), ..same };
        assert_eq!(start(again, false), Start { from: earlier, reason: Reason::WentBack });
        let unreadable = StreamFacts { position_time: None, ..same };
        assert_eq!(start(unreadable, false), Start { from: next, reason: Reason::Continues });
        let removed = StreamFacts { first: 10, position_time: None, ..same };
        let expected = Start { from: StartPlace::Sequence(10), reason: Reason::Removed(2) };
        assert_eq!(start(removed, false), expected);
        let just_read = StreamFacts { first: 8, position_time: None, ..same };
        assert_eq!(start(just_read, false), Start { from: next, reason: Reason::Continues });
    }
}
