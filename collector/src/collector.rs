//! A whole collector: what it binds and opens, and the order in which its parts start and end.

mod archiving;
mod forwarding;
mod open;

use crate::archive::{ArchiveEnd, Archiving};
use crate::descriptors::DescriptorShares;
use crate::error::{BindError, RunError};
use crate::forward::ForwardEnd;
use crate::hub::marks::Marks;
use crate::hub::progress::Progress;
use crate::hub::sink::Sink;
use crate::hub::submission::{self, HubHandle};
use crate::hub::{GaveUp, Hub, Patience, Reopen};
use crate::intake::{
    self, Address, BoundSocket, Endpoint, IntakeContext, IntakeLimits, StreamReader, Transport,
};
use crate::options::{Console, Options};
use crate::read::{ReadOptions, ReaderThreads};
use crate::retention::{RetentionHandle, RetentionThread};
use crate::senders::tokens::Tokens;
use crate::stats::Stats;
use crate::stderr::{Chain, StderrLog};
use crate::tls::Tls;
use forwarding::Relay;
use open::{HttpSockets, SinkShared};
use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A collector that has its sockets and its sinks, and is ready to run.
pub struct Collector {
    options: Options,
    sockets: Vec<BoundSocket>,
    http: HttpSockets,
    sinks: Vec<Box<dyn Sink>>,
    shared: SinkShared,
    stderr: StderrLog,
    reopen: Reopen,
    tokens: Option<Arc<Tokens>>,
    tls: Option<Arc<Tls>>,
    /// Token to show to the collector of `--forward-to`.
    forward_token: Option<String>,
    reader: Option<StreamReader>,
    archiving: Option<Archiving>,
}

impl Collector {
    /// Binds the sockets and opens the sinks. From here on the kernel takes connections; they are
    /// served once it [runs](Self::run).
    ///
    /// # Errors
    ///
    /// When an address cannot be bound, a sink cannot be opened or the tokens cannot be read, and
    /// when there is no sink.
    pub fn bind(options: Options) -> Result<Self, BindError> {
        let stderr = StderrLog { verbose: options.verbose };
        open::peers(&options)?;
        let tokens = open::tokens(&options, stderr)?.map(Arc::new);
        let forward_token = forwarding::check(&options)?;
        let marks = Arc::new(Marks::new(options.max_marks_memory.0));
        let shared = SinkShared { marks, ..SinkShared::default() };
        let tls = open::tls(&options, stderr, &shared.stats)?.map(Arc::new);
        let mut sockets = Vec::new();
        for endpoint in &options.listen {
            sockets.extend(endpoint.bind()?);
        }
        let http = open::http(&options)?;
        let sinks = open::sinks(&options, &shared)?;
        let reader = forwarding::reader(&options, forward_token.clone())?;
        let archiving = archiving::open(&options, &shared)?;
        let reopen = Reopen::new(tokens.clone(), tls.clone());
        Ok(Self {
            options,
            sockets,
            http,
            sinks,
            shared,
            stderr,
            reopen,
            tokens,
            tls,
            forward_token,
            reader,
            archiving,
        })
    }

    /// Checks what can be checked of `options` without opening a socket or a sink.
    ///
    /// # Errors
    ///
    /// When the tokens, the files of TLS, those of an address or those of NATS cannot be used, when
    /// the page cannot have its peers, and when there is no sink.
    pub fn check(options: &Options) -> Result<(), BindError> {
        open::peers(options)?;
        open::tokens(options, StderrLog::default())?;
        open::tls(options, StderrLog::default(), &Arc::default())?;
        options.listen.iter().try_for_each(Endpoint::check)?;
        forwarding::check(options)?;
        archiving::check(options)?;
        match options.file.is_none() && options.console() == Console::Off {
            true => Err(BindError::NoSink),
            false => Ok(()),
        }
    }

    /// The addresses really listened on, in the order of the options.
    pub fn addresses(&self) -> Vec<Address> {
        self.sockets.iter().map(|bound| bound.address.clone()).collect()
    }

    /// The addresses of the HTTP API.
    pub fn serving(&self) -> Vec<SocketAddr> {
        self.http.sockets.iter().filter_map(|bound| bound.address.socket()).collect()
    }

    /// True if the HTTP API is served over TLS.
    pub fn serves_https(&self) -> bool {
        self.options.https().is_some()
    }

    /// The counters; to be read at any time, also while it runs.
    pub fn stats(&self) -> Arc<Stats> {
        self.shared.stats.clone()
    }

    /// A handle that makes it reopen its file, after something else has moved it away, and read its
    /// tokens again.
    pub fn reopen(&self) -> Reopen {
        self.reopen.clone()
    }

    /// A handle that changes options of it while it runs.
    pub fn reload(&self) -> Reload {
        Reload { retention: self.shared.retention.clone() }
    }

    /// Prints start-up warnings.
    fn warn(&self) {
        if intake::sockets_were_passed() {
            self.stderr.log(format_args!(
                "warning: the service manager passed sockets, but no --listen fd:// takes them"
            ));
        }
        if let Some(error) = &self.http.failure {
            let chain = Chain(error);
            self.stderr.log(format_args!("warning: {chain}; continuing without the HTTP API"));
        }
        let Some(tokens) = &self.tokens else { return };
        tokens.warn();
        for BoundSocket { address, .. } in &self.sockets {
            if matches!(address.transport, Transport::Udp | Transport::Unixgram) {
                self.stderr.log(format_args!(
                    "warning: datagrams cannot carry a token: all on {address} will be refused"
                ));
            }
        }
    }

    /// The numbers of descriptors that there are, with a warning if they are fewer than wanted.
    fn descriptors(&self) -> DescriptorShares {
        let shares = DescriptorShares::now(&self.options);
        shares.warn(&DescriptorShares::wanted(&self.options), self.stderr);
        shares
    }

    /// Collects until `end` is over, then reads what was received, writes and acks it, and returns.
    ///
    /// # Errors
    ///
    /// When a socket cannot be served, or a sink still fails some seconds after the end.
    pub async fn run(mut self, end: impl Future<Output = ()>) -> Result<(), RunError> {
        self.warn();
        let descriptors = self.descriptors();
        let SinkShared { retention, stats, marks, forwarded } = self.shared;
        let held = open::restore(&mut self.sinks, &marks, &stats);
        let progress = Arc::new(Progress::new(held.end, held.stream));
        let relay =
            Relay::of(&self.options, self.forward_token, forwarded.into_inner(), progress.end());
        let held_acks = relay.as_ref().and_then(|relay| relay.held_acks.clone());
        let limits = Arc::new(IntakeLimits::new(&self.options.limits(), descriptors.connections));
        let (hub_handle, submissions) = submission::feed(limits.in_flight, stats.clone());
        let shared = IntakeContext {
            held_acks: held_acks.clone(),
            stderr: self.stderr,
            tokens: self.tokens.clone(),
            proxies: self.options.proxy_from.as_slice().into(),
            relay_from: self.options.relay_from.clone().into(),
            tls: self.tls.clone(),
            ..IntakeContext::new(hub_handle.clone(), marks.clone(), stats.clone(), limits)
        };
        let reading = self.http.serve(ReadOptions {
            progress: progress.clone(),
            senders: shared.senders.clone(),
            filter_orders: shared.filter_orders.clone(),
            marks: marks.clone(),
            stats: stats.clone(),
            stderr: self.stderr,
            archive: self.archiving.as_ref().map(|it| it.archive.clone()),
            file: self.options.file.clone().filter(|_| held.end.is_some()),
            template: held.stream.and_then(|_| self.options.template()),
            max_tails: self.options.max_tails,
            most: descriptors.readers,
            tokens: self.tokens,
            https: self.tls.clone().filter(|_| self.options.https().is_some()),
            tls: self.tls,
            status: forwarding::status(relay.as_ref(), self.reader.as_ref()),
            web: open::web_access(&self.options),
        })?;
        let retention = open::retention(retention, &self.options, &stats)?;
        let archiving =
            self.archiving.map(Archiving::start).transpose().map_err(RunError::Serve)?;
        let patience = Arc::<Patience>::default();
        let start = |relay: &Relay| relay.start(&self.options, progress.clone(), stats.clone());
        let forwarding = relay.as_ref().map(start).transpose()?;
        let hub = Hub {
            submissions,
            sinks: self.sinks,
            marks,
            patience: patience.clone(),
            progress,
            held_acks,
            reopen: self.reopen,
            stats,
            stderr: self.stderr,
            failing_since: None,
        };
        let Self { sockets, reader, .. } = self;
        let running = Running {
            reading,
            retention,
            archiving,
            patience,
            sockets,
            shared,
            relay,
            forwarding,
            reader,
        };
        running.until(end, start_hub(hub, hub_handle)?).await
    }
}

/// Changes options of a running collector.
#[derive(Debug, Clone)]
pub struct Reload {
    retention: RetentionHandle,
}

impl Reload {
    /// From now on, rotated files are compressed and kept as `options` say.
    pub fn apply(&self, options: &Options) {
        self.retention.change(open::policy(options));
    }
}

/// The parts that have started, and the sockets still to be served.
struct Running {
    reading: ReaderThreads,
    retention: RetentionThread,
    archiving: Option<ArchiveEnd>,
    patience: Arc<Patience>,
    sockets: Vec<BoundSocket>,
    shared: IntakeContext,
    relay: Option<Relay>,
    forwarding: Option<ForwardEnd>,
    reader: Option<StreamReader>,
}

impl Running {
    /// Serves until `end` is over or the hub has ended; then the intakes end, the hub, and the
    /// others.
    async fn until(
        self,
        end: impl Future<Output = ()>,
        mut hub: HubOutcome,
    ) -> Result<(), RunError> {
        let Self {
            reading,
            retention,
            archiving,
            patience,
            sockets,
            shared,
            relay,
            forwarding,
            reader,
        } = self;
        let mut intakes = intake::start(sockets, &shared).map_err(RunError::Serve)?;
        if let Some(reader) = reader {
            intakes.spawn(reader.run(shared.clone()));
        }
        let stop = shared.stop.clone();
        let watching = watch(shared.tls.clone());
        let reporting =
            forwarding::report(relay.as_ref(), shared.hub.clone(), shared.stats.clone());
        // The hub ends when nobody can give it anything any more.
        drop(shared);
        tokio::select! {
            () = end => {}
            // Nobody reads what it prints any more, or it could not go on.
            outcome = &mut hub => return finished(outcome),
            () = watching => {}
            () = reporting => {}
        }
        patience.limit(intake::DRAIN + intake::GIVE_UP);
        let _ = stop.set(());
        let mut ended = pin!(async { while intakes.join_next().await.is_some() {} });
        if timeout(intake::DRAIN, ended.as_mut()).await.is_err() {
            // What was not forwarded by now stays with its senders.
            relay.iter().for_each(Relay::give_up_acks);
            ended.await;
        }
        let outcome = hub.await;
        if let Some(forwarding) = forwarding {
            forwarding.end().await;
        }
        reading.end().await;
        retention.end().await;
        if let Some(archiving) = archiving {
            archiving.end().await;
        }
        finished(outcome)
    }
}

/// Looks after the files of TLS for as long as the collector runs.
async fn watch(tls: Option<Arc<Tls>>) {
    match tls {
        Some(tls) => tls.watch().await,
        None => pending().await,
    }
}

type HubOutcome = oneshot::Receiver<Result<(), GaveUp>>;

/// The hub ends when all intakes have ended, and lets them end when it does.
fn start_hub(hub: Hub, handle: HubHandle) -> Result<HubOutcome, RunError> {
    let (tell, outcome) = oneshot::channel();
    let room = handle.room();
    drop(handle);
    let work = move || {
        let result = hub.run();
        room.close();
        let _ = tell.send(result);
    };
    thread::Builder::new().name("hub".into()).spawn(work).map_err(RunError::Serve)?;
    Ok(outcome)
}

fn finished(
    outcome: Result<Result<(), GaveUp>, oneshot::error::RecvError>,
) -> Result<(), RunError> {
    outcome.map_err(|_| RunError::Hub)?.map_err(RunError::GaveUp)
}
