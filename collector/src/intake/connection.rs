//! One connection: reads runs out of it, and writes acks to it if its peer said hello.

mod parting;

use super::stream::Stream;
use super::{READ, Wiring};
use crate::decode::{Decoder, Origin, Pinned};
use crate::pace::note_read;
use crate::peer::Peer;
use crate::run::Run;
use crate::senders::{Attendance, Departure};
use netlog_wire::Reply;
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The silence that ends a syslog message without an end: longer than a client pauses within one,
/// and short enough for whoever waits to see it.
const SILENCE: Duration = Duration::from_millis(200);

pub(super) use parting::End;

thread_local! {
    /// One read buffer for each worker thread: a read and its decoding never wait for anything in
    /// between, so that a connection needs a buffer only while it runs.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// Serves one connection until it ends.
pub(super) async fn run(
    stream: Stream,
    (peer, pin): (Peer, Option<Pinned>),
    wiring: &Wiring,
) -> End {
    stream.reset_at_death();
    let decoder = Decoder::new(Origin::new(peer), wiring.max_line, pin, wiring.stats.clone());
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
    let end = open.converse().await.err().unwrap_or(End::Closed);
    if let End::Foreign(foreign) = end {
        wiring.refuse(foreign, peer);
    }
    open.part(&end).await;
    open.attendance.part(match end {
        End::Closed => Departure::Ended,
        End::Refused(_) => Departure::Refused,
        _ => Departure::Broken,
    });
    end
}

struct Connection<'a> {
    stream: Stream,
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
                Event::Silent => self.silence().await,
                Event::Writable => {}
            }
            self.flush()?;
        }
    }

    async fn wait(&mut self) -> Result<Event, End> {
        let Self { stream, wiring, acks, replies, heard, decoder, .. } = self;
        let silent = async {
            match decoder.may_be_whole() {
                true => sleep_until(*heard + SILENCE).await,
                false => pending().await,
            }
        };
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
            () = silent => Ok(Event::Silent),
            () = idle => Err(End::Idle),
        }
    }

    /// Hands over what silence has ended.
    async fn silence(&mut self) {
        if let Ok(room) = self.wiring.feed.reserve(self.wiring.max_line).await {
            let mut runs = Vec::new();
            self.decoder.silence(&mut runs);
            self.wiring.feed.give(runs, room);
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
        // What comes while the end is near, tokio may not know of.
        let fetched = match self.draining {
            true => self.stream.fetch(buffer)?,
            false => self.stream.poll_fetch(context, buffer)?,
        };
        let Some(came) = fetched else { return Ok(Progress::Nothing) };
        if came.is_empty() {
            self.decoder.finish(runs)?;
            return Ok(Progress::End);
        }
        note_read();
        self.decoder.feed(&buffer[came], runs)?;
        Ok(Progress::Some)
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
            kept = self.all_kept() => kept?,
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

    /// Waits until all that was read is in the sinks.
    async fn all_kept(&mut self) -> Result<(), End> {
        let given = self.given;
        let kept = match &mut self.acks {
            Some(acks) => acks.wait_for(|ack| *ack >= given).await.is_ok(),
            None => self.wiring.feed.settled().await.is_ok(),
        };
        if kept { Ok(()) } else { Err(End::Abandoned) }
    }
}

enum Event {
    Readable,
    Writable,
    Acked,
    Silent,
}
