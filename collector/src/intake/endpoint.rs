//! Where to listen: the URL as written, and the sockets it becomes.

use crate::BindError;
use crate::decode::Pinned;
use netlog_wire::PORT;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// Connections the kernel holds until they are accepted: a thousand senders may start at once.
const BACKLOG: i32 = 4096;

/// Datagrams come in bursts and wait nowhere but in the kernel.
const UDP_BUFFER: usize = 8 << 20;

/// One `--listen` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    transport: Transport,
    host: String,
    port: u16,
    pin: Option<Pinned>,
}

/// How bytes reach the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

/// An address that is really listened on, such as `tcp://127.0.0.1:41233`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    pub(crate) transport: Transport,
    pub(crate) socket: SocketAddr,
    /// The format that `?as=` pins.
    pub(crate) pin: Option<Pinned>,
}

impl Address {
    /// The address of the socket, with the port it was given.
    pub fn socket(&self) -> SocketAddr {
        self.socket
    }
}

/// A URL that names no endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEndpoint(&'static str);

const UNKNOWN_FORMAT: UnknownEndpoint =
    UnknownEndpoint("unknown format: use ?as=text, json, syslog or gelf");

impl Default for Endpoint {
    /// `tcp://localhost:1902`.
    fn default() -> Self {
        Self::local(PORT)
    }
}

impl FromStr for Endpoint {
    type Err = UnknownEndpoint;

    /// Reads `tcp://host:port`, `udp://host:port` or, meaning tcp, `host:port`; `?as=` behind it
    /// says what its peers speak, where guessing is not wanted.
    fn from_str(url: &str) -> Result<Self, UnknownEndpoint> {
        let (url, pin) = match url.split_once("?as=") {
            Some((url, name)) => (url, Some(Pinned::named(name).ok_or(UNKNOWN_FORMAT)?)),
            None => (url, None),
        };
        let (transport, rest) = match url.split_once("://") {
            None => (Transport::Tcp, url),
            Some(("tcp", rest)) => (Transport::Tcp, rest),
            Some(("udp", rest)) => (Transport::Udp, rest),
            Some(_) => return Err(UnknownEndpoint("unknown scheme: use tcp:// or udp://")),
        };
        let shape =
            UnknownEndpoint("not an address: use tcp://HOST:PORT, such as tcp://[::1]:1902");
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| shape.clone())?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if host.is_empty() || (bracketed.is_none() && host.contains(':')) {
            return Err(shape);
        }
        let port = port.parse().map_err(|_| shape)?;
        Ok(Self { transport, host: bracketed.unwrap_or(host).to_owned(), port, pin })
    }
}

impl Endpoint {
    /// A TCP port of this machine alone.
    pub(crate) fn local(port: u16) -> Self {
        Self { transport: Transport::Tcp, host: "localhost".into(), port, pin: None }
    }

    /// Opens the sockets: one for each address the host has.
    pub(crate) fn bind(&self) -> Result<Vec<(Address, Socket)>, BindError> {
        let failed = |cause| BindError::Listen { url: self.to_string(), cause };
        let mut bound: Vec<(Address, Socket)> = Vec::new();
        for mut address in self.resolve().map_err(failed)? {
            // Both families of one name share a port, also when the system chose it.
            if let Some((first, _)) = bound.first().filter(|_| self.port == 0) {
                address.set_port(first.socket.port());
            }
            match self.open(address) {
                Ok(open) => bound.push(open),
                // A machine without IPv6 still has a localhost.
                Err(error) if !bound.is_empty() && missing(&error) => {}
                Err(cause) => return Err(failed(cause)),
            }
        }
        Ok(bound)
    }

    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        if self.host.eq_ignore_ascii_case("localhost") {
            let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
            return Ok([v4, v6].map(|ip: IpAddr| SocketAddr::new(ip, self.port)).into());
        }
        let mut addresses: Vec<_> = (self.host.as_str(), self.port).to_socket_addrs()?.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.dedup();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addresses)
    }

    fn open(&self, address: SocketAddr) -> io::Result<(Address, Socket)> {
        let (kind, protocol) = match self.transport {
            Transport::Tcp => (Type::STREAM, Protocol::TCP),
            Transport::Udp => (Type::DGRAM, Protocol::UDP),
        };
        let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
        socket.set_nonblocking(true)?;
        match self.transport {
            // A restarted collector must not wait for its old connections to time out.
            Transport::Tcp => socket.set_reuse_address(true)?,
            Transport::Udp => widen(&socket),
        }
        socket.bind(&SockAddr::from(address))?;
        if self.transport == Transport::Tcp {
            socket.listen(BACKLOG)?;
        }
        let really = socket.local_addr()?.as_socket().unwrap_or(address);
        Ok((Address { transport: self.transport, socket: really, pin: self.pin }, socket))
    }
}

fn missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

/// Asks for as large a receive buffer as the system gives: beyond its limit when privileged.
fn widen(socket: &Socket) {
    let forced = rustix::net::sockopt::set_socket_recv_buffer_size_force(socket, UDP_BUFFER);
    if forced.is_err() {
        let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transport, host, port, pin } = self;
        match host.contains(':') {
            true => write!(f, "{transport}://[{host}]:{port}")?,
            false => write!(f, "{transport}://{host}:{port}")?,
        }
        pin.map_or(Ok(()), |pin| write!(f, "?as={}", pin.name()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.transport, self.socket)
    }
}

impl fmt::Display for UnknownEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for UnknownEndpoint {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_read_and_written_back() {
        for (url, shown) in [
            ("tcp://localhost:1902", "tcp://localhost:1902"),
            ("localhost:0", "tcp://localhost:0"),
            ("udp://[::1]:1902", "udp://[::1]:1902"),
            ("0.0.0.0:80", "tcp://0.0.0.0:80"),
            ("udp://[::]:12201?as=gelf", "udp://[::]:12201?as=gelf"),
        ] {
            assert_eq!(url.parse::<Endpoint>().unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "localhost",
            "tcp://:1",
            "tcp://::1:80",
            "http://x:1",
            "x:70000",
            "x:-1",
            "x:1?as=xml",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn localhost_binds_both_families_to_one_port() {
        let bound = "localhost:0".parse::<Endpoint>().unwrap().bind().unwrap();
        let ports: Vec<u16> = bound.iter().map(|(address, _)| address.socket.port()).collect();
        assert!(ports.iter().all(|&port| port == ports[0] && port != 0), "{ports:?}");
    }
}
