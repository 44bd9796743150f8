//! Questions to the server about a stream.

use super::start::{Reason, Start, StreamFacts};
use crate::layout::stream_position::StreamPosition;
use async_nats::jetstream::stream::LastRawMessageErrorKind::NoMessageFound;
use async_nats::jetstream::stream::Stream;
use std::io;

/// The stream as it was when it was asked for.
pub(super) async fn facts(
    stream: &Stream,
    known: Option<&StreamPosition>,
) -> io::Result<StreamFacts> {
    let info = stream.cached_info();
    let first = info.state.first_sequence;
    let last = info.state.last_sequence;
    let asked = known.map(|known| known.sequence).filter(|at| (first.max(1)..=last).contains(at));
    let position_time = match asked {
        Some(sequence) => message_time(stream, sequence).await?,
        None => None,
    };
    let last_time = nanos(info.state.last_timestamp);
    Ok(StreamFacts { made: nanos(info.created), first, last, last_time, position_time })
}

/// When a message was published, if it is there.
pub(super) async fn message_time(stream: &Stream, sequence: u64) -> io::Result<Option<i64>> {
    match stream.get_raw_message(sequence).await {
        Ok(message) => Ok(Some(nanos(message.time))),
        Err(error) if error.kind() == NoMessageFound => Ok(None),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Nanoseconds since 1970.
pub(super) fn nanos(time: async_nats::datetime::DateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos()).unwrap_or(0)
}

/// Checks that the stream still has the message at a position.
///
/// # Errors
///
/// When it has not, and when the server does not answer.
pub(super) async fn has_position(stream: &mut Stream, given: &StreamPosition) -> io::Result<()> {
    stream.info().await.map_err(io::Error::other)?;
    let facts = facts(stream, Some(given)).await?;
    match Start::new(Some(given), facts, false).reason {
        Reason::WentBack => Err(io::Error::other("the stream has lost messages")),
        _ => Ok(()),
    }
}
