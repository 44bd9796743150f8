//! Sockets that carry streams, TCP with TLS or without and Unix, where they differ: how a peer comes in, and what it
//! sees when the collector dies.

use super::socket_file::SocketFile;
use crate::senders::peer::{Peer, Process};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use socket2::SockRef;
use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

mod replayed;
mod tls;
mod unix_linger;

pub(super) use replayed::ReplayedStream;
pub(super) use tls::TlsConnection;
use unix_linger::UnixLinger;

/// A socket that accepts connections.
pub(crate) enum StreamListener {
    Tcp(TcpListener),
    /// Whose connections begin with a handshake.
    Tls(TcpListener),
    /// With its file, unless somebody else has made that for us.
    Unix(UnixListener, Option<SocketFile>),
}

impl StreamListener {
    pub(crate) async fn accept(&self) -> io::Result<(PeerStream, Peer)> {
        match self {
            Self::Tcp(listener) | Self::Tls(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((PeerStream::Tcp(stream), Peer::remote(address)))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                let peer = process(&stream);
                Ok((PeerStream::Unix(stream, UnixLinger::default()), Peer::Local(peer)))
            }
        }
    }

    /// Takes its name away, so that no more come, while those that did can still be accepted.
    pub(crate) fn hide(&mut self) {
        if let Self::Unix(_, file) = self {
            *file = None;
        }
    }
}

fn process(stream: &UnixStream) -> Process {
    let Ok(credentials) = stream.peer_cred() else { return Process::default() };
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|&pid| pid > 0);
    Process { pid, uid: Some(credentials.uid()) }
}

/// A connection.
pub(crate) enum PeerStream {
    Tcp(TcpStream),
    Tls(TlsConnection),
    Unix(UnixStream, UnixLinger),
}

impl PeerStream {
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Tls(stream) => stream.write(bytes),
            Self::Unix(stream, _) => stream.try_write(bytes),
        }
    }

    /// Reads into `buffer` and returns the place of the bytes in it, an empty one at the end of the
    /// stream; `None` when nothing has come.
    pub(crate) fn poll_fetch(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> io::Result<Option<Range<usize>>> {
        match self {
            Self::Tcp(stream) => {
                let mut buffer = ReadBuf::new(buffer);
                match Pin::new(stream).poll_read(context, &mut buffer) {
                    Poll::Pending => Ok(None),
                    Poll::Ready(read) => read.map(|()| Some(0..buffer.filled().len())),
                }
            }
            Self::Tls(stream) => {
                nothing_if_would_block(stream.read(buffer, false).map(|len| 0..len))
            }
            Self::Unix(stream, hold) => {
                let fetched = stream.try_io(Interest::READABLE, || hold.fetch(stream, buffer));
                nothing_if_would_block(fetched)
            }
        }
    }

    /// The same past tokio, which only knows of what came before it last asked the kernel.
    pub(crate) fn fetch(&mut self, buffer: &mut [u8]) -> io::Result<Option<Range<usize>>> {
        nothing_if_would_block(match self {
            Self::Tcp(stream) => {
                let received = rustix::net::recv(stream, buffer, RecvFlags::DONTWAIT);
                received.map(|(_, len)| 0..len).map_err(Errno::into)
            }
            Self::Tls(stream) => stream.read(buffer, true).map(|len| 0..len),
            Self::Unix(stream, hold) => hold.fetch(stream, buffer),
        })
    }

    /// Ready when there is something to read; the task is woken then.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(context),
            Self::Tls(stream) => stream.poll_readable(context),
            Self::Unix(stream, _) => stream.poll_read_ready(context),
        }
    }

    /// Ready when there is room to write; the task is woken then.
    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(context),
            Self::Tls(stream) => stream.tcp.poll_write_ready(context),
            Self::Unix(stream, _) => stream.poll_write_ready(context),
        }
    }

    /// Waits until something can be read. It takes no memory to wait so, and only one may.
    pub(crate) fn readable(&self) -> impl Future<Output = io::Result<()>> {
        poll_fn(|context| self.poll_readable(context))
    }

    /// Waits until something can be written, as [`Self::readable`] does.
    pub(crate) fn writable(&self) -> impl Future<Output = io::Result<()>> {
        poll_fn(|context| self.poll_writable(context))
    }

    /// Reads what is not wanted any more.
    pub(crate) fn discard(&mut self, scrap: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(scrap),
            Self::Tls(stream) => stream.read(scrap, false),
            Self::Unix(stream, _) => stream.try_read(scrap),
        }
    }

    /// Whatever ends us before we say otherwise, a kill or a failed sink: the peer sees a reset.
    pub(crate) fn reset_at_death(&self) {
        match self {
            Self::Tcp(stream) => {
                let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
            }
            Self::Tls(stream) => {
                let _ = SockRef::from(&stream.tcp).set_linger(Some(Duration::ZERO));
            }
            // What is held sees to it.
            Self::Unix(..) => {}
        }
    }

    /// Has the connection end as a connection does. To a plain peer, which is told nothing else,
    /// this says that all it sent is kept, and so it must not be said by dying.
    pub(crate) fn close_in_order(&mut self) {
        match self {
            Self::Tcp(stream) => {
                let _ = SockRef::from(&*stream).set_linger(None);
            }
            Self::Tls(stream) => stream.close_in_order(),
            Self::Unix(stream, hold) => hold.release(stream),
        }
    }

    /// Says that nothing more will be said.
    pub(crate) fn half_close(&mut self) {
        let _ = match self {
            Self::Tcp(stream) => SockRef::from(&*stream).shutdown(Shutdown::Write),
            Self::Tls(stream) => stream.half_close(),
            Self::Unix(stream, _) => SockRef::from(&*stream).shutdown(Shutdown::Write),
        };
    }
}

fn nothing_if_would_block(fetched: io::Result<Range<usize>>) -> io::Result<Option<Range<usize>>> {
    match fetched {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        fetched => fetched.map(Some),
    }
}
