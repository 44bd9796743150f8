//! What few bytes may become: records and bytes in the file for each byte received, of the inputs that
//! become the most.

use crate::harness::{Collector, Dice, SOON, Scene, metric, wait_until};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use std::io::{Write, stderr};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;

/// The most bytes in the file for each byte received, as the input grows. A record of an empty line
/// has a time, a level and a host.
const BYTES: u64 = 130;

/// What comes back at once from a datagram or a message that is only a few bytes.
const ONCE: u64 = 70 << 10;

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text).expect("memory");
    packed.finish().expect("memory")
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text).expect("memory");
    packed.finish().expect("memory")
}

fn stream(to: &str, bytes: &[u8]) {
    let mut peer = TcpStream::connect(to).expect("it listens");
    peer.write_all(bytes).expect("it reads");
    peer.shutdown(Shutdown::Write).expect("it is open");
    let _ = std::io::copy(&mut peer, &mut std::io::sink());
}

fn counted(packed: &[u8]) -> Vec<u8> {
    [format!("{} ", packed.len()).as_bytes(), packed].concat()
}

fn post(path: &str, kind: &str, encoding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{encoding}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A message of each kind, as often as it is sent, and its way.
enum Input {
    Tcp(Vec<u8>),
    Udp(Vec<u8>),
    Unixgram(Vec<u8>),
}

fn inputs() -> Vec<(&'static str, Input)> {
    let lines = b"a\n".repeat(8 << 10);
    let syslog = b"<0>\n".repeat(8 << 10);
    let objects = b"{}\n".repeat(8 << 10);
    let array = [b"[".as_slice(), &b"{},".repeat(8 << 10), b"{}]\n"].concat();
    // Text that compresses by less than is allowed, and has a record every two bytes.
    let mut dice = Dice::new(1, "letters");
    let letters: Vec<u8> = (0..8 << 10).flat_map(|_| [b'a' + dice.of(0..4) as u8, b'\n']).collect();
    let gelf = br#"{"version":"1.1","short_message":"a"}"#.repeat(400);
    let gz = "Content-Encoding: gzip\r\n";
    let text = "text/plain";
    let long = zlib(&vec![b'a'; 1 << 20]);
    vec![
        ("datagram, zlib of lines", Input::Udp(zlib(&lines))),
        ("datagram, gzip of letters", Input::Udp(gzip(&letters))),
        ("datagram, zlib of syslog", Input::Udp(zlib(&syslog))),
        ("datagram, zlib of objects", Input::Udp(zlib(&objects))),
        ("datagram, zlib of an array", Input::Udp(zlib(&array))),
        ("datagram, zlib of GELF", Input::Udp(zlib(&gelf))),
        ("datagram, zlib of a line of 1 MiB", Input::Udp(long)),
        ("unix datagram, zlib of lines", Input::Unixgram(zlib(&lines))),
        ("stream, counted zlib of lines", Input::Tcp(counted(&zlib(&lines)).repeat(20))),
        ("request, gzip of lines", Input::Tcp(post("/", text, gz, &gzip(&lines)))),
        ("stream, lines of one byte", Input::Tcp(b"a\n".repeat(20_000))),
        ("stream, priorities", Input::Tcp(b"<0>\n".repeat(20_000))),
    ]
}

#[test]
fn of_the_twelve_worst_inputs_none_becomes_more_than_it_may() {
    let scene = Scene::new();
    let path = scene.path("in.sock");
    let line = format!(
        "--listen udp://127.0.0.1:0 --listen unixgram://{} --rotate-size 0",
        path.display()
    );
    let collector = Collector::serving(&scene, &line);
    let server = collector.server();
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let unix = UnixDatagram::unbound().expect("a socket");
    let now = || ["bytes_in", "records_written", "bytes_written"].map(|name| metric(&server, name));
    let mut out = stderr();
    let _ = writeln!(out, "{:<36}{:>9}{:>10}{:>11}{:>10}", "", "bytes in", "records", "bytes", "x");
    let mut over = Vec::new();
    for (name, input) in inputs() {
        let before = now();
        let sent = match &input {
            Input::Tcp(bytes) => {
                stream(collector.authority(), bytes);
                bytes.len()
            }
            Input::Udp(bytes) => udp.send_to(bytes, collector.at("udp")).expect("it listens"),
            Input::Unixgram(bytes) => unix.send_to(bytes, &path).expect("it listens"),
        } as u64;
        // A stream is closed once all of it is written, or a request refused.
        let written = || matches!(input, Input::Tcp(_)) || now()[1] > before[1];
        assert!(wait_until(SOON, written), "{name}: nothing was written");
        stream(collector.authority(), b"marker\n");
        let after = now();
        let [records, bytes] = [1, 2].map(|at| after[at] - before[at]);
        let times = bytes as f64 / sent as f64;
        let _ = writeln!(out, "{name:<36}{sent:>9}{records:>10}{bytes:>11}{times:>10.1}");
        if bytes > sent * BYTES + ONCE {
            over.push(format!("{name}: {sent} bytes became {records} records of {bytes} bytes"));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}
