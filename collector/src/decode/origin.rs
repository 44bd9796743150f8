//! Where a peer's bytes come from, and the stamp its records get for it.

use crate::senders::peer::Peer;
use netlog_wire::Identity;

/// A peer in the forms that records need.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    host: String,
    peer: String,
    stamp: Vec<u8>,
    peer_stamp: Vec<u8>,
    /// A process of this machine, at a Unix socket.
    local: bool,
}

impl Origin {
    pub(crate) fn new(peer: Peer) -> Self {
        let local = matches!(peer, Peer::Local(_));
        let (host, peer) = (peer.host(), peer.to_string());
        let (mut stamp, mut peer_stamp) = (vec![b'{'], Vec::new());
        let alone = Identity { peer: Some(peer.clone()), ..Identity::default() };
        alone.push(&mut peer_stamp);
        Identity { host: Some(host.clone()), ..alone }.push(&mut stamp);
        // Every connection has them.
        stamp.shrink_to_fit();
        peer_stamp.shrink_to_fit();
        Self { host, peer, stamp, peer_stamp, local }
    }

    /// The peer's address with its port, or the process it is.
    pub(crate) fn peer(&self) -> &str {
        &self.peer
    }

    /// How a record begins that says nothing of its sender: a brace, and the peer for the host.
    pub(crate) fn stamp(&self) -> &[u8] {
        &self.stamp
    }

    /// The member for a record that names no host, but something else of its sender.
    pub(crate) fn host_stamp(&self) -> &[u8] {
        &self.stamp[1..self.stamp.len() - self.peer_stamp.len()]
    }

    /// The name of this machine, if the peer is a process of it at a Unix socket.
    pub(crate) fn local_host(&self) -> Option<&str> {
        Some(&*self.host).filter(|_| self.local)
    }

    /// The members for a record that names its host itself.
    pub(crate) fn peer_stamp(&self) -> &[u8] {
        &self.peer_stamp
    }

    /// The identity of a record that claims to be from `claims`: believed, but for the address.
    pub(crate) fn identity(&self, claims: Identity) -> Identity {
        let host = claims.host.or_else(|| Some(self.host.clone()));
        Identity { host, peer: Some(self.peer.clone()), ..claims }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_shown_as_what_it_is() {
        let origin = Origin::new("[::ffff:10.0.0.7]:99".parse().unwrap());
        assert_eq!(origin.stamp(), br#"{"host":"10.0.0.7","peer":"10.0.0.7:99","#);
    }
}
