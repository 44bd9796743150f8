//! One `--listen` URL: as written, and the sockets it becomes.

use super::address::{Address, BoundAt, BoundSocket, Transport};
use super::listener_format::WantedFormat;
use super::socket_activation;
use super::socket_file::{Permissions, SocketOwner, SocketPlan};
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
    kind: EndpointKind,
    format: WantedFormat,
    proxy: bool,
}

/// The network address, path or sockets behind the URL.
#[derive(Debug, Clone, PartialEq, Eq)]
enum EndpointKind {
    Net { transport: Transport, host: String, port: u16 },
    File { transport: Transport, plan: SocketPlan },
    Passed,
}

impl EndpointKind {
    fn has_tcp_connections(&self) -> bool {
        use Transport::{Http, Tcp, Tls};
        matches!(self, Self::Net { transport: Tcp | Tls | Http, .. })
    }
}

/// A URL that names no endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEndpoint(&'static str);

impl UnknownEndpoint {
    /// An address that HTTP cannot be served at.
    pub(crate) fn not_http() -> Self {
        Self("invalid address of the HTTP API: expected HOST:PORT, https://HOST:PORT or off")
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

    /// Reads `tcp://host:port`, or the same with `tls`, `http` or `udp`; `unix://path` or
    /// `unixgram://path`; `host:port`, which means tcp; or `fd://`, which means all sockets that were passed. `?as=` behind it sets
    /// the format; `?mode=` and `?owner=` behind a path set the permissions of its file.
    fn from_str(url: &str) -> Result<Self, UnknownEndpoint> {
        let (url, mut query) = EndpointQuery::split(url)?;
        if url == "fd://" {
            return query.onto(EndpointKind::Passed);
        }
        let (transport, rest) = match url.split_once("://") {
            None => (Transport::Tcp, url),
            Some((scheme, rest)) => {
                let named = Transport::ALL.into_iter().find(|known| known.scheme() == scheme);
                let unknown = "unknown scheme: expected tcp://, tls://, http://, udp://, unix://, unixgram:// or fd://";
                (named.ok_or(UnknownEndpoint(unknown))?, rest)
            }
        };
        let kind = if transport.has_path() {
            let plan = plan(rest, query.mode.take(), query.owner.take())?;
            EndpointKind::File { transport, plan }
        } else {
            net(transport, rest)?
        };
        if transport == Transport::Http && (query.pin.is_some() || query.forward) {
            return Err(UnknownEndpoint("?as= is not for http://: the path of a request says it"));
        }
        query.onto(kind)
    }
}

/// The options behind a URL.
#[derive(Default)]
struct EndpointQuery {
    pin: Option<Pinned>,
    forward: bool,
    key_file: Option<PathBuf>,
    mode: Option<Permissions>,
    owner: Option<SocketOwner>,
    proxy: bool,
}

impl EndpointQuery {
    /// The endpoint with these options.
    fn onto(self, kind: EndpointKind) -> Result<Endpoint, UnknownEndpoint> {
        if self.mode.is_some() || self.owner.is_some() {
            return Err(UnknownEndpoint("?mode= and ?owner= are only for unix:// and unixgram://"));
        }
        if self.proxy && !kind.has_tcp_connections() {
            return Err(UnknownEndpoint("?proxy=on is only for tcp://, tls:// and http://"));
        }
        if self.key_file.is_some() && !self.forward {
            return Err(UnknownEndpoint("?key-file= is only for ?as=forward"));
        }
        let format = match self.forward {
            true if kind.takes_datagrams() => {
                return Err(UnknownEndpoint("?as=forward is for tcp://, tls:// and unix://"));
            }
            true => WantedFormat::Forward { key_file: self.key_file },
            false => WantedFormat::Recognised(self.pin),
        };
        Ok(Endpoint { kind, format, proxy: self.proxy })
    }

    fn split(url: &str) -> Result<(&str, Self), UnknownEndpoint> {
        let Some((url, words)) = url.split_once('?') else { return Ok((url, Self::default())) };
        let mut query = Self::default();
        for word in words.split('&') {
            let wrong = match word.split_once('=') {
                Some(("as", "forward")) => {
                    query.forward = true;
                    None
                }
                Some(("key-file", path)) => {
                    query.key_file = Some(path.into());
                    path.is_empty().then_some("invalid key file: expected ?key-file=PATH")
                }
                Some(("as", name)) => {
                    query.pin = Pinned::named(name);
                    query.pin.is_none().then_some(
                        "unknown format: expected ?as=text, json, syslog, gelf or forward",
                    )
                }
                Some(("mode", mode)) => {
                    query.mode = mode.parse().ok();
                    query.mode.is_none().then_some(
                        "invalid mode: expected up to four octal digits, such as ?mode=0660",
                    )
                }
                Some(("owner", owner)) => {
                    query.owner = owner.parse().ok();
                    query
                        .owner
                        .is_none()
                        .then_some("invalid owner: expected ?owner=USER or ?owner=USER:GROUP")
                }
                Some(("proxy", word)) => {
                    query.proxy = word == "on";
                    (!matches!(word, "on" | "off"))
                        .then_some("invalid option: expected ?proxy=on or ?proxy=off")
                }
                _ => Some("unknown option: expected ?as=, ?key-file=, ?proxy=, ?mode= or ?owner="),
            };
            wrong.map_or(Ok(()), |words| Err(UnknownEndpoint(words)))?;
        }
        Ok((url, query))
    }
}

fn net(transport: Transport, authority: &str) -> Result<EndpointKind, UnknownEndpoint> {
    let shape =
        UnknownEndpoint("invalid address: expected tcp://HOST:PORT, such as tcp://[::1]:1902");
    let (host, port) = authority.rsplit_once(':').ok_or_else(|| shape.clone())?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if host.is_empty() || (bracketed.is_none() && host.contains(':')) {
        return Err(shape);
    }
    let port = port.parse().map_err(|_| shape)?;
    Ok(EndpointKind::Net { transport, host: bracketed.unwrap_or(host).to_owned(), port })
}

fn plan(
    path: &str,
    mode: Option<Permissions>,
    owner: Option<SocketOwner>,
) -> Result<SocketPlan, UnknownEndpoint> {
    match path.is_empty() || path.ends_with('/') {
        true => Err(UnknownEndpoint("invalid path: expected unix:///run/netlog.sock or the like")),
        false => Ok(SocketPlan { path: path.into(), mode, owner }),
    }
}

impl EndpointKind {
    fn takes_datagrams(&self) -> bool {
        match self {
            Self::Net { transport, .. } | Self::File { transport, .. } => {
                matches!(transport, Transport::Udp | Transport::Unixgram)
            }
            Self::Passed => false,
        }
    }
}

impl Endpoint {
    /// A TCP port of this machine alone.
    pub(crate) fn local(port: u16) -> Self {
        let kind = EndpointKind::Net { transport: Transport::Tcp, host: "localhost".into(), port };
        Self { kind, format: WantedFormat::Recognised(None), proxy: false }
    }

    /// Default endpoint: the sockets passed by systemd, if any, else `tcp://localhost:1902`.
    pub(crate) fn implied() -> Self {
        match socket_activation::any() {
            true => Self {
                kind: EndpointKind::Passed,
                format: WantedFormat::Recognised(None),
                proxy: false,
            },
            false => Self::default(),
        }
    }

    /// True for a port with TLS.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.kind, EndpointKind::Net { transport: Transport::Tls, .. })
    }

    /// True for a TCP port, or several.
    pub(crate) fn is_tcp(&self) -> bool {
        matches!(self.kind, EndpointKind::Net { transport: Transport::Tcp, .. })
    }

    /// The host of a network address.
    pub(crate) fn host(&self) -> Option<&str> {
        match &self.kind {
            EndpointKind::Net { host, .. } => Some(host),
            EndpointKind::File { .. } | EndpointKind::Passed => None,
        }
    }

    /// Checks the key file and the owner.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or there is no such user or group.
    pub(crate) fn check(&self) -> Result<(), BindError> {
        self.format.check()?;
        let EndpointKind::File { plan, .. } = &self.kind else { return Ok(()) };
        plan.check().map_err(|cause| BindError::Listen { url: self.to_string(), cause })
    }

    /// Opens the sockets: one for each address the host has, or one at the path.
    pub(crate) fn bind(&self) -> Result<Vec<BoundSocket>, BindError> {
        self.format.check()?;
        let bound = match &self.kind {
            EndpointKind::Net { transport, host, port } => self.bind_net(*transport, host, *port),
            EndpointKind::File { transport, plan } => self.bind_file(*transport, plan),
            EndpointKind::Passed => {
                self.format.load().and_then(|format| socket_activation::take(&format))
            }
        };
        bound.map_err(|cause| BindError::Listen { url: self.to_string(), cause })
    }

    fn bind_file(&self, transport: Transport, plan: &SocketPlan) -> io::Result<Vec<BoundSocket>> {
        let stream = transport == Transport::Unix;
        let (socket, file) = plan.bind(if stream { Type::STREAM } else { Type::DGRAM })?;
        if stream {
            socket.listen(BACKLOG)?;
        }
        let address = Address { transport, at: BoundAt::Path(plan.path.clone()) };
        let format = self.format.load()?;
        let file = Some(file);
        Ok(vec![BoundSocket { address, socket, format, proxy: false, passed: false, file }])
    }

    fn bind_net(
        &self,
        transport: Transport,
        host: &str,
        port: u16,
    ) -> io::Result<Vec<BoundSocket>> {
        let mut bound: Vec<BoundSocket> = Vec::new();
        for mut address in resolve(host, port)? {
            // Both families of one name share a port, also when the system chose it.
            if let Some(first) = bound.first().and_then(|first| first.address.socket())
                && port == 0
            {
                address.set_port(first.port());
            }
            match open(transport, address) {
                Ok((at, socket)) => {
                    let address = Address { transport, at: BoundAt::Net(at) };
                    let format = self.format.load()?;
                    let proxy = self.proxy;
                    let passed = false;
                    bound.push(BoundSocket { address, socket, format, proxy, passed, file: None });
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
        let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(both.map(|ip| SocketAddr::new(ip, port)).into());
    }
    let mut addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no IP address"));
    }
    Ok(addresses)
}

fn open(transport: Transport, address: SocketAddr) -> io::Result<(SocketAddr, Socket)> {
    let stream = matches!(transport, Transport::Tcp | Transport::Tls | Transport::Http);
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

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut query = Vec::new();
        match &self.kind {
            EndpointKind::Net { transport, host, port } if host.contains(':') => {
                write!(f, "{transport}://[{host}]:{port}")?;
            }
            EndpointKind::Net { transport, host, port } => {
                write!(f, "{transport}://{host}:{port}")?
            }
            EndpointKind::Passed => f.write_str("fd://")?,
            EndpointKind::File { transport, plan } => {
                write!(f, "{transport}://{}", plan.path.display())?;
                query.extend(plan.mode.map(|mode| format!("mode={mode}")));
                query.extend(plan.owner.as_ref().map(|owner| format!("owner={owner}")));
            }
        }
        query.extend(self.format.options());
        query.extend(self.proxy.then(|| "proxy=on".to_owned()));
        if query.is_empty() { Ok(()) } else { write!(f, "?{}", query.join("&")) }
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
            ("tls://[::]:6514?as=syslog", "tls://[::]:6514?as=syslog"),
            ("0.0.0.0:80", "tcp://0.0.0.0:80"),
            ("http://[::]:4318", "http://[::]:4318"),
            ("udp://[::]:12201?as=gelf", "udp://[::]:12201?as=gelf"),
            ("fd://?as=syslog", "fd://?as=syslog"),
            ("tls://[::]:6514?proxy=on&as=syslog", "tls://[::]:6514?as=syslog&proxy=on"),
            ("0.0.0.0:80?proxy=off", "tcp://0.0.0.0:80"),
            (
                "[::]:24224?as=forward&key-file=/etc/key",
                "tcp://[::]:24224?as=forward&key-file=/etc/key",
            ),
            ("unix:///f?as=forward", "unix:///f?as=forward"),
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
            "http://x:1?as=text",
            "https://x:1",
            "x:70000",
            "x:-1",
            "x:1?as=xml",
            "x:1?key-file=/etc/key",
            "x:1?as=forward&key-file=",
            "udp://x:1?as=forward",
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
