//! All open spans, by the ids that the subscriber gives them.
//!
//! Not in the registry's extensions: each of those is an allocation, and needs a look-up for every
//! span around a record. Here a closed span's memory becomes the next one's, and each span leads to
//! the one around it.

use super::locks;
use super::open_span::OpenSpan;
use super::span::Span;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, LazyLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A power of two: threads that open spans at the same time seldom meet.
const SHARDS: usize = 64;

/// Closed spans that a shard keeps for later ones.
const MOST_SPARE: usize = 64;

/// The open spans of the process.
pub(super) static OPEN_SPANS: LazyLock<SpanTable> = LazyLock::new(SpanTable::new);

pub(super) struct SpanTable {
    shards: [Shard; SHARDS],
}

#[derive(Default)]
#[repr(align(128))]
struct Shard(RwLock<Spans>);

#[derive(Default)]
struct Spans {
    open: HashMap<u64, Box<OpenSpan>, BuildHasherDefault<KeyHasher>>,
    #[allow(clippy::vec_box, reason = "they move between the two as they are")]
    spare: Vec<Box<OpenSpan>>,
}

impl SpanTable {
    fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Shard::default()) }
    }

    /// A span that nobody knows yet, in the memory of a closed one where there is one.
    pub(super) fn blank(&self, key: u64) -> Box<OpenSpan> {
        let spare = self.write(key).and_then(|mut spans| spans.spare.pop());
        spare.unwrap_or_default()
    }

    /// Makes `span` the one that the subscriber calls `key`.
    pub(super) fn open(&self, key: u64, span: Box<OpenSpan>) {
        if let Some(mut spans) = self.write(key) {
            spans.open.insert(key, span);
        }
    }

    /// Takes a span that closes out of the table.
    pub(super) fn close(&self, key: u64) -> Option<Box<OpenSpan>> {
        self.write(key)?.open.remove(&key)
    }

    /// Keeps the memory of a closed span for a later one.
    pub(super) fn recycle(&self, key: u64, mut span: Box<OpenSpan>) {
        if span.clear()
            && let Some(mut spans) = self.write(key)
            && spans.spare.len() < MOST_SPARE
        {
            spans.spare.push(span);
        }
    }

    /// Hands the span to `read`; `None` if there is no such span, or the filter does not take it.
    pub(super) fn with<R>(&self, key: u64, read: impl FnOnce(&Arc<Span>) -> R) -> Option<R> {
        self.read(key)?.open.get(&key).map(|open| read(open.span()))
    }

    /// Hands the span to `read` for a record, and keeps its context for the next ones, of at most `limit`
    /// bytes, which is the same for all records.
    pub(super) fn with_context<R>(
        &self,
        key: u64,
        limit: usize,
        read: impl FnOnce(&OpenSpan) -> R,
    ) -> Option<R> {
        let spans = self.read(key)?;
        let open = spans.open.get(&key)?;
        let asks = open.asks_for_context();
        let taken = read(open);
        drop(spans);
        if asks {
            self.make_context(key, limit);
        }
        Some(taken)
    }

    /// Makes a span's context, unless somebody has the lock: a record waits for nobody here, not even in a
    /// signal handler or a forked child.
    #[cold]
    fn make_context(&self, key: u64, limit: usize) {
        if let Ok(mut spans) = self.shard(key).try_write()
            && let Some(open) = spans.open.get_mut(&key)
        {
            open.make_context(limit);
        }
    }

    fn shard(&self, key: u64) -> &RwLock<Spans> {
        &self.shards[(spread(key) >> (64 - SHARDS.ilog2())) as usize].0
    }

    fn read(&self, key: u64) -> Option<RwLockReadGuard<'_, Spans>> {
        locks::read(self.shard(key))
    }

    fn write(&self, key: u64) -> Option<RwLockWriteGuard<'_, Spans>> {
        locks::write(self.shard(key))
    }
}

/// Spreads ids, which differ in few bits, over all bits (Knuth's multiplicative hashing).
fn spread(key: u64) -> u64 {
    let product = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(self.0.rotate_left(8) ^ u64::from(byte)));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = spread(key);
    }
}
