//! Connections that are held open and say nothing, and the descriptors they take.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use std::io::Read;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};

/// Ten thousand connections, as many tails, and files.
const FILES: u64 = 100_000;

/// Opens idle connections, a thousand from one address, and waits until the collector has taken
/// them all.
pub(crate) fn hold(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut held: Vec<TcpStream> = (0..count).map(|at| connect(address, at)).collect();
    // They are taken in their order: when the end of one more is answered, the others are taken.
    let last = connect(address, count);
    last.shutdown(Shutdown::Write).expect("it can be half-closed");
    let answered = (&last).read(&mut [0]);
    assert!(matches!(answered, Ok(0)), "the collector has taken it: {answered:?}");
    held.retain(|connection| connection.peer_addr().is_ok());
    held
}

fn connect(address: SocketAddr, at: usize) -> TcpStream {
    let host = u8::try_from(1 + at / 1000).expect("there are not so many connections");
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 1, host), 0));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&from.into()).expect("all of 127.0.0.0/8 is this machine's");
    socket.connect(&address.into()).expect("the collector takes connections");
    socket.into()
}

/// Lets this process and its children open as many files as a crowd needs, or as many as they may.
pub(crate) fn raise_files() {
    let wanted = Some(FILES.max(getrlimit(Resource::Nofile).maximum.unwrap_or(FILES)));
    if setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum: wanted }).is_err() {
        let limit = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
}
