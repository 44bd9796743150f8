//! The other side of an intake: as many senders as are asked for, on one thread, writing what was
//! made ready before. It spends as little as it can, because it runs on the same machine.

use netlog_wire::{
    CollectorMessage, Hello, Identity, Level, Lines, Record, SenderMessage, VERSION,
};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long a plain line is, with its line end.
const PLAIN: usize = 200;

/// What one write offers.
const CHUNK: usize = 64 * 1024;

const PATIENCE: Duration = Duration::from_secs(60);

/// What senders send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Lines of 200 bytes, no hello, no acks.
    Plain,
    /// Syslog messages of 200 bytes, as rsyslog passes them on.
    #[allow(dead_code, reason = "each bench sends its part of these")]
    Syslog,
    /// JSON lines of 200 bytes, as another logger writes them.
    #[allow(dead_code, reason = "each bench sends its part of these")]
    Json,
    /// Canonical records, no hello, no acks: for a floor, which answers nothing.
    Mute,
    /// A hello, canonical records, and acks awaited.
    Netlog,
}

/// What is sent again and again: whole lines, and where each of them ends.
struct Text {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Text {
    /// Enough lines that a write can begin at any of them and still be a whole chunk.
    fn new(speech: Speech) -> Self {
        let mut text = Self { bytes: Vec::new(), ends: Vec::new() };
        while text.bytes.len() < 2 * CHUNK {
            let at = text.ends.len() as u64;
            match speech {
                Speech::Plain => plain(at, &mut text.bytes),
                Speech::Syslog => syslog(at, &mut text.bytes),
                Speech::Json => json(at, &mut text.bytes),
                Speech::Mute | Speech::Netlog => record(at, &mut text.bytes),
            }
            text.bytes.push(b'\n');
            text.ends.push(text.bytes.len());
        }
        text
    }

    /// How many of `lines` lines are offered at once, and their bytes.
    fn chunk(&self, lines: u64) -> (u64, &[u8]) {
        let most = self.ends.partition_point(|&end| end <= CHUNK);
        let count = most.min(usize::try_from(lines).unwrap_or(most));
        (count as u64, &self.bytes[..self.ends[count - 1]])
    }
}

fn plain(at: u64, out: &mut Vec<u8>) {
    let start = out.len();
    let line = format!("2026-11-22T18:42:23.{at:06} INFO checkout req={:016x} status=200", at * 77);
    out.extend_from_slice(line.as_bytes());
    while out.len() - start < PLAIN - 1 {
        out.extend_from_slice(b" request completed for a customer");
    }
    out.truncate(start + PLAIN - 1);
}

fn syslog(at: u64, out: &mut Vec<u8>) {
    let start = out.len();
    let (second, host, pid) = (at % 60, at % 20, 1000 + at % 9000);
    let id = at * 77;
    let line = format!(
        "<13>Nov 22 18:42:{second:02} web-{host:02} checkout[{pid}]: request {id:016x} completed, status=200"
    );
    out.extend_from_slice(line.as_bytes());
    while out.len() - start < PLAIN - 1 {
        out.extend_from_slice(b" for a customer");
    }
    out.truncate(start + PLAIN - 1);
}

fn json(at: u64, out: &mut Vec<u8>) {
    let start = out.len();
    let (second, id, ms) = (at % 60, at * 77, at % 977);
    let line = format!(
        r#"{{"ts":"2026-11-22T18:42:{second:02}.{at:06}Z","level":"INFO","svc":"checkout","req":"{id:016x}","status":200,"ms":{ms},"msg":"request completed"#
    );
    out.extend_from_slice(line.as_bytes());
    while out.len() - start < PLAIN - 3 {
        out.extend_from_slice(b" for a customer");
    }
    out.truncate(start + PLAIN - 3);
    out.extend_from_slice(b"\"}");
}

/// What `info!` makes of the message of `log_call`.
fn record(at: u64, out: &mut Vec<u8>) {
    let price = 100.0 + (at % 1000) as f64 * 0.37;
    let id = 1_000_000 + at;
    let msg = format!("order {id} filled at {price:.2} for client acme-capital in {} us", at % 977);
    let mut record = Record::new(1_795_372_943_123_456 + at as i64, Level::Info, msg);
    record.target = Some("orders::fill".into());
    record.file = Some("src/fill.rs".into());
    record.line = Some(142);
    record.thread = Some("main".into());
    record.encode(&Identity::default(), out);
}

/// One connection.
struct Sender {
    stream: TcpStream,
    speech: Speech,
    /// Lines not yet offered, and what of the last offer (so many bytes to its end) is left.
    lines: u64,
    left: usize,
    of: u64,
    replies: Lines,
    /// The number that must be acked; the highest that was.
    last: u64,
    acked: u64,
    done: bool,
}

impl Sender {
    fn connect(address: SocketAddr, speech: Speech, lines: u64, at: usize) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        if speech == Speech::Netlog {
            let mut hello = Vec::new();
            SenderMessage::Hello(hello_of(at)).push(&mut hello);
            stream.write_all(&hello)?;
        }
        stream.set_nonblocking(true)?;
        let (left, of, last, acked, done) = (0, 0, lines, 0, false);
        Ok(Self { stream, speech, lines, left, of, replies: Lines::new(4096), last, acked, done })
    }

    /// Writes and reads once; whether anything moved.
    fn step(&mut self, text: &Text) -> io::Result<bool> {
        let wrote = self.write(text)?;
        let read = if self.speech == Speech::Netlog || self.sent() { self.read()? } else { false };
        Ok(wrote || read)
    }

    fn sent(&self) -> bool {
        self.lines == 0 && self.left == 0
    }

    fn write(&mut self, text: &Text) -> io::Result<bool> {
        if self.sent() {
            return Ok(false);
        }
        if self.left == 0 {
            let (count, bytes) = text.chunk(self.lines);
            (self.lines, self.of, self.left) = (self.lines - count, count, bytes.len());
        }
        let (_, bytes) = text.chunk(self.of);
        let Some(count) = moved(self.stream.write(&bytes[bytes.len() - self.left..]))? else {
            return Ok(false);
        };
        self.left -= count;
        // A sender that awaits acks says goodbye when it has them.
        if self.sent() && self.speech != Speech::Netlog {
            self.stream.shutdown(Shutdown::Write)?;
        }
        Ok(true)
    }

    fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let Some(count) = moved(self.stream.read(&mut buffer))? else { return Ok(false) };
        if count == 0 {
            assert!(self.sent(), "the collector closed a connection on which it was being sent to");
            self.done = true;
        }
        let acked = &mut self.acked;
        self.replies.feed(&buffer[..count], |line| match CollectorMessage::parse(line.bytes) {
            Some(CollectorMessage::Welcome { ack } | CollectorMessage::Ack(ack)) => *acked = ack,
            other => panic!("the collector said {other:?}"),
        });
        self.done |= self.speech == Speech::Netlog && self.acked == self.last;
        Ok(true)
    }
}

fn hello_of(at: usize) -> Hello {
    Hello {
        netlog: VERSION,
        sender: format!("{at:032x}"),
        app: "orders".into(),
        host: "web1".into(),
        pid: 4242,
        next: 1,
        token: None,
        recovered: false,
        recovered_after: None,
        left: None,
        takes_filters: false,
    }
}

fn moved(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(None),
        result => result.map(Some),
    }
}

/// Connections to `address` that have nothing sent yet.
pub(crate) struct Load {
    senders: Vec<Sender>,
    text: Text,
}

impl Load {
    /// Opens `senders` connections that will send `lines` lines in all.
    pub(crate) fn connect(address: SocketAddr, speech: Speech, senders: usize, lines: u64) -> Self {
        let all = senders as u64;
        let share = |at: u64| lines / all + u64::from(at < lines % all);
        let connect = |at| Sender::connect(address, speech, share(at as u64), at);
        let senders = (0..senders).map(|at| connect(at).expect("the collector accepts"));
        Self { senders: senders.collect(), text: Text::new(speech) }
    }

    /// Sends everything, a write for each connection in turn, and waits until the other side has closed, or acked, every
    /// connection.
    pub(crate) fn run(mut self) {
        let until = Instant::now() + PATIENCE;
        while !self.senders.is_empty() {
            let mut any = false;
            for sender in &mut self.senders {
                any |= sender.step(&self.text).expect("the collector keeps its connections");
            }
            self.senders.retain(|sender| !sender.done);
            assert!(Instant::now() < until, "{} connections do not end", self.senders.len());
            if !any {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    }
}
