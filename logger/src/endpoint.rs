//! The address of a collector, and the connection to it.

use crate::socket::Socket;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Usual time limit of a name look-up, and of an attempt to connect.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// An address to send records to. The name is resolved anew for every connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) transport: Transport,
    authority: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    #[cfg(feature = "tls")]
    Tls,
    Udp,
    Unix,
}

/// Error of an invalid address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadAddress {
    address: String,
    why: &'static str,
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, why } = self;
        write!(
            f,
            "invalid address {address:?}: {why}; expected host:port, tcp://host:port, tls://host:port, \
             udp://host:port or unix:///path"
        )
    }
}

impl std::error::Error for BadAddress {}

impl BadAddress {
    pub(crate) fn new(address: &str, why: &'static str) -> Self {
        Self { address: address.to_owned(), why }
    }
}

impl Endpoint {
    pub(crate) fn parse(address: &str) -> Result<Self, BadAddress> {
        let bad = |why| BadAddress::new(address, why);
        let (transport, authority) = match address.split_once("://") {
            None => (Transport::Tcp, address),
            Some(("tcp", rest)) => (Transport::Tcp, rest),
            #[cfg(feature = "tls")]
            Some(("tls", rest)) => (Transport::Tls, rest),
            #[cfg(not(feature = "tls"))]
            Some(("tls", _)) => return Err(bad("tls:// needs the cargo feature `tls`")),
            Some(("udp", rest)) => (Transport::Udp, rest),
            // A program may change its directory.
            Some(("unix", rest)) if !rest.starts_with('/') => {
                return Err(bad("the path is not absolute"));
            }
            Some(("unix", path)) => {
                return Ok(Self { transport: Transport::Unix, authority: path.to_owned() });
            }
            Some(_) => return Err(bad("unknown scheme")),
        };
        let (host, port) = authority.rsplit_once(':').ok_or_else(|| bad("the port is missing"))?;
        if host.is_empty() {
            return Err(bad("the host is missing"));
        }
        if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
            return Err(bad("an IPv6 address needs brackets"));
        }
        match port.parse::<u16>() {
            Ok(1..) => Ok(Self { transport, authority: authority.to_owned() }),
            _ => Err(bad("the port is not a number from 1 to 65535")),
        }
    }

    /// The host's name or address, without brackets.
    #[cfg(feature = "tls")]
    pub(crate) fn host(&self) -> &str {
        let host = self.authority.rsplit_once(':').map_or("", |(host, _)| host);
        host.trim_matches(['[', ']'])
    }

    /// Connects to the path, or resolves the name and connects to its first address that answers.
    ///
    /// # Errors
    ///
    /// When the name is unknown, none answers, or `limit` passes for the look-up or for the rest.
    pub(crate) fn connect(&self, limit: Duration) -> io::Result<Socket> {
        if self.transport == Transport::Unix {
            return Socket::unix(&self.authority);
        }
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
        let addresses = self.resolve(limit)?;
        let deadline = Instant::now() + limit;
        for address in addresses {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.open(address, left.max(Duration::from_millis(100))) {
                Ok(socket) => return Ok(socket),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    /// Resolves the name on a thread of its own, because the system's look-up has no time limit.
    fn resolve(&self, limit: Duration) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = self.authority.parse() {
            return Ok(vec![address]);
        }
        let (answer, answered) = mpsc::sync_channel(1);
        let authority = self.authority.clone();
        std::thread::Builder::new().name("netlog-dns".into()).spawn(move || {
            let _ = answer.send(authority.to_socket_addrs().map(Vec::from_iter));
        })?;
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the host name lookup timed out");
        answered.recv_timeout(limit).map_err(|_| late())?
    }

    fn open(&self, address: SocketAddr, limit: Duration) -> io::Result<Socket> {
        match self.transport {
            Transport::Udp => Socket::udp(address),
            _ => Socket::tcp(address, limit),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            Transport::Tcp => "tcp",
            #[cfg(feature = "tls")]
            Transport::Tls => "tls",
            Transport::Udp => "udp",
            Transport::Unix => "unix",
        };
        write!(f, "{scheme}://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (address, shown) in [
            ("localhost:1902", "tcp://localhost:1902"),
            ("tcp://10.0.0.1:7", "tcp://10.0.0.1:7"),
            ("udp://[::1]:1902", "udp://[::1]:1902"),
            ("unix:///run/netlog.sock", "unix:///run/netlog.sock"),
        ] {
            assert_eq!(Endpoint::parse(address).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn an_invalid_address_is_reported_with_the_reason_and_the_expected_forms() {
        for (address, why) in [
            ("localhost", "the port is missing"),
            (":1902", "the host is missing"),
            ("::1:1902", "an IPv6 address needs brackets"),
            ("http://localhost:1", "unknown scheme"),
            ("unix://netlog.sock", "the path is not absolute"),
            ("localhost:0", "the port is not a number from 1 to 65535"),
            ("localhost:http", "the port is not a number from 1 to 65535"),
        ] {
            let told = Endpoint::parse(address).unwrap_err().to_string();
            let expected = format!(
                "invalid address {address:?}: {why}; expected host:port, tcp://host:port, \
                 tls://host:port, udp://host:port or unix:///path"
            );
            assert_eq!(told, expected);
        }
    }
}
