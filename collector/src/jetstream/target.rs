//! The URL of a stream.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// Port of a NATS server.
const PORT: u16 = 4222;

/// Name of the stream in a URL without one.
const STREAM: &str = "NETLOG";

/// A stream of NATS JetStream, and the servers that it is reached by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsTarget {
    /// Addresses of servers, each with its port.
    pub(crate) servers: Vec<String>,
    pub(crate) stream: String,
    /// True if the connection has to be encrypted.
    pub(crate) encrypted: bool,
}

/// A URL that is not that of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownNatsTarget;

impl NatsTarget {
    /// First part of all subjects of the stream.
    pub(crate) fn prefix(&self) -> String {
        format!("{}.b", self.stream.to_lowercase())
    }

    /// Subject of the batches of the log with this id.
    pub(crate) fn subject(&self, log: u128) -> String {
        format!("{}.{log:032x}", self.prefix())
    }
}

impl FromStr for NatsTarget {
    type Err = UnknownNatsTarget;

    /// Reads `nats://host:port,host:port/STREAM` or the same with `nats+tls`; the ports, further
    /// hosts and the name may be left out.
    fn from_str(url: &str) -> Result<Self, UnknownNatsTarget> {
        let (scheme, rest) = url.split_once("://").ok_or(UnknownNatsTarget)?;
        let encrypted = match scheme {
            "nats" => false,
            "nats+tls" => true,
            _ => return Err(UnknownNatsTarget),
        };
        let (hosts, stream) = rest.split_once('/').unwrap_or((rest, STREAM));
        let servers: Option<Vec<_>> = hosts.split(',').map(server).collect();
        let named = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        match servers {
            Some(servers) if !stream.is_empty() && stream.chars().all(named) => {
                Ok(Self { servers, stream: stream.to_owned(), encrypted })
            }
            _ => Err(UnknownNatsTarget),
        }
    }
}

/// The address with its port; `None` if it is malformed.
fn server(address: &str) -> Option<String> {
    let bare = address.ends_with(']') || !address.contains(':');
    let address = if bare { format!("{address}:{PORT}") } else { address.to_owned() };
    let (host, port) = address.rsplit_once(':')?;
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let colons = inner.is_none() && host.contains(':');
    let fits = !host.is_empty() && inner != Some("") && !colons && !host.contains(['@', ' ']);
    let port = port.parse::<u16>().ok().filter(|port| *port > 0);
    (fits && port.is_some()).then_some(address)
}

impl fmt::Display for NatsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "nats+tls" } else { "nats" };
        write!(f, "{scheme}://{}/{}", self.servers.join(","), self.stream)
    }
}

impl fmt::Display for UnknownNatsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "invalid address: expected nats://HOST:PORT/STREAM or nats+tls://HOST:PORT/STREAM",
        )
    }
}

impl Error for UnknownNatsTarget {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_and_written_back() {
        for (url, shown) in [
            ("nats://a", "nats://a:4222/NETLOG"),
            ("nats://a:1,b,[::1]:7/AUDIT-2", "nats://a:1,b:4222,[::1]:7/AUDIT-2"),
            ("nats+tls://[::1]/x", "nats+tls://[::1]:4222/x"),
        ] {
            let target: NatsTarget = url.parse().unwrap();
            assert_eq!(target.to_string(), shown);
            assert_eq!(shown.parse(), Ok(target));
        }
        for bad in [
            "",
            "a",
            "nats://",
            "nats://a/",
            "nats://a/b.c",
            "nats://a,",
            "nats://::1:4222",
            "nats://u:p@a",
            "nats://a:0",
            "nats://a:x",
            "tls://a",
        ] {
            assert_eq!(bad.parse::<NatsTarget>(), Err(UnknownNatsTarget), "{bad}");
        }
        let target: NatsTarget = "nats://a/AUDIT".parse().unwrap();
        assert_eq!(target.subject(7), format!("audit.b.{:032x}", 7));
    }
}
