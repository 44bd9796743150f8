//! The hostile suite: what anything that can open a socket may try, and a good sender meanwhile.
//! One slow, dead or hostile peer never harms the others.
//!
//! `NETLOG_HOSTILE=full`, in a release build, is by hand: a gigabyte of one line, a million
//! datagrams, ten thousand connections.

mod steady;

use crate::harness::{Collector, Dice, SOON, Scene, caller, metric, wait_until};
use std::io::{Read, Write, stderr};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use steady::{RATE, Steady, assert_served};

/// The collector stays below 256 MiB of memory, whatever senders do.
const BOUND: u64 = 256 << 20;

/// How long an attack takes at least.
const LONG: Duration = Duration::from_secs(2);

/// Whether this is by hand.
fn full() -> bool {
    std::env::var("NETLOG_HOSTILE").is_ok_and(|size| size == "full")
}

/// `few` in the tests that always run, `many` by hand.
fn size(few: usize, many: usize) -> usize {
    if full() { many } else { few }
}

/// The address of the `nth` peer, so that none has more connections than it may.
fn home(nth: usize) -> [u8; 4] {
    [127, 0, 0, 2 + u8::try_from(nth / 60).expect("some thousand peers")]
}

/// Does its worst to `to` (TCP) and `datagrams` (UDP), again and again for a while, while one good
/// sender logs at its rate and others come and go.
#[track_caller]
fn withstand(attack: impl Fn(&str, &str) + Sync) {
    withstand_for(LONG, attack);
}

#[track_caller]
fn withstand_for(long: Duration, attack: impl Fn(&str, &str) + Sync) {
    let scene = Scene::new();
    let line = "--listen udp://127.0.0.1:0 --rotate-size 0";
    let mut collector = Collector::serving(&scene, line);
    assert!(collector.listening(2), "on TCP and UDP\n{}", collector.process.stderr());
    let said = collector.process.stderr();
    let datagrams = said.lines().find_map(|line| line.strip_prefix("listening on udp://"));
    let to = collector.authority();
    let datagrams = datagrams.expect("the collector prints the address");
    let steady = Steady::start(&scene, &collector);
    let over = AtomicBool::new(false);
    let mut rounds = 0;
    let begun = Instant::now();
    let share = std::thread::scope(|scope| {
        let attacker = scope.spawn(|| {
            // Also when the attack fails, or the good senders would go on for ever.
            let _over = OnDrop(|| over.store(true, Ordering::Release));
            // Without turns, what it is served in `long` would take it a hundred times as long.
            let enough = || steady.served() >= RATE * long.as_secs();
            while begun.elapsed() < long || (!enough() && begun.elapsed() < SOON) {
                attack(to, datagrams);
            }
            let share = steady.share();
            assert!(enough(), "only {:.1} % of its rate was served", share * 100.0);
            share
        });
        while !over.load(Ordering::Acquire) || rounds == 0 {
            rounds += 1;
            scene.subject(&format!("to={to} app=good{rounds} records=2000")).succeed();
        }
        attacker.join().expect("the attack was made")
    });
    let peak = collector.process.peak_memory();
    let seconds = begun.elapsed().as_secs();
    let per_cent = share * 100.0;
    let most = peak >> 20;
    let _ = writeln!(stderr(), "served {per_cent:.1} %, {most} MiB at the peak, in {seconds} s");
    assert!(!full() || share > 0.9, "only {per_cent:.1} % of its rate was served");
    assert!(peak < BOUND, "{} MiB at the peak", peak >> 20);
    assert!(collector.process.running(), "{}", collector.process.stderr());
    assert_eq!(metric(&collector.server(), "writes_failed"), 0);
    let said = collector.process.stderr();
    assert!(!said.contains("panicked"), "{said}");
    assert_served(collector, steady.finish(), rounds);
}

/// Does something when it goes out of scope.
pub(crate) struct OnDrop<F: Fn()>(pub(crate) F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// Writes `bytes` again and again, and waits until all is taken; it is fine to be refused.
fn pour(to: &str, bytes: &[u8], times: usize) {
    let mut peer = caller([127, 0, 0, 2], to);
    for _ in 0..times {
        if peer.write_all(bytes).is_err() {
            return;
        }
    }
    let _ = peer.shutdown(Shutdown::Write);
    let _ = peer.read(&mut [0]);
}

#[test]
fn a_line_that_never_ends() {
    withstand(|to, _| pour(to, &[b'x'; 64 << 10], size(1 << 10, 1 << 14)));
}

#[test]
fn a_byte_now_and_then_from_everywhere() {
    withstand(|to, _| {
        let count = size(300, 9000);
        let mut peers: Vec<_> = (0..count).map(|nth| caller(home(nth), to)).collect();
        for _ in 0..size(3, 20) {
            let second = Instant::now() + Duration::from_millis(size(100, 1000) as u64);
            peers.retain_mut(|peer| peer.write_all(b"y").is_ok());
            wait_until(Duration::from_secs(2), || Instant::now() >= second);
        }
        assert_eq!(peers.len(), count, "slow is not refused");
    });
}

#[test]
fn idle_connections_cost_little() {
    // Without optimisation a task is larger than it is in a release.
    let most = if cfg!(debug_assertions) { 2200 } else { 2048 };
    let scene = Scene::new();
    let count = size(2000, 10_000);
    let collector = Collector::serving(&scene, "");
    // What it takes once.
    drop((0..100).map(|nth| caller(home(nth), collector.authority())).collect::<Vec<_>>());
    let open = || metric(&collector.server(), "connections_opened");
    assert!(wait_until(SOON, || metric(&collector.server(), "connections_closed") == 100));
    let before = collector.process.own_memory();
    let mut peers = Vec::new();
    // A few at a time: what waits for the file takes memory too.
    while peers.len() < count {
        let some = peers.len()..(peers.len() + 50).min(count);
        peers.extend(some.clone().map(|nth| caller(home(nth), collector.authority())));
        for peer in &mut peers[some] {
            peer.write_all(b"one\n").expect("the collector reads");
        }
        collector.wait_for(peers.len());
    }
    assert!(wait_until(SOON, || open() == 100 + count as u64));
    let each = collector.process.own_memory().saturating_sub(before) / count as u64;
    let _ = writeln!(stderr(), "{each} bytes for each of {count} connections");
    assert!(each <= most, "{each} bytes for each of {count} connections");
}

#[test]
fn connections_that_are_reset_as_soon_as_they_are_there() {
    withstand(|to, _| {
        for nth in 0..size(2000, 50_000) {
            let mut peer = caller(home(nth % 9000), to);
            let _ = peer.write_all(b"half a li");
            let linger = Some(Duration::ZERO);
            rustix::net::sockopt::set_socket_linger(&peer, linger).expect("an option");
        }
    });
}

#[test]
fn datagrams_without_number() {
    withstand(|_, to| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        for _ in 0..size(20_000, 1_000_000) {
            let _ = socket.send_to(b"z", to);
        }
    });
}

#[test]
fn parts_of_messages_without_number() {
    withstand(|_, to| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        for id in 0..size(5000, 200_000) as u64 {
            let mut part = b"\x1e\x0f".to_vec();
            part.extend_from_slice(&id.to_be_bytes());
            part.extend_from_slice(&[(id % 127) as u8, 128]);
            part.resize(8000, b'x');
            let _ = socket.send_to(&part, to);
        }
    });
}

#[test]
fn a_kilobyte_that_unpacks_to_a_megabyte() {
    use flate2::{Compression, read::GzEncoder, read::ZlibEncoder};
    let nothing = vec![b'0'; 10 << 20];
    let mut gzip = Vec::new();
    let mut zlib = vec![b'z'];
    GzEncoder::new(&nothing[..], Compression::best()).read_to_end(&mut gzip).expect("memory");
    ZlibEncoder::new(&nothing[..], Compression::best()).read_to_end(&mut zlib).expect("memory");
    withstand(|to, datagrams| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        let framed = [format!("{} ", zlib.len()).as_bytes(), &zlib].concat();
        for _ in 0..size(100, 5000) {
            let _ = socket.send_to(&gzip, datagrams);
            let _ = socket.send_to(&zlib[1..], datagrams);
        }
        pour(to, &framed, size(100, 5000));
    });
}

#[test]
fn bytes_that_are_nothing_anybody_speaks() {
    withstand(|to, _| {
        let times = size(20, 1000);
        let mut dice = Dice::new(7, "bytes");
        let noise: Vec<u8> = (0..64 << 10).map(|_| dice.next() as u8).collect();
        let deep = "{\"a\":[".repeat(50_000) + "\n";
        let shallow = "{\"a\":".repeat(63) + "1" + &"}".repeat(63) + "\n";
        pour(to, deep.as_bytes(), times);
        pour(to, shallow.repeat(100).as_bytes(), times);
        pour(to, &[b"text ", &noise[..], b"\n"].concat(), times);
        pour(to, &noise, times);
        pour(to, b"\xff\xfe\xc0\x80\xed\xa0\x80\xf5\n".repeat(5000).as_slice(), times);
        pour(to, b"99999999999999999999 <13>1 - - - - - - x\n".repeat(1000).as_slice(), times);
        pour(to, b"00000000000000000012 <13>1 - one ".repeat(1000).as_slice(), times);
        pour(to, &[0; 64 << 10], times);
        pour(to, b"{\"netlog\":1,\"next\":1}\n", 1);
    });
}

#[test]
fn half_a_handshake_of_something_else() {
    withstand(|to, _| {
        let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
        let peers: Vec<TcpStream> = (0..size(200, 900))
            .map(|nth| {
                let mut peer = caller(home(nth), to);
                let _ = peer.write_all(&hello[..1 + nth % hello.len()]);
                peer
            })
            .collect();
        for mut peer in &peers {
            let _ = peer.write_all(b"\x00");
        }
    });
}

#[test]
fn half_lines_as_long_as_they_may_be_from_everywhere() {
    // By hand, so long that what piles up while all come at once is taken before the end.
    let long = if full() { Duration::from_secs(15) } else { LONG };
    withstand_for(long, |to, _| {
        let half = vec![b'h'; 60 << 10];
        let peers: Vec<_> = (0..size(300, 9000)).map(|nth| caller(home(nth), to)).collect();
        for mut peer in &peers {
            peer.set_nonblocking(true).expect("an option");
            let _ = peer.write(&half);
        }
    });
}
