//! NATS JetStream, as far as publishing batches and reading them have it in common.
//!
//! A stream keeps the batches of many collectors, each under a subject of its own, and each a message
//! whose headers say which records are in it. What the stream promises is less than it seems: an
//! acknowledged message may be lost in a power failure, and one that was not acknowledged may be
//! there. So publishers ask for their last message whenever they connect, and readers drop what
//! they have by the numbers of the records.

mod connection;
mod message;
mod options;
mod stream_config;
mod target;

pub(crate) use connection::{NatsAccess, NatsConnection};
pub(crate) use message::BatchMessage;
pub use options::NatsOptions;
pub use target::{NatsTarget, UnknownNatsTarget};
