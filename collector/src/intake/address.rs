//! Addresses that are really listened on, and their sockets.

use super::listener_format::ListenerFormat;
use super::socket_file::SocketFile;
use socket2::Socket;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The way bytes reach the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Tls,
    /// TCP connections that speak HTTP and nothing else.
    Http,
    Udp,
    Unix,
    Unixgram,
}

/// An address that is really listened on, such as `tcp://127.0.0.1:41233`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub(crate) transport: Transport,
    pub(crate) at: BoundAt,
}

/// The network address or the path that a socket is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BoundAt {
    Net(SocketAddr),
    Path(PathBuf),
}

impl Address {
    /// True if the bytes that come here are encrypted, or never leave the machine.
    pub fn encrypted(&self) -> bool {
        matches!(self.transport, Transport::Tls | Transport::Unix | Transport::Unixgram)
    }

    /// The address of the socket, with the port it was given; `None` for one in the file system.
    pub fn socket(&self) -> Option<SocketAddr> {
        match self.at {
            BoundAt::Net(address) => Some(address),
            BoundAt::Path(_) => None,
        }
    }
}

/// A socket that is bound, and not yet served.
#[derive(Debug)]
pub(crate) struct BoundSocket {
    pub(crate) address: Address,
    pub(crate) socket: Socket,
    pub(crate) format: ListenerFormat,
    /// Connections begin with a PROXY header, as `?proxy=on` asks.
    pub(crate) proxy: bool,
    /// The service manager has opened it, and keeps it when the collector ends.
    pub(crate) passed: bool,
    /// Name of a Unix socket, to be removed at the end.
    pub(crate) file: Option<SocketFile>,
}

impl Transport {
    pub(super) const ALL: [Self; 6] =
        [Self::Tcp, Self::Tls, Self::Http, Self::Udp, Self::Unix, Self::Unixgram];

    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Udp => "udp",
            Self::Unix => "unix",
            Self::Unixgram => "unixgram",
        }
    }

    pub(super) fn has_path(self) -> bool {
        matches!(self, Self::Unix | Self::Unixgram)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            BoundAt::Net(address) => write!(f, "{}://{address}", self.transport),
            BoundAt::Path(path) => write!(f, "{}://{}", self.transport, path.display()),
        }
    }
}
