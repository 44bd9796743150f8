//! Lines that arrive one by one at a steady rate: in a packet each over some connections, or as
//! datagrams. And a tail that says how old each is when it comes out.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::LazyLock;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What all times within lines are counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What stands before the time within a line.
const SENT: &[u8] = b"sent at ";

/// A steady stream of single lines.
#[derive(Clone, Copy)]
pub(crate) struct Trickle {
    /// How many a second.
    pub(crate) rate: u64,
    /// How many in all.
    pub(crate) lines: u64,
}

impl Trickle {
    /// Sends a line at a time over `count` connections to `address` in turn, and closes them.
    pub(crate) fn packets(self, address: SocketAddr, count: usize) {
        let connect = |_| {
            let stream = TcpStream::connect(address).expect("the collector accepts");
            stream.set_nodelay(true).expect("a connection can be told not to wait");
            stream
        };
        let mut streams: Vec<TcpStream> = (0..count).map(connect).collect();
        self.each(|at, line| {
            let stream = &mut streams[at as usize % count];
            stream.write_all(line).expect("the collector keeps its connections");
        });
    }

    /// Sends a datagram at a time to `address`.
    pub(crate) fn datagrams(self, address: SocketAddr) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback is free");
        // What the receiver has no room for is lost there, and told; here nothing is.
        self.each(|_, line| {
            socket.send_to(line, address).expect("loopback takes it");
        });
    }

    fn each(self, mut send: impl FnMut(u64, &[u8])) {
        let (start, mut line) = (Instant::now(), Vec::new());
        let due = |at: u64| start + Duration::from_nanos(at * 1_000_000_000 / self.rate);
        for at in 0..self.lines {
            while let Some(early) = due(at).checked_duration_since(Instant::now()) {
                // A sleep is tens of microseconds longer than it should be, and makes a burst.
                match early.checked_sub(Duration::from_micros(200)) {
                    Some(long) => thread::sleep(long),
                    None => std::hint::spin_loop(),
                }
            }
            line.clear();
            line.extend_from_slice(SENT);
            let _ = write!(line, "{} us by checkout req={at:016x} status=200 ", micros());
            line.resize(199, b'.');
            line.push(b'\n');
            send(at, &line);
        }
    }
}

fn micros() -> u64 {
    START.elapsed().as_micros() as u64
}

/// A reader of a collector's tail, in a thread of its own, until the collector ends.
pub(crate) struct Tail(JoinHandle<Vec<u64>>);

impl Tail {
    /// Begins to read at `address`, from the next record on.
    pub(crate) fn at(address: SocketAddr) -> Self {
        LazyLock::force(&START);
        let mut stream = TcpStream::connect(address).expect("the collector serves");
        let request = format!("GET /tail?n=0 HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request can be made");
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("it is answered");
        assert!(head.ends_with(b"200"), "{}", String::from_utf8_lossy(&head));
        Self(thread::spawn(move || read(stream)))
    }

    /// Once the collector has ended: the microseconds each line took to come out, in order of size.
    pub(crate) fn ages(self) -> Vec<u64> {
        let mut ages = self.0.join().expect("the tail is read");
        ages.sort_unstable();
        ages
    }
}

fn read(mut stream: TcpStream) -> Vec<u64> {
    let (mut ages, mut buffer, mut kept) = (Vec::new(), vec![0; 1 << 20], 0);
    let finder = memchr::memmem::Finder::new(SENT);
    while let Ok(count @ 1..) = stream.read(&mut buffer[kept..]) {
        let (now, text) = (micros(), &buffer[..kept + count]);
        let whole = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
        for at in finder.find_iter(&text[..whole]) {
            let digits = text[at + SENT.len()..].iter().take_while(|byte| byte.is_ascii_digit());
            let sent = digits.fold(0, |sent, digit| sent * 10 + u64::from(digit - b'0'));
            ages.push(now.saturating_sub(sent));
        }
        kept = text.len() - whole;
        buffer.copy_within(whole..whole + kept, 0);
    }
    ages
}
