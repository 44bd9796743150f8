//! Opens tokens, sinks, and the sockets of the HTTP API, as the options say.

use crate::clock::{monotonic_seconds, seconds};
use crate::descriptors::DescriptorShares;
use crate::error::{BindError, RunError};
use crate::hub::marks::Marks;
use crate::hub::sink::{HeldRecords, Sink};
use crate::intake::{BoundSocket, Endpoint};
use crate::layout::forwarded::Forwarded;
use crate::layout::rotation::{self, RotationSchedule};
use crate::layout::template::Template;
use crate::options::{Compress, Http, Options};
use crate::read::{AllowedOrigins, HostNames, ReadOptions, ReaderThreads, WebAccess};
use crate::retention::{KeepLimits, RetentionHandle, RetentionPolicy, RetentionThread};
use crate::senders::tokens::Tokens;
use crate::sink::console::ConsoleSink;
use crate::sink::file::{FileOptions, FileSink};
use crate::sink::files::{FileLimits, FilesReports, FilesSink};
use crate::stats::Stats;
use crate::stderr::StderrLog;
use crate::tls::{Tls, TlsError, unused_option};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The most collectors that a page reads besides its own.
const MOST_PEERS: usize = 16;

/// The sockets of the HTTP API, or the reason why there are none.
pub(super) struct HttpSockets {
    pub(super) sockets: Vec<BoundSocket>,
    pub(super) failure: Option<BindError>,
}

impl HttpSockets {
    /// Starts to serve what can be seen in `view`.
    pub(super) fn serve(self, view: ReadOptions) -> Result<ReaderThreads, RunError> {
        let sockets = self.sockets.into_iter().map(|bound| bound.socket).collect();
        ReaderThreads::start(sockets, view).map_err(RunError::Serve)
    }
}

/// State that the sinks share with the rest of the collector.
#[derive(Default)]
pub(super) struct SinkShared {
    pub(super) retention: RetentionHandle,
    pub(super) stats: Arc<Stats>,
    pub(super) marks: Arc<Marks>,
    /// Position of the relay, if there is one.
    pub(super) forwarded: OnceLock<Arc<Forwarded>>,
}

/// Binds them. The default address may be taken, as a rule by another collector; then this one runs
/// without the HTTP API.
pub(super) fn http(options: &Options) -> Result<HttpSockets, BindError> {
    let Http::At(endpoint) = options.http.clone().unwrap_or_default() else {
        return Ok(HttpSockets { sockets: Vec::new(), failure: None });
    };
    match endpoint.bind() {
        Ok(sockets) => Ok(HttpSockets { sockets, failure: None }),
        Err(failure) if options.http.is_none() => {
            Ok(HttpSockets { sockets: Vec::new(), failure: Some(failure) })
        }
        Err(failure) => Err(failure),
    }
}

/// Checks that the page can read its peers.
pub(super) fn peers(options: &Options) -> Result<(), BindError> {
    let peers = &options.page.peers;
    if peers.len() > MOST_PEERS {
        return Err(BindError::TooManyPeers(MOST_PEERS));
    }
    let insecure = peers.iter().find(|peer| !peer.secure());
    match insecure.filter(|_| options.https().is_some()) {
        Some(peer) => Err(BindError::InsecurePeer(peer.clone())),
        None => Ok(()),
    }
}

/// The web pages that may read, and the peers of the collector's own.
pub(super) fn web_access(options: &Options) -> WebAccess {
    WebAccess {
        hosts: HostNames::new(options.http_names()),
        origins: AllowedOrigins::new(options.page.http_origin.clone()),
        peers: options.page.peers.clone(),
    }
}

/// Reads the files of TLS, if an address needs them.
pub(super) fn tls(
    options: &Options,
    stderr: StderrLog,
    stats: &Arc<Stats>,
) -> Result<Option<Tls>, BindError> {
    let listening =
        options.listen.iter().find(|endpoint| endpoint.is_tls()).map(Endpoint::to_string);
    let serving = options.https().map(|endpoint| endpoint.to_string().replacen("tls", "https", 1));
    if let Some(unused) = unused_option(&options.tls, listening.is_some(), serving.is_some()) {
        return Err(BindError::Tls(unused));
    }
    let Some(address) = listening.or(serving) else { return Ok(None) };
    if options.tls.tls_cert.is_none() || options.tls.tls_key.is_none() {
        return Err(BindError::Tls(TlsError::NoCertificate(address)));
    }
    let tls = Tls::open(options.tls.clone(), stderr, stats.clone());
    tls.map(Some).map_err(BindError::Tls)
}

/// Reads the tokens, if there is a file of them.
pub(super) fn tokens(options: &Options, stderr: StderrLog) -> Result<Option<Tokens>, BindError> {
    let Some(path) = &options.token_file else { return Ok(None) };
    let failed = |cause| BindError::Tokens { path: path.clone(), cause };
    Tokens::read(path, stderr).map(Some).map_err(failed)
}

/// Opens the console and the file, as far as they are asked for.
pub(super) fn sinks(
    options: &Options,
    shared: &SinkShared,
) -> Result<Vec<Box<dyn Sink>>, BindError> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if let Some(console) = ConsoleSink::open(options.console()).map_err(BindError::Console)? {
        sinks.push(Box::new(console));
    }
    if let Some(path) = &options.file {
        sinks.push(file_sink(path, options, shared)?);
    }
    if sinks.is_empty() {
        return Err(BindError::NoSink);
    }
    Ok(sinks)
}

/// The file at `path`, or the files of the template that it is.
fn file_sink(
    path: &Path,
    options: &Options,
    shared: &SinkShared,
) -> Result<Box<dyn Sink>, BindError> {
    let mut file = file_options(path, options, shared);
    let stderr = StderrLog { verbose: options.verbose };
    let failed = |path: PathBuf, cause: io::Error| BindError::File { path, cause };
    let Some(template) = Template::parse(path).map_err(BindError::Template)? else {
        let unforwarded = |cause| BindError::Forward { path: path.to_owned(), cause };
        if options.forward_to.is_some() {
            file.forwarded = Forwarded::read(path).map_err(unforwarded)?.map(Arc::new);
        }
        let sink = FileSink::open(file, stderr);
        let mut sink = sink.map_err(|cause| failed(path.to_owned(), cause))?;
        if options.forward_to.is_some() {
            let forwarded = sink.forward().map_err(unforwarded)?;
            shared.retention.forward(forwarded.clone());
            let _ = shared.forwarded.set(forwarded);
        }
        return Ok(Box::new(sink));
    };
    let most = FileLimits::new(options.max_files, DescriptorShares::now(options).files);
    let stats = file.stats.clone();
    let files = FilesSink::open(template, file, most, FilesReports { stderr, stats });
    Ok(Box::new(files.map_err(|(path, cause)| failed(path, cause))?))
}

fn file_options(path: &Path, options: &Options, shared: &SinkShared) -> FileOptions {
    let size = (options.rotate_size.0 > 0).then_some(options.rotate_size.0);
    let every = options.rotate_every.limit().map(rotation::every);
    FileOptions {
        path: path.to_owned(),
        confined: None,
        format: options.format,
        schedule: RotationSchedule { size, every },
        sync: options.sync,
        retention: shared.retention.clone(),
        stats: shared.stats.clone(),
        marks: shared.marks.clone(),
        forwarded: None,
    }
}

/// Restores the marks from the records that the sinks hold, and returns where those end.
pub(super) fn restore(sinks: &mut [Box<dyn Sink>], marks: &Marks, stats: &Stats) -> HeldRecords {
    let mut held = HeldRecords::default();
    for sink in sinks {
        let HeldRecords { marks: known, end, stream } = sink.held();
        let known = known.into_iter().map(|mark| mark.by_monotonic_clock(seconds())).collect();
        let forgotten = marks.restore(known, monotonic_seconds());
        stats.senders_forgotten.add(forgotten.senders);
        stats.gaps_forgotten.add(forgotten.gaps);
        held.end = held.end.or(end);
        held.stream = held.stream.or(stream);
    }
    held
}

/// Starts to compress rotated files and to remove old ones.
pub(super) fn retention(
    retention: RetentionHandle,
    options: &Options,
    stats: &Arc<Stats>,
) -> Result<RetentionThread, RunError> {
    let stderr = StderrLog { verbose: options.verbose };
    retention.start(policy(options), stats.clone(), stderr).map_err(RunError::Serve)
}

/// Treatment of rotated files.
pub(super) fn policy(options: &Options) -> RetentionPolicy {
    let limit = |most: u64| (most > 0).then_some(most);
    let keep = KeepLimits {
        age: options.keep_age.limit(),
        files: limit(options.keep_files),
        size: limit(options.keep_size.0),
    };
    RetentionPolicy { pack: options.compress == Compress::Zstd, keep }
}
