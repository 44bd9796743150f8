//! Endpoints that are no collector: nobody at all, and a peer that accepts and never reads.

use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

fn listener() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback is free")
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a bound socket has an address")
}

/// An address where nobody listens.
pub(crate) fn absent() -> SocketAddr {
    address(&listener())
}

/// The address of a peer that accepts and never reads, as long as this process lives. It takes as
/// little as the kernel lets it before its window closes.
pub(crate) fn stalled() -> SocketAddr {
    let listener = listener();
    set_socket_recv_buffer_size(&listener, 4096).expect("a socket has a receive buffer");
    let address = address(&listener);
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    address
}

/// The address of a peer that welcomes, reads and acks, and keeps nothing.
pub(crate) fn reading() -> SocketAddr {
    let listener = listener();
    let address = address(&listener);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || read(stream));
        }
    });
    address
}

fn read(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    stream.write_all(b"{\"netlog\":1,\"ack\":0}\n")?;
    let mut lines = 0;
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        lines += memchr::memchr_iter(b'\n', &buffer[..count]).count();
        // The first line was the hello.
        stream.write_all(format!("{{\"ack\":{}}}\n", lines.saturating_sub(1)).as_bytes())?;
    }
}
