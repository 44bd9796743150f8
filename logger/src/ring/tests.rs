//! The ring under test: its rules, every interleaving (loom), every death (kill points).

use super::memory::sync::AtomicI32;
use super::*;
#[cfg(loom)]
use loom::cell::UnsafeCell;
use std::cell::Cell;
#[cfg(not(loom))]
use std::cell::UnsafeCell; // watches for access by two threads at once

/// A ring on the heap, for miri and loom, which cannot map files.
struct Heap {
    control: Control,
    lengths: Vec<AtomicI32>,
    bytes: Vec<UnsafeCell<u8>>,
}

// SAFETY: who may touch which bytes when is the ring's to guarantee; that it does is tested here.
unsafe impl Sync for Heap {}
// SAFETY: as above.
unsafe impl Send for Heap {}

impl Heap {
    fn ring(capacity: usize) -> Ring<Self> {
        let lengths = (0..capacity / 8).map(|_| AtomicI32::new(0)).collect();
        let bytes = (0..capacity).map(|_| UnsafeCell::new(0)).collect();
        Ring::new(Self { control: Control::default(), lengths, bytes })
    }

    fn cell(&self, at: u64) -> &UnsafeCell<u8> {
        &self.bytes[at as usize % self.bytes.len()]
    }

    /// # Safety
    ///
    /// The caller alone has the byte.
    unsafe fn set(&self, at: u64, byte: u8) {
        // SAFETY: the caller's.
        #[cfg(not(loom))]
        unsafe {
            *self.cell(at).get() = byte;
        }
        #[cfg(loom)]
        self.cell(at).with_mut(|place| unsafe { *place = byte });
    }

    /// # Safety
    ///
    /// Nobody writes the byte.
    unsafe fn get(&self, at: u64) -> u8 {
        // SAFETY: the caller's.
        #[cfg(not(loom))]
        return unsafe { *self.cell(at).get() };
        #[cfg(loom)]
        return self.cell(at).with(|place| unsafe { *place });
    }
}

impl Memory for Heap {
    fn control(&self) -> &Control {
        &self.control
    }

    fn capacity(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn length(&self, at: u64) -> &AtomicI32 {
        assert_eq!(at % 8, 0);
        &self.lengths[at as usize / 8 % self.lengths.len()]
    }

    unsafe fn write(&self, at: u64, bytes: &[u8]) {
        for (at, byte) in (at..).zip(bytes) {
            // SAFETY: the caller's.
            unsafe { self.set(at, *byte) };
        }
    }

    unsafe fn read(&self, at: u64, len: u64, out: &mut Vec<u8>) {
        // SAFETY: the caller's.
        out.extend((at..at + len).map(|at| unsafe { self.get(at) }));
    }

    unsafe fn zero(&self, at: u64, len: u64) {
        for at in at..at + len {
            // SAFETY: the caller's.
            unsafe { self.set(at, 0) };
            if at % 8 == 0 {
                self.length(at).store(0, Ordering::Relaxed);
            }
        }
    }
}

fn read_all<M: Memory>(ring: &Ring<M>, cursor: &mut Cursor, owner: Owner) -> Vec<(u64, String)> {
    let (mut out, mut line) = (Vec::new(), Vec::new());
    while ring.read(cursor, owner, &mut line) {
        out.push((cursor.number - 1, String::from_utf8(std::mem::take(&mut line)).unwrap()));
    }
    out
}

#[cfg(not(loom))]
mod rules {
    use super::*;

    #[test]
    fn records_come_out_in_order_with_their_numbers_round_and_round() {
        let ring = Heap::ring(256);
        let (mut cursor, mut released, mut expected) = (ring.first(), ring.first(), 1);
        for round in 0..100 {
            let texts: Vec<String> =
                (0..3).map(|n| "x".repeat((round * 7 + n * 13) % 60)).collect();
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
        let ring = Heap::ring(256);
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
        let ring = Heap::ring(256);
        assert_eq!(ring.append(&[0; 253], u64::MAX), Err(NoRoom));
        assert!(ring.append(&[0; 252], u64::MAX).is_ok());
    }

    #[test]
    fn a_claim_holds_the_living_reader_and_is_skipped_after_a_death() {
        let ring = Heap::ring(256);
        ring.append(b"one", u64::MAX).unwrap();
        ring.claim(20, u64::MAX).unwrap();
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
        let ring = Heap::ring(256);
        ring.append(b"one", u64::MAX).unwrap();
        assert!(!ring.close_if_empty());
        ring.release(ring.first(), 1, Owner::Alive);
        assert!(ring.close_if_empty());
        assert_eq!(ring.append(b"two", u64::MAX), Err(NoRoom));
        assert_eq!(ring.held(), 0);
    }

    #[test]
    fn a_torn_checkpoint_leaves_the_one_before() {
        let ring = Heap::ring(256);
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
        let ring = Heap::ring(4096);
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
}

#[cfg(loom)]
mod interleavings {
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
            let ring = Arc::new(Heap::ring(capacity));
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
            seen_by.fetch_or(1 << seen.len(), std::sync::atomic::Ordering::Relaxed);
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
        let found = found.load(std::sync::atomic::Ordering::Relaxed);
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
}

thread_local! {
    /// How many more points this thread passes before it kills its process.
    static POINTS: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Dies here, if this is the point where the test wants the process to die.
pub(super) fn kill_point() {
    POINTS.with(|points| match points.get() {
        Some(0) => {
            let me = rustix::process::getpid();
            let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        }
        Some(left) => points.set(Some(left - 1)),
        None => {}
    });
}

/// A child dies at every store of claim, commit, release and checkpoint in turn; whatever it had
/// committed by then and not released comes out of its file, once, in order, with its number.
#[cfg(not(any(miri, loom)))]
mod deaths {
    use super::*;
    use crate::origin::Origin;
    use crate::spool::Directory;
    use netlog_wire::Level;
    use std::path::Path;
    use std::process::Command;

    const POINT: &str = "NETLOG_TEST_KILL_POINT";
    const DIR: &str = "NETLOG_TEST_KILL_DIR";

    /// What the child does, as a script: appends and releases that go once round the ring.
    fn script() -> Vec<Step> {
        let mut steps = Vec::new();
        for round in 0..3 {
            steps.extend((0..4).map(|n| Step::Append(3000 + 1777 * n + round)));
            steps.push(Step::Release(2));
            steps.extend((0..2).map(|n| Step::Append(9 + n)));
            steps.push(Step::Release(4));
        }
        steps
    }

    enum Step {
        Append(usize),
        Release(u64),
    }

    fn text(number: u64, len: usize) -> String {
        let start = format!("{number} ");
        format!("{start}{}", "x".repeat(len.saturating_sub(start.len())))
    }

    /// Run in the child: performs the script and tells of each step, before and after, in a file.
    #[test]
    fn dies_at_its_point() {
        let (Ok(point), Ok(dir)) = (std::env::var(POINT), std::env::var(DIR)) else { return };
        let spool = Directory::open(Path::new(&dir)).unwrap();
        let spool = spool.create(Origin::here("child", "host", 65_536)).unwrap();
        let log = std::fs::File::create(Path::new(&dir).join("steps")).unwrap();
        let tell = |text: String| rustix::io::write(&log, text.as_bytes()).map(drop).unwrap();
        POINTS.set(Some(point.parse().unwrap()));
        let (mut appended, mut released) = (0, spool.ring.first());
        for step in script() {
            match step {
                Step::Append(len) => {
                    appended += 1;
                    spool.append(Level::Error, text(appended, len).as_bytes()).unwrap();
                    tell(format!("appended {appended}\n"));
                }
                Step::Release(count) => {
                    let last = released.number + count - 1;
                    tell(format!("releasing {last}\n"));
                    released = spool.ring.release(released, last, Owner::Alive);
                }
            }
        }
        tell("done\n".into());
    }

    /// What a child that dies at `point` told, and what is in its ring afterwards.
    fn die_at(point: u64) -> (String, Vec<(u64, String)>) {
        let dir = tempfile::tempdir().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ring::tests::deaths::dies_at_its_point"])
            .env(POINT, point.to_string())
            .env(DIR, dir.path())
            .output()
            .unwrap();
        let told = std::fs::read_to_string(dir.path().join("steps")).unwrap();
        assert_eq!(child.status.success(), told.ends_with("done\n"), "{child:?}");
        let left = Directory::open(dir.path()).unwrap().adopt(None, |e| panic!("{e}"));
        let [spool] = &left[..] else { panic!("one ring was left behind") };
        let mut first = spool.ring.first();
        (told, read_all(&spool.ring, &mut first, Owner::Dead))
    }

    #[test]
    fn every_committed_record_survives_a_death_at_any_store() {
        let lengths: Vec<usize> = script()
            .iter()
            .filter_map(|step| if let Step::Append(len) = step { Some(*len) } else { None })
            .collect();
        for point in 0.. {
            let (told, found) = die_at(point);
            let last = |word: &str| {
                let line = told.lines().rev().find_map(|line| line.strip_prefix(word));
                line.map_or(0, |number| number.trim().parse::<u64>().unwrap())
            };
            let (appended, releasing) = (last("appended"), last("releasing"));
            let first = found.first().map_or(appended + 1, |(number, _)| *number);
            let end = found.last().map_or(appended, |(number, _)| *number);
            assert!(first <= releasing + 1, "point {point}: nothing is gone that was not released");
            assert!(end == appended || end == appended + 1, "point {point}: {end} of {appended}");
            for (at, (number, line)) in found.iter().enumerate() {
                assert_eq!(*number, first + at as u64, "point {point}");
                assert_eq!(*line, text(*number, lengths[*number as usize - 1]), "point {point}");
            }
            if told.ends_with("done\n") {
                assert!(point > 100, "the script passes {point} points only");
                return;
            }
        }
    }
}
