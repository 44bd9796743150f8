//! Sockets that carry datagrams, UDP and Unix, where they differ: how large one may be, and how
//! its sender is known.

use super::kernel_drops::KernelDrops;
use super::socket_file::SocketFile;
use crate::senders::peer::{Peer, Process};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, UnixAddr, recvmmsg, recvmsg,
};
use std::array;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::Range;
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::net::{UdpSocket, UnixDatagram};

/// The longest UDP datagram there is.
const UDP: usize = 64 << 10;

/// UDP datagrams that one system call takes, where as many wait. That costs a fifth less than
/// to ask for each; more at once gain little.
const AT_ONCE: usize = 16;

/// As much as a Unix socket sends at once, unless it has been given a larger buffer.
const UNIX: usize = 208 << 10;

/// A socket that receives datagrams.
pub(crate) enum DatagramSocket {
    Udp(UdpSocket),
    /// One that has the kernel note who sends, with its file unless somebody else made that.
    Unix(UnixDatagram, Option<SocketFile>),
}

/// A datagram that has come.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedDatagram {
    /// Its place in the buffer.
    pub(crate) place: Range<usize>,
    /// Bytes of it that found no room there.
    pub(crate) cut: usize,
    pub(crate) peer: Peer,
}

impl DatagramSocket {
    /// Room for the datagrams that are taken at once.
    pub(crate) fn room(&self) -> usize {
        match self {
            Self::Udp(_) => AT_ONCE * UDP,
            Self::Unix(..) => UNIX,
        }
    }

    /// The kernel's count of what it drops. Where a Unix socket has no room, its sender waits.
    pub(crate) fn drops(&self) -> Option<KernelDrops> {
        match self {
            Self::Udp(socket) => KernelDrops::of(socket).ok(),
            Self::Unix(..) => None,
        }
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.readable().await,
            Self::Unix(socket, _) => socket.readable().await,
        }
    }

    /// Takes the next datagrams into `buffer`, and adds them to `received`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there are none.
    pub(crate) fn try_receive(
        &self,
        buffer: &mut [u8],
        received: &mut Vec<ReceivedDatagram>,
    ) -> io::Result<()> {
        match self {
            Self::Udp(socket) => {
                let receive = || receive_some(socket, buffer, received);
                socket.try_io(Interest::READABLE, receive)
            }
            Self::Unix(socket, _) => {
                let one = socket.try_io(Interest::READABLE, || receive(socket, buffer))?;
                received.push(one);
                Ok(())
            }
        }
    }

    /// Takes its name away, so that no more come.
    pub(crate) fn hide(&mut self) {
        if let Self::Unix(_, file) = self {
            *file = None;
        }
    }
}

fn receive_some(
    socket: &impl AsRawFd,
    buffer: &mut [u8],
    received: &mut Vec<ReceivedDatagram>,
) -> io::Result<()> {
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(AT_ONCE, None);
    let mut rest = buffer.chunks_exact_mut(UDP);
    let mut places: [_; AT_ONCE] =
        array::from_fn(|_| [IoSliceMut::new(rest.next().unwrap_or_default())]);
    let fd = socket.as_raw_fd();
    let messages = recvmmsg(fd, &mut headers, &mut places, MsgFlags::MSG_DONTWAIT, None)?;
    for (at, message) in messages.enumerate() {
        let Some(address) = message.address.as_ref().and_then(address) else { continue };
        let place = at * UDP..at * UDP + message.bytes;
        received.push(ReceivedDatagram { place, cut: 0, peer: Peer::remote(address) });
    }
    Ok(())
}

fn address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddrV4::from(*v4).into());
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into()))
}

fn receive(socket: &impl AsRawFd, buffer: &mut [u8]) -> io::Result<ReceivedDatagram> {
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
    Ok(ReceivedDatagram { place: 0..len, cut: message.bytes - len, peer: Peer::Local(process) })
}
