//! Lines that arrive one by one at a steady rate, in a packet each over some connections.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

/// What all times within lines are counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What stands before the time within a line.
pub(crate) const SENT: &[u8] = b"sent at ";

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
        let (start, mut line) = (Instant::now(), Vec::new());
        for at in 0..self.lines {
            wait(start + Duration::from_nanos(at * 1_000_000_000 / self.rate));
            line.clear();
            line.extend_from_slice(SENT);
            let _ = write!(line, "{} us by checkout req={at:016x} status=200 ", micros());
            line.resize(199, b'.');
            line.push(b'\n');
            let stream = &mut streams[at as usize % count];
            stream.write_all(&line).expect("the collector keeps its connections");
        }
    }
}

fn wait(until: Instant) {
    while let Some(early) = until.checked_duration_since(Instant::now()) {
        // A sleep is tens of microseconds longer than it should be, and makes a burst.
        match early.checked_sub(Duration::from_micros(200)) {
            Some(long) => thread::sleep(long),
            None => std::hint::spin_loop(),
        }
    }
}

/// The time by which lines are marked.
pub(crate) fn micros() -> u64 {
    START.elapsed().as_micros() as u64
}
