//! Every interleaving of a few threads' loads and stores, as loom explores them.

use super::loom_memory::LoomMemory;
use super::*;
use loom::sync::Arc;
use loom::thread;

fn explore(appenders: usize, capacity: usize, preemptions: usize) {
    // How many records the reader found, one bit for each answer in some exploration.
    let found = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    let seen_by = found.clone();
    builder.check(move || {
        let ring = Arc::new(LoomMemory::ring(capacity));
        let threads: Vec<_> = (0..appenders)
            .map(|n| {
                let ring = Arc::clone(&ring);
                thread::spawn(move || ring.append(&[b'a' + n as u8; 8], u64::MAX).is_ok())
            })
            .collect();
        // loom explores what could have come before an access, not what could come after it
        // (it knows only the last access to a place), so the reader must begin last.
        thread::yield_now();
        let mut cursor = ring.first();
        let mut seen = read_all(&ring, &mut cursor, Owner::Alive);
        seen_by.fetch_or(1 << seen.len(), Ordering::Relaxed);
        ring.release(ring.first(), cursor.number - 1, Owner::Alive);
        let accepted = threads.into_iter().map(|t| t.join().unwrap()).filter(|&ok| ok).count();
        seen.extend(read_all(&ring, &mut cursor, Owner::Alive));
        assert_eq!(seen.len(), accepted, "what was accepted comes out once");
        for (at, (number, text)) in seen.iter().enumerate() {
            assert_eq!(*number, at as u64 + 1);
            let first = text.as_bytes()[0];
            assert!(text.len() == 8 && text.bytes().all(|b| b == first), "{text}");
        }
    });
    let found = found.load(Ordering::Relaxed);
    assert_eq!(found & 0b111, 0b111, "the reader came before, between and after the appenders");
}

#[test]
fn two_appenders_and_the_reader() {
    explore(2, 64, 3);
}

#[test]
fn three_appenders_and_a_ring_with_room_for_two() {
    explore(3, 32, 2);
}
