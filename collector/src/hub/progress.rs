//! How far the records have come: the one thing that the hub tells its readers.

use super::line_run::LineRun;
use super::recent::Ring;
use super::sink::Written;
use crate::clock::now;
use crate::layout::segment_name::SegmentName;

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How much is held in memory where there is no file to read from, or are many.
const RING: usize = 8 << 20;

/// How many of the files written before this one a tail can follow without looking at names.
const PAST: usize = 64;

/// The place behind the last record that is in the sinks and will stay there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct End {
    /// The device and inode of the file.
    pub(crate) inode: (u64, u64),
    /// Its length, in whole records.
    pub(crate) len: u64,
    /// How many files were written before it since the collector began.
    pub(crate) turn: u64,
    /// What the file before it got for a stamp, if it was rotated away.
    pub(crate) before: Option<SegmentName>,
}

/// A stream: by what it is known, and how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) print: u64,
    pub(crate) end: u64,
}

/// A file that was written, or is: what it may be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Past {
    /// Once it is rotated away and packed, another file may have it.
    pub(crate) inode: (u64, u64),
    pub(crate) stamp: Option<SegmentName>,
}

/// What the hub tells, and what it costs it: one short lock and, if somebody waits, one wake-up.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<State>,
    ring: Option<Mutex<Ring>>,
    /// Rung after every batch. One task listens and tells the tails, however many there are.
    pub(crate) bell: Notify,
}

#[derive(Debug, Default)]
struct State {
    end: End,
    /// The files so far, by turn: the last one is being written.
    past: VecDeque<Past>,
    /// Why a sink fails, while it does.
    failing: Option<String>,
}

impl Progress {
    /// Begins where the file stands, or the stream of many files, if they can be read back.
    pub(crate) fn new(file: Option<End>, stream: Option<Stream>) -> Self {
        let first = Past { inode: file.unwrap_or_default().inode, stamp: None };
        let state = State { past: VecDeque::from([first]), ..State::default() };
        let Stream { print, end: len } =
            stream.unwrap_or_else(|| Stream { print: now().unsigned_abs(), end: 0 });
        let ring = file.is_none().then(|| Mutex::new(Ring::new(print, RING, len)));
        let state = State { end: file.unwrap_or_else(|| End { len, ..End::default() }), ..state };
        Self { state: Mutex::new(state), ring, bell: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ring, where there is no file.
    pub(crate) fn ring(&self) -> Option<MutexGuard<'_, Ring>> {
        self.ring.as_ref().map(|ring| ring.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes note that `runs` are in all sinks, and that the file has come to `file`; or in what
    /// order their lines are in many.
    pub(crate) fn written(&self, runs: &[LineRun], Written { end: file, streamed }: Written) {
        if let Some(mut ring) = self.ring() {
            let lines = || {
                let lines: Vec<_> = runs.iter().map(|run| run.lines.as_slice()).collect();
                lines.concat()
            };
            let lines = streamed.unwrap_or_else(lines);
            ring.push(lines, runs.iter().map(|run| run.count).sum());
            self.lock().end.len = ring.end().at;
        }
        if let Some(file) = file {
            let mut state = self.lock();
            let turn = state.end.turn + u64::from(state.end.inode != file.inode);
            if turn > state.end.turn {
                if let Some(last) = state.past.back_mut() {
                    last.stamp = file.before;
                }
                state.past.push_back(Past { inode: file.inode, stamp: None });
                let over = state.past.len().saturating_sub(PAST);
                state.past.drain(..over);
            }
            state.end = End { turn, ..file };
        }
        self.bell.notify_one();
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

    /// Why a sink fails, while it does.
    pub(crate) fn failing(&self) -> Option<String> {
        self.lock().failing.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_written_are_remembered_in_their_turn() {
        let stamp = Some(SegmentName::new(1, 99));
        let end = |inode, len, before| Some(End { inode: (1, inode), len, turn: 0, before });
        let progress = Progress::new(end(7, 10, None), None);
        for (inode, len, before) in [(7, 20, None), (8, 5, stamp), (7, 1, None)] {
            progress.written(&[], Written { end: end(inode, len, before), streamed: None });
        }
        assert_eq!(progress.end(), End { inode: (1, 7), len: 1, turn: 2, before: None });
        let files = [0, 1, 2, 3].map(|turn| progress.file(turn));
        let past = |inode, stamp| Some(Past { inode: (1, inode), stamp });
        assert_eq!(files, [past(7, stamp), past(8, None), past(7, None), None]);
    }
}
