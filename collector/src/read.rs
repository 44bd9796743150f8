//! The reading side: what the collector holds, over HTTP, for terminals, browsers and scripts.
//!
//! It runs in threads of its own at a lower priority: one serves connections and answers what can
//! be answered at once, one runs tails and searches, and some read files and look through them. So
//! neither an intake nor the hub waits for readers, nor does `/healthz` for a search. All that the
//! hub does for its readers is to tell them how far it has come ([`Progress`]).

mod buffer_permit;
mod cors;
mod file_cursor;
mod filter;
mod foreign_line;
mod format;
mod host;
mod log_set;
mod merge;
mod metrics;
mod order_scan;
mod page;
mod params;
mod pattern;
mod piece_size;
mod position;
mod read_context;
mod reader_task;
mod recovery_notices;
mod response;
mod routes;
mod scan;
mod search;
mod segment;
mod server;
mod set_filter;
mod status;
mod stream;
mod stream_cursor;
#[cfg(test)]
mod tests;

#[cfg(any(test, fuzzing))]
pub(crate) use {params::Params, pattern::Expressions, position::Position};

pub(crate) use cors::AllowedOrigins;
pub(crate) use host::HostNames;
pub(crate) use segment::Segment;
pub(crate) use status::{ForwardStatus, ReaderStatus, StatusSources};

use crate::archive::Archive;
use crate::hub::marks::Marks;
use crate::hub::progress::{End, Progress};
use crate::layout::template::Template;
use crate::priority::give_way;
use crate::senders::filter_orders::FilterOrders;
use crate::senders::registry::SenderRegistry;
use crate::senders::tokens::Tokens;
use crate::stats::Stats;
use crate::stderr::StderrLog;
use crate::thread_runtime::ThreadRuntime;
use crate::tls::Tls;
use crate::web_origin::WebOrigin;
use read_context::ReadContext;
use socket2::Socket;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

/// Niceness of the readers' threads above that of the rest of the collector: senders go first.
const NICE: i32 = 5;

/// And how much nicer still those threads are that read files: of them there are several, each with
/// work for a whole processor.
const NICER: i32 = 10;

/// Threads that read files: enough that one search on a slow disk does not hold up every tail.
const READERS: usize = 4;

/// Time that clients have to read the last records when the collector ends.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);

/// The least time between two notices to the tails that there is more, and what each of them adds:
/// notified of every batch, ten thousand would take more time to wake than to read.
const PAUSE: Duration = Duration::from_millis(5);
const PAUSE_EACH: Duration = Duration::from_micros(20);

/// Connections that so many tails, and other clients, may need.
pub(crate) fn connections(max_tails: usize) -> usize {
    max_tails.saturating_add(read_context::CONNECTIONS)
}

/// Everything that readers can be shown, and the limits they are under.
pub(crate) struct ReadOptions {
    pub(crate) progress: Arc<Progress>,
    pub(crate) senders: Arc<SenderRegistry>,
    pub(crate) filter_orders: Arc<FilterOrders>,
    pub(crate) marks: Arc<Marks>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) stderr: StderrLog,
    /// The archive of rotated files, if there is one.
    pub(crate) archive: Option<Arc<Archive>>,
    pub(crate) file: Option<PathBuf>,
    /// The files of each app and host, if there are those, and can be read back.
    pub(crate) template: Option<Template>,
    pub(crate) max_tails: usize,
    /// Only clients that show one of them are answered.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// TLS of the collector, if any of its addresses has it.
    pub(crate) tls: Option<Arc<Tls>>,
    /// The same, if the connections of readers are encrypted.
    pub(crate) https: Option<Arc<Tls>>,
    pub(crate) status: StatusSources,
    pub(crate) web: WebAccess,
    /// The most connections there may be.
    pub(crate) most: usize,
}

/// The web pages that may read here, and what the collector's own page may read elsewhere.
#[derive(Debug)]
pub(crate) struct WebAccess {
    /// The names that requests may be meant for.
    pub(crate) hosts: HostNames,
    /// The origins whose pages may read.
    pub(crate) origins: AllowedOrigins,
    /// The other collectors that the page reads.
    pub(crate) peers: Vec<WebOrigin>,
}

/// The running threads.
pub(crate) struct ReaderThreads {
    stop: watch::Sender<bool>,
    done: oneshot::Receiver<()>,
}

impl ReaderThreads {
    /// Starts to serve what can be seen in `view`.
    pub(crate) fn start(sockets: Vec<Socket>, view: ReadOptions) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let (tell, done) = oneshot::channel();
        let (tell_end, end) = watch::channel(view.progress.end());
        let runtime = read_runtime()?;
        let progress = view.progress.clone();
        let handle = runtime.get().handle().clone();
        let server = ReadContext::new(view, handle, end, stopped.clone());
        let (served, ended) = oneshot::channel();
        thread::Builder::new().name("read".into()).spawn(move || {
            give_way(NICE);
            runtime.get().block_on(async {
                tokio::select! {
                    () = pass_on(progress, tell_end) => {}
                    _ = ended => {}
                }
            });
            drop(runtime);
            let _ = tell.send(());
        })?;
        let runtime = read_runtime()?;
        thread::Builder::new().name("http".into()).spawn(move || {
            give_way(NICE);
            runtime.get().block_on(server.serve(sockets, stopped));
            let _ = served.send(());
        })?;
        Ok(Self { stop, done })
    }

    /// Ends it, once all clients have read all or had time for it.
    pub(crate) async fn end(self) {
        let _ = self.stop.send(true);
        let _ = timeout(FAREWELL * 2, self.done).await;
    }
}

/// A runtime that reads files on few threads, of a lower priority.
fn read_runtime() -> io::Result<ThreadRuntime> {
    let mut builder = Builder::new_current_thread();
    let builder = builder.enable_all().max_blocking_threads(READERS).thread_name("read-files");
    ThreadRuntime::new(builder.on_thread_start(|| give_way(NICER)))
}

/// Passes the hub's notices on to the tails, at a pace that so many of them can follow.
async fn pass_on(progress: Arc<Progress>, tell: watch::Sender<End>) {
    loop {
        progress.bell.notified().await;
        tell.send_replace(progress.end());
        let tails = u32::try_from(tell.receiver_count()).unwrap_or(u32::MAX);
        sleep(PAUSE.max(PAUSE_EACH.saturating_mul(tails))).await;
    }
}
