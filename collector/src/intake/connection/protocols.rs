//! Connections that turned out to speak a protocol of its own, which takes them over.

use super::{Connection, ConnectionEnd};
use crate::intake::forward::ForwardFrames;
use crate::intake::frames;
use crate::intake::http;
use crate::intake::lumberjack::LumberjackFrames;
use crate::intake::relay::{self, RelayEnd, RelayPeer};
use crate::intake::relp::RelpFrames;
use crate::intake::submitter::Submitter;
use crate::senders::peer_error::{PeerError, Protocol};

impl Connection {
    /// Serves a connection whose protocol is one of its own to the end.
    pub(super) async fn serve_protocol(&mut self, protocol: Protocol) -> ConnectionEnd {
        let unsupported = ConnectionEnd::Unfit(PeerError::Unsupported(protocol));
        let Some(opening) = self.opening.take() else { return unsupported };
        if protocol == Protocol::Relay {
            return self.serve_relay(opening).await;
        }
        let origin = self.decoder.origin().clone();
        let peer = self.entry.peer();
        let submitter = Submitter { peer, origin, shared: &self.shared };
        if matches!(protocol, Protocol::Http | Protocol::Http2) {
            http::serve(&mut self.stream, opening, submitter).await;
            return ConnectionEnd::Closed;
        }
        let key = self.format.key();
        let framed = matches!(protocol, Protocol::Msgpack | Protocol::Relp | Protocol::Lumberjack);
        let named = key.is_some() || submitter.origin.is_verified();
        if framed && !named && self.shared.tokens.is_some() {
            return ConnectionEnd::Unfit(PeerError::MissingToken);
        }
        let stream = &mut self.stream;
        match protocol {
            Protocol::Msgpack => {
                let host = submitter.origin.peer_host().to_owned();
                let frames = ForwardFrames::new(&self.shared, peer, host, key);
                frames::serve(stream, opening, submitter, frames).await
            }
            Protocol::Relp => {
                let frames = RelpFrames::new(self.shared.limits.max_body);
                frames::serve(stream, opening, submitter, frames).await
            }
            Protocol::Lumberjack => {
                let frames = LumberjackFrames::new(&self.shared.limits, peer);
                frames::serve(stream, opening, submitter, frames).await
            }
            _ => unsupported,
        }
    }

    async fn serve_relay(&mut self, opening: Vec<u8>) -> ConnectionEnd {
        let origin = self.decoder.origin();
        let relay = RelayPeer { peer: self.entry.peer(), origin, shared: &self.shared };
        match relay::serve(&mut self.stream, opening, relay).await {
            RelayEnd::Refused(error) => ConnectionEnd::Unfit(error),
            RelayEnd::Broken(error) => ConnectionEnd::Broken(error),
            RelayEnd::TimedOut(due) => ConnectionEnd::TimedOut(due),
            RelayEnd::Closed | RelayEnd::Stopped => ConnectionEnd::Closed,
        }
    }
}
