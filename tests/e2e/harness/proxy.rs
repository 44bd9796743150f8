//! A network that fails as it is told to: everything between senders and a collector passes here.

use super::{Dice, pause};
use rustix::net::sockopt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

/// How often a pump that has nothing to move looks whether its connection still lives.
const LOOK: Duration = Duration::from_millis(20);

/// What becomes of one connection after a number of further bytes to the collector: mostly in the
/// middle of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Whose turn it is: the so-and-so-many-th of the open connections, in a circle.
    pub(crate) pick: usize,
    pub(crate) after: u64,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Both sides see an end.
    Cut,
    /// Both sides see a reset.
    Reset,
    /// The collector sees an end, and what the sender still says is thrown away.
    EndUp,
    /// The sender sees an end, and what the collector still says is thrown away.
    EndDown,
    /// Nothing moves for so long.
    Stall(Duration),
    /// The sender sees an end; what is under way reaches the collector so much later, when the
    /// sender may have a new connection.
    Late(Duration),
    /// So many bytes come in small pieces, with pauses.
    Chop(u64),
}

/// What a proxy has done.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    pub(crate) links: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) cuts: AtomicU64,
    pub(crate) resets: AtomicU64,
    pub(crate) halves: AtomicU64,
    pub(crate) stalls: AtomicU64,
    pub(crate) lates: AtomicU64,
    pub(crate) chops: AtomicU64,
    /// Line ends on their way to the collector.
    pub(crate) lines: AtomicU64,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    wiring: Arc<Wiring>,
}

struct Wiring {
    to: SocketAddr,
    links: Mutex<Vec<Weak<Link>>>,
    dice: Mutex<Dice>,
    calm: AtomicBool,
    ended: AtomicBool,
    deeds: Deeds,
}

impl Proxy {
    /// A way to `to`, whether somebody listens there already or not.
    pub(crate) fn start(to: SocketAddr, dice: Dice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let wiring = Arc::new(Wiring {
            to,
            links: Mutex::default(),
            dice: Mutex::new(dice),
            calm: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            deeds: Deeds::default(),
        });
        let ours = Arc::clone(&wiring);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if ours.ended.load(Ordering::Relaxed) {
                    return;
                }
                Link::open(near, &ours);
            }
        });
        Self { address, wiring }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn deeds(&self) -> &Deeds {
        &self.wiring.deeds
    }

    /// Lets `fault` come over one of the open connections, if there are any.
    pub(crate) fn harm(&self, fault: Fault) {
        let links: Vec<_> = self.wiring.links().iter().filter_map(Weak::upgrade).collect();
        if !links.is_empty() {
            let link = &links[fault.pick % links.len()];
            let due = link.up.load(Ordering::Relaxed) + fault.after;
            *link.fault() = Some((due, fault.kind));
        }
    }

    /// From now on everything passes as it comes.
    pub(crate) fn heal(&self) {
        self.wiring.calm.store(true, Ordering::Relaxed);
        for link in self.wiring.links().iter().filter_map(Weak::upgrade) {
            *link.fault() = None;
            *link.stalled.lock().unwrap() = None;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wiring.ended.store(true, Ordering::Relaxed);
        for link in self.wiring.links().iter().filter_map(Weak::upgrade) {
            link.gone.store(true, Ordering::Relaxed);
        }
        // The listening thread waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

impl Wiring {
    fn links(&self) -> MutexGuard<'_, Vec<Weak<Link>>> {
        let mut links = self.links.lock().unwrap();
        links.retain(|link| link.strong_count() > 0);
        links
    }
}

/// One connection: to the sender and on to the collector.
struct Link {
    near: TcpStream,
    far: TcpStream,
    wiring: Arc<Wiring>,
    /// What is to happen, and after how many bytes up.
    fault: Mutex<Option<(u64, Kind)>>,
    /// Bytes passed to the collector.
    up: AtomicU64,
    /// Up to which byte they go up in small pieces.
    chopped: AtomicU64,
    stalled: Mutex<Option<Instant>>,
    gone: AtomicBool,
}

impl Link {
    fn open(near: TcpStream, wiring: &Arc<Wiring>) {
        let Ok(far) = TcpStream::connect_timeout(&wiring.to, Duration::from_secs(1)) else {
            wiring.deeds.refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        for stream in [&near, &far] {
            let _ = stream.set_nodelay(true);
            let _ = stream.set_read_timeout(Some(LOOK));
            let _ = stream.set_write_timeout(Some(LOOK));
        }
        // Every third hello comes in pieces, every eighth is the end of its connection or soon
        // followed by it.
        let mut dice = wiring.dice.lock().unwrap().clone();
        let chop = dice.once_in(3);
        let doom = dice.once_in(8);
        let kind = if dice.once_in(2) { Kind::Cut } else { Kind::Reset };
        let doom = doom.then_some((dice.of(0..400), kind));
        *wiring.dice.lock().unwrap() = dice;
        let calm = wiring.calm.load(Ordering::Relaxed);
        let link = Arc::new(Self {
            near,
            far,
            wiring: Arc::clone(wiring),
            fault: Mutex::new(doom.filter(|_| !calm)),
            up: AtomicU64::new(0),
            chopped: AtomicU64::new(if chop && !calm { 300 } else { 0 }),
            stalled: Mutex::default(),
            gone: AtomicBool::new(false),
        });
        wiring.deeds.links.fetch_add(1, Ordering::Relaxed);
        wiring.links().push(Arc::downgrade(&link));
        let other = Arc::clone(&link);
        std::thread::spawn(move || link.pump_up());
        std::thread::spawn(move || other.pump_down());
    }

    fn fault(&self) -> MutexGuard<'_, Option<(u64, Kind)>> {
        self.fault.lock().unwrap()
    }

    fn gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// When both pumps have seen it, the sockets are closed.
    fn part(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    fn reset(&self) {
        for stream in [&self.near, &self.far] {
            let _ = sockopt::set_socket_linger(stream, Some(Duration::ZERO));
        }
        self.part();
    }

    fn wait_while_stalled(&self) {
        while !self.gone() && self.stalled.lock().unwrap().is_some_and(|end| Instant::now() < end) {
            pause(LOOK / 4);
        }
    }

    fn pump_up(&self) {
        let mut buffer = [0; 16 * 1024];
        while !self.gone() {
            self.wait_while_stalled();
            let Some(room) = self.room_up() else { continue };
            match (&self.near).read(&mut buffer[..room]) {
                Ok(0) => {
                    let _ = self.far.shutdown(Shutdown::Write);
                    return;
                }
                Ok(count) => self.pass_up(&buffer[..count]),
                Err(e) if waits(&e) => {}
                Err(_) => return self.reset(),
            }
        }
    }

    /// How many bytes may go up in one piece; `None` when a fault was due instead.
    fn room_up(&self) -> Option<usize> {
        let up = self.up.load(Ordering::Relaxed);
        let due = *self.fault();
        if let Some((at, kind)) = due
            && up >= at
        {
            *self.fault() = None;
            self.suffer(kind);
            return None;
        }
        let mut room = due.map_or(16 * 1024, |(at, _)| at - up).min(16 * 1024);
        if up < self.chopped.load(Ordering::Relaxed) {
            let mut dice = self.wiring.dice.lock().unwrap();
            room = room.min(dice.of(1..120));
            let time = dice.millis(0..3);
            drop(dice);
            pause(time);
        }
        Some(room as usize)
    }

    fn pass_up(&self, bytes: &[u8]) {
        let deeds = &self.wiring.deeds;
        let ends = bytes.iter().filter(|&&byte| byte == b'\n').count();
        deeds.lines.fetch_add(ends as u64, Ordering::Relaxed);
        self.up.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if !self.write(&self.far, bytes) {
            self.reset();
        }
    }

    /// Writes all of `bytes`, however long the other side lets us wait; `false` when it is gone.
    fn write(&self, mut to: &TcpStream, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() && !self.gone() {
            match to.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(e) if waits(&e) => {}
                Err(_) => return false,
            }
        }
        true
    }

    fn pump_down(&self) {
        let mut buffer = [0; 4096];
        while !self.gone() {
            self.wait_while_stalled();
            match (&self.far).read(&mut buffer) {
                Ok(0) => {
                    let _ = self.near.shutdown(Shutdown::Write);
                    return;
                }
                // A sender that has seen the end hears no more, and that is how it should be.
                Ok(count) => drop(self.write(&self.near, &buffer[..count])),
                Err(e) if waits(&e) => {}
                Err(_) => return self.reset(),
            }
        }
    }

    fn suffer(&self, kind: Kind) {
        let deeds = &self.wiring.deeds;
        let count = |deed: &AtomicU64| deed.fetch_add(1, Ordering::Relaxed);
        match kind {
            Kind::Cut => {
                count(&deeds.cuts);
                let _ = self.near.shutdown(Shutdown::Both);
                let _ = self.far.shutdown(Shutdown::Both);
                self.part();
            }
            Kind::Reset => {
                count(&deeds.resets);
                self.reset();
            }
            Kind::EndUp => {
                count(&deeds.halves);
                let _ = self.far.shutdown(Shutdown::Write);
                let _ = io::copy(&mut Patient(self), &mut io::sink());
                self.part();
            }
            Kind::EndDown => {
                count(&deeds.halves);
                let _ = self.near.shutdown(Shutdown::Write);
            }
            Kind::Stall(time) => {
                count(&deeds.stalls);
                *self.stalled.lock().unwrap() = Some(Instant::now() + time);
            }
            Kind::Late(time) => {
                count(&deeds.lates);
                self.be_late(time);
            }
            Kind::Chop(bytes) => {
                count(&deeds.chops);
                let up = self.up.load(Ordering::Relaxed);
                self.chopped.store(up + bytes, Ordering::Relaxed);
            }
        }
    }

    fn be_late(&self, time: Duration) {
        let mut held = vec![0; 64 * 1024];
        let count = (&self.near).read(&mut held).unwrap_or(0);
        let _ = self.near.shutdown(Shutdown::Both);
        let until = Instant::now() + time;
        while Instant::now() < until && !self.gone() {
            pause(LOOK / 4);
        }
        self.pass_up(&held[..count]);
        let _ = self.far.shutdown(Shutdown::Write);
        self.part();
    }
}

/// What the sender says, to its end.
struct Patient<'a>(&'a Link);

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.0.gone() {
            match (&self.0.near).read(buffer) {
                Err(e) if waits(&e) => {}
                read => return read,
            }
        }
        Ok(0)
    }
}

fn waits(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
