//! The places that relays are accepted from: `--relay-from`.

use crate::decode::Origin;
use crate::senders::peer::Peer;
use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A place that a relay may connect from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelaySource {
    /// Addresses of the network whose first bits are those of this one.
    Net {
        /// Address whose leading bits are those of the network.
        address: IpAddr,
        /// Number of leading bits of the address that count.
        bits: u8,
    },
    /// Programs of this machine, at a Unix socket.
    Unix,
    /// The client whose certificate has this name.
    Tls(String),
}

/// A value of `--relay-from` that is not a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRelaySource;

/// Tells whether a relay is accepted from `peer`.
pub(crate) fn allows(sources: &[RelaySource], peer: Peer, origin: &Origin) -> bool {
    sources.iter().any(|source| source.allows(peer, origin))
}

impl RelaySource {
    fn allows(&self, peer: Peer, origin: &Origin) -> bool {
        match (self, peer) {
            (Self::Net { address, bits }, Peer::Remote(peer)) => {
                let (ours, theirs) = (number(*address), number(peer.ip().to_canonical()));
                let skipped = if address.is_ipv4() { 32 } else { 128 } - u32::from(*bits);
                address.is_ipv4() == peer.ip().to_canonical().is_ipv4()
                    && ours.checked_shr(skipped) == theirs.checked_shr(skipped)
            }
            (Self::Unix, Peer::Local(_)) => true,
            (Self::Tls(name), _) => origin.peer().strip_prefix("tls:") == Some(name),
            (Self::Net { .. }, Peer::Local(_)) | (Self::Unix, Peer::Remote(_)) => false,
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl FromStr for RelaySource {
    type Err = UnknownRelaySource;

    /// Reads an address, an address with the number of bits that count, `unix` or `tls:NAME`.
    fn from_str(text: &str) -> Result<Self, UnknownRelaySource> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        if let Some(name) = text.strip_prefix("tls:").filter(|name| !name.is_empty()) {
            return Ok(Self::Tls(name.to_owned()));
        }
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| UnknownRelaySource)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| UnknownRelaySource)?;
        if bits <= most { Ok(Self::Net { address, bits }) } else { Err(UnknownRelaySource) }
    }
}

impl fmt::Display for RelaySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net { address, bits } => write!(f, "{address}/{bits}"),
            Self::Unix => f.write_str("unix"),
            Self::Tls(name) => write!(f, "tls:{name}"),
        }
    }
}

impl fmt::Display for UnknownRelaySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an address, such as 10.1.0.7 or 10.1.0.0/16, unix, or tls:NAME")
    }
}

impl Error for UnknownRelaySource {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_allows_the_addresses_with_its_first_bits() {
        for (source, peer, allowed) in [
            ("10.1.0.7", "10.1.0.7:99", true),
            ("10.1.0.7", "10.1.0.8:99", false),
            ("10.1.0.0/16", "10.1.255.1:1", true),
            ("10.1.0.0/16", "[::ffff:10.1.2.3]:1", true),
            ("10.1.0.0/16", "10.2.0.1:1", false),
            ("0.0.0.0/0", "192.0.2.1:1", true),
            ("0.0.0.0/0", "[2001:db8::1]:1", false),
            ("::/0", "[2001:db8::1]:1", true),
            ("2001:db8::/32", "[2001:db9::1]:1", false),
            ("unix", "10.1.0.7:99", false),
            ("tls:site1", "10.1.0.7:99", false),
        ] {
            let peer: Peer = peer.parse().unwrap();
            let found = source.parse::<RelaySource>().unwrap().allows(peer, &Origin::new(peer));
            assert_eq!(found, allowed, "{source}");
        }
        let local = Peer::Local(Default::default());
        assert!(RelaySource::Unix.allows(local, &Origin::new(local)));
        for bad in ["", "tls:", "10.1.0.0/33", "10.1", "site1", "10.1.0.0/x"] {
            assert_eq!(bad.parse::<RelaySource>(), Err(UnknownRelaySource), "{bad}");
        }
    }
}
