//! GELF messages that came in several datagrams, put together again.
//!
//! ```text
//!  1e 0f   8 bytes: message id   1 byte: number, from 0   1 byte: count, 1 to 128   payload
//! ```

use crate::senders::peer::PeerPlace;
use std::mem::take;

/// Time in which all of a message must come, in microseconds: GELF's own rule.
const PATIENCE: i64 = 5_000_000;

/// The most incomplete messages at once, and the most of one peer.
const MAX_WAITING: usize = 256;
const MAX_WAITING_OF_ONE: usize = 64;

/// The most datagrams one message may come in: GELF's own rule.
const MAX_CHUNKS: usize = 128;

const HEADER: usize = 12;

/// The messages that are incomplete, oldest first.
#[derive(Debug)]
pub(crate) struct Chunks {
    /// The most bytes that may wait, over all messages.
    most: usize,
    waiting: Vec<Waiting>,
    bytes: usize,
    /// Counts since they were read last.
    counts: Counts,
}

/// Chunks that were dropped, by reason.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Messages whose rest did not come in time.
    pub(crate) expired: u64,
    /// Messages dropped because too many were waiting.
    pub(crate) crowded_out: u64,
    /// Chunks that contradict themselves or each other.
    pub(crate) malformed: u64,
    /// Chunks that had come already.
    pub(crate) repeated: u64,
}

/// A message, whichever port its parts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MessageKey {
    peer: PeerPlace,
    id: [u8; 8],
}

#[derive(Debug)]
struct Waiting {
    key: MessageKey,
    since: i64,
    missing: usize,
    chunks: Vec<Option<Box<[u8]>>>,
    bytes: usize,
}

/// True if a datagram is a chunk of a GELF message.
pub(crate) fn is_chunk(datagram: &[u8]) -> bool {
    datagram.starts_with(&[0x1e, 0x0f])
}

impl Chunks {
    /// An empty set with room for `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, waiting: Vec::new(), bytes: 0, counts: Counts::default() }
    }

    /// Takes a chunk, and gives back the message it completes.
    pub(crate) fn take(&mut self, peer: PeerPlace, datagram: &[u8], now: i64) -> Option<Vec<u8>> {
        self.expire(now);
        let parsed = datagram.split_first_chunk::<HEADER>();
        let parsed = parsed.map(|(header, payload)| {
            (*header, usize::from(header[10]), usize::from(header[11]), payload)
        });
        let Some((header, number, count, payload)) =
            parsed.filter(|&(_, number, count, _)| number < count && count <= MAX_CHUNKS)
        else {
            self.counts.malformed += 1;
            return None;
        };
        if count == 1 {
            return Some(payload.to_vec());
        }
        let mut id = [0; 8];
        id.copy_from_slice(&header[2..10]);
        let at = self.place(MessageKey { peer, id }, count, now)?;
        self.put(at, number, payload)
    }

    /// Gives up what has waited too long.
    pub(crate) fn expire(&mut self, now: i64) {
        // A clock that was set back would let them wait for ever.
        let over = |w: &Waiting| now < w.since || now - w.since >= PATIENCE;
        while self.waiting.first().is_some_and(over) {
            self.drop_at(0);
            self.counts.expired += 1;
        }
    }

    /// True while any message is incomplete.
    pub(crate) fn any(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Number of bytes that wait.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts since the last call.
    pub(crate) fn counts(&mut self) -> Counts {
        take(&mut self.counts)
    }

    /// Index of the incomplete message `key`, which may begin now.
    fn place(&mut self, key: MessageKey, count: usize, now: i64) -> Option<usize> {
        if let Some(at) = self.waiting.iter().position(|waiting| waiting.key == key) {
            if self.waiting[at].chunks.len() == count {
                return Some(at);
            }
            self.counts.malformed += 1;
            return None;
        }
        // A peer that floods pushes out its own messages before those of others.
        let of_one = |waiting: &&Waiting| waiting.key.peer.machine == key.peer.machine;
        if self.waiting.iter().filter(of_one).count() >= MAX_WAITING_OF_ONE {
            let oldest = self
                .waiting
                .iter()
                .position(|waiting| waiting.key.peer.machine == key.peer.machine);
            self.crowd_out(oldest.unwrap_or(0));
        } else if self.waiting.len() >= MAX_WAITING {
            self.crowd_out(0);
        }
        let chunks = vec![None; count];
        self.waiting.push(Waiting { key, since: now, missing: count, chunks, bytes: 0 });
        Some(self.waiting.len() - 1)
    }

    fn put(&mut self, mut at: usize, number: usize, payload: &[u8]) -> Option<Vec<u8>> {
        if self.waiting[at].chunks[number].is_some() {
            self.counts.repeated += 1;
            return None;
        }
        while self.bytes + payload.len() > self.most && at > 0 {
            self.crowd_out(0);
            at -= 1;
        }
        if self.bytes + payload.len() > self.most {
            self.crowd_out(at);
            return None;
        }
        let waiting = &mut self.waiting[at];
        waiting.chunks[number] = Some(payload.into());
        waiting.bytes += payload.len();
        waiting.missing -= 1;
        self.bytes += payload.len();
        if waiting.missing > 0 {
            return None;
        }
        let whole = self.drop_at(at);
        Some(whole.chunks.into_iter().flatten().flatten().collect())
    }

    fn crowd_out(&mut self, at: usize) {
        if at < self.waiting.len() {
            self.drop_at(at);
            self.counts.crowded_out += 1;
        }
    }

    fn drop_at(&mut self, at: usize) -> Waiting {
        let waiting = self.waiting.remove(at);
        self.bytes -= waiting.bytes;
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr};

    const PEER: PeerPlace =
        PeerPlace { machine: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7)), process: 0 };

    fn chunk(id: u64, number: u8, count: u8, payload: &[u8]) -> Vec<u8> {
        let mut datagram = vec![0x1e, 0x0f];
        datagram.extend(id.to_be_bytes());
        datagram.extend([number, count]);
        datagram.extend(payload);
        datagram
    }

    #[test]
    fn chunks_in_any_order_become_one_message_once() {
        let mut chunks = Chunks::new(8 << 20);
        let mut take = |datagram: &[u8]| chunks.take(PEER, datagram, 0);
        assert_eq!(take(&chunk(7, 2, 3, b"c")), None);
        assert_eq!(take(&chunk(8, 0, 2, b"x")), None);
        assert_eq!(take(&chunk(7, 0, 3, b"a")), None);
        assert_eq!(take(&chunk(7, 0, 3, b"a")), None);
        assert_eq!(take(&chunk(7, 1, 3, b"b")), Some(b"abc".to_vec()));
        assert_eq!(take(&chunk(8, 1, 2, b"y")), Some(b"xy".to_vec()));
        assert_eq!(take(&chunk(9, 0, 1, b"alone")), Some(b"alone".to_vec()));
        assert_eq!((chunks.any(), chunks.bytes), (false, 0));
        assert_eq!(chunks.counts(), Counts { repeated: 1, ..Counts::default() });
    }

    #[test]
    fn what_contradicts_itself_is_dropped() {
        let mut chunks = Chunks::new(8 << 20);
        for bad in [
            &chunk(1, 3, 3, b"")[..],
            &chunk(1, 0, 0, b""),
            &chunk(1, 0, 129, b""),
            &[0x1e, 0x0f],
            &[],
        ] {
            assert_eq!(chunks.take(PEER, bad, 0), None);
        }
        chunks.take(PEER, &chunk(1, 0, 2, b"a"), 0);
        assert_eq!(chunks.take(PEER, &chunk(1, 1, 3, b"b"), 0), None);
        assert_eq!(chunks.counts().malformed, 6);
    }

    #[test]
    fn the_rest_is_waited_for_five_seconds() {
        let mut chunks = Chunks::new(8 << 20);
        chunks.take(PEER, &chunk(1, 0, 2, b"a"), 0);
        assert_eq!(chunks.take(PEER, &chunk(1, 1, 2, b"b"), PATIENCE), None);
        assert_eq!(chunks.counts().expired, 1);
        chunks.expire(2 * PATIENCE);
        assert!(!chunks.any());
    }

    #[test]
    fn a_flood_pushes_out_its_own_and_is_bounded() {
        let mut chunks = Chunks::new(8 << 20);
        let other = PeerPlace { machine: "10.0.0.8".parse().unwrap(), process: 1 };
        chunks.take(other, &chunk(1, 0, 2, b"a"), 0);
        for id in 0..10_000 {
            chunks.take(PEER, &chunk(id, 0, 128, &[0; 1000]), 1);
            assert!(chunks.waiting.len() <= MAX_WAITING && chunks.bytes <= chunks.most);
        }
        assert_eq!(chunks.take(other, &chunk(1, 1, 2, b"b"), 2), Some(b"ab".to_vec()));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut chunks = Chunks::new(8 << 20);
        for id in 0..4 {
            for number in 0..127 {
                chunks.take(PEER, &chunk(id, number, 128, &[0; 60_000]), 1);
                assert!(chunks.bytes <= chunks.most);
            }
        }
        assert!(chunks.counts().crowded_out > 0);
    }

    proptest! {
        #[test]
        fn any_datagrams_stay_within_bounds(
            datagrams in proptest::collection::vec(
                (0_u64..4, 0_u8..6, 0_u8..6, proptest::collection::vec(any::<u8>(), 0..20), 0_i64..3),
                0..60,
            )
        ) {
            let (mut chunks, mut now) = (Chunks::new(8 << 20), 0);
            for (id, number, count, payload, later) in datagrams {
                now += later * 2_000_000;
                chunks.take(PEER, &chunk(id, number, count, &payload), now);
                let bytes: usize = chunks.waiting.iter().map(|w| w.bytes).sum();
                prop_assert_eq!(bytes, chunks.bytes);
                prop_assert!(chunks.waiting.iter().all(|w| w.missing > 0));
            }
        }
    }
}
