//! Ids of the chunks that were taken lately or are being taken, by which one that comes again is
//! recognised.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Chunks that are remembered: a sender has a few under way, and a thousand senders some thousands.
const REMEMBERED: usize = 100_000;

/// The chunks that were taken lately.
#[derive(Debug, Default)]
pub(crate) struct RecentChunks {
    hasher: RandomState,
    chunks: Mutex<ChunkOrder>,
}

#[derive(Debug, Default)]
struct ChunkOrder {
    /// Those whose records are being handed over.
    pending: HashSet<ChunkKey>,
    known: HashSet<ChunkKey>,
    /// The oldest first.
    order: VecDeque<ChunkKey>,
}

/// A chunk of one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ChunkKey(u64);

impl RecentChunks {
    /// The key of a chunk: clients choose ids as they like, so those of two hosts are two.
    pub(crate) fn key(&self, host: &str, chunk: &[u8]) -> ChunkKey {
        ChunkKey(self.hasher.hash_one((host, chunk)))
    }

    /// Admits a chunk unless it was taken already, or is being taken for another connection.
    pub(crate) fn admit(&self, chunk: ChunkKey) -> ChunkAdmission<'_> {
        let mut chunks = self.lock();
        if chunks.known.contains(&chunk) {
            return ChunkAdmission::Known;
        }
        match chunks.pending.insert(chunk) {
            true => ChunkAdmission::New(PendingChunk { recent: self, chunk }),
            false => ChunkAdmission::Pending,
        }
    }

    /// Remembers a chunk, and forgets the oldest if there are too many.
    fn remember(&self, chunk: ChunkKey) {
        let mut chunks = self.lock();
        if !chunks.known.insert(chunk) {
            return;
        }
        chunks.order.push_back(chunk);
        if chunks.order.len() > REMEMBERED
            && let Some(oldest) = chunks.order.pop_front()
        {
            chunks.known.remove(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, ChunkOrder> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a chunk that comes.
#[derive(Debug)]
pub(crate) enum ChunkAdmission<'a> {
    New(PendingChunk<'a>),
    /// Its records are being handed over, and may still fail to be.
    Pending,
    Known,
}

/// A chunk whose records are being handed over; it may come again once this is dropped.
#[derive(Debug)]
pub(crate) struct PendingChunk<'a> {
    recent: &'a RecentChunks,
    chunk: ChunkKey,
}

impl PendingChunk<'_> {
    /// Remembers the chunk: all its records have been handed over.
    pub(crate) fn taken(self) {
        self.recent.remember(self.chunk);
    }
}

impl Drop for PendingChunk<'_> {
    fn drop(&mut self) {
        self.recent.lock().pending.remove(&self.chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_chunks_of_a_host_are_known_and_their_number_is_bounded() {
        let recent = RecentChunks::default();
        let key = |n: usize| recent.key("web1", &n.to_be_bytes());
        let known = |n| matches!(recent.admit(key(n)), ChunkAdmission::Known);
        for n in 0..REMEMBERED + 10 {
            let ChunkAdmission::New(pending) = recent.admit(key(n)) else { panic!("{n} is new") };
            pending.taken();
        }
        assert!(known(REMEMBERED + 9) && known(10));
        assert!(!known(9));
        let other = recent.key("web2", &10_usize.to_be_bytes());
        assert!(matches!(recent.admit(other), ChunkAdmission::New(_)));
        assert_eq!(recent.lock().known.len(), REMEMBERED);
        assert!(recent.lock().pending.is_empty());
    }

    #[test]
    fn a_chunk_that_comes_again_while_the_first_waits_is_not_taken_twice() {
        let recent = RecentChunks::default();
        let key = recent.key("web1", b"one");
        let ChunkAdmission::New(first) = recent.admit(key) else { panic!("it is new") };
        assert!(matches!(recent.admit(key), ChunkAdmission::Pending));
        assert!(matches!(recent.admit(key), ChunkAdmission::Pending));
        drop(first);
        let ChunkAdmission::New(again) = recent.admit(key) else { panic!("it was not taken") };
        again.taken();
        assert!(matches!(recent.admit(key), ChunkAdmission::Known));
    }
}
