//! Where to listen: the URL as written, and the sockets it becomes.

use super::passed;
use super::socket_file::{Owner, Permissions, Plan, SocketFile};
use crate::BindError;
use crate::decode::Pinned;
use netlog_wire::PORT;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

/// Connections the kernel holds until they are accepted: a thousand senders may start at once.
const BACKLOG: i32 = 4096;

/// Datagrams come in bursts and wait nowhere but in the kernel.
const UDP_BUFFER: usize = 8 << 20;

/// One `--listen` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    place: Place,
    pin: Option<Pinned>,
}

/// Where it is that peers come to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Net { transport: Transport, host: String, port: u16 },
    File { transport: Transport, plan: Plan },
    Passed,
}

/// How bytes reach the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Udp,
    Unix,
    Unixgram,
}

/// An address that is really listened on, such as `tcp://127.0.0.1:41233`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub(crate) transport: Transport,
    pub(crate) at: At,
}

/// Where a socket is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    Net(SocketAddr),
    Path(PathBuf),
}

impl Address {
    /// The address of the socket, with the port it was given; `None` for one in the file system.
    pub fn socket(&self) -> Option<SocketAddr> {
        match self.at {
            At::Net(address) => Some(address),
            At::Path(_) => None,
        }
    }
}

/// A socket that is bound, and not yet served.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) address: Address,
    pub(crate) socket: Socket,
    /// The format that `?as=` pins.
    pub(crate) pin: Option<Pinned>,
    /// What a Unix socket is reached by, to be removed at the end.
    pub(crate) file: Option<SocketFile>,
}

/// A URL that names no endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEndpoint(&'static str);

impl UnknownEndpoint {
    /// What is no place to be looked in at.
    pub(crate) fn not_http() -> Self {
        Self("not an address to look in at: use HOST:PORT or off")
    }
}

impl Default for Endpoint {
    /// `tcp://localhost:1902`.
    fn default() -> Self {
        Self::local(PORT)
    }
}

impl FromStr for Endpoint {
    type Err = UnknownEndpoint;

    /// Reads `tcp://host:port`, `udp://host:port`, `unix://path`, `unixgram://path` or, meaning
    /// tcp, `host:port`; or `fd://`, all sockets that were passed. Behind it may stand `?as=`, which says what its peers speak, where
    /// guessing is not wanted; and for a path `?mode=` and `?owner=`, with `&` between them.
    fn from_str(url: &str) -> Result<Self, UnknownEndpoint> {
        let (url, mut query) = Query::split(url)?;
        if url == "fd://" {
            return query.onto(Place::Passed);
        }
        let (transport, rest) = match url.split_once("://") {
            None => (Transport::Tcp, url),
            Some((scheme, rest)) => {
                let named = Transport::ALL.into_iter().find(|known| known.scheme() == scheme);
                let unknown = "unknown scheme: use tcp://, udp://, unix://, unixgram:// or fd://";
                (named.ok_or(UnknownEndpoint(unknown))?, rest)
            }
        };
        let place = if transport.has_path() {
            let (mode, owner) = (query.mode.take(), query.owner.take());
            Place::File { transport, plan: plan(rest, mode, owner)? }
        } else {
            net(transport, rest)?
        };
        query.onto(place)
    }
}

/// What stands behind a URL.
#[derive(Default)]
struct Query {
    pin: Option<Pinned>,
    mode: Option<Permissions>,
    owner: Option<Owner>,
}

impl Query {
    /// The endpoint it is said of.
    fn onto(self, place: Place) -> Result<Endpoint, UnknownEndpoint> {
        match self {
            Self { pin, mode: None, owner: None } => Ok(Endpoint { place, pin }),
            _ => Err(UnknownEndpoint("only a path has a mode and an owner")),
        }
    }

    fn split(url: &str) -> Result<(&str, Self), UnknownEndpoint> {
        let Some((url, words)) = url.split_once('?') else { return Ok((url, Self::default())) };
        let mut query = Self::default();
        for word in words.split('&') {
            let wrong = match word.split_once('=') {
                Some(("as", name)) => {
                    query.pin = Pinned::named(name);
                    query
                        .pin
                        .is_none()
                        .then_some("unknown format: use ?as=text, json, syslog or gelf")
                }
                Some(("mode", mode)) => {
                    query.mode = mode.parse().ok();
                    query.mode.is_none().then_some("not a mode: use ?mode=0660 or the like")
                }
                Some(("owner", owner)) => {
                    query.owner = owner.parse().ok();
                    query.owner.is_none().then_some("not an owner: use ?owner=USER or USER:GROUP")
                }
                _ => Some("unknown option: use ?as=, ?mode= or ?owner="),
            };
            wrong.map_or(Ok(()), |words| Err(UnknownEndpoint(words)))?;
        }
        Ok((url, query))
    }
}

fn net(transport: Transport, authority: &str) -> Result<Place, UnknownEndpoint> {
    let shape = UnknownEndpoint("not an address: use tcp://HOST:PORT, such as tcp://[::1]:1902");
    let (host, port) = authority.rsplit_once(':').ok_or_else(|| shape.clone())?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if host.is_empty() || (bracketed.is_none() && host.contains(':')) {
        return Err(shape);
    }
    let port = port.parse().map_err(|_| shape)?;
    Ok(Place::Net { transport, host: bracketed.unwrap_or(host).to_owned(), port })
}

fn plan(
    path: &str,
    mode: Option<Permissions>,
    owner: Option<Owner>,
) -> Result<Plan, UnknownEndpoint> {
    match path.is_empty() || path.ends_with('/') {
        true => Err(UnknownEndpoint("not a path: use unix:///run/netlog.sock or the like")),
        false => Ok(Plan { path: path.into(), mode, owner }),
    }
}

impl Endpoint {
    /// A TCP port of this machine alone.
    pub(crate) fn local(port: u16) -> Self {
        let place = Place::Net { transport: Transport::Tcp, host: "localhost".into(), port };
        Self { place, pin: None }
    }

    /// Where to listen when nobody says: at the sockets that were passed, if there are any.
    pub(crate) fn implied() -> Self {
        match passed::any() {
            true => Self { place: Place::Passed, pin: None },
            false => Self::default(),
        }
    }

    /// Whether it is a TCP port, or several.
    pub(crate) fn is_tcp(&self) -> bool {
        matches!(self.place, Place::Net { transport: Transport::Tcp, .. })
    }

    /// Opens the sockets: one for each address the host has, or one at the path.
    pub(crate) fn bind(&self) -> Result<Vec<Bound>, BindError> {
        let bound = match &self.place {
            Place::Net { transport, host, port } => self.bind_net(*transport, host, *port),
            Place::File { transport, plan } => self.bind_file(*transport, plan),
            Place::Passed => passed::take(self.pin),
        };
        bound.map_err(|cause| BindError::Listen { url: self.to_string(), cause })
    }

    fn bind_file(&self, transport: Transport, plan: &Plan) -> io::Result<Vec<Bound>> {
        let stream = transport == Transport::Unix;
        let (socket, file) = plan.bind(if stream { Type::STREAM } else { Type::DGRAM })?;
        if stream {
            socket.listen(BACKLOG)?;
        }
        let address = Address { transport, at: At::Path(plan.path.clone()) };
        Ok(vec![Bound { address, socket, pin: self.pin, file: Some(file) }])
    }

    fn bind_net(&self, transport: Transport, host: &str, port: u16) -> io::Result<Vec<Bound>> {
        let mut bound: Vec<Bound> = Vec::new();
        for mut address in resolve(host, port)? {
            // Both families of one name share a port, also when the system chose it.
            if let Some(first) = bound.first().and_then(|first| first.address.socket())
                && port == 0
            {
                address.set_port(first.port());
            }
            match open(transport, address) {
                Ok((at, socket)) => {
                    let address = Address { transport, at: At::Net(at) };
                    bound.push(Bound { address, socket, pin: self.pin, file: None });
                }
                // A machine without IPv6 still has a localhost.
                Err(error) if !bound.is_empty() && missing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bound)
    }
}

fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
        return Ok([v4, v6].map(|ip: IpAddr| SocketAddr::new(ip, port)).into());
    }
    let mut addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}

fn open(transport: Transport, address: SocketAddr) -> io::Result<(SocketAddr, Socket)> {
    let stream = transport == Transport::Tcp;
    let (kind, protocol) =
        if stream { (Type::STREAM, Protocol::TCP) } else { (Type::DGRAM, Protocol::UDP) };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if stream {
        // A restarted collector must not wait for its old connections to time out.
        socket.set_reuse_address(true)?;
    } else {
        widen(&socket);
    }
    socket.bind(&SockAddr::from(address))?;
    if stream {
        socket.listen(BACKLOG)?;
    }
    Ok((socket.local_addr()?.as_socket().unwrap_or(address), socket))
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

impl Transport {
    const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Unix, Self::Unixgram];

    fn scheme(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Unix => "unix",
            Self::Unixgram => "unixgram",
        }
    }

    fn has_path(self) -> bool {
        matches!(self, Self::Unix | Self::Unixgram)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut query = Vec::new();
        match &self.place {
            Place::Net { transport, host, port } if host.contains(':') => {
                write!(f, "{transport}://[{host}]:{port}")?;
            }
            Place::Net { transport, host, port } => write!(f, "{transport}://{host}:{port}")?,
            Place::Passed => f.write_str("fd://")?,
            Place::File { transport, plan } => {
                write!(f, "{transport}://{}", plan.path.display())?;
                query.extend(plan.mode.map(|mode| format!("mode={mode}")));
                query.extend(plan.owner.as_ref().map(|owner| format!("owner={owner}")));
            }
        }
        query.extend(self.pin.map(|pin| format!("as={}", pin.name())));
        if query.is_empty() { Ok(()) } else { write!(f, "?{}", query.join("&")) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            At::Net(address) => write!(f, "{}://{address}", self.transport),
            At::Path(path) => write!(f, "{}://{}", self.transport, path.display()),
        }
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
            ("fd://?as=syslog", "fd://?as=syslog"),
            ("unix:///run/netlog.sock", "unix:///run/netlog.sock"),
            ("unixgram://log?as=syslog&mode=666", "unixgram://log?mode=0666&as=syslog"),
            ("unix:///s?mode=0620&owner=root:adm", "unix:///s?mode=0620&owner=root:adm"),
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
            "x:1?mode=0660",
            "fd://?mode=0600",
            "fd://3",
            "unix://",
            "unix:///run/",
            "unix:///s?mode=0999",
            "unix:///s?mode=01777",
            "unix:///s?owner=:",
            "unix:///s?as",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn localhost_binds_both_families_to_one_port() {
        let bound = "localhost:0".parse::<Endpoint>().unwrap().bind().unwrap();
        let ports: Vec<u16> =
            bound.iter().map(|bound| bound.address.socket().unwrap().port()).collect();
        assert!(ports.iter().all(|&port| port == ports[0] && port != 0), "{ports:?}");
    }
}
