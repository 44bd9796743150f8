//! Endpoints that are no collector: nobody at all, and a peer that accepts and never reads.

use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

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
