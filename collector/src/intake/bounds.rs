//! How much of everything there may be.

use super::{Limits, Places};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The bounds that all intakes share.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) max_line: usize,
    /// How long a connection may take.
    pub(crate) limits: Limits,
    /// One for each connection.
    pub(crate) places: Arc<Places>,
    /// One permit for each byte that lines which have not ended may take, beyond what is free.
    pub(crate) half_lines: Arc<Semaphore>,
    /// How many bytes of datagrams that are parts of messages may wait for the others.
    pub(crate) max_chunked: usize,
    /// How many bytes may be between sockets and sinks.
    pub(crate) in_flight: usize,
}
