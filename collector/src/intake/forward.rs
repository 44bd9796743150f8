//! The Fluent forward protocol: messages in MessagePack, acknowledged by the id of their chunk once
//! their records are in the sinks. A chunk that comes again is acknowledged and not kept twice.

mod shared_key;

use super::body_budget::BodyRoom;
use super::frames::{AfterFrame, Frame, FrameError, FrameProtocol};
use super::heavy_bodies::HeavyTurn;
use super::recent_chunks::{ChunkAdmission, PendingChunk};
use super::shared::IntakeContext;
use super::unpack::most_records;
use super::unpack_room::UnpackRoom;
use crate::clock::now;
use crate::decode::forward::{ForwardMessage, ValueEnd};
use crate::decode::posted::at_most;
use crate::senders::peer::Peer;
use crate::stats::{Counter, Stats};
use shared_key::Handshake;
pub(crate) use shared_key::SharedKey;
use std::sync::Arc;

/// The longest id of a chunk.
const CHUNK: usize = 1024;

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
    /// For what comes out of compressed entries.
    room: UnpackRoom,
}

impl<'a> ForwardFrames<'a> {
    pub(super) fn new(
        shared: &'a IntakeContext,
        peer: Peer,
        host: String,
        key: Option<Arc<SharedKey>>,
    ) -> Self {
        let handshake = key.map(Handshake::new);
        let limits = &shared.limits;
        let room = UnpackRoom::new(limits.bodies.share(peer), limits.max_body);
        Self { shared, host, end: ValueEnd::new(), handshake, chunk: None, room }
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
        let packed = message.compressed();
        let most = packed.map_or(usize::MAX, |packed| most_records(packed.len()));
        let unpacked = packed.map(|packed| self.room.unpack("gzip, zstd", packed)).transpose()?;
        frame.records = Some(at_most(message.records(unpacked, now()), most));
        self.chunk = pending;
        Ok(frame)
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

    fn grant(&mut self, room: BodyRoom) {
        self.room.grant(room);
    }

    fn allow(&mut self, turn: HeavyTurn) {
        self.room.allow(turn);
    }

    fn handed_over(&mut self) {
        self.room.release();
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
