//! A tail or a search at work: it reads a piece where nobody waits for it, sends it, and reads on.
//!
//! A tail is the last records, then each one as it is written, with no gap and none twice. It reads
//! what was written from its files, or from memory while it is there: being slow only means to read
//! later.

use super::buffer_permit::BufferPermit;
use super::format::{Notice, ResponseFormat};
use super::params::RecordCount;
use super::piece_size::PieceSize;
use super::position::Position;
use super::recovery_notices::RecoveryNotices;
use super::stream::{Outlet, StreamEnd};
use super::{ReadContext, filter::Filter};
use crate::hub::recent::{LineOrigin, LinePiece};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

/// Interval at which something is sent, if only to notice that the client is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A tail or a search to be run.
pub(crate) struct ReaderTask {
    pub(crate) reading: Arc<ReadContext>,
    pub(crate) render: Render,
    /// None while it reads.
    pub(crate) cursor: Option<Box<dyn RecordCursor>>,
    /// True if it goes on with the records that are written meanwhile.
    pub(crate) follow: bool,
    /// One permit for each of its kind that may read at one moment, if there are few.
    pub(crate) at_work: Option<Arc<Semaphore>>,
    /// Its place among the tails, if it is one.
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

/// The start of a tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TailStart {
    After(Position),
    Last(RecordCount),
}

/// The records that a tail shows, and their format.
#[derive(Debug, Clone)]
pub(crate) struct Render {
    pub(crate) filter: Arc<Filter>,
    pub(crate) format: ResponseFormat,
}

/// A place among stored records, or those that are still being written.
pub(crate) trait RecordCursor: Send {
    /// Reads the next piece, of some `most` bytes, and appends to `out` what is to be sent of it.
    fn advance(&mut self, most: u64, render: &Render, out: &mut Vec<u8>);

    /// Tells whether it has come to where the records ended when it began.
    fn has_caught_up(&self) -> bool;

    /// Number of bytes that are not read yet, as far as it is known.
    fn behind(&self) -> u64 {
        0
    }

    /// Tells whether it reads on from what is in the system's memory, without waiting for a disk.
    fn is_warm(&self) -> bool {
        false
    }

    /// Position behind the last record that was read.
    fn position(&mut self) -> Option<Position>;

    /// Tells whether it holds, or is about to hold, pieces of many files.
    fn is_wide(&self) -> bool {
        false
    }

    /// Lets go of what can be read again.
    fn release(&mut self) {}
}

/// A task at work.
struct RunningTask<'a> {
    task: ReaderTask,
    outlet: &'a Outlet,
    piece_size: PieceSize,
    turn: BufferPermit,
    /// The position behind what was sent.
    sent: Option<Position>,
}

impl Render {
    /// Appends what is wanted of `piece`, with notices in front of recovered records.
    pub(super) fn push(
        &self,
        piece: &LinePiece,
        recovered: &mut RecoveryNotices,
        out: &mut Vec<u8>,
    ) {
        recovered.update();
        if self.filter.is_open() {
            // Grown step by step, it would be copied as often.
            out.reserve(piece.bytes.len() / 4 * 5);
        }
        let mut origins = piece.origins.iter().peekable();
        let mut here: Option<LineOrigin> = None;
        self.filter.each(&piece.bytes, |line| {
            while let Some(next) = origins.next_if(|next| next.begin <= line.begin) {
                here = Some(*next);
            }
            let Some(here) = here else { return };
            let position = here.advance(line.begin).position;
            recovered.push(&line.record, position, self.format, out);
            let LineOrigin { fingerprint, offset, .. } = here.advance(line.end);
            self.format.push(out, &line.record, Position { fingerprint, offset });
        });
    }

    /// Appends that something was missed.
    pub(crate) fn push_missed(&self, count: Option<u64>, out: &mut Vec<u8>) {
        self.format.push_notice(out, Notice::Missed { count });
    }
}

impl ReaderTask {
    /// Runs until all is read, or the client is gone.
    pub(crate) async fn run(self, outlet: Outlet) {
        let format = self.render.format;
        let mut running = RunningTask {
            task: self,
            outlet: &outlet,
            piece_size: PieceSize::default(),
            turn: BufferPermit::default(),
            sent: None,
        };
        if running.run().await == Err(StreamEnd::Stalled) {
            let mut out = Vec::new();
            format.push_notice(&mut out, Notice::disconnected(running.sent));
            outlet.disconnect(out);
        }
        drop(running.task.place);
    }
}

impl RunningTask<'_> {
    async fn run(&mut self) -> Result<(), StreamEnd> {
        while self.task.cursor.as_ref().is_some_and(|cursor| !cursor.has_caught_up()) {
            self.advance().await?;
        }
        if !self.task.follow {
            return Ok(());
        }
        let cursor = self.task.cursor.as_mut().ok_or(StreamEnd::Closed)?;
        let mut out = Vec::new();
        let at = cursor.position();
        self.task.render.format.push_notice(&mut out, Notice::Live { at });
        let room = self.outlet.room().await?;
        self.outlet.send(room, out).await?;
        self.follow().await
    }

    async fn follow(&mut self) -> Result<(), StreamEnd> {
        let mut end = self.task.reading.end.clone();
        let mut stop = self.task.reading.stop.clone();
        let mut sent = Instant::now();
        loop {
            let ending = *stop.borrow_and_update();
            // With the mark of having seen it, so that what comes later wakes us.
            end.borrow_and_update();
            while self.task.cursor.as_ref().is_some_and(|cursor| cursor.behind() > 0) {
                if self.advance().await? {
                    sent = Instant::now();
                }
            }
            self.turn.end();
            if ending {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = self.outlet.closed() => return Err(StreamEnd::Closed),
                _ = stop.changed() => {}
                changed = end.changed() => changed.map_err(|_| StreamEnd::Closed)?,
                () = sleep_until(sent + KEEP_ALIVE) => {
                    sent = Instant::now();
                    let room = self.outlet.room().await?;
                    self.outlet.send(room, self.task.render.format.keep_alive().to_vec()).await?;
                }
            }
        }
    }

    /// Reads and sends the next piece; says whether there was something to send.
    async fn advance(&mut self) -> Result<bool, StreamEnd> {
        let mut cursor = self.task.cursor.take().ok_or(StreamEnd::Closed)?;
        self.sent = cursor.position().or(self.sent);
        if self.turn.is_over(self.outlet, &self.task.reading.turns).await {
            cursor.release();
        }
        let room = self.outlet.room().await?;
        if cursor.is_wide() {
            self.turn.take(&self.task.reading.turns).await.ok_or(StreamEnd::Closed)?;
        }
        let most = self.outlet.chunk().min(self.piece_size.0);
        let permit = match &self.task.at_work {
            Some(at_work) => at_work.clone().acquire_owned().await.ok(),
            None => None,
        };
        let render = self.task.render.clone();
        // Others wait for what is read at once.
        let at_once = render.filter.is_quick() && cursor.is_warm();
        let work = move || {
            let begun = std::time::Instant::now();
            let mut out = Vec::new();
            cursor.advance(most, &render, &mut out);
            drop(permit);
            (cursor, begun.elapsed(), out)
        };
        let (cursor, took, out) = if at_once {
            work()
        } else {
            spawn_blocking(work).await.map_err(|_| StreamEnd::Closed)?
        };
        self.task.cursor = Some(cursor);
        self.piece_size.adapt(took);
        let any = !out.is_empty();
        self.outlet.send(room, out).await?;
        Ok(any)
    }
}
