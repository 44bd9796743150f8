//! The order and the files brought into agreement when a collector starts: another one may have died
//! at any byte.

use super::FilesSink;
use crate::layout::fingerprint::{FIRST_LINE, fingerprint, of_file};
use crate::layout::order_segments::{OrderSegment, SegmentKey};
use crate::layout::paths::{own, packed_of};
use crate::layout::segment_name::{SegmentName, rotated};
use crate::layout::tree;
use crate::seekable_zstd::SeekableFile;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

/// The fingerprint of a segment, and how long its text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentMeasure {
    pub(super) fingerprint: Option<u64>,
    pub(super) len: u64,
    /// Number of the file in its log, if it is the active one.
    pub(super) generation: u64,
}

impl SegmentMeasure {
    /// Measures the segment at `path`, or what it was compressed to.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let open = |path: &Path| own(OpenOptions::new().read(true)).open(path);
        match open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let packed = SeekableFile::read(open(&packed_of(path))?)?;
                let first = packed.read_at(0, FIRST_LINE as u64)?;
                Ok(Self { fingerprint: fingerprint(&first), len: packed.len(), generation: 0 })
            }
            file => {
                let file = file?;
                Ok(Self {
                    fingerprint: of_file(&file)?,
                    len: file.metadata()?.len(),
                    generation: 0,
                })
            }
        }
    }
}

impl FilesSink {
    /// Brings the order into agreement with the files that are there.
    pub(super) fn reconcile(&mut self, active: Vec<(PathBuf, SegmentMeasure)>) -> io::Result<()> {
        let Some(order) = &mut self.order else { return Ok(()) };
        if order.is_new() {
            let rotated = tree::all(&self.template)?;
            let all = rotated.iter().flat_map(|(log, stamps)| stamps.iter().map(move |s| (s, log)));
            for (stamp, log) in all.collect::<BTreeSet<_>>() {
                let (_directory, path) = tree::reach(&self.template.base, log)?;
                let Ok(SegmentMeasure { fingerprint: Some(fingerprint), len, .. }) =
                    SegmentMeasure::of(&stamp.path(&path))
                else {
                    continue;
                };
                let key = SegmentKey { fingerprint, log: log.clone() };
                order.reconcile(&OrderSegment { key, generation: stamp.generation }, len)?;
            }
        }
        // The part announced last may begin a segment that was never written.
        if let Some((entry, key)) = order.last().filter(|(entry, _)| entry.offset == 0) {
            let is_active = |(log, measured): &(PathBuf, SegmentMeasure)| {
                *log == key.log && measured.fingerprint == Some(key.fingerprint)
            };
            if entry.length > 0
                && !active.iter().any(is_active)
                && !self.is_rotated(&key)?
                && let Some(order) = &mut self.order
            {
                let generation = 0;
                order.reconcile(&OrderSegment { key, generation }, 0)?;
            }
        }
        let Some(order) = &mut self.order else { return Ok(()) };
        for (log, SegmentMeasure { fingerprint, len, generation }) in active {
            if let Some(fingerprint) = fingerprint {
                let key = SegmentKey { fingerprint, log };
                order.reconcile(&OrderSegment { key, generation }, len)?;
            }
        }
        Ok(())
    }

    /// Tells whether a segment is among those that were rotated away.
    fn is_rotated(&self, key: &SegmentKey) -> io::Result<bool> {
        let (_directory, path) = tree::reach(&self.template.base, &key.log)?;
        let is = |stamp: &SegmentName| {
            let measured = SegmentMeasure::of(&stamp.path(&path));
            measured.is_ok_and(|measured| measured.fingerprint == Some(key.fingerprint))
        };
        Ok(rotated(&path).iter().rev().any(is))
    }
}
