//! Other ends of a connection that are no collector: a reader, a port kept free, `nc`.

use super::{Child, SOON, Watched};
use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, connect, getsockname, socket_with, sockopt,
};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::Duration;

/// A port on which nobody listens until a test lets somebody: nobody else is given it.
pub(crate) struct Port {
    _held: OwnedFd,
    address: SocketAddr,
}

impl Port {
    pub(crate) fn reserve() -> Self {
        let held = tcp_socket();
        // A bound socket that does not listen: who asks to share the address may listen on it.
        sockopt::set_socket_reuseaddr(&held, true).expect("the address can be shared");
        bind(&held, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port is free");
        let address = getsockname(&held).expect("a bound socket has an address");
        let address = address.try_into().expect("it is an IPv4 address");
        Self { _held: held, address }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }
}

/// Takes connections and keeps what comes; says nothing.
pub(crate) struct Peer {
    address: SocketAddr,
    heard: Watched<Vec<u8>>,
    slow: Watched<bool>,
}

impl Peer {
    pub(crate) fn start() -> Self {
        Self::reading(false)
    }

    /// One that reads some 4 MB a second, and nothing more after the first 4 MB, until told to hurry.
    pub(crate) fn slow() -> Self {
        Self::reading(true)
    }

    fn reading(reading_slowly: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let peer = Self { address, heard: Watched::default(), slow: Watched::default() };
        peer.slow.change(|slow| *slow = reading_slowly);
        let heard = peer.heard.clone();
        let slow = peer.slow.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = heard.clone();
                let slow = slow.clone();
                std::thread::spawn(move || keep(stream, &heard, &slow));
            }
        });
        peer
    }

    pub(crate) fn hurry(&self) {
        self.slow.change(|slow| *slow = false);
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock()).into_owned()
    }

    /// Waits until `words` have come, and answers all that has.
    pub(crate) fn hears(&self, words: &str) -> String {
        let came = self.heard.wait(SOON, |heard| String::from_utf8_lossy(heard).contains(words));
        assert!(came, "{words:?} did not come, but\n{}", self.text());
        self.text()
    }
}

fn keep(mut stream: TcpStream, heard: &Watched<Vec<u8>>, slow: &Watched<bool>) {
    let mut buffer = [0; 8192];
    let mut left = 4 << 20;
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        heard.change(|heard| heard.extend_from_slice(&buffer[..count]));
        left -= count.min(left);
        let pause = if left > 0 { Duration::from_millis(2) } else { Duration::from_secs(3600) };
        slow.wait(pause, |slow| !slow);
    }
}

/// Says `bytes` to `address`, closes its half and answers whatever came back until the other side
/// closed too.
pub(crate) fn speak(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    stream.write_all(bytes).expect("the other side reads");
    stream.shutdown(Shutdown::Write).expect("the connection is open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the other side closes");
    answer
}

/// A TCP socket that no program keeps open which another test starts meanwhile.
pub(crate) fn tcp_socket() -> OwnedFd {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    socket.expect("a socket")
}

/// A connection from the address `ip` of this machine to `authority`.
pub(crate) fn caller(ip: [u8; 4], authority: &str) -> TcpStream {
    let to: SocketAddr = authority.parse().expect("an address");
    let socket = tcp_socket();
    bind(&socket, &SocketAddr::from((ip, 0))).expect("an address of this machine");
    connect(&socket, &to).expect("somebody listens");
    socket.into()
}

/// The real netcat, fed with `input`, as somebody at a terminal would use it.
pub(crate) fn nc(args: &[&str], input: &[u8]) -> Child {
    let mut child = Child::start(Command::new("nc").args(args));
    child.feed(input);
    child
}

/// A socket that datagrams can be sent to.
pub(crate) fn udp_peer(address: &str) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(address).expect("the address is free");
    socket.set_read_timeout(Some(SOON)).expect("a limit");
    let address = socket.local_addr().expect("a bound socket has an address");
    (socket, address)
}
