//! The reading side: what the collector holds, over HTTP, for terminals, browsers and scripts.
//!
//! It runs in a thread of its own, at a lower priority, with a runtime of its own: however many
//! read, and however slowly, neither an intake nor the hub waits for them. All that the hub does
//! for its readers is to say how far the file has come ([`Progress`]); they read the file themselves.

mod body;
mod course;
mod cursor;
mod filter;
mod find;
mod form;
mod http;
mod leg;
mod merge;
mod metrics;
mod page;
mod pattern;
mod query;
mod room;
mod routes;
mod search;
mod shelf;
mod shelves;
mod tail;
mod volume;
mod walk;

#[cfg(any(test, fuzzing))]
pub(crate) use {cursor::Cursor, query::Query};

use crate::hub::marks::Marks;
use crate::hub::progress::{End, Progress};
use crate::layout::template::Template;
use crate::priority::give_way;
use crate::senders::registry::Senders;
use crate::senders::tokens::Tokens;
use crate::stats::Stats;
use crate::stderr::StderrLog;
use room::Rooms;
use shelf::Shelf;
use shelves::Shelves;
use socket2::Socket;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;

/// How much nicer than the rest of the collector its readers are: whoever sends goes first.
const NICE: i32 = 5;

/// And how much nicer still those threads are that search, or catch up with what is long written:
/// of them there are several, each with work for a whole processor.
const NICER: i32 = 10;

/// Threads that read files: enough that one search on a slow disk does not hold up every tail.
const READERS: usize = 4;

/// How many pieces of files are searched at once.
const SEARCHING: usize = 2;

/// How many, whether searches or tails, hold pieces of many files at once.
const MERGING: usize = 4;

/// How long whoever reads may take to read the last records when the collector ends.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);

/// How many connections there are for so many tails, and whoever else reads.
pub(crate) fn connections(max_tails: usize) -> usize {
    max_tails.saturating_add(http::CONNECTIONS)
}

/// What there is to look at.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) progress: Arc<Progress>,
    pub(crate) senders: Arc<Senders>,
    pub(crate) marks: Arc<Marks>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) stderr: StderrLog,
    pub(crate) file: Option<PathBuf>,
    /// The files of each app and host, if there are those, and can be read back.
    pub(crate) template: Option<Template>,
    pub(crate) max_tails: usize,
    /// Where only those may look who show one.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// The most connections there may be, of tails and others.
    pub(crate) most: usize,
}

/// What every request is given.
pub(crate) struct Look {
    view: View,
    shelf: Arc<Shelf>,
    shelves: Option<Arc<Shelves>>,
    /// One permit for each tail that may run.
    tails: Arc<Semaphore>,
    rooms: Rooms,
    /// One permit for each piece that may be searched at this moment.
    searching: Arc<Semaphore>,
    /// And one for each that may hold pieces of many files.
    merging: Arc<Semaphore>,
    end: watch::Receiver<End>,
    stop: watch::Receiver<bool>,
}

/// The running thread.
pub(crate) struct Looking {
    stop: watch::Sender<bool>,
    done: oneshot::Receiver<()>,
}

impl Looking {
    /// Starts to serve what can be seen in `view`.
    pub(crate) fn start(sockets: Vec<Socket>, view: View) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let (tell, done) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(READERS)
            .thread_name("look-reader")
            .on_thread_start(|| give_way(NICER))
            .build()?;
        let work = move || {
            give_way(NICE);
            runtime.block_on(http::serve(sockets, view, stopped));
            // A read of a disk that hangs must not keep the collector from ending.
            runtime.shutdown_background();
            let _ = tell.send(());
        };
        thread::Builder::new().name("look".into()).spawn(work)?;
        Ok(Self { stop, done })
    }

    /// Ends it, once whoever reads has read all or had time for it.
    pub(crate) async fn end(self) {
        let _ = self.stop.send(true);
        let _ = timeout(FAREWELL * 2, self.done).await;
    }
}

impl Look {
    fn new(view: View, end: watch::Receiver<End>, stop: watch::Receiver<bool>) -> Self {
        let shelf = Arc::new(Shelf::new(view.file.clone(), view.progress.clone()));
        let tails = Arc::new(Semaphore::new(view.max_tails.min(Semaphore::MAX_PERMITS)));
        let (searching, merging) = (Semaphore::new(SEARCHING), Semaphore::new(MERGING));
        let (searching, merging) = (Arc::new(searching), Arc::new(merging));
        let rooms = Rooms::new(view.stats.clone());
        let shelves = |template| Arc::new(Shelves::new(template, view.progress.clone()));
        let shelves = view.template.clone().map(shelves);
        Self { view, shelf, shelves, tails, rooms, searching, merging, end, stop }
    }
}
