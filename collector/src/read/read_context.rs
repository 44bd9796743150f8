//! State that requests share, and the limits that they are under.

use super::ReadOptions;
use super::log_set::{LogFiles, LogStore};
use super::page;
use super::pattern::Expressions;
use super::stream::Streams;
use crate::hub::progress::End;
use crate::intake::ConnectionLimits;
use hyper::header::HeaderValue;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

/// Connections beside those of the tails: requests, and browsers that keep some open.
pub(super) const CONNECTIONS: usize = 256;

/// Connections beyond the limit, on which everything is answered but tails and searches.
const SPARE: usize = 16;

/// Searches at work at one moment, which leaves threads for tails.
const SEARCHING: usize = 2;

/// Searches and tails that hold pieces of many files at once.
const TURNS: usize = 4;

/// State that all requests share.
pub(crate) struct ReadContext {
    pub(super) view: ReadOptions,
    pub(super) store: Arc<LogStore>,
    /// Runtime of tails and searches.
    pub(super) handle: Handle,
    pub(super) end: watch::Receiver<End>,
    pub(super) stop: watch::Receiver<bool>,
    /// One permit for each that may hold pieces of many files.
    pub(super) turns: Arc<Semaphore>,
    /// And one for each search that may be at work.
    pub(super) searching: Arc<Semaphore>,
    /// The permit of the request whose expressions are compiled.
    pub(super) compiling: Arc<Semaphore>,
    /// One permit for each tail that may run.
    pub(super) tails: Arc<Semaphore>,
    pub(super) streams: Streams,
    pub(super) expressions: Expressions,
    /// Content security policy of the page.
    pub(super) policy: HeaderValue,
    pub(super) connections: Arc<ConnectionLimits>,
    pub(super) spare: Arc<Semaphore>,
}

/// Rights of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReaderAccess {
    /// True if it came to an address of this machine alone.
    pub(crate) local: bool,
    /// True if it may tail and search.
    pub(crate) streams: bool,
}

impl ReadContext {
    pub(super) fn new(
        view: ReadOptions,
        handle: Handle,
        end: watch::Receiver<End>,
        stop: watch::Receiver<bool>,
    ) -> Arc<Self> {
        let files = match (&view.template, &view.file) {
            (Some(template), _) => LogFiles::Many(template.clone()),
            (None, Some(path)) => LogFiles::One(path.clone()),
            (None, None) => LogFiles::None,
        };
        let store = LogStore::new(files, view.progress.clone(), view.stats.clone());
        let permits = |count| Arc::new(Semaphore::new(count));
        // One address leaves some for others, unless there are very few.
        let of_one = (view.most - view.most / 4).max(1);
        Arc::new(Self {
            store: Arc::new(store),
            handle,
            end,
            stop,
            turns: permits(TURNS),
            searching: permits(SEARCHING),
            compiling: permits(1),
            tails: permits(view.max_tails.min(Semaphore::MAX_PERMITS)),
            streams: Streams::default(),
            expressions: Expressions::default(),
            policy: page::policy(&view.web.peers),
            connections: ConnectionLimits::of_readers(view.most, of_one),
            spare: permits(SPARE),
            view,
        })
    }
}
