//! The thread that forwards: connects, sends batches, moves the position behind what is
//! acknowledged.

use super::follower::{Follower, Found};
use super::link::{Departure, ForwardLink};
use super::outgoing::{BatchLimits, RELAYED};
use super::relay_link::RelayLink;
use super::stream_link::{PUBLISHED, StreamLink, StreamPublishing};
use super::target::ForwardTarget;
use crate::backoff::{Attempt, Backoff};
use crate::hub::held_acks::HeldAcks;
use crate::hub::progress::{End, Progress};
use crate::jetstream::{NatsAccess, NatsOptions};
use crate::layout::forwarded::{ForwardPlace, ForwardState, Forwarded};
use crate::link_state::LinkState;
use crate::stats::Stats;
use crate::stderr::StderrLog;
use crate::tls::ForwardTls;
use netlog_wire::RelayHello;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Bytes that have to be waiting for a second batch on its way to be worth it: what comes while one
/// is on its way makes the next.
const WORTH: u64 = 256 << 10;

/// Time between two writes of the position.
const SAVE: Duration = Duration::from_millis(250);

/// Longest time in which it waits for records without a check of anything else.
const WAIT: Duration = Duration::from_secs(1);

/// Time to send the rest when the collector ends.
const DRAIN: Duration = Duration::from_secs(2);

/// Everything the thread needs.
pub(crate) struct Forwarding {
    pub(crate) target: ForwardTarget,
    pub(crate) tls: ForwardTls,
    pub(crate) nats: NatsOptions,
    pub(crate) host: String,
    pub(crate) token: Option<String>,
    pub(crate) log: PathBuf,
    pub(crate) forwarded: Arc<Forwarded>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) link: Arc<LinkState>,
    /// With `--ack both`.
    pub(crate) held_acks: Option<Arc<HeldAcks>>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) stderr: StderrLog,
}

/// The running thread.
pub(crate) struct ForwardEnd {
    stop: Arc<OnceLock<Instant>>,
    thread: Thread,
    done: oneshot::Receiver<()>,
}

struct ForwardWorker {
    forwarding: Forwarding,
    follower: Follower,
    stop: Arc<OnceLock<Instant>>,
    backoff: Backoff,
    saved: Instant,
}

/// A batch that was sent.
struct Sent {
    batch: u64,
    place: ForwardPlace,
    numbered: u64,
    records: u64,
    renumbered: u64,
    bytes: u64,
}

/// The records on their way on one connection.
struct Window {
    /// The state once all of it is acknowledged.
    state: ForwardState,
    sent: VecDeque<Sent>,
    batches: u64,
}

impl Forwarding {
    /// Starts the thread.
    pub(crate) fn start(self) -> io::Result<ForwardEnd> {
        let stop = Arc::<OnceLock<Instant>>::default();
        let (tell, done) = oneshot::channel();
        let progress = self.progress.clone();
        if self.target.nats().is_some() {
            self.forwarded.lag();
        }
        let log = self.log.clone();
        let attempt = Attempt {
            plain: format!("forward to {}", self.target),
            going_on: format!("forwarding to {}", self.target),
        };
        let worker = ForwardWorker {
            follower: Follower::new(log, self.progress.clone(), self.stderr, self.limits()),
            backoff: Backoff::new(attempt, self.link.clone(), self.stderr),
            stop: stop.clone(),
            saved: Instant::now(),
            forwarding: self,
        };
        let work = move || {
            worker.run();
            let _ = tell.send(());
        };
        let thread = thread::Builder::new().name("forward".into()).spawn(work)?;
        let thread = thread.thread().clone();
        progress.wake_follower(thread.clone());
        Ok(ForwardEnd { stop, thread, done })
    }

    fn limits(&self) -> BatchLimits {
        if self.target.nats().is_some() { PUBLISHED } else { RELAYED }
    }

    /// Connects to the target.
    fn open<'a>(&self, given_up: &'a dyn Fn() -> bool) -> io::Result<Box<dyn ForwardLink + 'a>> {
        let Self { target, tls, host, token, forwarded, .. } = self;
        if let Some(target) = target.nats() {
            let token = token.as_deref();
            let publishing = StreamPublishing {
                access: NatsAccess { target, tls, options: &self.nats, token },
                host,
                forwarded,
                stats: &self.stats,
                stderr: self.stderr,
            };
            return Ok(Box::new(StreamLink::open(&publishing, given_up)?));
        }
        let relay = format!("{:032x}", forwarded.now().relay);
        let hello = RelayHello { relay, host: host.clone(), token: token.clone() };
        Ok(Box::new(RelayLink::open(target, tls, &hello, given_up)?))
    }
}

impl ForwardEnd {
    /// Lets it send the rest, for a while, and ends it.
    pub(crate) async fn end(self) {
        let _ = self.stop.set(Instant::now() + DRAIN);
        self.thread.unpark();
        let _ = timeout(DRAIN * 2, self.done).await;
    }
}

impl ForwardWorker {
    fn run(mut self) {
        while self.stop.get().is_none() {
            let conversed = self.converse();
            self.forwarding.forwarded.all_landed();
            self.release_acks();
            let Err(error) = conversed else { break };
            if error.kind() == io::ErrorKind::Interrupted {
                break;
            }
            let until = Instant::now() + self.backoff.failed(&error);
            while self.stop.get().is_none() && Instant::now() < until {
                thread::park_timeout(until.saturating_duration_since(Instant::now()));
            }
        }
        // If it fails, the next start repeats something.
        let _ = self.forwarding.forwarded.save();
    }

    /// Sends over one connection, until all is sent and the collector ends.
    fn converse(&mut self) -> io::Result<()> {
        let stop = self.stop.clone();
        let given_up = move || stop.get().is_some_and(|until| Instant::now() >= *until);
        let mut link = self.forwarding.open(&given_up)?;
        let link = &mut *link;
        self.backoff.connected();
        self.forwarding.stats.forward_connections.add(1);
        let state = self.forwarding.forwarded.now();
        let mut window = Window { state, sent: VecDeque::new(), batches: 0 };
        loop {
            let end = self.follower.end();
            let sent = self.send(link, &mut window)?;
            self.release_acks();
            if !window.sent.is_empty() {
                if !sent || window.sent.len() >= link.window() {
                    self.settle(link, &mut window)?;
                }
            } else if !sent {
                self.forwarding.forwarded.all_landed();
                self.save_if_due()?;
                if self.stop.get().is_some() {
                    return Ok(());
                }
                self.wait(end);
                link.idle()?;
            }
        }
    }

    /// Sends the next batch, if there is one that is worth it; tells whether it went on.
    fn send(&mut self, link: &mut dyn ForwardLink, window: &mut Window) -> io::Result<bool> {
        if !window.sent.is_empty() && self.follower.behind(window.state.place) < WORTH {
            return Ok(false);
        }
        if !self.forwarding.forwarded.begin_sending() {
            return Ok(false);
        }
        let now = self.forwarding.forwarded.now();
        if window.sent.is_empty() && now.place >= window.state.place {
            // Retention may have removed what would have been sent next.
            window.state = now;
        }
        match self.follower.read(&window.state)? {
            Found::Batch(batch, place) => {
                window.batches += 1;
                let numbered = batch.numbered();
                let records = batch.records();
                let renumbered = batch.renumbered;
                window.state.place = place;
                window.state.numbered += numbered;
                let number = window.batches;
                let to = window.state;
                let bytes = link.send(Departure { batch: *batch, number, to })?;
                let batch = number;
                window.sent.push_back(Sent { batch, place, numbered, records, renumbered, bytes });
            }
            // What is given up while something is on its way has to be of one file.
            Found::Next(_) if !window.sent.is_empty() => return Ok(false),
            Found::Next(place) => {
                window.state.place = place;
                self.forwarding.forwarded.advance(place, 0);
            }
            Found::Missing(_) if !window.sent.is_empty() => return Ok(false),
            Found::Missing(generation) => {
                let Forwarding { forwarded, stats, stderr, log, .. } = &self.forwarding;
                let log = log.display();
                stderr.log(format_args!("a file of {log} was removed before it was forwarded"));
                stats.records_not_forwarded.add(forwarded.give_up_before(generation, None)?);
            }
            Found::Nothing => return Ok(false),
        }
        Ok(true)
    }

    /// Waits for an acknowledgement.
    fn settle(&mut self, link: &mut dyn ForwardLink, window: &mut Window) -> io::Result<()> {
        let batch = link.acknowledged()?;
        let Forwarding { forwarded, stats, .. } = &self.forwarding;
        while window.sent.front().is_some_and(|sent| sent.batch <= batch)
            && let Some(sent) = window.sent.pop_front()
        {
            forwarded.advance(sent.place, sent.numbered);
            stats.records_forwarded.add(sent.records);
            stats.records_renumbered.add(sent.renumbered);
            stats.batches_forwarded.add(1);
            stats.bytes_forwarded.add(sent.bytes);
        }
        self.backoff.succeeded();
        self.release_acks();
        self.save_if_due()
    }

    /// Lets go of the acks that the position has passed, also where it was moved by others.
    fn release_acks(&self) {
        if let Some(held) = &self.forwarding.held_acks {
            held.release();
        }
    }

    fn is_unsaved(&self) -> bool {
        self.forwarding.forwarded.is_unsaved()
    }

    fn save_if_due(&mut self) -> io::Result<()> {
        let forwarded = &self.forwarding.forwarded;
        if self.is_unsaved() && self.saved.elapsed() > SAVE {
            forwarded.save()?;
            self.saved = Instant::now();
        }
        Ok(())
    }

    /// Waits until more has been written than there was.
    fn wait(&self, end: End) {
        let until = Instant::now() + if self.is_unsaved() { SAVE } else { WAIT };
        while self.stop.get().is_none() && self.follower.end() == end && Instant::now() < until {
            thread::park_timeout(until.saturating_duration_since(Instant::now()));
        }
    }
}
