//! A non-blocking socket that is used only while its descriptor is still ours.

pub(crate) use crate::descriptor::was_closed;
pub(crate) use rustix::event::PollFlags;

use crate::descriptor::Descriptor;
use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType,
    connect, getpeername, recv, send, shutdown, socket_with, sockopt,
};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Time without an answer from the other side's kernel after which a connection is dead.
const DEAD_AFTER: Duration = Duration::from_secs(20);

/// Interval at which a pending connection's descriptor is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// A connected socket.
#[derive(Debug)]
pub(crate) struct CheckedSocket(Descriptor);

impl CheckedSocket {
    /// Connects to a TCP address.
    pub(crate) fn tcp(address: SocketAddr, limit: Duration) -> io::Result<Self> {
        let socket = Self::new(family(address), SocketType::STREAM)?;
        match connect(socket.0.get()?, &address) {
            Err(Errno::INPROGRESS) => socket.wait_for_connection(limit)?,
            connected => connected?,
        }
        socket.set_tcp_options()?;
        Ok(socket)
    }

    /// Connects a UDP socket.
    pub(crate) fn udp(address: SocketAddr) -> io::Result<Self> {
        let socket = Self::new(family(address), SocketType::DGRAM)?;
        connect(socket.0.get()?, &address)?;
        Ok(socket)
    }

    /// Connects to the Unix socket at `path` without waiting, even if its queue is full.
    pub(crate) fn unix(path: &str) -> io::Result<Self> {
        let socket = Self::new(AddressFamily::UNIX, SocketType::STREAM)?;
        connect(socket.0.get()?, &SocketAddrUnix::new(path)?)?;
        Ok(socket)
    }

    fn new(family: AddressFamily, kind: SocketType) -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        Ok(Self(Descriptor::new(socket_with(family, kind, flags, None)?)?))
    }

    fn wait_for_connection(&self, limit: Duration) -> io::Result<()> {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if self.poll(PollFlags::OUT, left.min(CHECK_INTERVAL))? {
                return Ok(sockopt::socket_error(self.0.get()?)??);
            }
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "connection timed out"));
            }
        }
    }

    /// Disables delays, and makes the kernel detect a peer that vanished: by keep-alive while idle,
    /// by the user timeout (RFC 5482) with bytes under way.
    fn set_tcp_options(&self) -> io::Result<()> {
        let fd = self.0.get()?;
        sockopt::set_tcp_nodelay(fd, true)?;
        sockopt::set_socket_keepalive(fd, true)?;
        sockopt::set_tcp_keepidle(fd, DEAD_AFTER / 2)?;
        sockopt::set_tcp_keepintvl(fd, DEAD_AFTER / 4)?;
        sockopt::set_tcp_keepcnt(fd, 2)?;
        sockopt::set_tcp_user_timeout(fd, DEAD_AFTER.as_millis() as u32)?;
        Ok(())
    }

    /// Address of the other side; `None` for a Unix socket.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        SocketAddr::try_from(getpeername(self.0.get().ok()?).ok()??).ok()
    }

    /// Sends bytes of a stream, or one datagram.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0.get()?, bytes, SendFlags::NOSIGNAL)?)
    }

    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.0.get()?, buffer, RecvFlags::empty())?.0)
    }

    /// Waits for `events` up to `limit`; `true` if one of them, or an error, is there.
    pub(crate) fn poll(&self, events: PollFlags, limit: Duration) -> io::Result<bool> {
        let limit =
            Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        let mut fds = [PollFd::from_borrowed_fd(self.0.get()?, events)];
        match poll(&mut fds, Some(&limit)) {
            Err(Errno::INTR) => Ok(false),
            ready => Ok(ready? > 0),
        }
    }

    /// Half-closes, and reads on for up to `limit` until the other side has closed too. Unread bytes
    /// at a close would reset the connection, and the collector could not tell a clean end from a
    /// crash.
    pub(crate) fn close(self, limit: Duration) {
        let Ok(fd) = self.0.get() else { return };
        let _ = shutdown(fd, Shutdown::Write);
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

/// `true` for the error of a datagram that is longer than the system sends.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::MSGSIZE)
}

fn family(address: SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}
