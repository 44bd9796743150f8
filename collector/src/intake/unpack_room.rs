//! Memory for what comes out of compressed messages, charged against the bytes that all bodies
//! together may take, and the turns of those that grow out of proportion.

use super::body_budget::{BodyRoom, BodyShare, NoRoom};
use super::frames::FrameError;
use super::heavy_bodies::{HeavyTurn, light_len};
use super::unpack::{UnpackError, encoding, unpack};

/// Bytes charged at once.
const STEP: usize = 64 << 10;

/// The memory of one connection, held while the records of a message are handed over.
pub(super) struct UnpackRoom {
    share: BodyShare,
    /// The most bytes that may come out of a message.
    limit: usize,
    room: Option<BodyRoom>,
    /// For a message that was found to need it.
    turn: Option<HeavyTurn>,
}

impl UnpackRoom {
    pub(super) fn new(share: BodyShare, limit: usize) -> Self {
        Self { share, limit, room: None, turn: None }
    }

    /// Unpacks a message that is packed in one of the ways that are `declared`.
    ///
    /// # Errors
    ///
    /// When it is damaged or would be too long, or there is no room for it now, or it needs a turn.
    pub(super) fn unpack(&mut self, declared: &str, packed: &[u8]) -> Result<Vec<u8>, FrameError> {
        let turn = self.turn.take();
        let limit = match turn {
            Some(_) => self.limit,
            None => self.limit.min(light_len(packed.len())),
        };
        let unpacked = encoding(declared, packed)
            .and_then(|encoding| unpack(encoding, packed, limit, |len| self.charge(len)));
        if let Some(turn) = turn {
            let came = self.room.as_ref().map_or(0, BodyRoom::bytes).min(limit);
            turn.end(unpacked.as_ref().map_or(came, Vec::len));
        }
        unpacked.map_err(|error| match error {
            // Two that wait and keep a part would wait for each other.
            UnpackError::TooLarge if limit < self.limit => {
                self.room = None;
                FrameError::Heavy
            }
            UnpackError::TooLarge => FrameError::TooLong,
            UnpackError::Busy => {
                self.room = None;
                FrameError::Busy(packed.len() + self.limit)
            }
            UnpackError::Corrupt | UnpackError::UnknownEncoding => {
                FrameError::Malformed("compressed entries are damaged")
            }
        })
    }

    fn charge(&mut self, len: usize) -> Result<(), UnpackError> {
        while self.room.as_ref().map_or(0, BodyRoom::bytes) < len {
            let more = self.share.try_acquire(STEP).map_err(|NoRoom| UnpackError::Busy)?;
            match self.room.as_mut() {
                Some(room) => room.merge(more),
                None => self.room = Some(more),
            }
        }
        Ok(())
    }

    /// Takes the room that there was not before.
    pub(super) fn grant(&mut self, room: BodyRoom) {
        self.room = Some(room);
    }

    /// Takes the turn that a message needs.
    pub(super) fn allow(&mut self, turn: HeavyTurn) {
        self.turn = Some(turn);
    }

    /// Gives it back: the message has been handed over.
    pub(super) fn release(&mut self) {
        self.room = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::body_budget::share_of;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_message_that_grows_out_of_proportion_needs_a_turn_for_itself() {
        const LIMIT: usize = 1 << 20;
        let share = share_of(4 << 20);
        let mut room = UnpackRoom::new(share.clone(), LIMIT);
        let packed = zstd::bulk::compress(&vec![b'0'; LIMIT], 3).unwrap();
        let longer = zstd::bulk::compress(&vec![b'0'; LIMIT + 1], 3).unwrap();
        let turn = || share.heavy_turn(Duration::from_secs(10));
        assert_eq!(room.unpack("zstd", &packed), Err(FrameError::Heavy));
        assert_eq!(share.free(), 4 << 20, "one that waits takes nothing");
        room.allow(turn().await.unwrap());
        assert_eq!(room.unpack("zstd", &packed).map(|all| all.len()), Ok(LIMIT));
        assert_eq!(room.unpack("zstd", &packed), Err(FrameError::Heavy), "the turn is over");
        room.allow(turn().await.unwrap());
        assert_eq!(room.unpack("zstd", &longer), Err(FrameError::TooLong));
        let few = zstd::bulk::compress(&vec![b'0'; 60 << 10], 3).unwrap();
        assert_eq!(room.unpack("zstd", &few).map(|all| all.len()), Ok(60 << 10));
        room.release();
        assert_eq!(share.free(), 4 << 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_waits_for_room_keeps_no_turn_from_others() {
        let share = share_of(128 << 10);
        let mut room = UnpackRoom::new(share.clone(), 1 << 20);
        let packed = zstd::bulk::compress(&vec![b'0'; 1 << 20], 3).unwrap();
        let turn = || share.heavy_turn(Duration::from_secs(10));
        room.allow(turn().await.unwrap());
        assert!(matches!(room.unpack("zstd", &packed), Err(FrameError::Busy(_))));
        assert!(turn().await.is_ok());
        assert_eq!(share.free(), 128 << 10);
    }
}
