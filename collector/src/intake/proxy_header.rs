//! PROXY headers (versions 1 and 2), by which a proxy names the peer whose connection it passes on.
//!
//! Only proxies of `--proxy-from` are believed, and a listener that asks for the header takes no
//! connection without one: a peer must not choose whether its address is checked.

use crate::senders::peer_error::{PeerError, ProxyFault};
use ipnet::IpNet;
use proxy_header::{Error, ParseConfig, ProxyHeader};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Time for a whole header: proxies send it at once.
const LIMIT: Duration = Duration::from_secs(10);

/// The longest header: one with the TLVs of a client's certificate is far below.
const LONGEST: usize = 4 << 10;

/// Addresses that may send PROXY headers: one, or a whole network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyRange(IpNet);

/// Text that is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidRange;

impl ProxyRange {
    /// The loopback addresses.
    pub(crate) fn loopback() -> [Self; 2] {
        let v4 = IpAddr::from(Ipv4Addr::LOCALHOST);
        let v6 = IpAddr::from(Ipv6Addr::LOCALHOST);
        [IpNet::new(v4, 8), IpNet::new(v6, 128)].map(|net| Self(net.unwrap_or_default().trunc()))
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for ProxyRange {
    type Err = InvalidRange;

    /// Reads `10.0.0.7`, `10.0.0.0/8` or `2001:db8::/32`.
    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(|net: IpNet| Self(net.trunc())).map_err(|_| InvalidRange)
    }
}

impl fmt::Display for ProxyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for InvalidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an address or a network, such as 10.0.0.7 or 10.0.0.0/8")
    }
}

impl std::error::Error for InvalidRange {}

/// Takes the header off the front of a connection from `proxy`, and answers the address that it
/// names; `None` for a connection of the proxy's own, such as a health check.
///
/// # Errors
///
/// When the proxy is not in `trusted`, or no whole header comes in time.
pub(super) async fn take(
    stream: &TcpStream,
    proxy: IpAddr,
    trusted: &[ProxyRange],
) -> Result<Option<SocketAddr>, PeerError> {
    if !trusted.iter().any(|range| range.contains(proxy)) {
        return Err(PeerError::Proxy(ProxyFault::Untrusted));
    }
    let header = timeout(LIMIT, read(stream)).await;
    header.unwrap_or(Err(ProxyFault::Late)).map_err(PeerError::Proxy)
}

/// Reads the header and no byte more: what is behind it belongs to others.
async fn read(stream: &TcpStream) -> Result<Option<SocketAddr>, ProxyFault> {
    let mut header = [0; LONGEST];
    let mut have = 0;
    loop {
        let peeked = stream.peek(&mut header[have..]).await;
        let more = peeked.ok().filter(|&more| more > 0).ok_or(ProxyFault::Malformed)?;
        let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
        let (take, named) = match ProxyHeader::parse(&header[..have + more], config) {
            Ok((header, len)) => {
                (len - have, Some(header.proxied_address().map(|named| named.source)))
            }
            // All of it belongs to the header, and is not to wake us again.
            Err(Error::BufferTooShort) if have + more < LONGEST => (more, None),
            Err(_) => return Err(ProxyFault::Malformed),
        };
        let taken = read_peeked(stream, &mut header[have..have + take]).await;
        taken.map_err(|_| ProxyFault::Malformed)?;
        have += take;
        if let Some(named) = named {
            return Ok(named);
        }
    }
}

/// Fills `taken` with bytes that were peeked at.
async fn read_peeked(stream: &TcpStream, mut taken: &mut [u8]) -> io::Result<()> {
    while !taken.is_empty() {
        stream.readable().await?;
        match stream.try_read(taken) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(len) => taken = &mut taken[len..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_an_address_or_a_network() {
        for (range, inside, outside) in [
            ("10.0.0.7", "10.0.0.7", "10.0.0.8"),
            ("10.1.2.3/8", "::ffff:10.9.9.9", "11.0.0.1"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
        ] {
            let range: ProxyRange = range.parse().unwrap();
            assert!(range.contains(inside.parse().unwrap()), "{range} {inside}");
            assert!(!range.contains(outside.parse().unwrap()), "{range} {outside}");
        }
        for bad in ["", "10.0.0.0/33", "proxy.example", "10.0.0.7:80"] {
            assert_eq!(bad.parse::<ProxyRange>(), Err(InvalidRange), "{bad}");
        }
        let [v4, v6] = ProxyRange::loopback();
        assert_eq!((v4.to_string(), v6.to_string()), ("127.0.0.0/8".into(), "::1/128".into()));
    }
}
