//! The origin of a peer's bytes, and the stamp that its records get.

use super::name::fit;
use crate::senders::owner::Owner;
use crate::senders::peer::Peer;
use crate::tls::VerifiedPeer;
use netlog_wire::Identity;
use std::sync::Arc;

/// A peer in the forms that records need.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The host that stands for the peer, and the peer.
    names: Box<str>,
    host_len: usize,
    stamp: Box<[u8]>,
    /// Length of the host's part of the stamp, with the brace; the rest is the peer's.
    host_stamp: usize,
    /// A process of this machine, at a Unix socket.
    local: bool,
    /// Known by its certificate, which may be for certain hosts only.
    verified: Option<Arc<VerifiedPeer>>,
}

impl Origin {
    pub(crate) fn new(peer: Peer) -> Self {
        let local = matches!(peer, Peer::Local(_));
        Self { local, ..Self::named(peer.host(), peer.to_string()) }
    }

    /// A peer that is known by its certificate: the name in it stands for its address.
    pub(crate) fn verified(verified: VerifiedPeer) -> Self {
        let name = fit(verified.name().to_owned());
        let peer = format!("tls:{name}");
        Self { verified: Some(Arc::new(verified)), ..Self::named(name, peer) }
    }

    fn named(host: String, peer: String) -> Self {
        let mut stamp = vec![b'{'];
        Identity { host: Some(host.clone()), ..Identity::default() }.push(&mut stamp);
        let host_stamp = stamp.len();
        Identity { peer: Some(peer.clone()), ..Identity::default() }.push(&mut stamp);
        Self {
            host_len: host.len(),
            names: (host + &peer).into(),
            stamp: stamp.into(),
            host_stamp,
            local: false,
            verified: None,
        }
    }

    /// Tells whether a certificate shows who the peer is.
    pub(crate) fn is_verified(&self) -> bool {
        self.verified.is_some()
    }

    /// Owner of the sender ids that come from the peer without a token.
    pub(crate) fn owner(&self) -> Owner {
        let certificate = |verified: &Arc<VerifiedPeer>| Owner::certificate(verified.name());
        self.verified.as_ref().map_or(Owner::NOBODY, certificate)
    }

    /// True if the peer may log as `host`: one with a certificate only as a host that it is for.
    pub(crate) fn may_name(&self, host: &str) -> bool {
        self.verified.as_ref().is_none_or(|verified| verified.may_name(host))
    }

    /// The host that stands for the peer.
    pub(crate) fn peer_host(&self) -> &str {
        &self.names[..self.host_len]
    }

    /// The peer's address with its port, or the process it is.
    pub(crate) fn peer(&self) -> &str {
        &self.names[self.host_len..]
    }

    /// Beginning of a record that names no sender: a brace, and the peer for the host.
    pub(crate) fn stamp(&self) -> &[u8] {
        &self.stamp
    }

    /// The member for a record that names no host, but something else of its sender.
    pub(crate) fn host_stamp(&self) -> &[u8] {
        &self.stamp[1..self.host_stamp]
    }

    /// The name of this machine, if the peer is a process of it at a Unix socket.
    pub(crate) fn local_host(&self) -> Option<&str> {
        self.local.then(|| self.peer_host())
    }

    /// The members for a record that names its host itself.
    pub(crate) fn peer_stamp(&self) -> &[u8] {
        &self.stamp[self.host_stamp..]
    }

    /// The identity of a record that claims to be from `claims`: believed, but for the address.
    pub(crate) fn identity(&self, claims: Identity) -> Identity {
        let claimed = claims.host.filter(|host| self.may_name(host));
        let host = Some(claimed.unwrap_or_else(|| self.peer_host().to_owned()));
        Identity { host, peer: Some(self.peer().to_owned()), ..claims }
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
