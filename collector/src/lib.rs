//! Gathers what many programs log into one stream, prints it and appends it to a file.
//!
//! ```text
//!  streams    one task a connection ─┐ decode     runs          batches ┌─► console
//!  datagrams  one task a socket     ─┴──────► channel ──► hub ─────────┴─► file
//!                 ▲                          (bounded      │ (a thread, the only writer)
//!                 └───────── acks, once a batch is written ┘  in bytes)
//! ```
//!
//! | thread or task | waits on |
//! |---|---|
//! | one task per TCP or Unix listener | a connection to accept, a connection task that ended, the end |
//! | one task per connection | bytes to read, room on the way to the hub, the hub's mark, the end |
//! | one task per UDP or Unix datagram socket | a datagram, a timer while datagrams are missing, the end |
//! | the hub, a thread | a submission of runs; then disks |
//! | the look, a thread: one task per reader | a request, the hub's word that there is more, room to write |
//! | the attic, a thread | a file that was rotated away, a minute, the end |
//!
//! A program may run a collector within itself:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use netlog_collector::{Collector, Options};
//!
//! let options = Options { listen: vec!["localhost:0".parse()?], ..Options::default() };
//! let collector = Collector::bind(options)?;
//! println!("{}", collector.addresses()[0]);
//! collector.run(async { /* returns when it is to end */ }).await?;
//! # Ok(())
//! # }
//! ```

mod clock;
mod decode;
mod descriptors;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod hub;
mod intake;
mod layout;
mod ledger;
mod options;
mod priority;
mod read;
mod retention;
mod seekable_zstd;
mod senders;
mod sink;
mod stats;
mod stderr;
mod units;

pub use descriptors::allow_descriptors;
pub use error::{BindError, RunError};
pub use hub::coalesce::runtime;
pub use hub::{GaveUp, Reopen};
pub use intake::{Address, Endpoint, UnknownEndpoint};
pub use layout::template::BadTemplate;
pub use options::{Compress, Console, Format, Http, Options};
pub use stats::{Counter, Stats};
pub use units::{Period, Size, UnknownAmount};

use clock::seconds;
use descriptors::Shares;
use hub::marks::Marks;
use hub::progress::Progress;
use hub::sink::Sink;
use hub::submission::{self, HubHandle};
use hub::{Hub, Patience};
use intake::{Bound, Bounds, Datagrams, Limits, Listener, Places, Shared, Transport};
use layout::rotation::{self, Schedule};
use layout::template::Template;
use read::{Looking, View};
use retention::{Custom, Keep, RetentionHandle, Sweeping};
use senders::registry::Senders;
use senders::tokens::Tokens;
use sink::console::ConsoleSink;
use sink::file::{FileSink, Keeping};
use sink::files::{Files, MostFiles, Said};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use stderr::{Chain, StderrLog};
use tokio::net::{TcpListener, UdpSocket, UnixDatagram, UnixListener};
use tokio::sync::{Semaphore, SetOnce, oneshot};
use tokio::task::JoinSet;

/// The least `--max-line`: a hello has to fit.
const MIN_LINE: usize = 1 << 10;

/// The least and the most `--max-in-flight`: a submission has to fit, and be counted in 32 bits.
const MIN_IN_FLIGHT: usize = 1 << 20;
const MAX_IN_FLIGHT: usize = 1 << 31;

/// A collector that has its sockets and its sinks, and is ready to run.
pub struct Collector {
    options: Options,
    sockets: Vec<Bound>,
    serving: Vec<Bound>,
    unserved: Option<BindError>,
    sinks: Vec<Box<dyn Sink>>,
    attic: RetentionHandle,
    stats: Arc<Stats>,
    reopen: Reopen,
    tokens: Option<Arc<Tokens>>,
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
        let mut sockets = Vec::new();
        for endpoint in &options.listen {
            sockets.extend(endpoint.bind()?);
        }
        let stderr = StderrLog { verbose: options.verbose };
        if intake::passed::any() {
            stderr.log(format_args!(
                "warning: sockets were passed, but no --listen fd:// takes them"
            ));
        }
        let stats = Arc::default();
        let tokens = tokens(&options, stderr)?.map(Arc::new);
        let (serving, unserved) = serving(&options)?;
        let attic = RetentionHandle::default();
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        if let Some(console) = ConsoleSink::open(options.console()).map_err(BindError::Console)? {
            sinks.push(Box::new(console));
        }
        if let Some(path) = &options.file {
            sinks.push(file_sink(path, &options, (&attic, &stats))?);
        }
        if sinks.is_empty() {
            return Err(BindError::NoSink);
        }
        let reopen = Reopen::new(tokens.clone());
        Ok(Self { options, sockets, serving, unserved, sinks, attic, stats, reopen, tokens })
    }

    /// The addresses really listened on, in the order of the options.
    pub fn addresses(&self) -> Vec<Address> {
        self.sockets.iter().map(|bound| bound.address.clone()).collect()
    }

    /// The addresses at which what it holds can be looked at.
    pub fn serving(&self) -> Vec<SocketAddr> {
        self.serving.iter().filter_map(|bound| bound.address.socket()).collect()
    }

    /// What it counts; to be read at any time, also while it runs.
    pub fn stats(&self) -> Arc<Stats> {
        self.stats.clone()
    }

    /// What asks it to reopen its file, after something else has moved it away, and to read its
    /// tokens again.
    pub fn reopen(&self) -> Reopen {
        self.reopen.clone()
    }

    /// Says what whoever runs it may not expect.
    fn warn(&self, stderr: StderrLog) {
        if let Some(error) = &self.unserved {
            let chain = Chain(error);
            stderr.log(format_args!("warning: {chain}; running on, but nobody can look in"));
        }
        let Some(tokens) = &self.tokens else { return };
        tokens.warn();
        for Bound { address, .. } in &self.sockets {
            if matches!(address.transport, Transport::Udp | Transport::Unixgram) {
                stderr.log(format_args!("warning: nothing at {address} can show a token: refused"));
            }
        }
    }

    /// Collects until `end` is over, then reads what was received, writes and acks it, and returns.
    ///
    /// # Errors
    ///
    /// When a socket cannot be served, or a sink still fails some seconds after the end.
    pub async fn run(mut self, end: impl Future<Output = ()>) -> Result<(), RunError> {
        let stop = Arc::<SetOnce<()>>::default();
        let (marks, patience) = (Arc::<Marks>::default(), Arc::<Patience>::default());
        let stderr = StderrLog { verbose: self.options.verbose };
        let shares = Shares::now(&self.options);
        shares.warn(&Shares::wanted(&self.options), stderr);
        let bounds = Arc::new(bounds(&self.options, shares.connections));
        let (hub_handle, submissions) = submission::feed(bounds.in_flight, self.stats.clone());
        self.warn(stderr);
        self.sinks.iter_mut().for_each(|sink| marks.restore(sink.holdings(), seconds()));
        let held = self.sinks.iter().find_map(|sink| sink.end());
        let stream = self.sinks.iter().find_map(|sink| sink.stream());
        let (progress, senders) =
            (Arc::new(Progress::new(held, stream)), Arc::<Senders>::default());
        let shared = Shared {
            hub: hub_handle.clone(),
            marks: marks.clone(),
            stats: self.stats.clone(),
            senders: senders.clone(),
            stderr,
            bounds: bounds.clone(),
            told: Arc::default(),
            tokens: self.tokens.clone(),
            stop: stop.clone(),
        };
        let view = View {
            progress: progress.clone(),
            senders,
            marks: marks.clone(),
            stats: self.stats.clone(),
            stderr,
            file: self.options.file.clone().filter(|_| held.is_some()),
            template: stream.and_then(|_| self.options.template()),
            max_tails: self.options.max_tails,
            most: shares.readers,
            tokens: self.tokens,
        };
        let serving = self.serving.into_iter().map(|bound| bound.socket).collect();
        let looking = Looking::start(serving, view).map_err(RunError::Serve)?;
        let sweeping = start_attic(self.attic, &self.options, &self.stats)?;
        let mut intakes = start_intakes(self.sockets, &shared)?;
        drop(shared);
        let hub = Hub {
            submissions,
            sinks: self.sinks,
            marks,
            patience: patience.clone(),
            progress,
            reopen: self.reopen,
            stats: self.stats,
            stderr,
        };
        let mut hub = start_hub(hub, hub_handle)?;
        tokio::select! {
            () = end => {}
            // Nobody reads what it prints any more, or it could not go on.
            outcome = &mut hub => return finished(outcome),
        }
        patience.limit(intake::DRAIN + intake::GIVE_UP);
        let _ = stop.set(());
        while intakes.join_next().await.is_some() {}
        let outcome = hub.await;
        looking.end().await;
        sweeping.end().await;
        finished(outcome)
    }
}

/// What the options allow, brought within what makes sense, and so many connections.
fn bounds(options: &Options, connections: usize) -> Bounds {
    let max_line = options.max_line.bytes().max(MIN_LINE);
    let half_lines = options.max_half_lines.bytes().max(max_line).min(Semaphore::MAX_PERMITS);
    Bounds {
        max_line,
        limits: Limits {
            first_byte: options.first_byte_timeout.limit(),
            half_line: options.half_line_timeout.limit(),
            idle: options.idle_timeout.limit(),
        },
        places: Places::new(connections, options.max_per_address),
        half_lines: Arc::new(Semaphore::new(half_lines)),
        max_chunked: options.max_chunked.bytes(),
        in_flight: options.max_in_flight.bytes().clamp(MIN_IN_FLIGHT, MAX_IN_FLIGHT),
    }
}

fn tokens(options: &Options, stderr: StderrLog) -> Result<Option<Tokens>, BindError> {
    let Some(path) = &options.token_file else { return Ok(None) };
    let failed = |cause| BindError::Tokens { path: path.clone(), cause };
    Tokens::read(path, stderr).map(Some).map_err(failed)
}

/// The file at `path`, or the files of the template that it is.
fn file_sink(
    path: &Path,
    options: &Options,
    (attic, stats): (&RetentionHandle, &Arc<Stats>),
) -> Result<Box<dyn Sink>, BindError> {
    let stderr = StderrLog { verbose: options.verbose };
    let keeping = keeping(path, options, (attic.clone(), stats.clone()));
    let failed = |(path, cause)| BindError::File { path, cause };
    let Some(template) = Template::parse(path).map_err(BindError::Template)? else {
        let sink =
            FileSink::open(keeping, stderr).map_err(|cause| failed((path.to_owned(), cause)));
        return sink.map(|sink| Box::new(sink) as Box<dyn Sink>);
    };
    let most = MostFiles::new(options.max_files, Shares::now(options).files);
    let files = Files::open(template, keeping, most, Said { stderr, stats: stats.clone() });
    files.map(|files| Box::new(files) as Box<dyn Sink>).map_err(failed)
}

fn keeping(
    path: &Path,
    options: &Options,
    (attic, stats): (RetentionHandle, Arc<Stats>),
) -> Keeping {
    let size = (options.rotate_size.0 > 0).then_some(options.rotate_size.0);
    let every = options.rotate_every.limit().map(rotation::every);
    let (path, confined, format) = (path.to_owned(), None, options.format);
    let (schedule, sync) = (Schedule { size, every }, options.sync);
    Keeping { path, confined, format, schedule, sync, attic, stats }
}

fn start_attic(
    attic: RetentionHandle,
    options: &Options,
    stats: &Arc<Stats>,
) -> Result<Sweeping, RunError> {
    let limit = |most: u64| (most > 0).then_some(most);
    let keep = Keep {
        age: options.keep_age.limit(),
        files: limit(options.keep_files),
        size: limit(options.keep_size.0),
    };
    let custom = Custom { pack: options.compress == Compress::Zstd, keep };
    attic
        .start(custom, stats.clone(), StderrLog { verbose: options.verbose })
        .map_err(RunError::Serve)
}

/// The sockets to be looked at through. Nobody asked for the default ones: where they are taken, by
/// another collector as a rule, this one runs without.
fn serving(options: &Options) -> Result<(Vec<Bound>, Option<BindError>), BindError> {
    let Http::At(endpoint) = options.http.clone().unwrap_or_default() else {
        return Ok((Vec::new(), None));
    };
    match endpoint.bind() {
        Ok(sockets) => Ok((sockets, None)),
        Err(error) if options.http.is_none() => Ok((Vec::new(), Some(error))),
        Err(error) => Err(error),
    }
}

fn start_intakes(sockets: Vec<Bound>, shared: &Shared) -> Result<JoinSet<()>, RunError> {
    let mut intakes = JoinSet::new();
    for bound in sockets {
        start_intake(bound, shared, &mut intakes).map_err(RunError::Serve)?;
    }
    Ok(intakes)
}

fn start_intake(bound: Bound, shared: &Shared, intakes: &mut JoinSet<()>) -> io::Result<()> {
    let Bound { address, socket, pin, file } = bound;
    let listener = match address.transport {
        Transport::Tcp => Listener::Tcp(TcpListener::from_std(socket.into())?),
        Transport::Unix => Listener::Unix(UnixListener::from_std(socket.into())?, file),
        Transport::Udp => {
            let socket = Datagrams::Udp(UdpSocket::from_std(socket.into())?);
            intakes.spawn(intake::udp::run(socket, pin, shared.clone()));
            return Ok(());
        }
        Transport::Unixgram => {
            let socket = Datagrams::Unix(UnixDatagram::from_std(socket.into())?, file);
            intakes.spawn(intake::udp::run(socket, pin, shared.clone()));
            return Ok(());
        }
    };
    intakes.spawn(intake::tcp::run(listener, pin, shared.clone()));
    Ok(())
}

type Outcome = oneshot::Receiver<Result<(), GaveUp>>;

/// The hub ends when all intakes have ended, and lets them end when it does.
fn start_hub(hub: Hub, handle: HubHandle) -> Result<Outcome, RunError> {
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

/// Writes an error and all its causes to stderr, as one line.
pub fn report(error: &(dyn Error + 'static)) {
    StderrLog::default().log(format_args!("{}", Chain(error)));
}
