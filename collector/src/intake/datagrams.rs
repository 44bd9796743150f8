//! Sockets that carry datagrams, UDP and Unix, where they differ: how large one may be, and how
//! its sender is known.

use super::drops::Drops;
use super::socket_file::SocketFile;
use crate::peer::{Peer, Process};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixAddr, recvmsg};
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::net::{UdpSocket, UnixDatagram};

/// The longest UDP datagram there is.
const UDP: usize = 64 << 10;

/// As much as a Unix socket sends at once, unless it has been given a larger buffer.
const UNIX: usize = 208 << 10;

/// What receives datagrams.
pub(crate) enum Datagrams {
    Udp(UdpSocket),
    /// One that has the kernel note who sends, with its file unless somebody else made that.
    Unix(UnixDatagram, Option<SocketFile>),
}

/// A datagram that has come.
pub(crate) struct Received {
    /// How much of the buffer it is.
    pub(crate) len: usize,
    /// How much of it found no room there.
    pub(crate) cut: usize,
    pub(crate) peer: Peer,
}

impl Datagrams {
    /// How long a datagram may be.
    pub(crate) fn longest(&self) -> usize {
        match self {
            Self::Udp(_) => UDP,
            Self::Unix(..) => UNIX,
        }
    }

    /// The kernel's count of what it drops. Where a Unix socket has no room, its sender waits.
    pub(crate) fn drops(&self) -> Option<Drops> {
        match self {
            Self::Udp(socket) => Drops::of(socket).ok(),
            Self::Unix(..) => None,
        }
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.readable().await,
            Self::Unix(socket, _) => socket.readable().await,
        }
    }

    /// Takes the next datagram into `buffer`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none.
    pub(crate) fn try_receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        match self {
            Self::Udp(socket) => {
                let (len, address) = socket.try_recv_from(buffer)?;
                Ok(Received { len, cut: 0, peer: Peer::remote(address) })
            }
            Self::Unix(socket, _) => socket.try_io(Interest::READABLE, || receive(socket, buffer)),
        }
    }

    /// Takes its name away, so that no more come.
    pub(crate) fn hide(&mut self) {
        if let Self::Unix(_, file) = self {
            *file = None;
        }
    }
}

fn receive(socket: &impl AsRawFd, buffer: &mut [u8]) -> io::Result<Received> {
    let room = buffer.len();
    let mut control = nix::cmsg_space!(nix::sys::socket::UnixCredentials);
    let mut into = [IoSliceMut::new(buffer)];
    // With TRUNC it says how long the datagram was, not how much of it there was room for.
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC | MsgFlags::MSG_CMSG_CLOEXEC;
    let fd = socket.as_raw_fd();
    let message = recvmsg::<UnixAddr>(fd, &mut into, Some(&mut control), flags)?;
    let mut process = Process::default();
    // Descriptors that come along find no room, are closed, and make it say nothing at all.
    for control in message.cmsgs().into_iter().flatten() {
        if let ControlMessageOwned::ScmCredentials(sender) = control {
            let pid = u32::try_from(sender.pid()).ok().filter(|&pid| pid > 0);
            process = Process { pid, uid: Some(sender.uid()) };
        }
    }
    let len = message.bytes.min(room);
    Ok(Received { len, cut: message.bytes - len, peer: Peer::Local(process) })
}
