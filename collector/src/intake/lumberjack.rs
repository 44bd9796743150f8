//! Lumberjack, the protocol of Elastic's Beats: the events of a window are acknowledged by the
//! number of the last one once they are in the sinks.

use super::body_budget::BodyRoom;
use super::frames::{AfterFrame, Frame, FrameError, FrameProtocol};
use super::heavy_bodies::HeavyTurn;
use super::limits::IntakeLimits;
use super::unpack::most_records;
use super::unpack_room::UnpackRoom;
use crate::clock::now;
use crate::decode::lumberjack::{LumberjackContent, LumberjackFrame, UnpackedEvents, UnreadFrame};
use crate::decode::posted::{at_most, each};
use crate::senders::peer::Peer;
use crate::stats::{Counter, Stats};

const MALFORMED: FrameError = FrameError::Malformed("not a frame");

/// The messages of a connection.
pub(super) struct LumberjackFrames {
    /// The longest frame.
    limit: usize,
    room: UnpackRoom,
    window: EventWindow,
}

/// The events that their sender waits for, as far as they have come.
#[derive(Debug, Clone, Copy)]
struct EventWindow {
    version: u8,
    /// Number of those that are still to come.
    left: u32,
    /// The number of the last one that has not been acknowledged.
    unanswered: Option<u32>,
}

impl EventWindow {
    fn taken(&mut self, count: u32, last: u32) {
        self.left = self.left.saturating_sub(count);
        self.unanswered = Some(last);
    }

    /// The acknowledgement of all events that have come. A part of a window is acknowledged in
    /// version 2 only: senders of version 1 take that for all of it.
    fn answer(&mut self) -> Vec<u8> {
        if self.version == b'1' && self.left > 0 {
            return Vec::new();
        }
        let Some(number) = self.unanswered.take() else { return Vec::new() };
        [&[self.version, b'A'][..], &number.to_be_bytes()].concat()
    }
}

impl LumberjackFrames {
    pub(super) fn new(limits: &IntakeLimits, peer: Peer) -> Self {
        let window = EventWindow { version: b'2', left: 0, unanswered: None };
        let room = UnpackRoom::new(limits.bodies.share(peer), limits.max_body);
        Self { limit: limits.max_body, room, window }
    }
}

impl FrameProtocol for LumberjackFrames {
    const NAME: &'static str = "Lumberjack";

    fn next<'b>(&mut self, bytes: &'b [u8]) -> Result<Option<Frame<'b>>, FrameError> {
        let LumberjackFrame { version, content, len } = match LumberjackFrame::parse(bytes) {
            Ok(frame) if frame.len <= self.limit => frame,
            Err(UnreadFrame::Needs(len)) if len <= self.limit => return Ok(None),
            Err(UnreadFrame::Malformed) => return Err(MALFORMED),
            Ok(_) | Err(UnreadFrame::Needs(_)) => return Err(FrameError::TooLong),
        };
        let mut frame = Frame { len, records: None, answer: Vec::new(), next: AfterFrame::More };
        self.window.version = version;
        match content {
            LumberjackContent::Window(count) => {
                // Numbers may begin anew, so one answer does not stand for two windows.
                frame.answer = self.window.answer();
                self.window.left = count;
            }
            LumberjackContent::Event(event) => {
                self.window.taken(1, event.number);
                let received = now();
                let record = std::iter::once(event).map(move |event| event.into_record(received));
                frame.records = Some(each(record, |record, out| out.record(record)));
            }
            LumberjackContent::Compressed(packed) => {
                let unpacked = self.room.unpack("deflate", packed)?;
                let mut events = UnpackedEvents::new(unpacked).map_err(|_| MALFORMED)?;
                if events.count > 0 {
                    self.window.taken(events.count, events.last);
                }
                let received = now();
                let records = std::iter::from_fn(move || {
                    events.next().map(|event| event.into_record(received))
                });
                let records = each(records, |record, out| out.record(record));
                frame.records = Some(at_most(records, most_records(packed.len())));
            }
        }
        Ok(Some(frame))
    }

    fn answer(&mut self) -> Vec<u8> {
        self.window.answer()
    }

    fn grant(&mut self, room: BodyRoom) {
        self.room.grant(room);
    }

    fn allow(&mut self, turn: HeavyTurn) {
        self.room.allow(turn);
    }

    fn handed_over(&mut self) {
        self.room.release();
    }

    /// No event is acknowledged, but the collector is there. Senders of version 1 would take this
    /// for the acknowledgement of a window.
    fn heartbeat(&self) -> &'static [u8] {
        match self.window.version {
            b'1' => b"",
            _ => b"2A\0\0\0\0",
        }
    }

    fn records(stats: &Stats) -> &Counter {
        &stats.records_lumberjack
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_window_is_acknowledged_in_version_2_only() {
        let mut window = EventWindow { version: b'2', left: 2, unanswered: None };
        assert_eq!(window.answer(), b"");
        window.taken(1, 7);
        assert_eq!(window.answer(), b"2A\0\0\0\x07");
        assert_eq!(window.answer(), b"");
        let mut window = EventWindow { version: b'1', left: 2, unanswered: None };
        window.taken(1, 7);
        assert_eq!(window.answer(), b"");
        window.taken(1, 8);
        assert_eq!(window.answer(), b"1A\0\0\0\x08");
    }
}
