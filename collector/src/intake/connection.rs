//! One connection: reads runs out of it, and writes acks to it if its peer said hello.

use super::{DRAIN, GIVE_UP, READ, Wiring};
use crate::decode::{Decoder, Origin, Refusal};
use crate::look::{Attendance, Parting};
use crate::run::Run;
use crate::voice::Chain;
use netlog_wire::Reply;
use rustix::io::Errno;
use rustix::net::RecvFlags;
use socket2::SockRef;
use std::cell::RefCell;
use std::fmt;
use std::future::{pending, poll_fn};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How long a peer is given to take the last reply before the connection is torn down.
const FAREWELL: Duration = Duration::from_secs(1);

/// How much is read and thrown away meanwhile. Bytes left unread at a close would turn it into a
/// reset, which takes the reply back out of the peer's hands.
const FAREWELL_BYTES: usize = 1 << 20;

thread_local! {
    /// One read buffer for each worker thread: a read and its decoding never wait for anything in
    /// between, so that a connection needs a buffer only while it runs.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// Why a connection ended.
pub(super) enum End {
    /// The peer was done.
    Closed,
    /// The peer was told why.
    Refused(Refusal),
    /// Nothing came for too long.
    Idle,
    /// The collector ends.
    Stopped,
    /// The hub is gone.
    Abandoned,
    /// The connection broke.
    Broken(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// Serves one connection until it ends.
pub(super) async fn run(stream: TcpStream, peer: SocketAddr, wiring: &Wiring) -> End {
    let decoder = Decoder::new(Origin::new(peer), wiring.max_line, wiring.stats.clone());
    let heard = Instant::now();
    let attendance = wiring.senders.arrive(peer);
    let mut open = Connection {
        stream,
        decoder,
        wiring,
        attendance,
        acks: None,
        told: 0,
        given: 0,
        replies: Vec::new(),
        heard,
        draining: false,
    };
    let Err(end) = open.converse().await else {
        open.attendance.part(Parting::Ended);
        return End::Closed;
    };
    open.part(&end).await;
    open.attendance.part(if let End::Refused(_) = end {
        Parting::Refused
    } else {
        Parting::Broken
    });
    end
}

struct Connection<'a> {
    stream: TcpStream,
    decoder: Decoder,
    wiring: &'a Wiring,
    attendance: Attendance,
    /// The sender's mark as the hub moves it, once there is a sender.
    acks: Option<watch::Receiver<u64>>,
    /// The highest number the peer has been told.
    told: u64,
    /// The highest number handed to the hub.
    given: u64,
    /// What is to be written: never more than one reply beyond what the socket took.
    replies: Vec<u8>,
    /// When something came last.
    heard: Instant,
    draining: bool,
}

/// What one attempt to read came to.
enum Progress {
    Some,
    Nothing,
    End,
}

impl Connection<'_> {
    /// Reads and replies until the peer is done and knows that all it sent is kept.
    async fn converse(&mut self) -> Result<(), End> {
        loop {
            match self.wait().await? {
                Event::Readable => {
                    let wiring = self.wiring;
                    let progress = tokio::select! {
                        biased;
                        progress = self.read() => progress?,
                        () = wiring.stopped() => return Err(End::Stopped),
                    };
                    if let Progress::End = progress {
                        self.settle().await?;
                        self.report_recovered().await;
                        return Ok(());
                    }
                }
                Event::Acked => self.push_ack(),
                Event::Writable => {}
            }
            self.flush()?;
        }
    }

    async fn wait(&mut self) -> Result<Event, End> {
        let Self { stream, wiring, acks, replies, heard, .. } = self;
        let idle = async {
            match wiring.idle_timeout {
                Some(limit) => sleep_until(*heard + limit).await,
                None => pending().await,
            }
        };
        let acked = async {
            match acks {
                // What cannot be written waits, and only the latest ack counts.
                Some(acks) if replies.is_empty() => acks.changed().await.is_ok(),
                _ => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = wiring.stopped() => Err(End::Stopped),
            _ = acked => Ok(Event::Acked),
            ready = stream.writable(), if !replies.is_empty() => Ok(ready.map(|()| Event::Writable)?),
            ready = stream.readable() => Ok(ready.map(|()| Event::Readable)?),
            () = idle => Err(End::Idle),
        }
    }

    /// Reads once, if there is room for what may come of it and anything to read.
    async fn read(&mut self) -> Result<Progress, End> {
        let room = self.wiring.feed.reserve(self.decoder.most(READ)).await;
        let room = room.map_err(|_| End::Abandoned)?;
        let mut runs = Vec::new();
        let outcome = poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| Poll::Ready(self.decode(context, buffer, &mut runs)))
        });
        let outcome = outcome.await;
        if let (Some(run), true) = (runs.last(), self.decoder.sender().is_some()) {
            self.given = run.last();
        }
        self.attendance.heard(&runs, self.decoder.sender());
        // Before the hub can move the mark, which is answered by an ack of its own.
        self.welcome();
        self.wiring.feed.give(runs, room);
        if let Ok(Progress::Some) = outcome {
            self.heard = Instant::now();
        }
        outcome
    }

    fn decode(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
        runs: &mut Vec<Run>,
    ) -> Result<Progress, End> {
        let Some(len) = self.fetch(context, buffer)? else { return Ok(Progress::Nothing) };
        if len == 0 {
            self.decoder.finish(runs);
            return Ok(Progress::End);
        }
        let fed = self.decoder.feed(&buffer[..len], runs);
        fed.map(|()| Progress::Some).map_err(End::Refused)
    }

    fn fetch(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if self.draining {
            // Past tokio, which only knows of what came before it last asked the kernel.
            return match rustix::net::recv(&self.stream, buffer, RecvFlags::DONTWAIT) {
                Ok((_, len)) => Ok(Some(len)),
                Err(Errno::WOULDBLOCK) => Ok(None),
                Err(error) => Err(error.into()),
            };
        }
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
            Poll::Pending => Ok(None),
            Poll::Ready(read) => read.map(|()| Some(buffer.filled().len())),
        }
    }

    /// Answers the hello, when it has just come.
    fn welcome(&mut self) {
        let Some(sender) = self.decoder.sender().filter(|_| self.acks.is_none()) else { return };
        let ack = self.wiring.marks.written(sender.id);
        self.acks = Some(sender.acked.subscribe());
        self.told = ack;
        Reply::Welcome { ack }.push(&mut self.replies);
    }

    fn push_ack(&mut self) {
        let Some(acks) = &mut self.acks else { return };
        let ack = *acks.borrow_and_update();
        if ack > self.told {
            self.told = ack;
            Reply::Ack(ack).push(&mut self.replies);
        }
    }

    fn flush(&mut self) -> Result<(), End> {
        while !self.replies.is_empty() {
            match self.stream.try_write(&self.replies) {
                Ok(written) => drop(self.replies.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// After the peer's last byte: waits until all of it is in the sinks, and says so.
    async fn settle(&mut self) -> Result<(), End> {
        let wiring = self.wiring;
        tokio::select! {
            biased;
            () = self.all_acked() => {}
            () = wiring.stopped() => return Err(End::Stopped),
        }
        self.push_ack();
        self.flush()
    }

    async fn report_recovered(&self) {
        if let Some(sender) = self.decoder.sender().filter(|sender| sender.recovered) {
            self.wiring.feed.recovered(sender.clone()).await;
        }
    }

    async fn all_acked(&mut self) {
        let given = self.given;
        if let Some(acks) = &mut self.acks {
            let _ = acks.wait_for(|ack| *ack >= given).await;
        }
    }

    /// Does what is left to do on an end that was not the peer's.
    async fn part(&mut self, end: &End) {
        match end {
            End::Refused(refusal) => {
                self.wiring.stats.refused.add(1);
                Reply::Error(refusal.0.clone()).push(&mut self.replies);
                self.farewell().await;
            }
            End::Stopped => self.drain().await,
            End::Idle => {
                self.wiring.stats.connections_idle.add(1);
                self.keep_rest().await;
            }
            End::Broken(_) => self.keep_rest().await,
            End::Closed | End::Abandoned => {}
        }
    }

    /// Takes what the kernel has received already, and lets a sender know what was kept of it.
    async fn drain(&mut self) {
        let deadline = Instant::now() + DRAIN;
        self.draining = true;
        while Instant::now() < deadline {
            let Ok(Ok(Progress::Some)) = timeout_at(deadline, self.read()).await else { break };
        }
        self.keep_rest().await;
        if self.acks.is_some() && timeout_at(deadline + GIVE_UP, self.all_acked()).await.is_ok() {
            self.push_ack();
            self.farewell().await;
        }
    }

    /// Hands over a plain peer's line that will never end.
    async fn keep_rest(&mut self) {
        if let Ok(room) = self.wiring.feed.reserve(self.wiring.max_line).await {
            let mut runs = Vec::new();
            self.decoder.finish(&mut runs);
            self.wiring.feed.give(runs, room);
        }
    }

    /// Writes the last reply and half-closes, then reads on until the peer is gone too, within
    /// limits: what it still sends is not ours, and it keeps it.
    async fn farewell(&mut self) {
        let deadline = Instant::now() + FAREWELL;
        while self.flush().is_ok() && !self.replies.is_empty() {
            if !matches!(timeout_at(deadline, self.stream.writable()).await, Ok(Ok(()))) {
                return;
            }
        }
        let _ = SockRef::from(&self.stream).shutdown(Shutdown::Write);
        let (mut scrap, mut thrown) = ([0; 4096], 0);
        while thrown < FAREWELL_BYTES
            && let Ok(Ok(())) = timeout_at(deadline, self.stream.readable()).await
        {
            match self.stream.try_read(&mut scrap) {
                Ok(0) => return,
                Ok(read) => thrown += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

enum Event {
    Readable,
    Writable,
    Acked,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("by its peer"),
            Self::Refused(Refusal(words)) => write!(f, "refused: {words}"),
            Self::Idle => f.write_str("nothing came for the idle timeout"),
            Self::Stopped => f.write_str("the collector ends"),
            Self::Abandoned => f.write_str("a sink failed to the end"),
            Self::Broken(error) => Chain(error).fmt(f),
        }
    }
}
