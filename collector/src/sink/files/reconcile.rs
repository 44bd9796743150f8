//! The order and the files brought into agreement when a collector starts: another one may have died
//! at any byte.

use super::FilesSink;
use crate::layout::fingerprint::{FIRST_LINE, fingerprint, of_file};
use crate::layout::order_segments::{OrderSegment, SegmentKey};
use crate::layout::paths::{own, packed_of};
use crate::layout::segment_name::{SegmentName, rotated};
use crate::layout::tree;
use crate::seekable_zstd::SeekableFile;
use std::collections::{BTreeSet, HashMap};
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
            let rotated = tree::all(&self.template)?.files;
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

    /// Prunes the order once retention has removed files, or an earlier collector's has.
    pub(super) fn prune(&mut self) -> io::Result<()> {
        let removed = self.options.stats.files_removed.get();
        if self.pruned.replace(removed) == Some(removed) {
            return Ok(());
        }
        let Some(order) = &mut self.order else { return Ok(()) };
        // Twice: a file that is renamed or compressed meanwhile may be missing from one listing.
        let mut oldest = HashMap::new();
        let both = [tree::all(&self.template)?, tree::all(&self.template)?];
        let mut closed = Vec::new();
        for listed in both {
            closed.extend(listed.closed);
            for (log, segments) in listed.files {
                let first = segments.first().map_or(u64::MAX, |segment| segment.generation);
                let known = oldest.entry(log).or_insert(u64::MAX);
                *known = first.min(*known);
            }
        }
        for (place, open) in &self.open {
            let active = open.sink.generation();
            let first = oldest.entry(place.clone()).or_insert(active);
            *first = active.min(*first);
        }
        order.prune(|segment| match oldest.get(&segment.key.log) {
            // Only the active file is left, which is closed.
            Some(&u64::MAX) => false,
            Some(first) => segment.generation < *first,
            // What cannot be seen is not gone.
            None => !closed.iter().any(|directory| segment.key.log.starts_with(directory)),
        })
    }

    /// Tells whether a segment is among those that were rotated away.
    fn is_rotated(&self, key: &SegmentKey) -> io::Result<bool> {
        let (_directory, path) = tree::reach(&self.template.base, &key.log)?;
        let is = |stamp: &SegmentName| {
            let measured = SegmentMeasure::of(&stamp.path(&path));
            measured.is_ok_and(|measured| measured.fingerprint == Some(key.fingerprint))
        };
        Ok(rotated(&path)?.iter().rev().any(is))
    }
}
