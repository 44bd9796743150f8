//! Where a collector keeps its file, and what comes to be in it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a record may take from the end of its connection to the file.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing may come before what has come is all there is.
const QUIET: Duration = Duration::from_millis(500);

pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) file: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory for the file");
        let file = dir.path().join("records.log");
        Self { dir, file }
    }

    /// Has the system touch as much memory as the file will take. Memory that a virtual machine
    /// has not used lately is slow, and whoever writes first would pay for it.
    pub(crate) fn warm(&self, bytes: u64) {
        let path = self.dir.path().join("warm");
        let (mut file, chunk) = (File::create(&path).expect("a file is made"), vec![0; 1 << 20]);
        for _ in 0..=bytes >> 20 {
            file.write_all(&chunk).expect("there is room for the file");
        }
        std::fs::remove_file(path).expect("it can be removed");
    }

    /// Waits until there are so many lines in the file.
    pub(crate) fn wait_for(&self, lines: u64) {
        let until = Instant::now() + PATIENCE;
        while self.lines() < lines && Instant::now() < until {
            sleep(Duration::from_millis(20));
        }
        assert_eq!(self.lines(), lines, "records in the file");
    }

    /// Waits until no more comes; how many lines there are then.
    pub(crate) fn settled(&self) -> u64 {
        let length = || self.file.metadata().map_or(0, |file| file.len());
        let (mut last, mut since) = (length(), Instant::now());
        while since.elapsed() < QUIET {
            sleep(Duration::from_millis(20));
            if length() != last {
                (last, since) = (length(), Instant::now());
            }
        }
        self.lines()
    }

    pub(crate) fn lines(&self) -> u64 {
        self.count(b"\n")
    }

    /// How often `word` stands in the file.
    pub(crate) fn count(&self, word: &[u8]) -> u64 {
        let mut file = File::open(&self.file).expect("the collector has made its file");
        let finder = memchr::memmem::Finder::new(word);
        let (mut buffer, mut kept, mut found) = (vec![0; 1 << 20], 0, 0);
        loop {
            let count = file.read(&mut buffer[kept..]).expect("the file can be read");
            if count == 0 {
                return found;
            }
            let all = kept + count;
            found += finder.find_iter(&buffer[..all]).count() as u64;
            // A word may be cut between two reads.
            kept = all.min(word.len() - 1);
            buffer.copy_within(all - kept..all, 0);
        }
    }
}
