//! State that requests share, and the limits that they are under.

use super::page;
use super::pattern::Expressions;
use super::stream::Streams;
use super::{ReadContext, ReadOptions};
use crate::intake::ConnectionLimits;
use hyper::header::HeaderValue;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Connections beside those of the tails: requests, and browsers that keep some open.
pub(super) const CONNECTIONS: usize = 256;

/// Connections beyond the limit, on which everything is answered but tails and searches.
const SPARE: usize = 16;

/// State that every request can use.
pub(crate) struct RequestContext {
    pub(crate) view: ReadOptions,
    pub(crate) reading: Arc<ReadContext>,
    /// Runtime of tails and searches.
    pub(crate) handle: Handle,
    /// One permit for each tail that may run.
    pub(crate) tails: Arc<Semaphore>,
    pub(crate) streams: Streams,
    pub(crate) expressions: Expressions,
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

impl RequestContext {
    pub(crate) fn new(view: ReadOptions, reading: Arc<ReadContext>, handle: Handle) -> Arc<Self> {
        let tails = Arc::new(Semaphore::new(view.max_tails.min(Semaphore::MAX_PERMITS)));
        // One address leaves some for others, unless there are very few.
        let of_one = (view.most - view.most / 4).max(1);
        Arc::new(Self {
            policy: page::policy(&view.web.peers),
            connections: ConnectionLimits::of_readers(view.most, of_one),
            spare: Arc::new(Semaphore::new(SPARE)),
            view,
            reading,
            handle,
            tails,
            streams: Streams::default(),
            expressions: Expressions::default(),
        })
    }
}
