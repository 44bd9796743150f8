//! The other end of a socket, as the kernel reports it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The other end of a connection, or the sender of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Peer {
    /// An address of the network.
    Remote(SocketAddr),
    /// A process of this machine, at a Unix socket.
    Local(Process),
}

/// A process as it was when it connected, or sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Process {
    /// `None` where it is not among the processes that the collector can see.
    pub(crate) pid: Option<u32>,
    pub(crate) uid: Option<u32>,
}

/// A machine, and a process of it where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PeerPlace {
    pub(crate) machine: IpAddr,
    pub(crate) process: u32,
}

impl Peer {
    /// The peer at `address`; an IPv4 peer of an IPv6 socket is shown as what it is.
    pub(crate) fn remote(address: SocketAddr) -> Self {
        Self::Remote(SocketAddr::new(address.ip().to_canonical(), address.port()))
    }

    /// The same, whichever port it sends from.
    pub(crate) fn at_any_port(self) -> Self {
        match self {
            Self::Remote(address) => Self::Remote(SocketAddr::new(address.ip(), 0)),
            Self::Local(_) => self,
        }
    }

    /// Host of records that name no host.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Remote(address) => address.ip().to_string(),
            Self::Local(_) => rustix::system::uname().nodename().to_string_lossy().into_owned(),
        }
    }

    /// The machine, and at a Unix socket the process.
    pub(crate) fn place(&self) -> PeerPlace {
        match self {
            Self::Remote(address) => PeerPlace { machine: address.ip(), process: 0 },
            Self::Local(process) => PeerPlace {
                machine: Ipv4Addr::LOCALHOST.into(),
                process: process.pid.unwrap_or_default(),
            },
        }
    }
}

impl fmt::Display for Peer {
    /// Writes `10.0.0.7:99`, `10.0.0.7` for any port, or `unix:pid=4242,uid=1000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(address) if address.port() == 0 => address.ip().fmt(f),
            Self::Remote(address) => address.fmt(f),
            Self::Local(Process { pid: Some(pid), uid: Some(uid) }) => {
                write!(f, "unix:pid={pid},uid={uid}")
            }
            Self::Local(Process { uid: Some(uid), .. }) => write!(f, "unix:uid={uid}"),
            Self::Local(_) => f.write_str("unix"),
        }
    }
}

#[cfg(any(test, fuzzing))]
impl std::str::FromStr for Peer {
    type Err = std::net::AddrParseError;

    fn from_str(address: &str) -> Result<Self, Self::Err> {
        address.parse().map(Self::remote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_shown_as_far_as_it_is_known() {
        for (pid, uid, shown) in [
            (Some(4242), Some(1000), "unix:pid=4242,uid=1000"),
            (None, Some(0), "unix:uid=0"),
            (None, None, "unix"),
        ] {
            assert_eq!(Peer::Local(Process { pid, uid }).to_string(), shown);
        }
    }
}
