//! The way into a stream of NATS JetStream: each batch a message, one of them on its way at once, while
//! the next one is packed.
//!
//! Only the stream knows if it has a message that was not acknowledged. So any failure ends the
//! connection, and the next one begins with the question for the last message.

use super::link::{Departure, ForwardLink};
use super::outgoing::{BatchLimits, PackedBatch};
use crate::jetstream::{BatchMessage, NatsAccess, NatsConnection};
use crate::layout::forwarded::{ForwardPlace, Forwarded, Reached, Resumed};
use crate::stats::Stats;
use crate::stderr::StderrLog;
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_EXPECTED_STREAM};
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use std::future::IntoFuture;
use std::io;
use std::pin::pin;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// A batch that fits into a message: the server's `max_payload` is 1 MiB by default, and headers may
/// be no longer than 64 KiB.
pub(super) const PUBLISHED: BatchLimits = BatchLimits { bytes: 256 << 10, header: 32 << 10 };

/// The longest wait at once: the end of the collector is noticed after it.
const SLICE: Duration = Duration::from_millis(100);

/// Interval between questions for the last message while there is nothing to publish: a stream may
/// lose messages without a connection being lost.
const CHECK: Duration = Duration::from_secs(10);

/// Everything that publishing needs.
pub(super) struct StreamPublishing<'a> {
    pub(super) access: NatsAccess<'a>,
    pub(super) host: &'a str,
    pub(super) forwarded: &'a Forwarded,
    pub(super) stats: &'a Stats,
    pub(super) stderr: StderrLog,
}

/// A connection whose server has the stream, and has said what is in it.
pub(super) struct StreamLink<'a> {
    wait: Wait<'a>,
    connection: NatsConnection,
    host: String,
    stream: String,
    subject: String,
    /// Sequence of the last message of the subject, 0 before the first one.
    sequence: u64,
    /// The place behind that message.
    last: ForwardPlace,
    checked: Instant,
    flight: Option<PublishedBatch>,
    /// The batch to publish when that one is acknowledged.
    next: Option<ReadyBatch>,
    stored: Stream,
}

struct PublishedBatch {
    number: u64,
    to: ForwardPlace,
    answer: PublishAckFuture,
}

struct ReadyBatch {
    number: u64,
    to: Reached,
    packed: PackedBatch,
}

/// The last message of a subject.
struct LastMessage {
    sequence: u64,
    /// `None` if it is damaged.
    reached: Option<Reached>,
}

impl<'a> StreamLink<'a> {
    /// Connects, and moves the position to where the stream is.
    pub(super) fn open(
        publishing: &StreamPublishing<'_>,
        given_up: &'a dyn Fn() -> bool,
    ) -> io::Result<Self> {
        let StreamPublishing { access, forwarded, .. } = publishing;
        let wait = Wait::new(given_up)?;
        let connection = wait.until(NatsConnection::open(access))?;
        connection.check_payload()?;
        let stream = match wait.until(connection.stream(access.target))? {
            Some(stream) => stream,
            None => {
                let made = wait.until(connection.make_stream(access))?;
                publishing.report(format_args!("made stream {}", access.target.stream));
                made
            }
        };
        // Retention removes no file while it is asked.
        while !forwarded.begin_sending() {
            wait.slice()?;
        }
        let subject = access.target.subject(forwarded.now().subject());
        let last = wait.until(last_message(&stream, &subject))?;
        let resumed = forwarded.resume(last.as_ref().and_then(|last| last.reached))?;
        publishing.tell(resumed);
        Ok(Self {
            wait,
            connection,
            // A header has one line.
            host: publishing.host.chars().filter(|c| !c.is_control()).collect(),
            stream: access.target.stream.clone(),
            subject,
            sequence: last.as_ref().map_or(0, |last| last.sequence),
            last: last
                .and_then(|last| last.reached)
                .map_or_else(ForwardPlace::default, |it| it.place),
            checked: Instant::now(),
            flight: None,
            next: None,
            stored: stream,
        })
    }

    /// Publishes a batch, none being on its way.
    fn depart(&mut self, ready: ReadyBatch) -> io::Result<()> {
        let ReadyBatch { number, to, packed: PackedBatch { header, packed } } = ready;
        let host = self.host.clone();
        let message = BatchMessage { header, host, from: self.last, to, packed };
        let answer = self.wait.until(self.publish(message))?;
        self.flight = Some(PublishedBatch { number, to: to.place, answer });
        Ok(())
    }

    async fn publish(&self, message: BatchMessage) -> io::Result<PublishAckFuture> {
        let mut headers = message.headers();
        headers.insert(NATS_EXPECTED_STREAM, self.stream.as_str());
        // Versions before 2.10.19 take a 0 wrongly in a cluster.
        if self.sequence > 0 {
            let expected = self.sequence.to_string();
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.as_str());
        }
        let subject = self.subject.clone();
        let payload = message.packed.into();
        let sent = self.connection.context.publish_with_headers(subject, headers, payload).await;
        sent.map_err(io::Error::other)
    }

    /// Checks that the last message is the one that was acknowledged last, or was removed for its age.
    async fn check(&self) -> io::Result<()> {
        let found = match last_message(&self.stored, &self.subject).await? {
            Some(last) => last.sequence == self.sequence,
            None => {
                let info = self.stored.get_info().await.map_err(io::Error::other)?;
                info.state.first_sequence > self.sequence
            }
        };
        match found {
            true => Ok(()),
            false => Err(io::Error::other("the stream has not what it had acknowledged")),
        }
    }

    /// Checks that the message was stored just now.
    fn accept(&mut self, answer: &PublishAck) -> io::Result<()> {
        if answer.duplicate || answer.sequence <= self.sequence || answer.stream != self.stream {
            let words = "the stream did not store a batch, but says that it has it";
            return Err(io::Error::other(words));
        }
        self.sequence = answer.sequence;
        Ok(())
    }
}

impl ForwardLink for StreamLink<'_> {
    fn window(&self) -> usize {
        2
    }

    fn send(&mut self, departure: Departure) -> io::Result<u64> {
        let Departure { batch, number, to } = departure;
        let to = Reached { place: to.place, numbered: to.numbered };
        let ready = ReadyBatch { number, to, packed: batch.pack(number)? };
        let bytes = ready.packed.packed.len() as u64;
        match self.flight.is_some() {
            true => self.next = Some(ready),
            false => self.depart(ready)?,
        }
        Ok(bytes)
    }

    fn acknowledged(&mut self) -> io::Result<u64> {
        let Some(PublishedBatch { number, to, answer }) = self.flight.take() else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let answer = self.wait.until(async {
            tokio::select! {
                answer = answer.into_future() => answer.map_err(io::Error::other),
                error = self.connection.lost() => Err(error),
            }
        })?;
        self.accept(&answer)?;
        self.last = to;
        self.checked = Instant::now();
        if let Some(next) = self.next.take() {
            self.depart(next)?;
        }
        Ok(number)
    }

    fn idle(&mut self) -> io::Result<()> {
        if self.connection.is_lost() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if self.checked.elapsed() < CHECK {
            return Ok(());
        }
        self.checked = Instant::now();
        self.wait.until(self.check())
    }
}

impl StreamPublishing<'_> {
    fn tell(&self, resumed: Resumed) {
        match resumed {
            Resumed::Onward => {}
            Resumed::Back => {
                self.stats.stream_rollbacks.add(1);
                self.report(format_args!(
                    "{} has lost batches that it had acknowledged: they are published again",
                    self.access.target
                ));
            }
            Resumed::Beyond => self.report(format_args!(
                "{} has more than the file, which has lost its end",
                self.access.target
            )),
        }
    }

    fn report(&self, words: std::fmt::Arguments<'_>) {
        self.stderr.log(words);
    }
}

async fn last_message(stream: &Stream, subject: &str) -> io::Result<Option<LastMessage>> {
    match stream.get_last_raw_message_by_subject(subject).await {
        Ok(message) => {
            let read = BatchMessage::parse(&message.headers, &message.payload);
            let reached = read.ok().map(|message| message.to);
            Ok(Some(LastMessage { sequence: message.sequence, reached }))
        }
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// The threads that a connection lives on: they end with it.
struct Wait<'a> {
    runtime: Runtime,
    /// Tells when it is not worth waiting any more.
    given_up: &'a dyn Fn() -> bool,
}

impl<'a> Wait<'a> {
    fn new(given_up: &'a dyn Fn() -> bool) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("forward-nats")
            .enable_all()
            .build()?;
        Ok(Self { runtime, given_up })
    }

    fn until<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        self.runtime.block_on(async {
            let mut work = pin!(work);
            loop {
                match timeout(SLICE, &mut work).await {
                    Ok(done) => return done,
                    Err(_) => self.check()?,
                }
            }
        })
    }

    fn slice(&self) -> io::Result<()> {
        thread::park_timeout(SLICE);
        self.check()
    }

    fn check(&self) -> io::Result<()> {
        if (self.given_up)() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}
