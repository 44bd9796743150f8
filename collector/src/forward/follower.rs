//! The reader of the log: finds the file that a position is in, and makes batches of what follows.

use super::outgoing::{BatchLimits, Outgoing};
use crate::hub::progress::{End, Progress};
use crate::layout::forwarded::{ForwardPlace, ForwardState};
use crate::layout::paths::{ledger_of, next_of};
use crate::layout::segment_name::rotated;
use crate::ledger::{RunLog, RunOrigin, SourceRun};
use crate::read::Segment;
use crate::senders::identity::SenderId;
use crate::stderr::StderrLog;
use netlog_wire::MAX_NUMBER;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Follows one log.
pub(super) struct Follower {
    log: PathBuf,
    progress: Arc<Progress>,
    stderr: StderrLog,
    limits: BatchLimits,
    open: Option<FollowedFile>,
    /// The last file that was reported as changed.
    changed: Option<u64>,
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
    /// True if some of it does not agree with its ledger.
    changed: bool,
}

/// Records of a sender that are as its ledger has them.
struct NumberedStretch {
    sender: SenderId,
    first: u64,
    lines: Vec<u8>,
    /// Bytes of the lines that are done already.
    done: usize,
}

/// A run from an offset on, and the end of the readable part of its file.
struct Stretch<'a> {
    offset: u64,
    run: &'a SourceRun,
    limit: u64,
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
    pub(super) fn new(
        log: PathBuf,
        progress: Arc<Progress>,
        stderr: StderrLog,
        limits: BatchLimits,
    ) -> Self {
        Self { log, progress, stderr, limits, open: None, changed: None }
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
                None => return missing(&log, place.generation),
            },
        };
        let end = self.file_end(&open, place)?;
        // Asked after the end, so that whatever stands before that is in the ledger found here.
        if open.runs.as_ref().is_none_or(|runs| !runs.is_at(&open.ledger))
            && let Some(again) = find(&log, place)?
        {
            open = again;
        }
        let found = open.batch(Outgoing::new(state, self.limits), state.place, &end)?;
        if open.changed && self.changed != Some(open.generation) {
            self.changed = Some(open.generation);
            let path = open.segment.path().display();
            self.stderr.log(format_args!(
                "{path} was changed: what does not agree with its ledger is forwarded as new"
            ));
        }
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

    fn file_end(&self, open: &FollowedFile, place: ForwardPlace) -> io::Result<FileEnd> {
        let end = self.progress.end();
        if open.segment.inode() == Some(end.inode) {
            return Ok(FileEnd { limit: end.len, closed: false });
        }
        // It has been begun, and the first batch in it is on its way.
        if open.generation > end.generation {
            return Ok(FileEnd { limit: place.offset, closed: false });
        }
        Ok(FileEnd { limit: open.segment.len()?, closed: true })
    }
}

impl FollowedFile {
    fn batch(
        &mut self,
        mut batch: Outgoing,
        place: ForwardPlace,
        end: &FileEnd,
    ) -> io::Result<Found> {
        let ForwardPlace { generation, mut offset } = place;
        while !batch.is_full() {
            let Some(run) = self.next(offset, end)? else { break };
            offset = match self.numbered(offset, &run)? {
                Some(stretch) => offset + stretch.push(&mut batch),
                None => self.push(&mut batch, Stretch { offset, run: &run, limit: end.limit })?,
            };
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

    /// The part of `run` that begins at `offset`, if it has numbers that others accept; `None` if not,
    /// or if the file was changed there.
    fn numbered(&mut self, offset: u64, run: &SourceRun) -> io::Result<Option<NumberedStretch>> {
        let RunOrigin::Numbered { sender, first, count } = run.origin else { return Ok(None) };
        if first >= MAX_NUMBER - count.min(MAX_NUMBER) {
            return Ok(None);
        }
        let start = run.range.start;
        let lines = self.segment.read_at(start, run.range.end - start)?;
        let line_ends = |lines: &[u8]| memchr::memchr_iter(b'\n', lines).count() as u64;
        let ends_whole = |lines: &[u8]| lines.last().is_none_or(|&byte| byte == b'\n');
        let done = lines.get(..offset.saturating_sub(start) as usize).unwrap_or_default();
        if line_ends(&lines) != count || !ends_whole(&lines) || !ends_whole(done) {
            self.changed = true;
            return Ok(None);
        }
        let first = first + line_ends(done);
        let done = done.len();
        Ok(Some(NumberedStretch { sender, first, lines, done }))
    }

    /// Adds the records of `run` from `offset` on without their numbers, or some of them, and
    /// returns where they end: a line of a changed file may end behind the run.
    fn push(&self, batch: &mut Outgoing, stretch: Stretch<'_>) -> io::Result<u64> {
        let Stretch { offset, run, limit } = stretch;
        let end = run.range.end;
        let limit = if run.origin == RunOrigin::Unnumbered { end } else { limit };
        let lines = self.segment.lines_from(
            offset,
            end.min(offset + batch.limits().bytes as u64),
            limit,
        )?;
        match lines.bytes.len() {
            // What has no end is no record.
            0 => Ok(end),
            _ => {
                let before = batch.records();
                let taken = batch.push_unnumbered(&lines.bytes);
                if run.origin != RunOrigin::Unnumbered {
                    batch.renumbered += batch.records() - before;
                }
                Ok(offset + taken as u64)
            }
        }
    }
}

impl NumberedStretch {
    /// Adds its records, or some of them, and returns how many bytes those are.
    fn push(&self, batch: &mut Outgoing) -> u64 {
        // Longer ones come from a relay that sends larger batches.
        let most = batch.limits().bytes;
        let lines = &self.lines[self.done..];
        let end = lines.iter().skip(most).position(|&byte| byte == b'\n');
        let lines = end.map_or(lines, |end| &lines[..most + end + 1]);
        batch.push_numbered(self.sender, self.first, lines) as u64
    }
}

/// The file of the log that `place` is in.
fn find(log: &Path, place: ForwardPlace) -> io::Result<Option<FollowedFile>> {
    let ForwardPlace { generation, offset } = place;
    let found = |segment, ledger, runs| {
        Ok(Some(FollowedFile { generation, offset, segment, ledger, runs, changed: false }))
    };
    let ledger = ledger_of(log);
    let of_active = RunLog::open(&ledger, place.offset).ok();
    if let Some(runs) = of_active.filter(|runs| runs.head().generation == generation)
        && let Ok(segment) = Segment::open(log, true)
        && segment.inode() == Some(runs.head().inode)
    {
        return found(segment, ledger, Some(runs));
    }
    let Some(name) = rotated(log)?.into_iter().find(|name| name.generation == generation) else {
        return Ok(None);
    };
    let path = name.path(log);
    let segment = Segment::open(&path, true)?;
    let kept = ledger_of(&path);
    match RunLog::open(&kept, place.offset) {
        Ok(runs) => found(segment, kept, Some(runs)),
        // It will be moved behind its file in a moment.
        Err(error) if next_of(&ledger).exists() => Err(error),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {
            found(segment, kept, None)
        }
        Err(error) => Err(error),
    }
}

/// Result for a file that is missing.
fn missing(log: &Path, generation: u64) -> io::Result<Found> {
    let active = RunLog::open(&ledger_of(log), 0).ok().map(|runs| runs.head().generation);
    let known = rotated(log)?.into_iter().map(|name| name.generation).chain(active);
    // It may have been rotated since it was looked for.
    let next = known.filter(|known| *known >= generation).min();
    Ok(next.filter(|next| *next > generation).map_or(Found::Nothing, Found::Missing))
}

#[cfg(test)]
mod tests {
    use super::super::outgoing::RELAYED;
    use super::*;
    use crate::layout::forwarded::Forwarded;
    use crate::layout::segment_name::SegmentName;
    use netlog_wire::BatchHeader;
    use std::fs;

    const SENDER: u128 = 0x9f;

    /// An old file with `text`, whose ledger has three runs of two lines each in it.
    fn old(log: &Path, text: &str) {
        let path = SegmentName::new(7, 0).path(log);
        let sender = format!("{{\"sender\":[1,\"{SENDER:032x}\",6,1,false,0]}}");
        let runs = "[1,1,2,6],[1,3,2,6],[1,5,2,6]";
        let batch = format!("{{\"batch\":{{\"span\":[0,18,[1,2],4],\"runs\":[{runs}]}}}}");
        let head = "{\"ledger\":2,\"generation\":7,\"at\":0,\"inode\":[1,2]}";
        let lines = [head, &sender, &batch];
        let lines = lines.map(|line| format!("{line} {:08x}\n", crc32fast::hash(line.as_bytes())));
        fs::write(ledger_of(&path), lines.concat()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The lines that are forwarded, and the first numbers of its sender's runs; and whether the
    /// file was reported.
    fn forwarded(text: &str) -> (String, Vec<u64>, Option<u64>) {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.log");
        old(&log, text);
        let place = ForwardPlace { generation: 7, offset: 0 };
        let mut state = Forwarded::begin(&log, place, 1).unwrap().now();
        let progress = Arc::new(Progress::new(Some(End { generation: 8, ..End::default() }), None));
        let mut follower = Follower::new(log, progress, StderrLog::default(), RELAYED);
        let Found::Batch(batch, place) = follower.read(&state).unwrap() else { panic!("none") };
        let bytes = batch.encode(1).unwrap();
        let end = bytes.iter().position(|&byte| byte == b'\n').unwrap();
        let header = BatchHeader::parse(&bytes[..end]).unwrap();
        let lines = zstd::bulk::decompress(&bytes[end + 1..], header.bytes as usize).unwrap();
        let id = format!("{SENDER:032x}");
        let ours = header.runs.iter().filter(|run| header.senders[run.sender].id == id);
        let firsts = ours.map(|run| run.first).collect();
        assert_eq!(header.records() as usize, lines.iter().filter(|&&byte| byte == b'\n').count());
        state.place = place;
        assert!(matches!(follower.read(&state).unwrap(), Found::Next(_)));
        (String::from_utf8(lines).unwrap(), firsts, follower.changed)
    }

    #[test]
    fn a_changed_file_is_forwarded_without_the_numbers_that_are_wrong_and_reported() {
        for (text, firsts, changed) in [
            ("a1\na2\nb1\nb2\nc1\nc2\n", vec![1], None),
            // A line end less.
            ("a1 a2\nb1\nb2\nc1\nc2\n", vec![3], Some(7)),
            // A hole, after a power failure.
            ("a1\na\0\0\0\0\nb2\nc1\nc2\n", vec![4], Some(7)),
            ("a1\na2\n\0\0\0\0\0\0c1\nc2\n", vec![1, 6], Some(7)),
            // An edited line, so that all after it has moved.
            ("a1x\na2\nb1\nb2\nc1\nc2\n", vec![], Some(7)),
        ] {
            assert_eq!(forwarded(text), (text.to_owned(), firsts, changed), "{text:?}");
        }
    }

    #[test]
    fn a_file_that_has_been_begun_is_not_skipped_before_its_first_batch_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.log");
        old(&log, "a1\na2\nb1\nb2\nc1\nc2\n");
        fs::write(&log, "").unwrap();
        let inode = Segment::open(&log, true).unwrap().inode().unwrap();
        let head =
            format!(r#"{{"ledger":2,"generation":8,"at":0,"inode":[{},{}]}}"#, inode.0, inode.1);
        let sum = crc32fast::hash(head.as_bytes());
        fs::write(ledger_of(&log), format!("{head} {sum:08x}\n")).unwrap();
        // As when the file before it is compressed already, and has another inode.
        let end = End { generation: 7, len: 18, ..End::default() };
        let progress = Arc::new(Progress::new(Some(end), None));
        let mut follower = Follower::new(log.clone(), progress, StderrLog::default(), RELAYED);
        let place = ForwardPlace { generation: 8, offset: 0 };
        let mut state = Forwarded::begin(&log, place, 1).unwrap().now();
        assert!(matches!(follower.read(&state).unwrap(), Found::Nothing));
        state.place = ForwardPlace { generation: 7, offset: 18 };
        let Found::Next(next) = follower.read(&state).unwrap() else { panic!("it is closed") };
        assert_eq!(next, place);
    }

    #[test]
    fn nothing_is_given_up_or_loses_its_numbers_because_the_system_fails_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.log");
        old(&log, "a1\na2\nb1\nb2\nc1\nc2\n");
        let place = |generation| ForwardPlace { generation, offset: 0 };
        assert!(matches!(missing(&log, 6).unwrap(), Found::Missing(7)));
        fs::write(SegmentName::new(8, 0).path(&log), "").unwrap();
        assert!(matches!(missing(&log, 7).unwrap(), Found::Nothing), "it was rotated just now");
        let ledger = ledger_of(&SegmentName::new(7, 0).path(&log));
        fs::remove_file(&ledger).unwrap();
        assert!(find(&log, place(7)).unwrap().is_some_and(|file| file.runs.is_none()));
        // It cannot be read.
        fs::create_dir(&ledger).unwrap();
        assert!(find(&log, place(7)).is_err());
        // Nor can the directory of this one be listed.
        let below = SegmentName::new(7, 0).path(&log).join("app.log");
        assert!(find(&below, place(7)).is_err() && missing(&below, 6).is_err());
    }
}
