//! State that a worker works with: its spool, the destination, and the flags it shares with the
//! program.

use super::connection::Connection;
use super::first_choice::FirstChoice;
use super::outage::Outage;
use super::patience::Patience;
use super::removed_spool::SpoolWatch;
use super::status::WorkerStatus;
use crate::builder::Format;
use crate::clock::Calibrator;
use crate::endpoint::Endpoint;
#[cfg(feature = "tls")]
use crate::endpoint::Transport;
use crate::endpoints::Endpoints;
use crate::identity::now;
use crate::known_collectors::KnownCollector;
use crate::remote_filter;
use crate::ring::{Cursor, Owner};
use crate::spool::{Directory, Spool};
#[cfg(feature = "tls")]
use crate::tls::TlsSettings;
use crate::token::Token;
use crate::waker::Waker;
use netlog_wire::FilterOrder;
use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest time between counts of all records, while a collector takes them slowly.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// An address, and the knowledge whether it is a collector's.
pub(crate) struct CollectorAddress {
    pub(crate) endpoint: Endpoint,
    pub(crate) known: KnownCollector,
}

/// Addresses and format of the records, shared by the workers of a process.
pub(crate) struct Destination {
    /// In the order in which they are tried; at least one.
    pub(crate) collectors: Vec<CollectorAddress>,
    pub(crate) token: Token,
    /// The collector may set the program's filter.
    pub(crate) remote: bool,
    pub(crate) format: Format,
    #[cfg(feature = "tls")]
    pub(crate) tls: TlsSettings,
}

impl Destination {
    /// The addresses with what `directory` knows of them.
    pub(crate) fn collectors(
        endpoints: &Endpoints,
        directory: Option<&Arc<Directory>>,
    ) -> Vec<CollectorAddress> {
        let load = |endpoint: &Endpoint| CollectorAddress {
            endpoint: endpoint.clone(),
            known: KnownCollector::load(endpoint, directory),
        };
        endpoints.iter().map(load).collect()
    }

    /// Takes over what another sender of this process knows of the same addresses: the files that
    /// said so were removed with its spool.
    pub(crate) fn remember_from(&self, before: &Self) {
        let known = before.collectors.iter().map(|collector| collector.known.is_known());
        for (collector, _) in self.collectors.iter().zip(known).filter(|(_, known)| *known) {
            collector.known.remember();
        }
    }

    /// Connects, and completes the handshake of TLS if the address asks for it.
    fn connect(&self, endpoint: &Endpoint, limit: Duration) -> io::Result<Connection> {
        let socket = endpoint.connect(limit)?;
        #[cfg(feature = "tls")]
        if endpoint.transport == Transport::Tls {
            return self.tls.connect(endpoint.host(), socket, limit).map(Connection::Tls);
        }
        Ok(Connection::Plain(socket))
    }
}

/// Behaviour of a worker that cannot deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Retries until the program ends; reports on stderr when the endpoint goes and comes back.
    Report,
    /// Retries until the program ends, without a word: beside the program's own worker.
    Quiet,
    /// Gives up at the first failure.
    Once,
}

/// A worker's spool and everything it needs to deliver it.
pub(crate) struct Context {
    pub(crate) spool: Arc<Spool>,
    pub(crate) destination: Arc<Destination>,
    pub(crate) retry: RetryPolicy,
    pub(crate) waker: Arc<Waker>,
    pub(crate) status: Arc<WorkerStatus>,
    /// The program's own worker calibrates the clock of its log calls.
    pub(crate) clock: Option<RefCell<Calibrator>>,
    /// The program's own worker watches its spool.
    pub(crate) watch: Option<SpoolWatch>,
    /// Index of the collector in use.
    current: Cell<usize>,
    first_choice: FirstChoice,
    outage: Outage,
    /// End of the records that are counted as accepted.
    counted: Cell<Cursor>,
    /// Time at which all records were counted.
    counted_all: Cell<Instant>,
}

impl Context {
    pub(crate) fn new(
        spool: Arc<Spool>,
        destination: Arc<Destination>,
        retry: RetryPolicy,
    ) -> Self {
        Self {
            spool,
            destination,
            retry,
            waker: Arc::default(),
            status: Arc::default(),
            clock: None,
            watch: None,
            current: Cell::new(0),
            first_choice: FirstChoice::default(),
            outage: Outage::default(),
            counted: Cell::new(Cursor { position: 0, number: 1 }),
            counted_all: Cell::new(Instant::now()),
        }
    }

    /// Reports the loss of the connection to `endpoint`, the last that was tried.
    pub(super) fn report_outage(&self, endpoint: &Endpoint, reason: &str, refused: bool) {
        let has_successor = self.watch.as_ref().is_some_and(SpoolWatch::has_successor);
        if self.retry == RetryPolicy::Report && !has_successor {
            self.outage.begin(&self.spool, endpoint, reason, refused);
        }
    }

    /// The collector in use, or tried.
    pub(super) fn collector(&self) -> &CollectorAddress {
        &self.destination.collectors[self.current.get()]
    }

    pub(super) fn connect(&self) -> io::Result<Connection> {
        self.destination.connect(&self.collector().endpoint, self.patience().connect)
    }

    /// Limits of the collector in use, or tried.
    pub(super) fn patience(&self) -> Patience {
        let index = self.current.get();
        let doubted = index == 0 && self.first_choice.is_doubted();
        Patience::with(index, self.destination.collectors.len(), doubted)
    }

    /// Turns to the next collector, which is reported once; `false` if there is none, and the first
    /// is next.
    pub(super) fn turn_to_next(&self, reason: &str, refused: bool) -> bool {
        let next = self.current.get() + 1;
        if self.current.get() == 0 {
            self.first_choice.failed();
        }
        let Some(collector) = self.destination.collectors.get(next) else {
            self.turn_to_first();
            return false;
        };
        if self.retry == RetryPolicy::Report {
            self.outage.turn(&self.collector().endpoint, &collector.endpoint, reason, refused);
        }
        self.current.set(next);
        true
    }

    pub(super) fn turn_to_first(&self) {
        self.current.set(0);
    }

    /// Takes note that the collector in use acknowledges records.
    pub(super) fn first_works(&self) {
        if self.current.get() == 0 {
            self.first_choice.works();
        }
    }

    /// True if there are others to go to.
    pub(super) fn has_several(&self) -> bool {
        self.destination.collectors.len() > 1
    }

    /// True if another collector is in use, and the first one has just accepted a connection.
    pub(super) fn first_is_back(&self) -> bool {
        self.current.get() > 0
            && self.first_choice.is_back(&self.destination.collectors[0].endpoint)
    }

    /// Reports, after an outage, that the other side takes records again.
    pub(super) fn report_recovery(&self) {
        self.outage.end(&self.spool, &self.collector().endpoint, self.current.get() == 0);
    }

    /// Calibrates the clock of the log calls and checks the file of the spool, if that is due.
    pub(super) fn tend(&self) {
        if self.spool.owner == Owner::Alive && remote_filter::expire() {
            self.spool.notice("filter is the program's own again: its time is over");
        }
        if let Some(watch) = &self.watch {
            watch.check(&self.spool, &self.status);
            if watch.has_successor() {
                return; // whose worker calibrates the clock now
            }
        }
        if let Some(clock) = &self.clock {
            clock.borrow_mut().set();
        }
    }

    /// True if this program obeys orders on the connection of this worker.
    pub(super) fn obeys(&self) -> bool {
        self.destination.remote && self.spool.owner == Owner::Alive && remote_filter::possible()
    }

    /// Obeys an order of the collector, and answers it by a record.
    pub(super) fn obey(&self, order: &FilterOrder) {
        if let Some(answer) = remote_filter::obey(order, now()) {
            self.spool.notice(&answer);
        }
    }

    /// Counts the records up to `read` as accepted, so that log calls need not. Those behind it are
    /// counted if the worker is `idle`, or has not counted them for a while.
    pub(super) fn count_read(&self, read: Cursor, idle: bool) {
        self.count_to(read);
        if idle || self.counted_all.get().elapsed() > COUNT_INTERVAL {
            self.count_waiting();
        }
    }

    /// Counts all records. It fetches each of them from the processor that wrote it, long before it
    /// is sent: for a worker that is not sending.
    pub(super) fn count_waiting(&self) {
        let Spool { ring, owner, .. } = &*self.spool;
        // Those that have been released are gone.
        let from = self.counted.get().max(ring.first());
        self.count_to(ring.behind(from, u64::MAX - 1, *owner));
        self.counted_all.set(Instant::now());
    }

    fn count_to(&self, end: Cursor) {
        let counted = self.counted.get().max(end);
        self.counted.set(counted);
        self.status.accepted.store(counted.number - 1, Ordering::Release);
    }

    /// Closes the ring if the program ends and everything is delivered.
    pub(super) fn close_at_end(&self) -> bool {
        self.spool.owner == Owner::Alive
            && self.status.ending.load(Ordering::Acquire)
            && self.spool.unreported() == 0
            && self.spool.ring.close_if_empty()
    }

    /// Removes the spool, of which everything is delivered, and says so to the program.
    pub(super) fn finish(&self) {
        self.spool.remove();
        self.status.ended.store(true, Ordering::Release);
    }
}

/// Outcome of a connection.
pub(super) enum ConnectionEnd {
    /// Everything is delivered.
    Done,
    /// The program closed the descriptor of the connection.
    Closed,
    /// The first collector is there again.
    FirstIsBack,
    /// The connection was lost, or none was made.
    Lost {
        reason: String,
        took_records: bool,
        /// One side refused the other, which no further attempt will mend.
        refused: bool,
    },
}

impl ConnectionEnd {
    /// A connection that failed before it took any records.
    pub(super) fn failed(error: &io::Error) -> Self {
        // Only refusals, by TLS and by the collector, have this kind.
        let refused = error.kind() == io::ErrorKind::InvalidData;
        Self::Lost { reason: error.to_string(), took_records: false, refused }
    }
}
