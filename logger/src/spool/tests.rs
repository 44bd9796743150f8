//! Power cuts of a spool on a disk: the system writes pages of the file back whenever it likes, so that
//! a disk may hold any earlier state of each page. Whatever it holds, the next start reads it.

use super::{Directory, Spool};
use crate::identity::SenderIdentity;
use crate::ring::Cursor;
use netlog_wire::{Identity, Level, Line, Record};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The least that is written as a whole.
const SECTOR: usize = 512;

const CAPACITY: u64 = 16 << 10;

/// A program that logs, acks that come in, and all states of the sectors of its spool's file.
struct Program {
    spool: Spool,
    path: PathBuf,
    /// All contents that each sector had, the newest last.
    sectors: Vec<Vec<Vec<u8>>>,
    next: Cursor,
    logged: HashSet<String>,
    /// Messages that were not acked yet, the oldest first.
    waiting: Vec<String>,
    /// Number of cuts.
    cuts: u64,
    dice: Dice,
}

impl Program {
    fn start(directory: &Arc<Directory>, seed: u64) -> Self {
        let spool = directory.create(SenderIdentity::current("app", "host", CAPACITY)).unwrap();
        let path = spool.path().unwrap();
        let next = spool.ring.first();
        let (logged, waiting) = Default::default();
        let sectors = Vec::new();
        let dice = Dice(seed);
        let mut program = Self { spool, path, sectors, next, logged, waiting, cuts: 0, dice };
        program.look();
        program
    }

    /// Logs a few records, or the collector acks a few.
    fn step(&mut self) {
        if self.dice.below(3) == 0 {
            let acked = self.dice.below(self.waiting.len() + 1);
            let last = self.next.number + acked as u64 - 1;
            self.next = self.spool.ring.release(self.next, last, self.spool.owner);
            self.waiting.drain(..acked);
        } else {
            let number = self.logged.len();
            let message = format!("{number:04}").repeat(1 + self.dice.below(4) * 15);
            let mut line = Vec::new();
            Record::new(number as i64, Level::Info, &message)
                .encode(&Identity::default(), &mut line);
            if self.spool.append(Level::Info, &line).is_ok() {
                self.logged.insert(message.clone());
                self.waiting.push(message);
            }
        }
        self.look();
    }

    /// Remembers what has changed in the file.
    fn look(&mut self) {
        let bytes = fs::read(&self.path).unwrap();
        self.sectors.resize(bytes.len().div_ceil(SECTOR), Vec::new());
        for (states, sector) in self.sectors.iter_mut().zip(bytes.chunks(SECTOR)) {
            if states.last().is_none_or(|last| last != sector) {
                states.push(sector.to_vec());
            }
        }
    }

    /// Messages that the next start reads of what a cut leaves: of each page a state at most `oldest`
    /// changes old, whole or torn.
    fn cut(&mut self, oldest: usize, after: &Arc<Directory>) -> Vec<String> {
        let mut bytes = Vec::new();
        let mut age = 0;
        for (at, states) in self.sectors.iter().enumerate() {
            if at.is_multiple_of(4096 / SECTOR) || self.dice.below(8) == 0 {
                age = self.dice.below(oldest + 1);
            }
            bytes.extend_from_slice(&states[(states.len() - 1).saturating_sub(age)]);
        }
        // The machine was booted since.
        let boot = bytes.windows(6).position(|window| window == b"\nboot ").unwrap() + 6;
        bytes[boot] = if bytes[boot] == b'0' { b'1' } else { b'0' };
        // Another file each time: a program that another test starts may keep the last one locked until
        // it runs.
        self.cuts += 1;
        let name = format!("cut-{}.ring", self.cuts);
        let path = after.path(&name);
        fs::write(&path, bytes).unwrap();
        let messages = read(after, &name);
        fs::remove_file(path).unwrap();
        messages
    }
}

/// A sequence of numbers that is the same in every run (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }
}

/// Messages of the records that the next start reads, without those that report a damaged one.
fn read(directory: &Arc<Directory>, name: &str) -> Vec<String> {
    let Ok(Some(spool)) = directory.adopt(name) else { return Vec::new() };
    let mut cursor = spool.ring.first();
    let mut messages = Vec::new();
    let mut line = Vec::new();
    while spool.read(&mut cursor, &mut line) {
        let parsed = Line::parse(&line).expect("every line that is sent is a record");
        if parsed.lost.is_none() {
            messages.push(parsed.msg.text().into_owned());
        }
        line.clear();
    }
    assert!(spool.records() < 10_000);
    messages
}

/// Whatever a power cut leaves of a spool on a disk is read; what was written back is there, each record
/// once, and nothing that is no record is delivered.
#[test]
fn whatever_a_power_cut_leaves_of_a_spool_on_a_disk_is_read_and_what_was_written_back_is_whole() {
    let memory = Path::new("/dev/shm");
    let dir = tempfile::tempdir_in(if memory.is_dir() { memory } else { Path::new("/tmp") });
    let dir = dir.unwrap();
    let directory = Directory::open_or_create(&dir.path().join("spool")).unwrap();
    let after = Directory::open_or_create(&dir.path().join("after")).unwrap();
    let mut found = 0;
    let mut spliced = 0;
    for seed in 1..=6 {
        let mut program = Program::start(&directory, seed);
        for step in 0..300 {
            program.step();
            // Everything was written back: nothing is lost, nothing is there that was acked.
            let messages = program.cut(0, &after);
            assert_eq!(messages, program.waiting, "seed {seed}, step {step}");
            for oldest in [1, 3, 12, 1000] {
                let messages = program.cut(oldest, &after);
                found += messages.len();
                spliced += messages.iter().filter(|it| !program.logged.contains(*it)).count();
            }
        }
    }
    // The beginning of one and the end of an older one that ended at the same place, in sectors that
    // were written back at different times, can be a record. This is rare.
    assert!(found > 1000 && spliced <= found / 10_000, "{spliced} of {found}");
}
