//! A connection as the worker uses it, encrypted or not.

use crate::socket::{PollFlags, Socket};
#[cfg(feature = "tls")]
use crate::tls::TlsStream;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A connection that never blocks.
pub(crate) enum Connection {
    Plain(Socket),
    #[cfg(feature = "tls")]
    Tls(TlsStream),
}

impl Connection {
    /// Address of the other side; `None` for a Unix socket.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Plain(socket) => socket.peer(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.peer(),
        }
    }

    /// Sends bytes. After a `WouldBlock` the same bytes have to be sent again.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.send(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.send(bytes),
        }
    }

    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.receive(buffer),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.receive(buffer),
        }
    }

    /// Waits for `events` up to `limit`; `true` if one of them, or an error, is there.
    pub(super) fn poll(&self, events: PollFlags, limit: Duration) -> io::Result<bool> {
        match self {
            Self::Plain(socket) => socket.poll(events, limit),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.poll(events, limit),
        }
    }

    /// Half-closes, and reads on for up to `limit` until the other side has closed too.
    pub(super) fn close(self, limit: Duration) {
        match self {
            Self::Plain(socket) => socket.close(limit),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.close(limit),
        }
    }
}
