//! Bytes of messages that have come and are not read, and the memory that is charged for them.

use super::body_budget::{BodyRoom, BodyShare, NoRoom};
use super::shared::READ;
use std::time::Duration;

/// Bytes of half a message that every connection may hold, whatever the others do.
const FREE: usize = 4 << 10;

/// Time for a message to wait for room, in which other bodies and messages lie.
pub(super) const ROOM: Duration = Duration::from_secs(10);

/// The bytes of one connection.
pub(super) struct MessageBuffer {
    pub(super) bytes: Vec<u8>,
    /// Held while they are more than [`FREE`].
    room: Option<BodyRoom>,
}

impl MessageBuffer {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, room: None }
    }

    /// Drops the first bytes, and gives back the memory with its room if few are left: the rest of
    /// their message may not come for long.
    pub(super) fn consume(&mut self, taken: usize) {
        self.bytes.drain(..taken);
        if self.bytes.len() <= FREE {
            self.bytes.shrink_to_fit();
            self.room = None;
        }
    }

    /// Number of bytes to read next.
    pub(super) fn piece(&self) -> usize {
        if self.room.is_none() && !self.bytes.is_empty() { FREE } else { READ }
    }

    /// Makes sure that there is room for what has come of a message and for the next read.
    pub(super) async fn charge(&mut self, bodies: &BodyShare) -> Result<(), NoRoom> {
        let held = self.bytes.len();
        let charged = self.room.as_ref().map_or(0, BodyRoom::bytes);
        if held <= FREE || held + READ <= charged {
            return Ok(());
        }
        let more = bodies.acquire(held + READ - charged, ROOM).await?;
        match &mut self.room {
            Some(room) => room.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::body_budget::share_of;

    #[tokio::test]
    async fn memory_goes_back_together_with_the_room_that_is_charged_for_it() {
        let bodies = share_of(8 << 20);
        let mut buffer = MessageBuffer::new(vec![b'a'; (4 << 20) + 1]);
        buffer.charge(&bodies).await.unwrap();
        assert_eq!(bodies.free(), (4 << 20) - READ - 1);
        buffer.consume(4 << 20);
        assert_eq!(bodies.free(), 8 << 20);
        assert_eq!(buffer.bytes, b"a");
        assert!(buffer.bytes.capacity() <= FREE, "{}", buffer.bytes.capacity());
    }

    #[tokio::test]
    async fn a_few_bytes_of_a_message_hold_no_more_than_they_are() {
        let bodies = share_of(0);
        let mut bytes = Vec::with_capacity(READ);
        bytes.extend_from_slice(b"half a line");
        let mut buffer = MessageBuffer::new(bytes);
        buffer.consume(0);
        assert!(buffer.bytes.capacity() <= FREE, "{}", buffer.bytes.capacity());
        buffer.charge(&bodies).await.unwrap();
        assert_eq!(buffer.piece(), FREE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_finds_no_room_in_time_is_given_up() {
        let bodies = share_of(READ);
        let mut buffer = MessageBuffer::new(vec![b'a'; FREE + 1]);
        assert_eq!(buffer.charge(&bodies).await, Err(NoRoom));
        assert_eq!(bodies.free(), READ);
    }
}
