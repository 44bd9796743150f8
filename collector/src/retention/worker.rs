//! One sweep through the old files of a log.

use super::{Keep, RetentionHandle};
use crate::clock::now;
use crate::layout::paths::packed_of;
use crate::layout::segment_name::rotated;
use crate::seekable_zstd::{self, Packing};
use crate::stats::Stats;
use crate::stderr::{Chain, StderrLog};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who sweeps.
pub(super) struct Sweep {
    attic: RetentionHandle,
    stats: Arc<Stats>,
    stderr: StderrLog,
    /// The files that something failed with, which has been said.
    told: BTreeSet<PathBuf>,
}

impl Sweep {
    pub(super) fn new(attic: RetentionHandle, stats: Arc<Stats>, stderr: StderrLog) -> Self {
        Self { attic, stats, stderr, told: BTreeSet::new() }
    }

    /// Packs and removes what there is to be packed and removed of `log`.
    pub(super) fn log(&mut self, log: &Path) {
        self.told.retain(|path| path.exists() || packed_of(path).exists());
        let keep = self.attic.custom().keep;
        for stamp in rotated(log) {
            // What is still to be packed will not be that large.
            self.remove(log, Keep { size: None, ..keep });
            if self.attic.ended() {
                return;
            }
            let old = stamp.path(log);
            if let Err(error) = self.tidy(&old) {
                self.stats.compressions_failed.add(1);
                self.tell(&old, format_args!("failed to compress {}", old.display()), &error);
                if error.kind() == io::ErrorKind::StorageFull {
                    break;
                }
            }
        }
        self.remove(log, keep);
    }

    /// Brings to its end what was begun with an old file, and packs it unless it is packed.
    fn tidy(&mut self, old: &Path) -> io::Result<()> {
        seekable_zstd::finish(old)?;
        if !self.attic.custom().pack || !old.try_exists()? {
            return Ok(());
        }
        let attic = self.attic.clone();
        let mut go_on = || match attic.ended() {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => Ok(()),
        };
        let Packing { before, after } = match seekable_zstd::pack(old, &mut go_on) {
            Err(_) if self.attic.ended() => return Ok(()),
            packing => packing?,
        };
        self.stats.files_compressed.add(1);
        self.stats.bytes_compressed.add(before);
        self.stats.bytes_compressed_to.add(after);
        let packed = packed_of(old);
        let packed = packed.display();
        self.stderr.debug(format_args!("compressed {packed} from {before} to {after} bytes"));
        Ok(())
    }

    fn remove(&mut self, log: &Path, keep: Keep) {
        for over in keep.over(log, now()) {
            let (path, bytes, why) = (over.path.display(), over.bytes, over.why);
            match over.remove() {
                Ok(()) => {
                    self.stats.files_removed.add(1);
                    self.stats.bytes_removed.add(bytes);
                    self.stderr.log(format_args!("removed {path}, {bytes} bytes, by {why}"));
                }
                Err(error) => {
                    self.tell(&over.path, format_args!("failed to remove {path}"), &error)
                }
            }
        }
    }

    /// Says once what failed with a file.
    fn tell(&mut self, old: &Path, deed: std::fmt::Arguments<'_>, error: &io::Error) {
        if self.told.insert(old.to_owned()) {
            let chain = Chain(error);
            self.stderr.log(format_args!("{deed}: {chain}; it stays, and is tried again"));
        }
    }
}
