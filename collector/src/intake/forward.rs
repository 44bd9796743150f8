//! The Fluent forward protocol: messages in MessagePack, acknowledged by the id of their chunk once
//! their records are in the sinks. A chunk that comes again is acknowledged and not kept twice.

mod shared_key;

use super::frames::{AfterFrame, Frame, FrameError, FrameProtocol};
use super::recent_chunks::{ChunkAdmission, PendingChunk};
use super::shared::IntakeContext;
use super::unpack::{UnpackError, encoding, unpack};
use crate::clock::now;
use crate::decode::forward::{ForwardMessage, ValueEnd};
use crate::stats::{Counter, Stats};
use shared_key::Handshake;
pub(crate) use shared_key::SharedKey;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// The longest id of a chunk.
const CHUNK: usize = 1024;

/// Bytes charged at once for what comes out of compressed entries.
const STEP: usize = 64 << 10;

/// The messages of a connection.
pub(super) struct ForwardFrames<'a> {
    shared: &'a IntakeContext,
    /// The host of the peer: ids of chunks are its own.
    host: String,
    end: ValueEnd,
    /// Until the peer has shown that it knows the key, if there is one.
    handshake: Option<Handshake>,
    /// The chunk whose records are being handed over.
    chunk: Option<PendingChunk<'a>>,
    /// For what came out of compressed entries.
    room: Option<OwnedSemaphorePermit>,
}

impl<'a> ForwardFrames<'a> {
    pub(super) fn new(
        shared: &'a IntakeContext,
        host: String,
        key: Option<Arc<SharedKey>>,
    ) -> Self {
        let handshake = key.map(Handshake::new);
        Self { shared, host, end: ValueEnd::new(), handshake, chunk: None, room: None }
    }

    fn message<'b>(&mut self, bytes: &'b [u8]) -> Result<Frame<'b>, FrameError> {
        let len = bytes.len();
        let message = ForwardMessage::parse(bytes)
            .map_err(|_| FrameError::Malformed("not a message of the forward protocol"))?;
        let mut frame = Frame { len, records: None, answer: Vec::new(), next: AfterFrame::More };
        let mut pending = None;
        if let Some(chunk) = message.chunk {
            if chunk.len() > CHUNK {
                return Err(FrameError::Malformed("too long an id of a chunk"));
            }
            frame.answer = ack(chunk);
            let recent = &self.shared.recent_chunks;
            match recent.admit(recent.key(&self.host, chunk)) {
                ChunkAdmission::New(chunk) => pending = Some(chunk),
                ChunkAdmission::Pending => return Err(FrameError::Pending),
                ChunkAdmission::Known => {
                    self.shared.stats.forward_chunks_repeated.add(1);
                    return Ok(frame);
                }
            }
        }
        let unpacked = message.compressed().map(|packed| self.unpack(packed)).transpose()?;
        frame.records = Some(message.records(unpacked, now()));
        self.chunk = pending;
        Ok(frame)
    }

    fn unpack(&mut self, packed: &[u8]) -> Result<Vec<u8>, FrameError> {
        let limits = &self.shared.limits;
        let room = &mut self.room;
        let charge = |len: usize| {
            while room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) < len {
                let more = limits.bodies.clone().try_acquire_many_owned(STEP as u32);
                let more = more.map_err(|_| UnpackError::Busy)?;
                match room.as_mut() {
                    Some(room) => room.merge(more),
                    None => *room = Some(more),
                }
            }
            Ok(())
        };
        let unpacked = encoding("gzip, zstd", packed)
            .and_then(|encoding| unpack(encoding, packed, limits.max_body, charge));
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
}

impl FrameProtocol for ForwardFrames<'_> {
    const NAME: &'static str = "Fluent forward";

    fn greeting(&mut self) -> Vec<u8> {
        self.handshake.as_ref().map(Handshake::hello).unwrap_or_default()
    }

    fn next<'b>(&mut self, bytes: &'b [u8]) -> Result<Option<Frame<'b>>, FrameError> {
        let end = self.end.find(bytes);
        let end = end.map_err(|_| FrameError::Malformed("not MessagePack"))?;
        if self.end.least() > self.shared.limits.max_body {
            return Err(FrameError::TooLong);
        }
        let Some(len) = end else { return Ok(None) };
        self.end = ValueEnd::new();
        let Some(handshake) = self.handshake.take() else {
            return self.message(&bytes[..len]).map(Some);
        };
        let (answer, known) = handshake.answer(&bytes[..len])?;
        let next = if known { AfterFrame::More } else { AfterFrame::Refused };
        Ok(Some(Frame { len, records: None, answer, next }))
    }

    fn grant(&mut self, room: OwnedSemaphorePermit) {
        self.room = Some(room);
    }

    fn handed_over(&mut self) {
        self.room = None;
        if let Some(chunk) = self.chunk.take() {
            chunk.taken();
        }
    }

    fn records(stats: &Stats) -> &Counter {
        &stats.records_forward
    }
}

/// `{"ack": chunk}`.
fn ack(chunk: &[u8]) -> Vec<u8> {
    let mut ack = b"\x81\xa3ack".to_vec();
    shared_key::push_text(chunk, &mut ack);
    ack
}
