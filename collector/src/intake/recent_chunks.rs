//! Ids of the chunks that were taken lately, by which one that comes again is recognised.

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

    pub(crate) fn contains(&self, chunk: ChunkKey) -> bool {
        self.lock().known.contains(&chunk)
    }

    /// Remembers a chunk, and forgets the oldest if there are too many.
    pub(crate) fn remember(&self, chunk: ChunkKey) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_chunks_of_a_host_are_known_and_their_number_is_bounded() {
        let recent = RecentChunks::default();
        let key = |n: usize| recent.key("web1", &n.to_be_bytes());
        for n in 0..REMEMBERED + 10 {
            assert!(!recent.contains(key(n)));
            recent.remember(key(n));
            recent.remember(key(n));
        }
        assert!(recent.contains(key(REMEMBERED + 9)) && recent.contains(key(10)));
        assert!(!recent.contains(key(9)));
        assert!(!recent.contains(recent.key("web2", &10_usize.to_be_bytes())));
        assert_eq!(recent.lock().known.len(), REMEMBERED);
    }
}
