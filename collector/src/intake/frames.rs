//! Connections whose messages have their length in front and are answered: Fluent forward, RELP and
//! Lumberjack. Whole messages are handed to the hub, and answered when they are in the sinks.

use super::body_budget::{BodyRoom, BodyShare, NoRoom};
use super::connection::ConnectionEnd;
use super::heavy_bodies::HeavyTurn;
use super::message_buffer::{MessageBuffer, ROOM};
use super::shared::{DRAIN, READ};
use super::stream::PeerStream;
use super::submitter::{SubmitTerms, Submitter};
use super::timeouts::Deadlines;
use crate::decode::post_defaults::Defaults;
use crate::decode::posted::PostedRecords;
use crate::senders::peer_error::PeerError;
use crate::stats::{Counter, Stats};
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Time for a peer to take an answer.
const PEER_READS: Duration = Duration::from_secs(60);

/// Interval between signs of life for a peer that waits: Beats give up after 30 s without one.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// No limit: a peer that is not answered sends no more, and tries again by itself.
const PATIENCE: Duration = Duration::from_secs(86_400);

/// A protocol of messages with a length.
pub(super) trait FrameProtocol: Send {
    /// Its name, for people.
    const NAME: &'static str;

    /// Bytes that the collector sends first.
    fn greeting(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Reads the message that `bytes` begin with; `None` while more of it has to come.
    ///
    /// # Errors
    ///
    /// When it is not one, or would be longer than may be.
    fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError>;

    /// The answer to all messages so far that have none of their own, once their records are in the
    /// sinks.
    fn answer(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Gives it the room that it did not find for a message.
    fn grant(&mut self, _room: BodyRoom) {}

    /// Gives it the turn that a message needs.
    fn allow(&mut self, _turn: HeavyTurn) {}

    /// Takes note that the records of the last message are on their way to the sinks.
    fn handed_over(&mut self) {}

    /// Bytes that tell the peer that nothing more is taken.
    fn farewell(&self) -> &'static [u8] {
        b""
    }

    /// Bytes that tell a peer that waits for an answer that the collector is there.
    fn heartbeat(&self) -> &'static [u8] {
        b""
    }

    /// The counter of its records.
    fn records(stats: &Stats) -> &Counter;
}

/// One whole message.
pub(super) struct Frame<'a> {
    /// Its length in bytes.
    pub(super) len: usize,
    pub(super) records: Option<PostedRecords<'a>>,
    /// The answer, once the records are in the sinks.
    pub(super) answer: Vec<u8>,
    pub(super) next: AfterFrame,
}

/// The step that follows a message and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFrame {
    /// More messages.
    More,
    /// The peer is done.
    Done,
    /// The end: the peer did not show that it knows the key.
    Refused,
}

/// Reason to close a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameError {
    Malformed(&'static str),
    /// It would be longer than `--max-body`, compressed or not.
    TooLong,
    /// There is no room for what comes out of it, which may be so many bytes.
    Busy(usize),
    /// It grows out of proportion and needs a turn.
    Heavy,
    /// The same message waits on another connection; the peer will try again.
    Pending,
}

impl FrameError {
    fn end(self, protocol: &'static str) -> ConnectionEnd {
        let unfit = |words| ConnectionEnd::Unfit(PeerError::Malformed { protocol, words });
        let broken = |kind, words| ConnectionEnd::Broken(io::Error::new(kind, words));
        match self {
            Self::Malformed(words) => unfit(words),
            Self::TooLong => unfit("a message is longer than --max-body"),
            Self::Busy(_) => broken(io::ErrorKind::OutOfMemory, "no room for a compressed message"),
            Self::Heavy => broken(io::ErrorKind::TimedOut, "no turn for a compressed message"),
            Self::Pending => {
                broken(io::ErrorKind::ResourceBusy, "the same chunk waits on another connection")
            }
        }
    }
}

/// Serves a connection that began with `opening` until its peer is done or the collector ends.
///
/// It is boxed here, so that the task of another connection has no room for it.
pub(super) fn serve<'a, P: FrameProtocol + 'a>(
    stream: &'a mut PeerStream,
    opening: Vec<u8>,
    submitter: Submitter<'a>,
    protocol: P,
) -> Pin<Box<dyn Future<Output = ConnectionEnd> + Send + 'a>> {
    let deadlines = Deadlines::new(submitter.shared.limits.timeouts.clone());
    let buffer = MessageBuffer::new(opening);
    let bodies = submitter.shared.limits.bodies.share(submitter.peer);
    let mut session = FrameSession { stream, buffer, bodies, submitter, protocol, deadlines };
    Box::pin(async move {
        match session.run().await {
            Ok(()) => ConnectionEnd::Closed,
            Err(end) => end,
        }
    })
}

struct FrameSession<'a, P> {
    stream: &'a mut PeerStream,
    buffer: MessageBuffer,
    /// For long messages.
    bodies: BodyShare,
    submitter: Submitter<'a>,
    protocol: P,
    deadlines: Deadlines,
}

impl<P: FrameProtocol> FrameSession<'_, P> {
    async fn run(&mut self) -> Result<(), ConnectionEnd> {
        let greeting = self.protocol.greeting();
        self.write(&greeting).await?;
        while !self.take_frames().await? {
            if self.wait().await? {
                return self.drain().await;
            }
            if self.read(false).await? == Some(0) {
                return self.settle().await;
            }
        }
        Ok(())
    }

    /// Hands over all whole messages and answers them; `true` when the peer is done.
    async fn take_frames(&mut self) -> Result<bool, ConnectionEnd> {
        loop {
            if let Some(done) = self.take_while_room().await? {
                return Ok(done);
            }
        }
    }

    /// The same up to a message that there was no room for: `None` now that there is.
    async fn take_while_room(&mut self) -> Result<Option<bool>, ConnectionEnd> {
        let mut taken = 0;
        let mut answers = Vec::new();
        let mut next = AfterFrame::More;
        let mut fault = None;
        while next == AfterFrame::More {
            let frame = match self.protocol.next(&self.buffer.bytes[taken..]) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            };
            if let Some(mut records) = frame.records {
                let none = Defaults::default();
                let terms =
                    SubmitTerms { defaults: &none, grant: None, limit: PATIENCE, partial: false };
                let given = self.submitter.hand_over(&mut records, terms);
                let given = alive(self.stream, self.protocol.heartbeat(), given).await?;
                let outcome = given.map_err(|_| ConnectionEnd::Abandoned)?;
                let stats = &self.submitter.shared.stats;
                P::records(stats).add(outcome.taken);
                stats.entries_malformed.add(outcome.faults);
            }
            self.protocol.handed_over();
            answers.extend(frame.answer);
            taken += frame.len;
            next = frame.next;
        }
        self.consume(taken);
        answers.extend(self.protocol.answer());
        if !answers.is_empty() {
            self.settle().await?;
            self.write(&answers).await?;
        }
        match (fault, next) {
            (Some(FrameError::Busy(bytes)), _) => self.find_room(bytes).await.map(|()| None),
            (Some(FrameError::Heavy), _) => self.find_turn().await.map(|()| None),
            (Some(fault), _) => Err(fault.end(P::NAME)),
            (None, AfterFrame::Refused) => Err(ConnectionEnd::Unfit(PeerError::UnknownKey)),
            (None, AfterFrame::Done) => Ok(Some(true)),
            (None, AfterFrame::More) => self.charge().await.map(|()| Some(false)),
        }
    }

    /// Waits for the room that a message needs, so that its peer waits too.
    async fn find_room(&mut self, bytes: usize) -> Result<(), ConnectionEnd> {
        let found = self.bodies.acquire(bytes, ROOM).await;
        let room = found.map_err(|NoRoom| FrameError::Busy(bytes).end(P::NAME))?;
        self.protocol.grant(room);
        Ok(())
    }

    /// Waits for the turn that a message needs.
    async fn find_turn(&mut self) -> Result<(), ConnectionEnd> {
        let turn = self.bodies.heavy_turn(ROOM).await;
        self.protocol.allow(turn.map_err(|NoRoom| FrameError::Heavy.end(P::NAME))?);
        Ok(())
    }

    fn consume(&mut self, taken: usize) {
        self.buffer.consume(taken);
        let pending = !self.buffer.bytes.is_empty();
        if taken > 0 || pending {
            self.deadlines.heard(pending, taken > 0, false);
        }
    }

    /// Waits for more to read; `true` when the collector is to end.
    async fn wait(&mut self) -> Result<bool, ConnectionEnd> {
        tokio::select! {
            biased;
            () = self.submitter.shared.stopped() => Ok(true),
            ready = self.stream.readable() => {
                ready?;
                Ok(false)
            }
            due = self.deadlines.over() => Err(ConnectionEnd::TimedOut(due)),
        }
    }

    /// Reads once: the number of bytes, 0 at the end; `None` when nothing has come.
    async fn read(&mut self, draining: bool) -> Result<Option<usize>, ConnectionEnd> {
        // The wait for room is what slows down a peer without answers.
        let room = self.submitter.shared.hub.reserve(READ).await;
        drop(room.map_err(|_| ConnectionEnd::Abandoned)?);
        let piece = self.buffer.piece();
        let bytes = &mut self.buffer.bytes;
        let held = bytes.len();
        bytes.resize(held + piece, 0);
        let stream = &mut *self.stream;
        let fresh = &mut bytes[held..];
        let fetched = poll_fn(|context| {
            Poll::Ready(match draining {
                true => stream.fetch(fresh),
                false => stream.poll_fetch(context, fresh),
            })
        });
        let fetched = fetched.await;
        let came = fetched.as_ref().ok().and_then(Clone::clone).unwrap_or(0..0);
        bytes.copy_within(held + came.start..held + came.end, held);
        bytes.truncate(held + came.len());
        self.submitter.shared.stats.bytes_in.add(came.len() as u64);
        Ok(fetched?.map(|came| came.len()))
    }

    /// Makes sure that there is room for the rest of a message that has begun.
    async fn charge(&mut self) -> Result<(), ConnectionEnd> {
        let charged = self.buffer.charge(&self.bodies).await;
        charged.map_err(|NoRoom| {
            let words = "no room for a long message";
            ConnectionEnd::Broken(io::Error::new(io::ErrorKind::OutOfMemory, words))
        })
    }

    /// Takes what the kernel has received already, and answers it.
    async fn drain(&mut self) -> Result<(), ConnectionEnd> {
        let deadline = Instant::now() + DRAIN;
        while Instant::now() < deadline && matches!(self.read(true).await?, Some(1..)) {
            if self.take_frames().await? {
                return Ok(());
            }
        }
        self.settle().await?;
        self.write(self.protocol.farewell()).await
    }

    async fn settle(&mut self) -> Result<(), ConnectionEnd> {
        let settled = self.submitter.settled(PATIENCE);
        let settled = alive(self.stream, self.protocol.heartbeat(), settled).await?;
        settled.map_err(|_| ConnectionEnd::Abandoned)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), ConnectionEnd> {
        match timeout(PEER_READS, write_all(self.stream, bytes)).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(ConnectionEnd::Broken(io::ErrorKind::TimedOut.into())),
        }
    }
}

/// Waits for `work`, and gives the peer a sign of life every while.
async fn alive<T>(
    stream: &mut PeerStream,
    heartbeat: &[u8],
    work: impl Future<Output = T>,
) -> Result<T, ConnectionEnd> {
    let mut work = pin!(work);
    loop {
        if let Ok(done) = timeout(HEARTBEAT, work.as_mut()).await {
            return Ok(done);
        }
        // Not waited for: `work` would be kept from what it holds.
        match stream.try_write(heartbeat) {
            Ok(len) if len < heartbeat.len() => {
                return Err(ConnectionEnd::Broken(io::ErrorKind::WriteZero.into()));
            }
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
    }
}

async fn write_all(stream: &mut PeerStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
