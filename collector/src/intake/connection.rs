//! One connection: reads runs out of it, and writes acks to it if its peer said hello.

mod close;
mod protocols;

use super::half_lines::{AddressShare, LineRoom};
use super::listener_format::ListenerFormat;
use super::opening::Opening;
use super::shared::{IntakeContext, READ};
use super::stream::PeerStream;
use super::timeouts::{Deadlines, Timeout};
use crate::decode::{Decoder, Origin};
use crate::hub::coalesce::note_read;
use crate::hub::line_run::LineRun;
use crate::senders::peer::Peer;
use crate::senders::peer_error::{PeerError, Protocol};
use crate::senders::registry::ConnectionEntry;
use netlog_wire::CollectorMessage;
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::io;
use std::mem::take;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::watch;
use tokio::task::yield_now;

pub(super) use close::ConnectionEnd;

/// A read that may become more bytes of records than this ends its connection's turn.
const TURN: usize = 1 << 20;

/// One read takes at most this part of what may be on its way to the hub.
const IN_FLIGHT: usize = 4;

thread_local! {
    /// One read buffer for each worker thread: a read and its decoding never wait for anything in
    /// between, so that a connection needs a buffer only while it runs.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// An open connection. Ten thousand of them may be, most of them idle, so both it and the futures
/// its task waits on are small.
pub(super) struct Connection {
    stream: PeerStream,
    decoder: Decoder,
    shared: Arc<IntakeContext>,
    entry: ConnectionEntry,
    /// Once there is a sender. Most connections have none.
    acks: Option<Box<Acks>>,
    /// The last line was an empty one.
    blank: bool,
    /// The last read was enough for one turn.
    turn: bool,
    /// Unsent replies: never more than one beyond what the socket took.
    replies: Vec<u8>,
    opening: Opening,
    format: ListenerFormat,
    deadlines: Deadlines,
    /// Memory for the line that has not ended.
    room: LineRoom,
    draining: bool,
}

/// The numbers of a sender that said hello.
struct Acks {
    /// Its mark, as the hub moves it.
    mark: watch::Receiver<u64>,
    /// The highest number that it has been told.
    told: u64,
    /// The highest number handed to the hub.
    given: u64,
    /// Number of the last filter order that was considered.
    order_seen: u64,
}

/// A connection as it begins.
pub(super) struct Opened {
    pub(super) stream: PeerStream,
    pub(super) peer: Peer,
    pub(super) origin: Origin,
    pub(super) format: ListenerFormat,
    pub(super) share: Arc<AddressShare>,
}

/// The result of one attempt to read.
enum ReadOutcome {
    /// So many bytes.
    Some(usize),
    Nothing,
    End,
}

impl Connection {
    pub(super) fn new(opened: Opened, shared: Arc<IntakeContext>) -> Self {
        let Opened { stream, peer, origin, format, share } = opened;
        stream.reset_at_death();
        let decoder =
            Decoder::new(origin, shared.limits.max_line, format.pin(), shared.stats.clone());
        Self {
            stream,
            decoder: decoder.guarded(shared.tokens.clone()).owned(shared.owners()),
            entry: shared.senders.connected(peer),
            acks: None,
            blank: false,
            turn: false,
            replies: Vec::new(),
            opening: Opening::default(),
            format,
            deadlines: Deadlines::new(shared.limits.timeouts.clone()),
            room: LineRoom::new(share),
            draining: false,
            shared,
        }
    }

    /// Serves it until it ends.
    pub(super) async fn run(&mut self) {
        let only = |protocol| ConnectionEnd::Unfit(PeerError::Unsupported(protocol));
        let shared = self.shared.clone();
        let end = match self.format {
            ListenerFormat::Http => only(Protocol::Http),
            ListenerFormat::Forward(_) => only(Protocol::Msgpack),
            ListenerFormat::Recognised(_) => tokio::select! {
                biased;
                () = shared.stopped() => ConnectionEnd::Stopped,
                read = self.read_all() => read.err().unwrap_or(ConnectionEnd::Closed),
            },
        };
        // Boxed, or every connection would be as large.
        Box::pin(self.conclude(end)).await;
    }

    /// Reads and replies until the peer is done; fails at any other end.
    async fn read_all(&mut self) -> Result<(), ConnectionEnd> {
        // With a peer that sends without a pause, the task may never wait, and `run` would not learn
        // that the collector ends.
        while !self.shared.is_stopped() {
            // Bound first: awaited within the `match` or the `if`, they would make the task larger.
            let event = self.wait().await?;
            match event {
                ConnectionEvent::Readable => {
                    let outcome = self.read().await?;
                    if let ReadOutcome::End = outcome {
                        return Ok(());
                    }
                }
                ConnectionEvent::Acked => {
                    self.push_ack();
                    self.push_order();
                }
                ConnectionEvent::Silent => self.silence().await,
                ConnectionEvent::Writable => {}
            }
            self.flush()?;
            // A peer that sends without a pause would keep the thread from the others.
            if take(&mut self.turn) {
                yield_now().await;
            }
        }
        Err(ConnectionEnd::Stopped)
    }

    /// Serves what is no stream of messages, or settles what is, and closes the connection.
    async fn conclude(&mut self, end: ConnectionEnd) {
        let end = match end {
            ConnectionEnd::Unfit(PeerError::Unsupported(protocol)) => {
                self.serve_protocol(protocol).await
            }
            ConnectionEnd::Closed => self.settle().await.err().unwrap_or(ConnectionEnd::Closed),
            end => end,
        };
        self.close(end).await;
    }

    async fn wait(&mut self) -> Result<ConnectionEvent, ConnectionEnd> {
        let Self { stream, acks, replies, deadlines, .. } = self;
        let acked = async {
            match acks {
                // What cannot be written waits, and only the latest ack counts.
                Some(acks) if replies.is_empty() => acks.mark.changed().await.is_ok(),
                _ => pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = acked => Ok(ConnectionEvent::Acked),
            ready = ready(stream, !replies.is_empty()) => Ok(ready?),
            due = deadlines.over() => match due {
                Timeout::Message => Ok(ConnectionEvent::Silent),
                due => Err(ConnectionEnd::TimedOut(due)),
            },
        }
    }

    /// Hands over what silence has ended.
    async fn silence(&mut self) {
        if let Ok(room) = self.shared.hub.reserve(self.shared.limits.max_line).await {
            let mut runs = Vec::new();
            self.decoder.silence(&mut runs);
            self.deadlines.heard(false, true, false);
            self.room.settle(0);
            self.shared.hub.give(runs, room);
        }
    }

    /// Number of bytes that may be read now: as much of the line as there is memory for, and no more
    /// than can be handed to the hub.
    async fn allowed(&mut self) -> Result<usize, ConnectionEnd> {
        let most = READ.min(self.decoder.input_within(self.shared.limits.in_flight / IN_FLIGHT));
        let held = self.decoder.held();
        let allowed = self.room.allowance(held, most);
        if allowed == Some(most) {
            return Ok(most);
        }
        self.shared.stats.lines_delayed.add(1);
        if let Some(allowed) = allowed {
            return Ok(allowed);
        }
        tokio::select! {
            biased;
            // Boxed, since few connections ever wait for it.
            turn = Box::pin(self.room.wait()) => {
                turn.map_err(|_| ConnectionEnd::Abandoned).map(|()| most)
            }
            due = self.deadlines.over() => Err(ConnectionEnd::TimedOut(due)),
        }
    }

    /// Reads once, if there is room for what may come of it and anything to read.
    async fn read(&mut self) -> Result<ReadOutcome, ConnectionEnd> {
        let allowed = self.allowed().await?;
        let room = self.shared.hub.reserve(self.decoder.most(allowed)).await;
        let room = room.map_err(|_| ConnectionEnd::Abandoned)?;
        let mut runs = Vec::new();
        let outcome = poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| {
                Poll::Ready(self.decode(context, &mut buffer[..allowed], &mut runs))
            })
        });
        let outcome = outcome.await;
        self.room.settle(self.decoder.held());
        self.entry.received(runs.iter().map(LineRun::received), self.decoder.sender());
        // Before the hub can move the mark, which is answered by an ack of its own.
        self.welcome();
        if let (Some(run), Some(acks)) = (runs.last(), &mut self.acks) {
            acks.given = run.last();
        }
        let ended = !runs.is_empty();
        self.shared.hub.give(runs, room);
        if let Ok(ReadOutcome::Some(len)) = outcome {
            let decoder = &self.decoder;
            self.deadlines.heard(decoder.pending(), ended, decoder.may_be_whole());
            self.turn = decoder.most(len) > TURN;
        }
        outcome
    }

    fn decode(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
        runs: &mut Vec<LineRun>,
    ) -> Result<ReadOutcome, ConnectionEnd> {
        // What comes while the end is near, tokio may not know of.
        let fetched = match self.draining {
            true => self.stream.fetch(buffer)?,
            false => self.stream.poll_fetch(context, buffer)?,
        };
        let Some(came) = fetched else { return Ok(ReadOutcome::Nothing) };
        if came.is_empty() {
            self.decoder.finish(runs)?;
            return Ok(ReadOutcome::End);
        }
        note_read(came.len());
        let bytes = &buffer[came];
        self.blank = bytes.ends_with(b"\n\n") || (bytes == b"\n" && !self.decoder.pending());
        self.opening.saw(bytes);
        self.decoder.feed(bytes, runs)?;
        if !runs.is_empty() || self.decoder.sender().is_some() {
            self.opening.close();
        }
        Ok(ReadOutcome::Some(bytes.len()))
    }

    /// Answers the hello, when it has just come.
    fn welcome(&mut self) {
        let Some(sender) = self.decoder.sender().filter(|_| self.acks.is_none()) else { return };
        let written = self.shared.marks.written(sender.id);
        let held = self.shared.held_acks.as_ref();
        let ack = held.map_or(written, |held| held.acked(sender.id, written));
        let mark = sender.acked.subscribe();
        self.acks = Some(Box::new(Acks { mark, told: ack, given: 0, order_seen: 0 }));
        CollectorMessage::Welcome { ack }.push(&mut self.replies);
        self.push_order();
    }

    /// Tells a program that obeys it the filter that was set for it, when there is a new one.
    fn push_order(&mut self) {
        let sender = self.decoder.sender().filter(|sender| sender.takes_filters);
        let (Some(sender), Some(acks)) = (sender, &mut self.acks) else { return };
        let orders = &self.shared.filter_orders;
        if let Some(order) = orders.next_for(&sender.identity, &mut acks.order_seen) {
            CollectorMessage::Filter(order).push(&mut self.replies);
        }
    }

    fn push_ack(&mut self) {
        let Some(acks) = &mut self.acks else { return };
        let ack = *acks.mark.borrow_and_update();
        if ack > acks.told {
            acks.told = ack;
            CollectorMessage::Ack(ack).push(&mut self.replies);
        }
    }

    fn flush(&mut self) -> Result<(), ConnectionEnd> {
        while !self.replies.is_empty() {
            match self.stream.try_write(&self.replies) {
                Ok(written) => drop(self.replies.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Waits for bytes to read, or for room to write if that is `wanted`. It remembers nothing, so that a
/// connection has to hold nothing for it.
fn ready(stream: &PeerStream, wanted: bool) -> impl Future<Output = io::Result<ConnectionEvent>> {
    poll_fn(move |context| {
        if wanted && let Poll::Ready(ready) = stream.poll_writable(context) {
            return Poll::Ready(ready.map(|()| ConnectionEvent::Writable));
        }
        stream.poll_readable(context).map_ok(|()| ConnectionEvent::Readable)
    })
}

enum ConnectionEvent {
    Readable,
    Writable,
    Acked,
    Silent,
}
