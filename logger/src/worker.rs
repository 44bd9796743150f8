//! The worker: the thread that owns the socket. It connects, sends what is in the ring, reads
//! acks, backs off, and starts over; for a dead sender's ring it ends when all is delivered.

#[cfg(test)]
pub(crate) mod tests;

use crate::acquaintance::Acquaintance;
use crate::bell::{Bell, Sleep};
use crate::builder::Format;
use crate::clock::Setter;
use crate::endpoint::{Endpoint, Socket};
use crate::loss;
use crate::ring::{Cursor, Owner};
use crate::session::{Refusal, Session};
use crate::spool::Spool;
use crate::token::Token;
use crate::voice::say;
use netlog_wire::Identity;
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{Shutdown, shutdown};
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The worker looks into the ring this often while records come, and this seldom, less than twenty
/// times a second, while none do.
const BUSY: Duration = Duration::from_millis(1);
const IDLE: Duration = Duration::from_millis(51);

/// Between attempts to connect it wakes this often, only to set the clock.
const AWAY: Duration = Duration::from_millis(500);

/// The pause before another attempt to connect: doubled each time up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long a worker that is done waits for the other side to close.
const LEAVE: Duration = Duration::from_millis(100);

/// Where records go and what is known of it; shared by the workers of a process.
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    pub(crate) token: Token,
    pub(crate) format: Format,
    pub(crate) acquaintance: Acquaintance,
}

/// What a worker and its program tell each other.
#[derive(Default)]
pub(crate) struct Status {
    pub(crate) connected: AtomicBool,
    /// How many attempts to reach the endpoint, or connections to it, have failed.
    pub(crate) failures: AtomicU64,
    /// Somebody waits in a flush: an attempt to connect is due now.
    pub(crate) hurry: AtomicBool,
    /// The program ends: say so to the collector when all is delivered, and remove the spool.
    pub(crate) ending: AtomicBool,
    /// The worker has done so.
    pub(crate) ended: AtomicBool,
}

pub(crate) struct Worker {
    pub(crate) spool: Arc<Spool>,
    pub(crate) route: Arc<Route>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) status: Arc<Status>,
    pub(crate) patience: Patience,
    /// The program's own worker sets the clock of its log calls.
    pub(crate) clock: Option<RefCell<Setter>>,
}

/// What a worker does when it cannot deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Tells stderr when the endpoint goes and comes, and tries for ever: the program's own.
    Speaks,
    /// Tries for ever: beside the program's own.
    Silent,
    /// Gives up.
    OneTry,
}

/// How a connection ended.
enum End {
    /// All that was to be delivered is.
    Done,
    /// It was lost, for this reason; `bool` is whether the endpoint had taken records.
    Lost(String, bool),
}

impl Worker {
    /// Delivers until there is nothing more to deliver: for a living sender's ring, when the
    /// program ends; for a dead one's, when the ring is empty.
    ///
    /// # Errors
    ///
    /// What kept the records from being delivered, for a worker that gives up.
    pub(crate) fn run(self) -> Result<(), String> {
        let mut attempt = 0;
        let mut away = None;
        loop {
            let why = match self.connect() {
                Ok(socket) => {
                    self.tell_back(&mut away);
                    match self.converse(socket) {
                        End::Done => return Ok(()),
                        End::Lost(why, true) => {
                            attempt = 0;
                            why
                        }
                        End::Lost(why, false) => why,
                    }
                }
                Err(e) => e.to_string(),
            };
            self.status.connected.store(false, Ordering::Release);
            self.status.failures.fetch_add(1, Ordering::AcqRel);
            if self.patience == Patience::OneTry {
                return Err(why);
            }
            self.tell_away(&mut away, &why);
            if self.back_off(attempt) {
                return Ok(());
            }
            attempt += 1;
        }
    }

    fn connect(&self) -> io::Result<Socket> {
        self.status.hurry.store(false, Ordering::Release);
        let socket = self.route.endpoint.connect()?;
        self.status.connected.store(true, Ordering::Release);
        Ok(socket)
    }

    fn converse(&self, socket: Socket) -> End {
        let ended = match socket {
            Socket::Tcp(stream) => self.stream(stream),
            Socket::Unix(stream) => self.stream(stream),
            Socket::Udp(socket) => self.datagrams(&socket),
        };
        if let End::Done = ended {
            self.spool.remove();
            self.status.ended.store(true, Ordering::Release);
        }
        ended
    }

    /// Sleeps until the next attempt is due; `true` when the program ends and nothing waits.
    fn back_off(&self, attempt: u32) -> bool {
        let (first, longest) = BACKOFF;
        let pause = longest.min(first * 2_u32.saturating_pow(attempt));
        // Senders that lost the same collector must not all come back in the same moment.
        let jitter = u32::from_str_radix(&self.spool.origin.sender[..2], 16).unwrap_or(0) + attempt;
        let until = Instant::now() + pause / 2 + pause * (jitter % 256) / 512;
        while Instant::now() < until && !self.status.hurry.load(Ordering::Acquire) {
            if self.ends() {
                self.spool.remove();
                self.status.ended.store(true, Ordering::Release);
                return true;
            }
            self.set_clock();
            let left = until.saturating_duration_since(Instant::now());
            self.bell.sleep(&Sleep::Deep, left.clamp(BUSY, AWAY));
        }
        false
    }

    fn set_clock(&self) {
        if let Some(clock) = &self.clock {
            clock.borrow_mut().set();
        }
    }

    /// Whether the program ends and everything is delivered; from then on the ring takes nothing.
    fn ends(&self) -> bool {
        self.spool.owner == Owner::Alive
            && self.status.ending.load(Ordering::Acquire)
            && self.spool.unreported() == 0
            && self.spool.ring.close_if_empty()
    }

    fn stream(&self, mut stream: impl Read + Write + AsFd) -> End {
        let greeted = self.route.acquaintance.greeted();
        let Route { format, token, .. } = &*self.route;
        let mut session = Session::begin(&self.spool, (*format, token), greeted, Instant::now());
        let mut pause = BUSY;
        loop {
            let taken = session.taken();
            self.set_clock();
            self.spool.report_losses();
            match self.exchange(&mut session, &mut stream) {
                Ok(true) => pause = BUSY,
                Ok(false) => {}
                Err(e) => return End::Lost(e.to_string(), taken),
            }
            if let Err(refusal) = session.tick(Instant::now()) {
                return End::Lost(self.explain(&refusal), taken);
            }
            if session.welcomed() {
                self.route.acquaintance.greet();
            }
            if session.drained() || self.ends() {
                take_leave(&mut stream);
                return End::Done;
            }
            let blocked = !session.pending().is_empty();
            let wait = if blocked { Sleep::Blocked } else { Sleep::Light };
            let woken = self.bell.sleep(&wait(stream.as_fd()), pause);
            let quiet = !(woken.rung || woken.readable || woken.writable);
            pause = if quiet { (pause * 2).min(IDLE) } else { BUSY };
        }
    }

    /// Somebody may have put something else in the collector's place.
    fn explain(&self, refusal: &Refusal) -> String {
        match (refusal, self.route.acquaintance.place()) {
            (Refusal::Silent, Some(place)) => {
                format!("{refusal}; if it is no collector any more, remove {}", place.display())
            }
            _ => refusal.to_string(),
        }
    }

    /// Reads what there is to read and writes until the kernel takes no more; whether anything
    /// moved.
    fn exchange(
        &self,
        session: &mut Session<'_>,
        stream: &mut (impl Read + Write),
    ) -> io::Result<bool> {
        let mut moved = false;
        loop {
            moved |= hear(session, stream)?;
            let pending = session.pending();
            if pending.is_empty() {
                return Ok(moved);
            }
            match stream.write(pending) {
                Ok(count) => session.wrote(count, Instant::now()),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(moved),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
            moved = true;
        }
    }

    /// One record a datagram, each with its sender's id and its own number in front.
    fn datagrams(&self, socket: &UdpSocket) -> End {
        let mut pause = BUSY;
        loop {
            self.set_clock();
            self.spool.report_losses();
            match self.send_batch(socket) {
                Ok(true) => pause = BUSY,
                Ok(false) => pause = (pause * 2).min(IDLE),
                Err(e) => return End::Lost(e.to_string(), true),
            }
            if self.ends() {
                return End::Done;
            }
            if self.spool.owner == Owner::Dead && self.spool.levels() == [0; 5] {
                let told = self.send_untold(socket);
                return told.map_or_else(|e| End::Lost(e.to_string(), true), |()| End::Done);
            }
            self.bell.sleep(&Sleep::Light(socket.as_fd()), pause);
        }
    }

    /// Sends what is in the ring, in steps of 64 records that are then given back; whether there
    /// was anything.
    fn send_batch(&self, socket: &UdpSocket) -> io::Result<bool> {
        let (ring, owner) = (&self.spool.ring, self.spool.owner);
        let mut first = ring.first();
        let (mut next, mut line, mut any) = (first, Vec::new(), false);
        loop {
            let this = next;
            line.clear();
            let more = self.spool.read(&mut next, &mut line);
            let sent = more && self.send_one(socket, this, &line)?;
            if !sent {
                next = this;
            }
            if !sent || next.number == first.number + 64 {
                any |= next != first;
                first = ring.release(first, next.number - 1, owner);
            }
            if !sent {
                return Ok(any);
            }
        }
    }

    /// Sends a record. One that no datagram holds, from a program that used a stream, is told of.
    fn send_one(&self, socket: &UdpSocket, cursor: Cursor, line: &[u8]) -> io::Result<bool> {
        let sent = send(socket, &self.datagram(cursor, line));
        let Err(Some(Errno::MSGSIZE)) = sent.as_ref().map_err(Errno::from_io_error) else {
            return sent;
        };
        let told = loss::too_long(line.len(), self.spool.origin.started);
        send(socket, &self.datagram(cursor, &told))
    }

    /// The last datagram of a dead sender tells of the losses it had no time to tell of.
    fn send_untold(&self, socket: &UdpSocket) -> io::Result<()> {
        let Some(line) = self.spool.untold() else { return Ok(()) };
        let last = self.spool.ring.behind(self.spool.ring.first(), u64::MAX - 1, Owner::Dead);
        while !self.send_one(socket, last, &line)? {
            self.bell.sleep(&Sleep::Deep, BUSY);
        }
        Ok(())
    }

    fn datagram(&self, cursor: Cursor, line: &[u8]) -> Vec<u8> {
        let origin = &self.spool.origin;
        let mut out = Vec::with_capacity(line.len() + 256);
        if self.route.format == Format::Text {
            crate::session::push_text(&self.spool, line, &mut out);
            return out;
        }
        let number = cursor.number;
        let head = format!("{{\"sender\":\"{}\",\"seq\":{number},", origin.sender);
        out.extend_from_slice(head.as_bytes());
        let identity = Identity {
            app: Some(origin.app.clone()),
            host: Some(origin.host.clone()),
            pid: Some(u64::from(origin.pid)),
            peer: None,
        };
        identity.push(&mut out);
        out.extend_from_slice(line.get(1..).unwrap_or_default());
        out
    }

    fn tell_away(&self, away: &mut Option<u64>, why: &str) {
        if away.is_some() || self.patience != Patience::Speaks {
            return;
        }
        *away = Some(self.spool.lost().iter().sum());
        let place = self.spool.path();
        let place = place.map_or_else(|| "memory".into(), |path| path.display().to_string());
        let endpoint = &self.route.endpoint;
        say(&format!("{endpoint} cannot be reached ({why}); records wait in {place}"));
    }

    fn tell_back(&self, away: &mut Option<u64>) {
        let Some(before) = away.take() else { return };
        let lost = self.spool.lost().iter().sum::<u64>() - before;
        say(&format!("{} is back; {lost} records were lost meanwhile", self.route.endpoint));
    }
}

/// Half-closes, and reads on until the other side has closed too, for a moment: what is unread at
/// a close would reset the connection, and the collector would not know a clean end from a crash.
fn take_leave(stream: &mut (impl Read + AsFd)) {
    let _ = shutdown(&stream, Shutdown::Write);
    let _ = ioctl_fionbio(&stream, false);
    let _ = set_socket_timeout(&stream, Timeout::Recv, Some(LEAVE));
    let until = Instant::now() + LEAVE;
    while Instant::now() < until && matches!(stream.read(&mut [0; 4096]), Ok(1..)) {}
}

/// Sends one datagram; `false` when the kernel takes no more for now.
fn send(socket: &UdpSocket, datagram: &[u8]) -> io::Result<bool> {
    let mut sent = socket.send(datagram);
    if sent.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
        // The other host says of an earlier datagram that nobody listens. Somebody may, now.
        sent = socket.send(datagram);
    }
    match sent {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
        sent => sent.map(|_| true),
    }
}

/// Reads all that the other side has said; whether it said anything.
fn hear(session: &mut Session<'_>, stream: &mut impl Read) -> io::Result<bool> {
    let mut heard = false;
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => {
                let closed = "the other side closed the connection";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, closed));
            }
            Ok(count) => {
                session.heard(&buffer[..count]).map_err(|e| io::Error::other(e.to_string()))?;
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(heard),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        heard = true;
    }
}
