//! A non-blocking socket of the standard library.
//!
//! The standard library can set no keep-alive: a collector that vanished without a word is noticed
//! when the system gives up sending to it. Nor can it wait for a socket: that is done in short sleeps.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Interval at which a socket is checked for something to read.
const CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// A connected socket.
#[derive(Debug)]
pub(crate) enum StdSocket {
    Stream(TcpStream),
    Datagrams(UdpSocket),
}

/// Events to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PollFlags(u8);

impl PollFlags {
    pub(crate) const IN: Self = Self(1);
    pub(crate) const OUT: Self = Self(2);

    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl StdSocket {
    /// Connects to a TCP address.
    pub(crate) fn tcp(address: SocketAddr, limit: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self::Stream(stream))
    }

    /// Connects a UDP socket.
    pub(crate) fn udp(address: SocketAddr) -> io::Result<Self> {
        let any = match address {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(address)?;
        socket.set_nonblocking(true)?;
        Ok(Self::Datagrams(socket))
    }

    /// Fails: Unix sockets are supported on Linux only.
    pub(crate) fn unix(_path: &str) -> io::Result<Self> {
        let words = "Unix sockets are supported on Linux only";
        Err(io::Error::new(io::ErrorKind::Unsupported, words))
    }

    /// Address of the other side.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Stream(stream) => stream.peer_addr().ok(),
            Self::Datagrams(socket) => socket.peer_addr().ok(),
        }
    }

    /// Sends bytes of a stream, or one datagram.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => (&*stream).write(bytes),
            Self::Datagrams(socket) => socket.send(bytes),
        }
    }

    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => (&*stream).read(buffer),
            Self::Datagrams(socket) => socket.recv(buffer),
        }
    }

    /// Waits for `events` up to `limit`; `true` if there is something to read. Room to write cannot be
    /// waited for: the caller tries again later.
    pub(crate) fn poll(&self, events: PollFlags, limit: Duration) -> io::Result<bool> {
        if !events.contains(PollFlags::IN) {
            sleep(limit);
            return Ok(false);
        }
        let until = Instant::now() + limit;
        loop {
            if self.is_readable() {
                return Ok(true);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            sleep(left.min(CHECK_INTERVAL));
        }
    }

    /// `true` if bytes, an end or an error can be read.
    fn is_readable(&self) -> bool {
        let peeked = match self {
            Self::Stream(stream) => stream.peek(&mut [0]),
            Self::Datagrams(socket) => socket.peek(&mut [0]),
        };
        !peeked.is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock)
    }

    /// Half-closes, and reads on for up to `limit` until the other side has closed too. Unread bytes
    /// at a close would reset the connection, and the collector could not tell a clean end from a
    /// crash.
    pub(crate) fn close(self, limit: Duration) {
        if let Self::Stream(stream) = &self {
            let _ = stream.shutdown(Shutdown::Write);
        }
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let more = self.poll(PollFlags::IN, left).unwrap_or(false);
            if !more || left.is_zero() || !matches!(self.receive(&mut [0; 4096]), Ok(1..)) {
                return;
            }
        }
    }
}

/// Always `false`: no descriptor is checked here.
pub(crate) fn was_closed(_error: &io::Error) -> bool {
    false
}

/// `true` for the error of a datagram that is longer than the system sends.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    /// `EMSGSIZE`, for which the standard library has no name.
    const TOO_LONG: i32 = if cfg!(windows) {
        10_040
    } else if cfg!(target_os = "linux") {
        90
    } else {
        40 // macOS and the BSDs
    };
    error.raw_os_error() == Some(TOO_LONG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_socket_is_readable_once_the_other_side_has_written_or_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = StdSocket::tcp(address, Duration::from_secs(5)).unwrap();
        let (mut there, _) = listener.accept().unwrap();
        assert!(!socket.poll(PollFlags::IN, Duration::from_millis(2)).unwrap());
        there.write_all(b"x").unwrap();
        assert!(socket.poll(PollFlags::IN, Duration::from_secs(60)).unwrap());
        assert_eq!(socket.receive(&mut [0; 8]).unwrap(), 1);
        drop(there);
        assert!(socket.poll(PollFlags::IN, Duration::from_secs(60)).unwrap());
        assert_eq!(socket.receive(&mut [0; 8]).unwrap(), 0);
    }

    #[test]
    fn a_datagram_that_is_too_long_is_known_by_its_error() {
        let there = UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = StdSocket::udp(there.local_addr().unwrap()).unwrap();
        assert!(is_too_long(&socket.send(&[0; 70_000]).unwrap_err()));
    }
}
