//! Sockets that carry datagrams, UDP and Unix, where they differ: how large one may be, and how
//! its sender is known.

use super::kernel_drops::KernelDrops;
use super::socket_file::SocketFile;
use crate::senders::peer::{Peer, Process};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, UnixAddr, UnixCredentials,
    recvmmsg, recvmsg,
};
use std::array;
use std::cell::RefCell;
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

thread_local! {
    /// Room for what the kernel says of datagrams: of IPv4 and of IPv6, since it notes there how
    /// long an address was, and of Unix sockets.
    static HEADERS: RefCell<[MultiHeaders<SockaddrStorage>; 2]> =
        RefCell::new(array::from_fn(|_| MultiHeaders::preallocate(AT_ONCE, None)));
    static CONTROL: RefCell<Vec<u8>> = RefCell::new(nix::cmsg_space!(UnixCredentials));
}

fn receive_some(
    socket: &UdpSocket,
    buffer: &mut [u8],
    received: &mut Vec<ReceivedDatagram>,
) -> io::Result<()> {
    let family = usize::from(socket.local_addr()?.is_ipv6());
    HEADERS.with_borrow_mut(|headers| receive_with(&mut headers[family], socket, buffer, received))
}

fn receive_with(
    headers: &mut MultiHeaders<SockaddrStorage>,
    socket: &impl AsRawFd,
    buffer: &mut [u8],
    received: &mut Vec<ReceivedDatagram>,
) -> io::Result<()> {
    let mut rest = buffer.chunks_exact_mut(UDP);
    let mut places: [_; AT_ONCE] =
        array::from_fn(|_| [IoSliceMut::new(rest.next().unwrap_or_default())]);
    let fd = socket.as_raw_fd();
    let messages = recvmmsg(fd, headers, &mut places, MsgFlags::MSG_DONTWAIT, None)?;
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
    CONTROL.with_borrow_mut(|control| receive_one(control, socket, buffer))
}

fn receive_one(
    control: &mut [u8],
    socket: &impl AsRawFd,
    buffer: &mut [u8],
) -> io::Result<ReceivedDatagram> {
    let room = buffer.len();
    let mut into = [IoSliceMut::new(buffer)];
    // With TRUNC it says how long the datagram was, not how much of it there was room for.
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC | MsgFlags::MSG_CMSG_CLOEXEC;
    let fd = socket.as_raw_fd();
    let message = recvmsg::<UnixAddr>(fd, &mut into, Some(control), flags)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram as StdUnixDatagram;

    /// Receives twice, and answers the allocations of the second time and the peers.
    async fn received_again(socket: &DatagramSocket, send: impl Fn()) -> (u64, Vec<Peer>) {
        let mut buffer = vec![0; socket.room()];
        let mut received = Vec::with_capacity(4 * AT_ONCE);
        let mut allocated = 0;
        for _ in 0..2 {
            (0..AT_ONCE).for_each(|_| send());
            received.clear();
            allocated = 0;
            while received.len() < AT_ONCE {
                socket.readable().await.unwrap();
                let seen = allocation_counter::measure(|| {
                    let _ = socket.try_receive(&mut buffer, &mut received);
                });
                allocated += seen.count_total;
            }
        }
        (allocated, received.iter().map(|datagram| datagram.peer).collect())
    }

    #[tokio::test]
    async fn to_receive_datagrams_costs_no_allocation() {
        for address in ["127.0.0.1:0", "[::1]:0", "127.0.0.1:0"] {
            let Ok(socket) = UdpSocket::bind(address).await else { continue };
            let sender = std::net::UdpSocket::bind(address).unwrap();
            let to = socket.local_addr().unwrap();
            let send = || assert_eq!(sender.send_to(b"a line", to).unwrap(), 6);
            let (allocated, peers) = received_again(&DatagramSocket::Udp(socket), send).await;
            let peer = Peer::remote(sender.local_addr().unwrap());
            assert_eq!((allocated, peers), (0, vec![peer; AT_ONCE]), "{address}");
        }
        let (socket, sender) = StdUnixDatagram::pair().unwrap();
        socket.set_nonblocking(true).unwrap();
        nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::PassCred, &true).unwrap();
        let socket = DatagramSocket::Unix(UnixDatagram::from_std(socket).unwrap(), None);
        let send = || assert_eq!(sender.send(b"a line").unwrap(), 6);
        // A socket that holds fewer than are sent would wait.
        let (allocated, peers) = received_again(&socket, send).await;
        let process =
            Process { pid: Some(std::process::id()), uid: Some(nix::unistd::getuid().as_raw()) };
        assert_eq!((allocated, peers), (0, vec![Peer::Local(process); AT_ONCE]));
    }
}
