//! Messages on their way from the server.

use crate::layout::stream_position::StreamPosition;
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::Stream as Messages;
use std::io;
use std::time::Instant;
use tokio_stream::StreamExt;

/// A consumer on the server, and what is expected of it.
pub(super) struct Consumption {
    pub(super) messages: Messages,
    /// Count of messages that it has delivered.
    pub(super) delivered: u64,
    /// Position behind the last message that was given to the hub; sequence 0 before the first one of
    /// a stream that is not as it was.
    pub(super) given: StreamPosition,
    /// When that was.
    pub(super) taken_at: Instant,
    /// Messages of the stream behind that.
    pub(super) waiting: u64,
}

impl Consumption {
    pub(super) async fn next(&mut self) -> io::Result<Message> {
        match self.messages.next().await {
            Some(message) => message.map_err(io::Error::other),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
