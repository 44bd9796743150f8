//! Memory for what comes out of compressed messages, charged against the bytes that all bodies
//! together may take.

use super::body_budget::{BodyRoom, BodyShare, NoRoom};
use super::frames::FrameError;
use super::unpack::{UnpackError, encoding, unpack};

/// Bytes charged at once.
const STEP: usize = 64 << 10;

/// The memory of one connection, held while the records of a message are handed over.
pub(super) struct UnpackRoom {
    share: BodyShare,
    /// The most bytes that may come out of a message.
    limit: usize,
    room: Option<BodyRoom>,
}

impl UnpackRoom {
    pub(super) fn new(share: BodyShare, limit: usize) -> Self {
        Self { share, limit, room: None }
    }

    /// Unpacks a message that is packed in one of the ways that are `declared`.
    ///
    /// # Errors
    ///
    /// When it is damaged or would be too long, or there is no room for it now.
    pub(super) fn unpack(&mut self, declared: &str, packed: &[u8]) -> Result<Vec<u8>, FrameError> {
        let limit = self.limit;
        let unpacked = encoding(declared, packed)
            .and_then(|encoding| unpack(encoding, packed, limit, |len| self.charge(len)));
        unpacked.map_err(|error| match error {
            UnpackError::TooLarge => FrameError::TooLong,
            UnpackError::Busy => {
                // Two that wait and keep a part would wait for each other.
                self.room = None;
                FrameError::Busy(packed.len() + limit)
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

    /// Gives it back: the message has been handed over.
    pub(super) fn release(&mut self) {
        self.room = None;
    }
}
