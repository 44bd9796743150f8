//! A connection of another collector that forwards what it has received.

mod reader;

use super::relay_source::allows;
use super::relayed_batch::{RelaySenders, RelayedBatch};
use super::shared::IntakeContext;
use super::stream::PeerStream;
use super::timeouts::Timeout;
use crate::decode::Origin;
use crate::senders::peer::Peer;
use crate::senders::peer_error::PeerError;
use netlog_wire::{BatchHeader, CollectorMessage, MAX_HEADER, RelayHello};
use reader::{ReadFailure, RelayReader};
use std::io;

/// The relay, as the kernel or its certificate shows it.
pub(super) struct RelayPeer<'a> {
    pub(super) peer: Peer,
    pub(super) origin: &'a Origin,
    pub(super) shared: &'a IntakeContext,
}

/// The reason for the end of such a connection.
#[derive(Debug)]
pub(super) enum RelayEnd {
    Closed,
    Refused(PeerError),
    Broken(io::Error),
    TimedOut(Timeout),
    /// The hub is gone, or the collector ends.
    Stopped,
}

impl From<ReadFailure> for RelayEnd {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::Broken(error) => Self::Broken(error),
            ReadFailure::TimedOut(due) => Self::TimedOut(due),
        }
    }
}

/// Serves a relay to its end, which has sent `opening` so far.
pub(super) async fn serve(
    stream: &mut PeerStream,
    opening: Vec<u8>,
    peer: RelayPeer<'_>,
) -> RelayEnd {
    let shared = peer.shared;
    let mut reader = RelayReader::new(stream, opening, *shared.limits.timeouts);
    let end = tokio::select! {
        biased;
        () = shared.stopped() => RelayEnd::Stopped,
        end = converse(&mut reader, &peer) => end.err().unwrap_or(RelayEnd::Closed),
    };
    if matches!(end, RelayEnd::Closed | RelayEnd::Stopped) {
        stream.close_in_order();
        stream.half_close();
    }
    end
}

async fn converse(reader: &mut RelayReader<'_>, peer: &RelayPeer<'_>) -> Result<(), RelayEnd> {
    let Some(line) = reader.line(MAX_HEADER).await? else { return Ok(()) };
    let hello = RelayHello::parse(&line).ok_or_else(|| rejected("malformed hello"))?;
    admit(&hello, peer)?;
    reader.send(&CollectorMessage::Welcome { ack: 0 }).await?;
    let mut senders = RelaySenders::new(&hello.host, peer.origin.peer());
    while let Some(line) = reader.line(MAX_HEADER).await? {
        if line.is_empty() {
            continue;
        }
        let header = BatchHeader::parse(&line).ok_or_else(|| rejected("malformed batch"))?;
        let packed = reader.exactly(header.packed as usize).await?;
        let number = header.batch;
        keep(RelayedBatch { header, packed }, &mut senders, peer).await?;
        reader.send(&CollectorMessage::Ack(number)).await?;
    }
    Ok(())
}

/// Waits until a batch may be acknowledged.
async fn keep(
    batch: RelayedBatch,
    senders: &mut RelaySenders,
    peer: &RelayPeer<'_>,
) -> Result<(), RelayEnd> {
    let shared = peer.shared;
    let records = batch.header.records();
    let bytes = batch.room();
    let room = shared.hub.reserve(bytes).await.map_err(|_| RelayEnd::Stopped)?;
    let runs = batch.runs(senders).map_err(rejected)?;
    shared.stats.bytes_in.add(batch.packed.len() as u64);
    shared.stats.relay_batches.add(1);
    shared.stats.records_relayed.add(records);
    shared.hub.give(runs, room);
    shared.hub.acked().await.map_err(|_| RelayEnd::Stopped)
}

/// Checks that the peer may speak for others.
fn admit(hello: &RelayHello, peer: &RelayPeer<'_>) -> Result<(), RelayEnd> {
    let RelayPeer { peer: address, origin, shared } = peer;
    if !allows(&shared.relay_from, *address, origin) {
        shared.stats.relays_refused.add(1);
        // Without its port, which is another one at each attempt.
        let place = match address {
            Peer::Remote(peer) if !origin.peer().starts_with("tls:") => {
                peer.ip().to_canonical().to_string()
            }
            _ => origin.peer().to_owned(),
        };
        return Err(rejected(format!("no relay is accepted from {place}: see --relay-from")));
    }
    if !origin.may_name(&hello.host) {
        let words = format!("the certificate is not for host {}", hello.host);
        return Err(rejected(words));
    }
    let Some(tokens) = &shared.tokens else { return Ok(()) };
    let grant = tokens.admit(hello.token.as_deref()).map_err(|error| match error {
        PeerError::MissingToken => RelayEnd::Refused(PeerError::HelloWithoutToken),
        error => RelayEnd::Refused(error),
    })?;
    if !grant.relay {
        shared.stats.relays_refused.add(1);
        let name = &grant.name;
        return Err(rejected(format!("token {name} may not forward for others: set relay = true")));
    }
    Ok(())
}

fn rejected(words: impl Into<String>) -> RelayEnd {
    RelayEnd::Refused(PeerError::Rejected(words.into()))
}
