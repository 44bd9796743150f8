//! The end of a connection, and the last reply to its peer.

use super::{Connection, ReadOutcome};
use crate::intake::shared::{DRAIN, GIVE_UP};
use crate::intake::timeouts::Timeout;
use crate::senders::peer_error::PeerError;
use crate::senders::registry::CloseReason;
use crate::stderr::Chain;
use netlog_wire::CollectorMessage;
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Time for what came last to be forwarded, with `--ack both`: a sender that ended keeps what is not
/// acknowledged.
const FORWARDED: Duration = Duration::from_secs(10);

/// Time for a peer to take the last reply before the connection is torn down.
const FAREWELL: Duration = Duration::from_secs(1);

/// Bytes read and thrown away meanwhile. Bytes left unread at a close would turn it into a
/// reset, which takes the reply back out of the peer's hands.
const FAREWELL_BYTES: usize = 1 << 20;

/// The reason for a connection's end.
pub(crate) enum ConnectionEnd {
    /// The peer was done.
    Closed,
    /// The peer sends something that is not accepted.
    Unfit(PeerError),
    /// A time limit passed.
    TimedOut(Timeout),
    /// The collector ends.
    Stopped,
    /// The hub is gone.
    Abandoned,
    /// The connection broke.
    Broken(io::Error),
}

impl From<io::Error> for ConnectionEnd {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<PeerError> for ConnectionEnd {
    fn from(error: PeerError) -> Self {
        Self::Unfit(error)
    }
}

impl Connection {
    /// Ends it, and tells everybody who is concerned.
    pub(super) async fn close(&mut self, end: ConnectionEnd) {
        let peer = self.entry.peer();
        if let ConnectionEnd::Unfit(error) = &end {
            self.shared.refuse(error, peer);
        }
        self.part(&end).await;
        self.entry.closed(match end {
            ConnectionEnd::Closed => CloseReason::Ended,
            ConnectionEnd::Unfit(PeerError::Unsupported(_)) => CloseReason::Broken,
            ConnectionEnd::Unfit(_) => CloseReason::Refused,
            _ => CloseReason::Broken,
        });
        self.shared.stderr.debug(format_args!("connection from {peer} closed: {end}"));
        self.shared.stats.connections_closed.add(1);
    }

    /// After the peer's last byte: waits until all of it is in the sinks, and says so; and reports a
    /// run that was recovered as a whole.
    pub(super) async fn settle(&mut self) -> Result<(), ConnectionEnd> {
        // The process that delivers for a dead sender ends with an empty line once all is acked. Without
        // it, that process has died too, and another one delivers the rest.
        let done = self.blank && self.acks.as_ref().is_none_or(|acks| acks.told >= acks.given);
        let shared = self.shared.clone();
        tokio::select! {
            biased;
            kept = self.all_kept() => kept?,
            () = shared.stopped() => return Err(ConnectionEnd::Stopped),
        }
        self.push_ack();
        self.flush()?;
        if done {
            self.report_recovered().await;
        }
        Ok(())
    }

    async fn report_recovered(&self) {
        if let Some(sender) = self.decoder.sender().filter(|sender| sender.recovered) {
            self.shared.hub.recovered(sender.clone()).await;
        }
    }

    /// Waits until all that was read is in the sinks, and acknowledged if that is expected.
    async fn all_kept(&mut self) -> Result<(), ConnectionEnd> {
        let limit = if self.shared.held_acks.is_some() { FORWARDED } else { Duration::MAX };
        let kept = match &mut self.acks {
            Some(acks) => {
                let given = acks.given;
                let acked = timeout(limit, acks.mark.wait_for(|ack| *ack >= given)).await;
                acked.is_ok_and(|acked| acked.is_ok())
            }
            None => self.shared.hub.settled().await.is_ok(),
        };
        if kept { Ok(()) } else { Err(ConnectionEnd::Abandoned) }
    }

    /// Does what is left to do on an end that was not the peer's.
    async fn part(&mut self, end: &ConnectionEnd) {
        match end {
            ConnectionEnd::Unfit(error) => self.reject(error).await,
            ConnectionEnd::Stopped => self.drain().await,
            ConnectionEnd::TimedOut(due) => {
                let stats = &self.shared.stats;
                match due {
                    Timeout::FirstByte => stats.connections_mute.add(1),
                    Timeout::HalfLine => stats.connections_half_line.add(1),
                    Timeout::Idle | Timeout::Message => stats.connections_idle.add(1),
                }
                self.keep_rest().await;
                self.stream.close_in_order();
            }
            ConnectionEnd::Broken(_) => self.keep_rest().await,
            ConnectionEnd::Closed => self.stream.close_in_order(),
            ConnectionEnd::Abandoned => {}
        }
    }

    /// Tells a peer that said hello the reason.
    async fn reject(&mut self, error: &PeerError) {
        if let Some(words) = error.answer() {
            CollectorMessage::Error(words).push(&mut self.replies);
            self.farewell().await;
        } else if *error == PeerError::UnknownKey {
            // It was told so already.
            self.farewell().await;
        } else if matches!(error, PeerError::Unsupported(_)) {
            self.stream.close_in_order();
        }
        // Else a reset: to a plain peer anything else says that all is kept.
    }

    /// Takes what the kernel has received already, and lets a sender know what was kept of it.
    async fn drain(&mut self) {
        let deadline = Instant::now() + DRAIN;
        self.draining = true;
        while Instant::now() < deadline {
            let Ok(Ok(ReadOutcome::Some(_))) = timeout_at(deadline, self.read()).await else {
                break;
            };
        }
        self.keep_rest().await;
        if !matches!(timeout_at(deadline + GIVE_UP, self.all_kept()).await, Ok(Ok(()))) {
            return;
        }
        if self.acks.is_some() {
            self.push_ack();
            self.farewell().await;
        } else {
            // Bytes that came meanwhile are not ours, and turn this into a reset again.
            self.stream.close_in_order();
        }
    }

    /// Hands over a plain peer's line that will never end.
    async fn keep_rest(&mut self) {
        if let Ok(room) = self.shared.hub.reserve(self.shared.limits.max_line).await {
            let mut runs = Vec::new();
            // Whatever it is, there is nobody left to complain about.
            let _ = self.decoder.finish(&mut runs);
            self.shared.hub.give(runs, room);
        }
    }

    /// Writes the last reply and half-closes, then reads on until the peer is gone too, within
    /// limits: what it still sends is not ours, and it keeps it.
    async fn farewell(&mut self) {
        self.stream.close_in_order();
        let deadline = Instant::now() + FAREWELL;
        while self.flush().is_ok() && !self.replies.is_empty() {
            if !matches!(timeout_at(deadline, self.stream.writable()).await, Ok(Ok(()))) {
                return;
            }
        }
        self.stream.half_close();
        let mut thrown = 0;
        while thrown < FAREWELL_BYTES
            && let Ok(Ok(())) = timeout_at(deadline, self.stream.readable()).await
        {
            match self.stream.discard(&mut [0; 4096]) {
                Ok(0) => return,
                Ok(read) => thrown += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

impl fmt::Display for ConnectionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed by the peer"),
            Self::Unfit(error) => write!(f, "refused: {error}"),
            Self::TimedOut(Timeout::FirstByte) => {
                f.write_str("no byte within --first-byte-timeout")
            }
            Self::TimedOut(Timeout::HalfLine) => {
                f.write_str("no end of line within --half-line-timeout")
            }
            Self::TimedOut(_) => f.write_str("no byte within --idle-timeout"),
            Self::Stopped => f.write_str("the collector is shutting down"),
            Self::Abandoned => f.write_str("a sink failed"),
            Self::Broken(error) => Chain(error).fmt(f),
        }
    }
}
