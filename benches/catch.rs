//! The least any collector of datagrams does: one thread that receives as many as wait with one
//! system call, ends each with a line end, and appends them to a file.

use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg};
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_recv_buffer_size_force};
use std::fs::File;
use std::io::{IoSliceMut, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::path::Path;

/// The longest datagram there is, and how many are taken at once.
const LONGEST: usize = 64 << 10;
const AT_ONCE: usize = 64;

/// What may wait in the kernel: as much as in front of the others.
const WAITING: usize = 8 << 20;

/// Appends to `file` what comes to an address, until killed.
pub(crate) fn run(file: &Path, address: SocketAddr) -> std::io::Result<()> {
    let socket = UdpSocket::bind(address)?;
    if set_socket_recv_buffer_size_force(&socket, WAITING).is_err() {
        set_socket_recv_buffer_size(&socket, WAITING)?;
    }
    eprintln!("listening on udp://{}", socket.local_addr()?);
    let mut file = File::options().create(true).append(true).open(file)?;
    let (mut buffer, mut out) = (vec![0; AT_ONCE * LONGEST], Vec::with_capacity(1 << 20));
    let mut headers = MultiHeaders::<()>::preallocate(AT_ONCE, None);
    loop {
        let places = buffer.chunks_exact_mut(LONGEST).map(|place| [IoSliceMut::new(place)]);
        let mut places: Vec<_> = places.collect();
        let flags = MsgFlags::MSG_WAITFORONE;
        let messages = recvmmsg(socket.as_raw_fd(), &mut headers, &mut places, flags, None)?;
        let lengths: Vec<usize> = messages.map(|message| message.bytes).collect();
        out.clear();
        for (place, length) in buffer.chunks_exact(LONGEST).zip(lengths) {
            out.extend_from_slice(&place[..length]);
            out.push(b'\n');
        }
        file.write_all(&out)?;
    }
}
