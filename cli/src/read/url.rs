//! The address of a collector's HTTP API.

use std::fmt;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

/// The time limit of a connection to one address.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The host and port of a collector's HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CollectorUrl {
    /// True for `https://`.
    pub(super) encrypted: bool,
    host: String,
    port: u16,
}

impl FromStr for CollectorUrl {
    type Err = &'static str;

    /// Reads `http://host:port` or `https://host:port`; the port may be left out, and `http://`.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let https = text.strip_prefix("https://");
        let rest = https.or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let shape = "expected http://HOST:PORT or https://HOST:PORT, such as http://localhost:1903";
        let bare = !rest.contains(':') || rest.ends_with(']');
        let (host, port) = match bare {
            true => (rest, netlog_wire::READ_PORT),
            false => {
                let (host, port) = rest.rsplit_once(':').ok_or(shape)?;
                (host, port.parse().map_err(|_| shape)?)
            }
        };
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let invalid = |c: char| c.is_whitespace() || c.is_control() || "/?#@".contains(c);
        if host.is_empty() || host.contains(invalid) || (inner.is_none() && host.contains(':')) {
            return Err(shape);
        }
        Ok(Self { encrypted: https.is_some(), host: host.to_owned(), port })
    }
}

impl fmt::Display for CollectorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl CollectorUrl {
    /// The value of a `Host` header.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host's name or address, without brackets.
    pub(super) fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// Connects to the first address of the host that accepts.
    pub(super) fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in (self.host(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written_back() {
        for (text, shown) in [
            ("http://localhost:1903", "http://localhost:1903"),
            ("logs.example", "http://logs.example:1903"),
            ("http://[::1]:80/", "http://[::1]:80"),
            ("[::1]", "http://[::1]:1903"),
            ("https://logs.example", "https://logs.example:1903"),
        ] {
            assert_eq!(text.parse::<CollectorUrl>().unwrap().to_string(), shown);
        }
        for bad in ["", "ftp://x:1", "http://x:y", "http://:1", "::1:80", "a b", "x/y", "h\r\n:1"] {
            assert!(bad.parse::<CollectorUrl>().is_err(), "{bad}");
        }
    }
}
