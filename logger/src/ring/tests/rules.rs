//! The rules of the ring, one by one, on the heap.

use super::*;

#[test]
fn records_come_out_in_order_with_their_numbers_round_and_round() {
    let ring = HeapMemory::ring(256);
    let mut cursor = ring.first();
    let mut released = ring.first();
    let mut expected = 1;
    for round in 0..100 {
        let texts: Vec<String> = (0..3).map(|n| "x".repeat((round * 7 + n * 13) % 60)).collect();
        for text in texts.iter().filter(|text| !text.is_empty()) {
            ring.append(text.as_bytes(), u64::MAX).unwrap();
        }
        for (number, text) in read_all(&ring, &mut cursor, Owner::Alive) {
            assert_eq!(number, expected);
            assert!(texts.contains(&text));
            expected += 1;
        }
        released = ring.release(released, expected - 1, Owner::Alive);
        assert_eq!((released, ring.held()), (cursor, 0));
        assert_eq!(ring.first(), released);
    }
}

#[test]
fn a_full_ring_takes_nothing_and_the_last_part_is_kept() {
    let ring = HeapMemory::ring(256);
    while ring.append(&[b'i'; 12], 256 / 8 * 7).is_ok() {}
    assert_eq!(ring.held(), 224);
    while ring.append(&[b'w'; 12], u64::MAX).is_ok() {}
    assert_eq!(ring.held(), 256);
    ring.release(ring.first(), 1, Owner::Alive);
    assert_eq!(ring.append(&[b'i'; 12], 224), Err(NoRoom));
    assert!(ring.append(&[b'w'; 12], u64::MAX).is_ok());
}

#[test]
fn a_record_longer_than_the_ring_is_refused() {
    let ring = HeapMemory::ring(256);
    assert_eq!(ring.append(&[0; 253], u64::MAX), Err(NoRoom));
    assert!(ring.append(&[0; 252], u64::MAX).is_ok());
}

#[test]
fn a_claim_holds_the_living_reader_and_is_skipped_after_a_death() {
    let ring = HeapMemory::ring(256);
    ring.append(b"one", u64::MAX).unwrap();
    let (at, _) = ring.claim(20, u64::MAX).unwrap();
    // Its owner died over the copy, and what it had copied looks like a record.
    // SAFETY: the claim is ours.
    unsafe { ring.memory.write(at + WORD, &[0, 0, 0, 0, 3, 0, 0, 0, b'b', b'a', b'd']) };
    ring.memory.length(at + ALIGN).store(3, Ordering::Relaxed);
    ring.append(b"two", u64::MAX).unwrap();
    // As if its owner had died before it could store the length.
    let (at, _) = ring.claim(20, u64::MAX).unwrap();
    ring.memory.length(at).store(0, Ordering::Relaxed);
    ring.append(b"three", u64::MAX).unwrap();
    let mut cursor = ring.first();
    assert_eq!(read_all(&ring, &mut cursor, Owner::Alive), [(1, "one".into())]);
    let rest = read_all(&ring, &mut cursor, Owner::Dead);
    assert_eq!(rest, [(2, "two".into()), (3, "three".into())]);
    let after = ring.release(ring.first(), 2, Owner::Dead);
    assert_eq!(after.number, 3);
    let mut cursor = ring.first();
    assert_eq!(read_all(&ring, &mut cursor, Owner::Dead), [(3, "three".into())]);
}

#[test]
fn an_empty_ring_can_be_closed_and_takes_nothing_more() {
    let ring = HeapMemory::ring(256);
    ring.append(b"one", u64::MAX).unwrap();
    assert!(!ring.close_if_empty() && !ring.closed());
    ring.release(ring.first(), 1, Owner::Alive);
    assert!(ring.close_if_empty() && ring.closed());
    assert_eq!(ring.append(b"two", u64::MAX), Err(NoRoom));
    assert_eq!(ring.held(), 0);
}

#[test]
fn a_closed_ring_takes_nothing_more_and_gives_what_it_has() {
    let ring = HeapMemory::ring(256);
    ring.append(b"one", u64::MAX).unwrap();
    ring.close();
    assert_eq!(ring.append(b"two", u64::MAX), Err(NoRoom));
    assert!(ring.settled() && ring.held() > 0 && !ring.close_if_empty());
    assert_eq!(read_all(&ring, &mut ring.first(), Owner::Alive), [(1, "one".into())]);
    ring.release(ring.first(), 1, Owner::Alive);
    assert!(ring.close_if_empty());
}

#[test]
fn a_torn_checkpoint_leaves_the_one_before() {
    let ring = HeapMemory::ring(256);
    for _ in 0..3 {
        ring.append(b"12345678", u64::MAX).unwrap();
    }
    let second = ring.release(ring.first(), 1, Owner::Alive);
    let third = ring.release(second, 2, Owner::Alive);
    let torn = ring.control().checkpoints.iter().find(|c| c.read() == Some(third)).unwrap();
    torn.number.store(77, Ordering::Relaxed);
    assert_eq!(ring.first(), second);
}

#[test]
fn several_threads_append_and_each_keeps_its_order() {
    let threads = 4;
    let records = if cfg!(miri) { 20 } else { 5_000 };
    let ring = HeapMemory::ring(4096);
    let mut seen = vec![Vec::new(); threads];
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let ring = &ring;
            scope.spawn(move || {
                for number in 0..records {
                    let text = format!("{thread} {number} {}", "x".repeat(number % 50));
                    while ring.append(text.as_bytes(), u64::MAX).is_err() {
                        std::thread::yield_now();
                    }
                }
            });
        }
        let mut cursor = ring.first();
        let mut released = cursor;
        while cursor.number <= (threads * records) as u64 {
            for (_, text) in read_all(&ring, &mut cursor, Owner::Alive) {
                let mut words = text.split(' ').map(|word| word.parse::<usize>());
                let thread = words.next().unwrap().unwrap();
                seen[thread].push(words.next().unwrap().unwrap());
            }
            released = ring.release(released, cursor.number - 1, Owner::Alive);
            std::thread::yield_now();
        }
    });
    assert!(seen.iter().all(|numbers| numbers.iter().copied().eq(0..records)));
}
