//! A file that makes way for the next one.

use super::FileSink;
use crate::clock::now;
use crate::layout::rotation;
use crate::stderr::Chain;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

/// Pause after a failed rotation.
const ROTATE_AGAIN: Duration = Duration::from_secs(60);

impl FileSink {
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        let path = self.options.path.clone();
        let segment = rotation::next_name(&path, self.ledger.generation(), now());
        let rotated = segment.path(&path);
        let shown = self.options.shown().to_owned();
        let laid_out = self.ledger.prepare_next(&path, segment);
        // A reader that lists the files between these two sees that the numbers differ.
        self.options.stats.rotations_begun.add(1);
        let renamed = laid_out.and_then(|()| fs::rename(&path, &rotated));
        self.options.stats.files_rotated.add(1);
        if let Err(error) = renamed {
            self.rotate_from = Instant::now() + ROTATE_AGAIN;
            let path = shown.display();
            let chain = Chain(&error);
            self.stderr.log(format_args!("failed to rotate {path}, going on in it: {chain}"));
            return Ok(());
        }
        // No way back from here: what fails is tried again, with the next file.
        self.away = true;
        self.rotated = Some(segment);
        self.ledger.move_behind(&path, &rotated)?;
        self.options.retention.watch(&shown);
        self.stderr.debug(format_args!("rotated {} to {segment}", shown.display()));
        self.reopen()
    }
}
