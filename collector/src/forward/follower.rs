//! The reader of the log: finds the file that a position is in, and makes batches of what follows.

use super::outgoing::Outgoing;
use crate::hub::progress::{End, Progress};
use crate::layout::forwarded::{ForwardPlace, ForwardState};
use crate::layout::paths::{ledger_of, next_of};
use crate::layout::segment_name::rotated;
use crate::ledger::{RunLog, RunOrigin, SourceRun};
use crate::read::Segment;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// About how many bytes of lines make a batch.
const BATCH: usize = 512 << 10;

/// Follows one log.
pub(super) struct Follower {
    log: PathBuf,
    progress: Arc<Progress>,
    open: Option<FollowedFile>,
}

/// A file of the log.
struct FollowedFile {
    generation: u64,
    segment: Segment,
    ledger: PathBuf,
    /// Place up to which runs have been read.
    offset: u64,
    /// None if it has no ledger any more.
    runs: Option<RunLog>,
}

/// Result of reading at a position.
pub(super) enum Found {
    /// Records, and the position behind them.
    Batch(Box<Outgoing>, ForwardPlace),
    /// The file ends there, and the next one begins here.
    Next(ForwardPlace),
    /// The file is gone, and the next one that is there has this generation.
    Missing(u64),
    /// Nothing yet.
    Nothing,
}

/// End of the readable part of a file.
struct FileEnd {
    limit: u64,
    /// Nothing more will be written to it.
    closed: bool,
}

impl Follower {
    pub(super) fn new(log: PathBuf, progress: Arc<Progress>) -> Self {
        Self { log, progress, open: None }
    }

    /// Reads what follows the position in `state`.
    pub(super) fn read(&mut self, state: &ForwardState) -> io::Result<Found> {
        let place = state.place;
        let log = self.log.clone();
        // What was sent and not acknowledged is read again, from the beginning of the ledger.
        let fits = |open: &FollowedFile| {
            open.generation == place.generation && open.offset <= place.offset
        };
        let open = self.open.take().filter(fits);
        let mut open = match open {
            Some(open) => open,
            None => match find(&log, place)? {
                Some(open) => open,
                None => return Ok(missing(&log, place.generation)),
            },
        };
        let end = self.file_end(&open.segment)?;
        // Asked after the end, so that whatever stands before that is in the ledger found here.
        if open.runs.as_ref().is_none_or(|runs| !runs.is_at(&open.ledger))
            && let Some(again) = find(&log, place)?
        {
            open = again;
        }
        let found = open.batch(state, &end)?;
        self.open = Some(open);
        Ok(found)
    }

    /// Bytes of the file being written that are behind `place`; all there can be if that is in an
    /// earlier one.
    pub(super) fn behind(&self, place: ForwardPlace) -> u64 {
        let end = self.progress.end();
        let open = self.open.as_ref().filter(|open| open.segment.inode() == Some(end.inode));
        match open.filter(|open| open.generation == place.generation) {
            Some(_) => end.len.saturating_sub(place.offset),
            None => u64::MAX,
        }
    }

    /// End of the log, which moves with every batch.
    pub(super) fn end(&self) -> End {
        self.progress.end()
    }

    fn file_end(&self, segment: &Segment) -> io::Result<FileEnd> {
        let end = self.progress.end();
        if segment.inode() == Some(end.inode) {
            return Ok(FileEnd { limit: end.len, closed: false });
        }
        Ok(FileEnd { limit: segment.len()?, closed: true })
    }
}

impl FollowedFile {
    fn batch(&mut self, state: &ForwardState, end: &FileEnd) -> io::Result<Found> {
        let mut batch = Outgoing::new(state);
        let ForwardPlace { generation, mut offset } = state.place;
        while batch.len() < BATCH && !batch.is_full() {
            let Some(run) = self.next(offset, end)? else { break };
            offset = self.push(&mut batch, &run)?;
        }
        self.offset = offset;
        let place = ForwardPlace { generation, offset };
        Ok(match (batch.is_empty(), end.closed && offset >= end.limit) {
            (false, _) => Found::Batch(Box::new(batch), place),
            (true, true) => Found::Next(ForwardPlace { generation: generation + 1, offset: 0 }),
            (true, false) => Found::Nothing,
        })
    }

    fn next(&mut self, offset: u64, end: &FileEnd) -> io::Result<Option<SourceRun>> {
        if let Some(runs) = &mut self.runs {
            return runs.next(offset, end.limit, end.closed);
        }
        let origin = RunOrigin::Unnumbered;
        Ok((offset < end.limit).then_some(SourceRun { range: offset..end.limit, origin }))
    }

    /// Adds the records of `run`, or some of them, and returns where they end.
    fn push(&mut self, batch: &mut Outgoing, run: &SourceRun) -> io::Result<u64> {
        let start = run.range.start;
        let end = run.range.end;
        if let RunOrigin::Numbered { sender, first, count } = run.origin {
            let lines = self.segment.read_at(start, end - start)?;
            if memchr::memchr_iter(b'\n', &lines).count() as u64 != count {
                let path = self.segment.path().display();
                let words = format!("{path} was changed: it does not agree with its ledger");
                return Err(io::Error::new(io::ErrorKind::InvalidData, words));
            }
            batch.push_numbered(sender, first, &lines);
            return Ok(end);
        }
        let lines = self.segment.lines_from(start, start + BATCH as u64, end)?;
        match lines.bytes.len() {
            // What has no end is no record.
            0 => Ok(end),
            _ => Ok(start + batch.push_unnumbered(&lines.bytes) as u64),
        }
    }
}

/// The file of the log that `place` is in.
fn find(log: &Path, place: ForwardPlace) -> io::Result<Option<FollowedFile>> {
    let ForwardPlace { generation, offset } = place;
    let ledger = ledger_of(log);
    let of_active = RunLog::open(&ledger, place.offset).ok();
    if let Some(runs) = of_active.filter(|runs| runs.head().generation == generation)
        && let Ok(segment) = Segment::open(log, true)
        && segment.inode() == Some(runs.head().inode)
    {
        return Ok(Some(FollowedFile { generation, offset, segment, ledger, runs: Some(runs) }));
    }
    let Some(name) = rotated(log).into_iter().find(|name| name.generation == generation) else {
        return Ok(None);
    };
    let path = name.path(log);
    let segment = Segment::open(&path, true)?;
    let kept = ledger_of(&path);
    match RunLog::open(&kept, place.offset) {
        Ok(runs) => {
            Ok(Some(FollowedFile { generation, offset, segment, ledger: kept, runs: Some(runs) }))
        }
        // It will be moved behind its file in a moment.
        Err(error) if next_of(&ledger).exists() => Err(error),
        Err(_) => Ok(Some(FollowedFile { generation, offset, segment, ledger: kept, runs: None })),
    }
}

/// Result for a file that is missing.
fn missing(log: &Path, generation: u64) -> Found {
    let active = RunLog::open(&ledger_of(log), 0).ok().map(|runs| runs.head().generation);
    let later = rotated(log).into_iter().map(|name| name.generation).chain(active);
    later.filter(|later| *later > generation).min().map_or(Found::Nothing, Found::Missing)
}
