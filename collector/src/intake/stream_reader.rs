//! The way in from a stream of NATS JetStream: `--from`. Its batches go to the hub as those of a relay
//! do, and what the marks have is dropped there.

mod batch_chain;
mod consumption;
mod facts;
mod selection;
mod start;

use super::relayed_batch::{RelaySenders, RelayedBatch};
use super::shared::IntakeContext;
use crate::backoff::{Attempt, Backoff};
use crate::clock::now;
use crate::hub::line_run::{LineRun, Source};
use crate::jetstream::{BatchMessage, NatsAccess, NatsConnection, NatsOptions, NatsTarget};
use crate::layout::stream_position::{StreamPosition, StreamPositionFile};
use crate::link_state::{LinkState, StreamLag};
use crate::senders::grant::Scope;
use crate::tls::ForwardTls;
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, ReplayPolicy};
use async_nats::jetstream::stream::Stream;
use batch_chain::BatchChain;
use consumption::Consumption;
use facts::{facts, has_position, message_time, nanos};
use netlog_wire::{BatchHeader, Identity, Level, Record};
use start::{Reason, Start};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Messages that are asked for at once, and that may be on their way to the sinks.
const WINDOW: usize = 16;

/// Time between two writes of the position.
const SAVE: Duration = Duration::from_millis(250);

/// Interval between checks that the stream still has what was read last, and delivers what it has.
const CHECK: Duration = Duration::from_secs(10);

/// Time without a message after which the stream is checked before the next one is taken: servers
/// that lose messages are away for longer, and the stream may have grown past the position since.
const QUIET: Duration = Duration::from_secs(1);

/// Messages that are looked for at once when the server does not deliver any.
const MOST_LOOKED_FOR: u64 = 1000;

/// Time after which the server sends something, so that its absence is noticed.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Time that one request for messages waits for them.
const EXPIRES: Duration = Duration::from_secs(30);

/// Time after which the server forgets a reader that asks for nothing.
const FORGET: Duration = Duration::from_secs(120);

/// Collectors that are remembered between batches.
const MOST_HOSTS: usize = 1000;

/// Room for a record about the stream.
const ROOM: usize = 4 << 10;

/// A reader of one stream.
pub(crate) struct StreamReader {
    pub(crate) target: NatsTarget,
    pub(crate) tls: ForwardTls,
    pub(crate) options: NatsOptions,
    /// Senders whose records are kept.
    pub(crate) only: Scope,
    pub(crate) token: Option<String>,
    pub(crate) file: StreamPositionFile,
    pub(crate) link: Arc<LinkState>,
    pub(crate) lag: Arc<StreamLag>,
    /// All before it is in the sinks.
    pub(crate) position: Option<StreamPosition>,
    /// Host of this collector.
    pub(crate) host: String,
}

/// A reader that runs.
struct Reading {
    reader: StreamReader,
    shared: IntakeContext,
    backoff: Backoff,
    senders: HashMap<String, RelaySenders>,
    chain: BatchChain,
    /// Position on the disk, and when it was written.
    saved: Option<StreamPosition>,
    saved_at: Instant,
    /// True if the files may have lost what was read before the system was started.
    rebooted: bool,
}

/// A check of the stream, and the sequence of its last message then.
struct Check {
    at: Instant,
    last: u64,
}

impl StreamReader {
    /// Reads until the collector ends.
    pub(crate) async fn run(self, shared: IntakeContext) {
        let attempt = Attempt {
            plain: format!("read {}", self.target),
            going_on: format!("reading {}", self.target),
        };
        let backoff = Backoff::new(attempt, self.link.clone(), shared.stderr);
        let saved = self.position.clone();
        let rebooted = saved.as_ref().is_some_and(|saved| self.file.is_of_another_boot(saved));
        let stop = shared.stop.clone();
        let mut reading = Reading {
            reader: self,
            shared,
            backoff,
            senders: HashMap::new(),
            chain: BatchChain::default(),
            saved,
            saved_at: Instant::now(),
            rebooted,
        };
        tokio::select! {
            _ = stop.wait() => {}
            () = reading.go_on() => {}
        }
        // If it fails, the next start reads something again.
        let _ = reading.save();
    }
}

impl Reading {
    /// Reads until the hub takes nothing any more.
    async fn go_on(&mut self) {
        loop {
            let Err(error) = self.converse().await else { continue };
            if error.kind() == io::ErrorKind::Interrupted {
                return;
            }
            sleep(self.backoff.failed(&error)).await;
        }
    }

    /// Reads over one connection until that fails.
    async fn converse(&mut self) -> io::Result<()> {
        let StreamReader { target, tls, options, token, .. } = &self.reader;
        let access = NatsAccess { target, tls, options, token: token.as_deref() };
        let connection = NatsConnection::open(&access).await?;
        let Some(mut stream) = connection.stream(target).await? else {
            return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such stream"));
        };
        let mut consumption = self.begin(&stream).await?;
        self.backoff.succeeded();
        self.backoff.connected();
        let mut checked = Check { at: Instant::now(), last: 0 };
        loop {
            tokio::select! {
                message = consumption.next() => {
                    if consumption.taken_at.elapsed() >= QUIET {
                        tokio::select! {
                            known = has_position(&mut stream, &consumption.given) => known?,
                            error = connection.lost() => return Err(error),
                        }
                    }
                    self.take_all(&mut consumption, message?).await?;
                }
                error = connection.lost() => return Err(error),
                () = sleep(SAVE), if self.is_unsaved() => {}
                () = sleep(CHECK.saturating_sub(checked.at.elapsed())) => {
                    checked = self.check(&mut stream, &consumption.given, checked).await?;
                }
            }
            if self.saved_at.elapsed() >= SAVE {
                self.save()?;
            }
        }
    }

    /// Asks for the messages behind the position.
    async fn begin(&mut self, stream: &Stream) -> io::Result<Consumption> {
        let facts = facts(stream, self.reader.position.as_ref()).await?;
        let known = self.reader.position.as_ref();
        let known = known.filter(|known| known.stream == self.reader.target.stream);
        let start = Start::new(known, facts, self.rebooted);
        self.report(start.reason).await?;
        let config = Config {
            deliver_policy: start.from.policy(),
            ack_policy: AckPolicy::None,
            replay_policy: ReplayPolicy::Instant,
            inactive_threshold: FORGET,
            memory_storage: true,
            num_replicas: 1,
            ..Config::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(io::Error::other)?;
        let messages = consumer.stream().max_messages_per_batch(WINDOW);
        let messages = messages.heartbeat(HEARTBEAT).expires(EXPIRES).messages().await;
        let given = match known {
            Some(known) if start.reason != Reason::WentBack => known.clone(),
            _ => StreamPosition::new(&self.reader.target.stream, facts.made),
        };
        let messages = messages.map_err(io::Error::other)?;
        let waiting = facts.last.saturating_sub(given.sequence.max(facts.first.saturating_sub(1)));
        self.reader.lag.set(given.sequence, given.time, waiting);
        Ok(Consumption { messages, delivered: 0, given, taken_at: Instant::now(), waiting })
    }

    /// Gives a message to the hub, and those that are there already; waits until the sinks have them.
    async fn take_all(&mut self, consumption: &mut Consumption, first: Message) -> io::Result<()> {
        self.take(consumption, &first).await?;
        for _ in 1..WINDOW {
            let Ok(next) = timeout(Duration::ZERO, consumption.next()).await else { break };
            self.take(consumption, &next?).await?;
        }
        self.shared.hub.settled().await.map_err(|_| io::ErrorKind::Interrupted)?;
        consumption.taken_at = Instant::now();
        let Consumption { given, waiting, .. } = &*consumption;
        self.reader.lag.set(given.sequence, given.time, *waiting);
        self.reader.position = Some(given.clone());
        self.rebooted = false;
        Ok(())
    }

    async fn take(&mut self, consumption: &mut Consumption, message: &Message) -> io::Result<()> {
        let info = message.info().map_err(io::Error::other)?;
        consumption.delivered += 1;
        if info.consumer_sequence != consumption.delivered {
            return Err(io::Error::other("the server left out a message"));
        }
        let sequence = info.stream_sequence;
        let time = nanos(info.published);
        let headers = message.headers.clone().unwrap_or_default();
        match BatchMessage::parse(&headers, &message.payload) {
            Ok(batch) => self.give(&message.subject, batch, sequence).await?,
            Err(_) => self.skip(&message.subject, sequence).await?,
        }
        consumption.given.advance(sequence, time);
        consumption.waiting = info.pending;
        Ok(())
    }

    async fn give(&mut self, subject: &str, batch: BatchMessage, sequence: u64) -> io::Result<()> {
        if self.chain.misses(subject, &batch) {
            self.shared.stats.stream_gaps.add(1);
            let BatchMessage { host, from, .. } = &batch;
            self.notice(format!(
                "records of {host} up to byte {} of its file {} are missing in {}: its files have them",
                from.offset, from.generation, self.reader.target
            ))
            .await?;
        }
        let only = &self.reader.only;
        if !selection::is_wanted(only, &batch) {
            self.count(&batch.header, batch.header.records());
            return Ok(());
        }
        if self.senders.len() >= MOST_HOSTS && !self.senders.contains_key(&batch.host) {
            self.senders.clear();
        }
        let peer = self.reader.target.to_string();
        let new = || RelaySenders::new(&batch.host, &peer);
        let senders = self.senders.entry(batch.host.clone()).or_insert_with(new);
        let relayed = RelayedBatch { header: batch.header, packed: batch.packed };
        let Ok(mut runs) = relayed.runs(senders) else { return self.skip(subject, sequence).await };
        let left_out = selection::keep_wanted(only, &mut runs);
        self.count(&relayed.header, left_out);
        let room = self.shared.hub.reserve(relayed.room()).await;
        let room = room.map_err(|_| io::ErrorKind::Interrupted)?;
        self.shared.hub.give(runs, room);
        Ok(())
    }

    /// Counts a batch, of whose records so many are left out.
    fn count(&self, header: &BatchHeader, left_out: u64) {
        let stats = &self.shared.stats;
        stats.bytes_in.add(header.packed);
        stats.stream_batches.add(1);
        stats.records_relayed.add(header.records());
        stats.records_left_out.add(left_out);
    }

    /// Leaves out a message that is not as it was published.
    async fn skip(&mut self, subject: &str, sequence: u64) -> io::Result<()> {
        self.chain.forget(subject);
        self.shared.stats.stream_batches_damaged.add(1);
        let target = &self.reader.target;
        let words = format!(
            "message {sequence} of {target} is damaged and was skipped: \
             the collector that published it as {subject} has its records in its files"
        );
        self.notice(words).await
    }

    async fn report(&self, reason: Reason) -> io::Result<()> {
        let target = &self.reader.target;
        match reason {
            Reason::Continues | Reason::New => {}
            Reason::Rebooted => self.shared.stderr.debug(format_args!(
                "the last minutes of {target} are read again, as the system was started anew"
            )),
            Reason::WentBack => {
                self.shared.stats.stream_rollbacks.add(1);
                self.shared.stderr.log(format_args!(
                    "{target} has lost messages that were read: reading again what came since"
                ));
            }
            Reason::Removed(messages) => {
                self.shared.stats.stream_gaps.add(1);
                self.notice(format!("{target} removed {messages} messages before they were read"))
                    .await?;
            }
        }
        Ok(())
    }

    /// Adds a record about a loss, which is of unknown size, and reports it on stderr.
    async fn notice(&self, msg: String) -> io::Result<()> {
        self.shared.stderr.log(format_args!("{msg}"));
        let mut record = Record::new(now(), Level::Warn, msg);
        record.target = Some("netlog".into());
        record.lost = Some(1);
        let app = Some("netlog-collector".into());
        let host = Some(self.reader.host.clone());
        let mut run = LineRun::new(Source::Plain, 1, 0);
        run.record(&record, &Identity { app, host, ..Identity::default() });
        let room = self.shared.hub.reserve(ROOM).await.map_err(|_| io::ErrorKind::Interrupted)?;
        self.shared.hub.give(vec![run], room);
        Ok(())
    }

    /// Checks that the stream has the message at the position, and that the server has delivered what
    /// it had at the check before.
    async fn check(
        &mut self,
        stream: &mut Stream,
        given: &StreamPosition,
        before: Check,
    ) -> io::Result<Check> {
        has_position(stream, given).await?;
        let state = &stream.cached_info().state;
        let now = Check { at: Instant::now(), last: state.last_sequence };
        let has_none = state.messages == 0;
        if has_none || before.last <= given.sequence {
            return Ok(now);
        }
        self.pass_unreadable(stream, given.clone(), before.last).await?;
        Err(io::Error::other("the server did not deliver what it has"))
    }

    /// Moves the position behind the messages that the server has only by number: old versions do
    /// that after a part of their file was damaged.
    async fn pass_unreadable(
        &mut self,
        stream: &Stream,
        mut known: StreamPosition,
        last: u64,
    ) -> io::Result<()> {
        let first = known.sequence + 1;
        for sequence in first..=last.min(known.sequence + MOST_LOOKED_FOR) {
            if message_time(stream, sequence).await?.is_some() {
                break;
            }
            known.advance(sequence, known.time);
        }
        if known.sequence < first {
            return Ok(());
        }
        self.shared.stats.stream_gaps.add(1);
        let target = &self.reader.target;
        self.notice(format!(
            "messages {first} to {} of {target} cannot be read: the files of collectors have their records",
            known.sequence
        ))
        .await?;
        self.reader.position = Some(known);
        Ok(())
    }

    fn is_unsaved(&self) -> bool {
        self.saved != self.reader.position
    }

    fn save(&mut self) -> io::Result<()> {
        if let Some(position) = self.reader.position.as_ref().filter(|_| self.is_unsaved()) {
            self.reader.file.write(position)?;
            self.saved = self.reader.position.clone();
        }
        self.saved_at = Instant::now();
        Ok(())
    }
}
