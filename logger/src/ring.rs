//! The ring buffer that holds a record from the log call until the collector acks it. Many threads
//! append and the worker reads; after a crash another process can read everything appended.
//!
//! ```text
//!        head                            tail
//!  ┄┄┄┄┄┄┬──────┬─────────┬─────────┬─────┬┄┄┄┄┄┄┄┄  positions only grow;
//!  zeros │ +len │ payload │ -len    │  0  │ zeros     a position's place is its rest by capacity
//!  ┄┄┄┄┄┄┴──────┴─────────┴─────────┴─────┴┄┄┄┄┄┄┄┄
//!         committed         claimed   claimed, its
//!                                     length not yet stored
//! ```
//!
//! A record is a length word of four bytes, the payload, and zeros up to a multiple of eight.
//! Everything outside `head..tail` is zero, so that a claim whose owner died before it could store
//! its length leaves nothing but zeros behind.
//!
//! All of netlog's `unsafe` code is here and in the files of this module, but for one call in `exit.rs`.
#![allow(unsafe_code)]

#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod close;
mod fork_local;
#[cfg(all(any(test, not(target_os = "linux"), netlog_portable), not(loom)))]
mod heap;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod mapped_file;
mod memory;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
mod process_state;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod signal_mask;
#[cfg(test)]
mod tests;
mod tsc;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod wiped_page;

#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use close::close_if_open;
pub(crate) use fork_local::ForkLocal;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
pub(crate) use heap::HeapMemory as SpoolMemory;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use mapped_file::{MappedFile as SpoolMemory, data_at};
#[cfg(any(test, all(target_os = "linux", not(netlog_portable))))]
pub(crate) use memory::CONTROL_AT;
pub(crate) use memory::{ControlBlock, RingMemory};
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
pub(crate) use process_state::ProcessState as ForkDetector;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use signal_mask::blocks_signals;
pub(crate) use tsc::read_tsc;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use wiped_page::WipedPage as ForkDetector;

use memory::Checkpoint;
use memory::sync::{Ordering, compiler_fence};

/// Bytes of the length word in front of every payload.
const WORD: u64 = 4;

/// Alignment of records.
const ALIGN: u64 = 8;

/// The ring over some memory: a mapped file, or the heap.
pub(crate) struct Ring<M> {
    memory: M,
}

/// A record's position in the ring and its number, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    pub(crate) position: u64,
    pub(crate) number: u64,
}

/// Error: the ring has no room for the record now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// State of the process that appends. If it is dead, a claim will never be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Alive,
    Dead,
}

/// Flag in `tail` of a ring that takes no more records.
const CLOSED: u64 = 1 << 63;

/// Contents of the ring at a position.
enum Slot {
    Record(u64),
    Hole(u64),
    NotYet,
}

impl<M: RingMemory> Ring<M> {
    pub(crate) fn new(memory: M) -> Self {
        Self { memory }
    }

    pub(crate) fn control(&self) -> &ControlBlock {
        self.memory.control()
    }

    /// The bytes of data the ring can hold.
    pub(crate) fn capacity(&self) -> u64 {
        self.memory.capacity()
    }

    /// Faults in the pages of `range`, counted from the start of the data.
    pub(crate) fn prefault(&self, range: std::ops::Range<u64>) {
        self.memory.prefault(range);
    }

    /// Gives back the memory of a dead sender's ring that holds no records.
    pub(crate) fn compact(&self) {
        self.memory.discard_outside(self.first().position..self.tail());
    }

    /// Gives the first record of a new ring the number `number`.
    pub(crate) fn begin_at(&self, number: u64) {
        self.checkpoint(Cursor { position: 0, number });
    }

    /// `true` if every claim is committed.
    pub(crate) fn settled(&self) -> bool {
        let tail = self.tail();
        self.behind(self.first(), u64::MAX - 1, Owner::Alive).position >= tail
    }

    /// Appends `payload` if the ring then holds at most `limit` bytes, and returns how many it
    /// holds. No lock, no allocation, no system call; never waits.
    pub(crate) fn append(&self, payload: &[u8], limit: u64) -> Result<u64, NoRoom> {
        let (at, held) = self.claim(payload.len() as u64, limit)?;
        self.commit(at, payload);
        Ok(held)
    }

    /// Reserves space for `len` bytes and returns its position and the bytes held. Every claim must
    /// be committed.
    #[inline]
    pub(crate) fn claim(&self, len: u64, limit: u64) -> Result<(u64, u64), NoRoom> {
        self.claim_unless(CLOSED, len, limit)
    }

    /// The same for the one reader, which may write into a ring that it has closed.
    pub(crate) fn claim_as_reader(&self, len: u64, limit: u64) -> Result<(u64, u64), NoRoom> {
        self.claim_unless(0, len, limit)
    }

    /// The same unless the tail has the bits `refused`.
    #[inline]
    fn claim_unless(&self, refused: u64, len: u64, limit: u64) -> Result<(u64, u64), NoRoom> {
        let size = size(len);
        let control = self.control();
        let limit = limit.min(self.capacity());
        let mut tail = control.tail.load(Ordering::Relaxed);
        loop {
            // Pairs with the release of `head`: the space before it has been zeroed.
            let head = control.head.load(Ordering::Acquire);
            let at = tail & !CLOSED;
            let held = (at + size).saturating_sub(head);
            if tail & refused != 0 || held > limit {
                return Err(NoRoom);
            }
            let claimed = control.tail.compare_exchange_weak(
                tail,
                tail + size,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            match claimed {
                Ok(_) => {
                    point();
                    self.memory.length(at).store(-(len as i32), Ordering::Release);
                    point();
                    // A death must not leave payload behind without its length: nothing of the
                    // copy may be moved before this store.
                    compiler_fence(Ordering::SeqCst);
                    return Ok((at, held));
                }
                Err(now) => tail = now,
            }
        }
    }

    /// Fills the claim at `at`: from then on the record exists.
    pub(crate) fn commit(&self, at: u64, payload: &[u8]) {
        // SAFETY: the claim gave us these bytes alone, until the length below is stored.
        unsafe { self.memory.write(at + WORD, payload) };
        point();
        self.memory.length(at).store(payload.len() as i32, Ordering::Release);
        point();
        // The worker zeroed what comes next, so that it is in another core's cache, or in none.
        self.memory.prefetch(at + size(payload.len() as u64));
    }

    /// Bytes held now, including claims.
    pub(crate) fn held(&self) -> u64 {
        self.tail().saturating_sub(self.control().head.load(Ordering::Acquire))
    }

    /// The position behind the last claim.
    pub(crate) fn tail(&self) -> u64 {
        self.control().tail.load(Ordering::Acquire) & !CLOSED
    }

    /// Closes the ring for good to all but its reader.
    pub(crate) fn close(&self) {
        self.control().tail.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Closes the ring for good if it is empty.
    pub(crate) fn close_if_empty(&self) -> bool {
        if self.closed() {
            return self.held() == 0;
        }
        let control = self.control();
        let tail = self.tail();
        let close = |tail| {
            let closed = tail | CLOSED;
            control.tail.compare_exchange(tail, closed, Ordering::AcqRel, Ordering::Relaxed)
        };
        tail == control.head.load(Ordering::Acquire) && close(tail).is_ok()
    }

    /// `true` if the ring takes no more records.
    pub(crate) fn closed(&self) -> bool {
        self.control().tail.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Start of reading: the last complete checkpoint. For the one reader only.
    pub(crate) fn first(&self) -> Cursor {
        let [a, b] = &self.control().checkpoints;
        let start = Cursor { position: 0, number: 1 };
        [a.read(), b.read()].into_iter().flatten().fold(start, Cursor::max)
    }

    /// Appends the next committed record after `cursor` to `out` and moves the cursor behind it;
    /// `false` when there is none (yet). For the one reader only.
    pub(crate) fn read(&self, cursor: &mut Cursor, owner: Owner, out: &mut Vec<u8>) -> bool {
        let Some((len, at)) = self.next(cursor.position, owner) else { return false };
        // SAFETY: a committed record is not written again before it is released.
        unsafe { self.memory.read(at + WORD, len, out) };
        *cursor = Cursor { position: at + size(len), number: cursor.number + 1 };
        true
    }

    /// The cursor behind record number `last`, or behind the last committed one before it.
    pub(crate) fn behind(&self, from: Cursor, last: u64, owner: Owner) -> Cursor {
        let mut to = from;
        while to.number <= last {
            let Some((len, at)) = self.next(to.position, owner) else { break };
            to = Cursor { position: at + size(len), number: to.number + 1 };
        }
        to
    }

    /// Releases the records up to number `last`, from `from`, the start of reading or the end of the
    /// last release, and returns the cursor of the next one. For the one reader only.
    pub(crate) fn release(&self, from: Cursor, last: u64, owner: Owner) -> Cursor {
        let to = self.behind(from, last, owner);
        self.release_to(from, to);
        to
    }

    /// Releases everything from `from` to `to`, as above.
    pub(crate) fn release_to(&self, from: Cursor, to: Cursor) {
        if to.position == from.position {
            return;
        }
        // In this order a death in between costs nothing; in any other, recovery would number the
        // records that follow wrongly and the collector's mark would eat them.
        self.checkpoint(to);
        let mut zeroed = from.position;
        while zeroed < to.position {
            let step = (to.position - zeroed).min(64 * 1024);
            // SAFETY: these records were released by the only reader, and `head` still keeps
            // those who append away from them.
            unsafe { self.memory.zero(zeroed, step) };
            point();
            zeroed += step;
        }
        compiler_fence(Ordering::SeqCst);
        self.control().head.store(to.position, Ordering::Release);
        point();
    }

    /// Writes the older of the two slots, so that one of them is complete at any time.
    fn checkpoint(&self, to: Cursor) {
        let [a, b] = &self.control().checkpoints;
        let older = if a.read() <= b.read() { a } else { b };
        older.write(to);
    }

    /// The length and position of the first record at or behind `at`.
    fn next(&self, mut at: u64, owner: Owner) -> Option<(u64, u64)> {
        let tail = self.tail();
        while at < tail {
            match self.slot(at, tail, owner) {
                Slot::Record(len) => return Some((len, at)),
                Slot::Hole(bytes) => at += bytes,
                Slot::NotYet => return None,
            }
        }
        None
    }

    fn slot(&self, at: u64, tail: u64, owner: Owner) -> Slot {
        let word = self.memory.length(at).load(Ordering::Acquire);
        let fits = |len: u64| size(len) <= tail - at;
        match word.signum() {
            1 if fits(word as u64) => Slot::Record(word as u64),
            _ if owner == Owner::Alive => Slot::NotYet,
            -1 if fits(u64::from(word.unsigned_abs())) => {
                Slot::Hole(size(u64::from(word.unsigned_abs())))
            }
            // Nothing was stored here, or (in a damaged file) nothing that makes sense.
            _ => Slot::Hole(ALIGN),
        }
    }
}

/// Bytes that a payload of `len` bytes takes in the ring.
fn size(len: u64) -> u64 {
    (WORD + len).next_multiple_of(ALIGN)
}

impl Checkpoint {
    fn write(&self, to: Cursor) {
        self.check.store(0, Ordering::Release);
        point();
        self.position.store(to.position, Ordering::Release);
        point();
        self.number.store(to.number, Ordering::Release);
        point();
        self.check.store(check(to), Ordering::Release);
        point();
        compiler_fence(Ordering::SeqCst);
    }

    /// Returns `None` for a slot that was never written, or only in part.
    fn read(&self) -> Option<Cursor> {
        let position = self.position.load(Ordering::Acquire);
        let number = self.number.load(Ordering::Acquire);
        let cursor = Cursor { position, number };
        let whole = self.check.load(Ordering::Acquire) == check(cursor);
        (whole && position.is_multiple_of(ALIGN)).then_some(cursor)
    }
}

/// Checksum of a checkpoint (the finaliser of MurmurHash3; never 0).
pub(crate) fn check(Cursor { position, number }: Cursor) -> u64 {
    let mix = |x: u64, by: u64| (x ^ x >> 33).wrapping_mul(by);
    let word = position.wrapping_add(number.rotate_left(32)) ^ 0x6e65_746c_6f67_2031;
    mix(mix(word, 0xff51_afd7_ed55_8ccd), 0xc4ce_b9fe_1a85_ec53) | 1
}

#[cfg(all(test, target_os = "linux", not(netlog_portable)))]
pub(crate) use tests::kill_point as point;

/// A point at which the tests can kill the process.
#[cfg(not(all(test, target_os = "linux", not(netlog_portable))))]
#[inline(always)]
pub(crate) fn point() {}
