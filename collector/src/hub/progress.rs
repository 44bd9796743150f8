//! Progress of the records: all that the hub reports to readers.

use super::line_run::LineRun;
use super::recent::{Recent, WrittenPart};
use super::recovered_run::RecoveredRun;
use super::sink::Written;
use crate::clock::now;
use crate::layout::file_id::FileId;
use crate::layout::segment_name::SegmentName;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use tokio::sync::Notify;

pub(crate) use super::end::{End, RecordStream};

/// Bytes of records in memory where there is no file to read from, or are many.
const RECENT: usize = 8 << 20;

/// Number of files written before this one that a tail can follow without looking at names.
const PAST: usize = 64;

/// Number of recovered runs that a slow tail still learns of.
const ANNOUNCED: usize = 64;

/// A file that was written, or is: what it may be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Past {
    /// Once it is rotated away and packed, another file may have it.
    pub(crate) inode: FileId,
    pub(crate) stamp: Option<SegmentName>,
    /// Its final length, once another one is written.
    pub(crate) len: Option<u64>,
    /// Number of lines up to its end that were written since the collector began.
    pub(crate) lines: u64,
}

/// Report of the hub, which costs it one short lock and, if a reader waits, one wake-up.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<ProgressState>,
    id: u64,
    recent: Option<Mutex<Recent>>,
    /// Rung after every batch. One task listens and tells the tails, however many there are.
    pub(crate) bell: Notify,
    /// Woken after every batch, if records are forwarded.
    follower: OnceLock<Thread>,
}

#[derive(Debug, Default)]
struct ProgressState {
    end: End,
    /// The files so far, by turn: the last one is being written.
    past: VecDeque<Past>,
    /// The latest recovered runs, and how many there were in all.
    recovered: VecDeque<Arc<RecoveredRun>>,
    announced: u64,
    /// Failure of a sink, while it fails.
    failing: Option<String>,
}

impl Progress {
    /// Begins where the file stands, or the stream of many files, if they can be read back.
    pub(crate) fn new(file: Option<End>, stream: Option<RecordStream>) -> Self {
        let inode = file.unwrap_or_default().inode;
        let first = Past { inode, stamp: None, len: None, lines: 0 };
        let stream = stream.unwrap_or_else(|| RecordStream { id: now().unsigned_abs(), end: 0 });
        let recent = file.is_none().then(|| Mutex::new(Recent::new(RECENT, stream.end)));
        let end = file.unwrap_or_else(|| End { len: stream.end, ..End::default() });
        let past = VecDeque::from([first]);
        let state = ProgressState { end, past, ..ProgressState::default() };
        Self {
            state: Mutex::new(state),
            id: stream.id,
            recent,
            bell: Notify::new(),
            follower: OnceLock::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, ProgressState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest records, where there is no file or are many.
    pub(crate) fn recent(&self) -> Option<MutexGuard<'_, Recent>> {
        self.recent.as_ref().map(|recent| recent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// By what the stream of all records is known.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Takes note that `runs` are in all sinks, and where.
    pub(crate) fn written(&self, runs: &[LineRun], written: Written) {
        if let Some(mut recent) = self.recent() {
            let all = || {
                let lines: Vec<_> = runs.iter().map(|run| run.lines.as_slice()).collect();
                WrittenPart {
                    fingerprint: self.id,
                    offset: self.end().len,
                    lines: lines.concat(),
                    records: runs.iter().map(|run| run.count).sum(),
                }
            };
            let parts = if written.parts.is_empty() { vec![all()] } else { written.parts };
            parts.into_iter().for_each(|part| recent.push(part));
            self.lock().end.len = recent.end().position;
        }
        if let Some(file) = written.end {
            self.lock().advance(file);
        }
        self.bell.notify_one();
        if let Some(follower) = self.follower.get() {
            follower.unpark();
        }
    }

    /// Takes note that records of recovered runs are written next.
    pub(crate) fn announce(&self, runs: Vec<RecoveredRun>) {
        if runs.is_empty() {
            return;
        }
        let mut state = self.lock();
        let End { turn, len, .. } = state.end;
        for run in runs {
            state.recovered.push_back(Arc::new(RecoveredRun { turn, position: len, ..run }));
            state.announced += 1;
        }
        let over = state.recovered.len().saturating_sub(ANNOUNCED);
        state.recovered.drain(..over);
    }

    /// Number of recovered runs so far.
    pub(crate) fn announced(&self) -> u64 {
        self.lock().announced
    }

    /// The recovered runs behind the first `seen`, as far as they are remembered.
    pub(crate) fn recovered_since(&self, seen: u64) -> Vec<Arc<RecoveredRun>> {
        let state = self.lock();
        let new = usize::try_from(state.announced - seen).unwrap_or(usize::MAX);
        let known = state.recovered.len();
        state.recovered.range(known - new.min(known)..).cloned().collect()
    }

    /// From now on, `follower` is woken after every batch.
    pub(crate) fn wake_follower(&self, follower: Thread) {
        let _ = self.follower.set(follower);
    }

    /// The end as it is now.
    pub(crate) fn end(&self) -> End {
        self.lock().end
    }

    /// The file that was begun at `turn`, if that is remembered.
    pub(crate) fn file(&self, turn: u64) -> Option<Past> {
        let state = self.lock();
        let back = usize::try_from(state.end.turn.checked_sub(turn)?).ok()?;
        state.past.iter().rev().nth(back).copied()
    }

    /// A sink fails, in these words; or all do their work again.
    pub(crate) fn health(&self, failing: Option<String>) {
        self.lock().failing = failing;
    }

    /// Failure of a sink, while it fails.
    pub(crate) fn failing(&self) -> Option<String> {
        self.lock().failing.clone()
    }
}

impl ProgressState {
    /// The file has come to `end`, or another one that was begun meanwhile has.
    fn advance(&mut self, end: End) {
        let other = self.end.begun != end.begun;
        if other {
            if let Some(last) = self.past.back_mut() {
                last.stamp = end.before;
                last.len = Some(self.end.len);
                last.lines = self.end.lines;
            }
            self.past.push_back(Past { inode: end.inode, stamp: None, len: None, lines: 0 });
            let over = self.past.len().saturating_sub(PAST);
            self.past.drain(..over);
        }
        self.end = End { turn: self.end.turn + u64::from(other), ..end };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_written_are_remembered_in_their_turn() {
        let stamp = Some(SegmentName::new(1, 99));
        let end = |inode, len, before| {
            Some(End {
                inode: FileId(1, inode),
                len,
                generation: 1,
                turn: 0,
                begun: inode + u64::from(len == 1),
                before,
                lines: inode * 10,
            })
        };
        let progress = Progress::new(end(7, 10, None), None);
        for (inode, len, before) in [(7, 20, None), (8, 5, stamp), (7, 2, None), (7, 1, None)] {
            let written = Written { end: end(inode, len, before), parts: Vec::new() };
            progress.written(&[], written);
        }
        let last = progress.end();
        assert_eq!((last.inode, last.len, last.turn), (FileId(1, 7), 1, 3));
        let files = [0, 1, 2, 3, 4].map(|turn| progress.file(turn));
        let past =
            |inode, stamp, len, lines| Some(Past { inode: FileId(1, inode), stamp, len, lines });
        assert_eq!(
            files,
            [
                past(7, stamp, Some(20), 70),
                past(8, None, Some(5), 80),
                past(7, None, Some(2), 70),
                past(7, None, None, 0),
                None
            ]
        );
    }
}
