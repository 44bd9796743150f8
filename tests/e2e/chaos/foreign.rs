//! Bytes of somebody else in the collector's file.

use crate::harness::{Dice, SOON, pause, wait_until};
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// The lines that were appended, and how often each has to be found.
#[derive(Debug, Clone, Default)]
pub(super) struct Foreign {
    pub(super) lines: HashMap<Vec<u8>, u64>,
    count: u64,
}

impl Foreign {
    /// Appends half a line, a line, or several to `file`, and waits for `taken`: what the collector
    /// is killed amid may cost a record, as docs/collector.md says.
    pub(super) fn append(&mut self, file: &Path, dice: &mut Dice, taken: impl Fn() -> u64) {
        let before = taken();
        let mut text = String::new();
        for n in 1..=dice.of(1..4) {
            self.count += 1;
            let line = match dice.of(0..3) {
                0 => format!("{{\"foreign\":{}}}", self.count),
                _ => format!("foreign {} line {n} of somebody else", self.count),
            };
            text += &line;
            text += "\n";
            self.lines.insert(line.into_bytes(), 1);
        }
        let bytes = text.as_bytes();
        let bytes = if dice.once_in(2) { &bytes[..bytes.len() - 1] } else { bytes };
        let mut open = OpenOptions::new().append(true).open(file).expect("the file is there");
        open.write_all(bytes).expect("the disk has room");
        let all = before + bytes.len() as u64;
        let inode = open.metadata().expect("it is open").ino();
        // Of a file that was rotated meanwhile it takes no note.
        let rotated = || file.metadata().is_ok_and(|now| now.ino() != inode);
        assert!(wait_until(SOON, || taken() >= all || rotated()), "{text:?} is not noticed");
        pause(Duration::from_millis(20));
    }
}
