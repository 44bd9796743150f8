//! Memory for what comes out of compressed messages, charged against the bytes that all bodies
//! together may take.

use super::frames::FrameError;
use super::limits::IntakeLimits;
use super::unpack::{UnpackError, encoding, unpack};
use tokio::sync::OwnedSemaphorePermit;

/// Bytes charged at once.
const STEP: usize = 64 << 10;

/// The memory of one connection, held while the records of a message are handed over.
pub(super) struct UnpackRoom<'a> {
    limits: &'a IntakeLimits,
    room: Option<OwnedSemaphorePermit>,
}

impl<'a> UnpackRoom<'a> {
    pub(super) fn new(limits: &'a IntakeLimits) -> Self {
        Self { limits, room: None }
    }

    /// Unpacks a message that is packed in one of the ways that are `declared`.
    ///
    /// # Errors
    ///
    /// When it is damaged or would be too long, or there is no room for it now.
    pub(super) fn unpack(&mut self, declared: &str, packed: &[u8]) -> Result<Vec<u8>, FrameError> {
        let limits = self.limits;
        let unpacked = encoding(declared, packed)
            .and_then(|encoding| unpack(encoding, packed, limits.max_body, |len| self.charge(len)));
        unpacked.map_err(|error| match error {
            UnpackError::TooLarge => FrameError::TooLong,
            UnpackError::Busy => {
                // Two that wait and keep a part would wait for each other.
                self.room = None;
                FrameError::Busy(packed.len() + limits.max_body)
            }
            UnpackError::Corrupt | UnpackError::UnknownEncoding => {
                FrameError::Malformed("compressed entries are damaged")
            }
        })
    }

    fn charge(&mut self, len: usize) -> Result<(), UnpackError> {
        while self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) < len {
            let more = self.limits.bodies.clone().try_acquire_many_owned(STEP as u32);
            let more = more.map_err(|_| UnpackError::Busy)?;
            match self.room.as_mut() {
                Some(room) => room.merge(more),
                None => self.room = Some(more),
            }
        }
        Ok(())
    }

    /// Takes the room that there was not before.
    pub(super) fn grant(&mut self, room: OwnedSemaphorePermit) {
        self.room = Some(room);
    }

    /// Gives it back: the message has been handed over.
    pub(super) fn release(&mut self) {
        self.room = None;
    }
}
