//! The file: batches are entered in the ledger first and then appended, so that a death at any byte
//! costs nothing; reopened when it was moved, and rotated when it is full.

mod append;
mod foreign;
mod forward;
mod options;
mod pending;
mod rotate;
mod write;

pub(crate) use options::FileOptions;
pub(crate) use pending::SettledPart;

use crate::clock::now;
use crate::hub::batch::Batch;
use crate::hub::marks::HeldMark;
use crate::hub::progress::End;
use crate::hub::sink::{HeldRecords, Sink, SinkError, Written};
use crate::layout::file_id::{FileId, identify};
use crate::layout::fingerprint;
use crate::layout::forwarded::random_id;
use crate::layout::segment_name::SegmentName;
use crate::layout::torn_tail;
use crate::ledger::rotation as ledger_rotation;
use crate::ledger::{FoundLedger, Ledger, is_full};
use crate::options::Format;
use crate::stderr::StderrLog;
use pending::PendingWrite;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Interval between checks that the file is still where it was.
const LOOK: Duration = Duration::from_secs(1);

/// A file that only grows at its end, and its ledger.
pub(crate) struct FileSink {
    options: FileOptions,
    stderr: StderrLog,
    file: File,
    inode: FileId,
    ledger: Ledger,
    /// Offset of the next batch.
    pub(crate) end: u64,
    /// Number of lines written since it was opened, in all files.
    lines: u64,
    /// The fingerprint of what is in it, once it is known.
    fingerprint: Option<u64>,
    /// Number of times that another file was begun, or this one anew.
    begun: u64,
    /// True once the file has made way, if it had to, for the next batch.
    prepared: bool,
    /// When the file was last written, in microseconds since 1970.
    written: i64,
    looked: Instant,
    /// True if the file at the path is known to be another one.
    away: bool,
    /// The segment that was rotated away, until the next file is begun.
    rotated: Option<SegmentName>,
    /// The segment before this file, if it was rotated away.
    before: Option<SegmentName>,
    /// Lines of somebody else in front of the next batch.
    foreign: Range<u64>,
    /// True once a line of somebody else was reported.
    foreign_reported: bool,
    /// When rotating may be tried, after it failed.
    rotate_from: Instant,
    /// The batch that is being written, if the last attempt failed.
    pending: Option<PendingWrite>,
    /// The last part that was settled, until it is taken.
    settled: Option<SettledPart>,
    /// Rest of a batch, a part of which was settled.
    rest: Option<Batch>,
}

impl FileSink {
    /// Opens the file, or makes it, and brings it and its ledger into agreement. On a full disk it
    /// is opened as far as that goes; the rest is done before the first batch.
    pub(crate) fn open(options: FileOptions, stderr: StderrLog) -> io::Result<Self> {
        let path = options.path.as_path();
        ledger_rotation::finish(path)?;
        let (file, away) = match options.open() {
            Err(error) if is_full(&error) => (File::open("/dev/null")?, true),
            file => (file?, false),
        };
        let found = FoundLedger::read(path, &file)?;
        if let Some(cut) = found.cut {
            torn_tail::cut(&file, cut)?;
        }
        let end = if away { 0 } else { torn_tail::end_last_line(&file, found.ours)? };
        if options.sync && !away {
            // What an earlier collector wrote counts from here on, and may only be in memory yet.
            file.sync_data()?;
            options.stats.file_syncs.add(1);
        }
        if let Some(forwarded) = options.forwarded.as_ref().filter(|_| found.damaged) {
            forwarded.renew(random_id()?)?;
        }
        for note in &found.notes {
            stderr.log(format_args!("{} {note}", options.shown().display()));
        }
        let ledger = Ledger::begin(path, &file, found, options.ledger())?;
        let (inode, _) = identify(&file)?;
        options.retention.watch(options.shown());
        Ok(Self {
            stderr,
            inode,
            ledger,
            end,
            lines: 0,
            fingerprint: None,
            begun: 0,
            prepared: false,
            written: modified(&file)?,
            looked: Instant::now(),
            away,
            rotated: None,
            before: None,
            foreign: 0..0,
            foreign_reported: false,
            rotate_from: Instant::now(),
            pending: None,
            settled: None,
            rest: None,
            file,
            options,
        })
    }

    /// Before a batch: switches to another file if this one is full, gone or cut.
    fn make_way(&mut self) -> io::Result<()> {
        let found = self.file.metadata()?;
        let is_removed = found.nlink() == 0;
        let mut end = found.len();
        if is_removed && !self.away {
            let path = self.options.shown();
            self.stderr.log(format_args!("{} was removed, beginning a new file", path.display()));
        }
        if is_removed || self.look_again() {
            self.reopen()?;
            (_, end) = identify(&self.file)?;
        }
        if end < self.end {
            // Somebody copied it and cut it (logrotate's copytruncate).
            end = torn_tail::end_last_line(&self.file, false)?;
            self.ledger.begin_anew(&self.file)?;
            self.fingerprint = None;
            self.begun += 1;
            self.end = end;
        }
        self.take_foreign(end)?;
        let due = self.options.schedule.due(self.end, self.written, now());
        if due && self.rotate_from <= Instant::now() { self.rotate() } else { Ok(()) }
    }

    fn look_again(&self) -> bool {
        self.away || self.looked.elapsed() >= LOOK
    }

    /// Tells whether the path leads to another file by now, or to none.
    fn was_moved(&self) -> bool {
        let there = fs::metadata(&self.options.path).map(|file| FileId::from(&file));
        !there.is_ok_and(|inode| inode == self.inode)
    }

    /// Goes on in the file at the path, if that is another one by now.
    fn reopen(&mut self) -> io::Result<()> {
        self.looked = Instant::now();
        if !self.was_moved() {
            return Ok(());
        }
        self.away = true;
        let file = self.options.open()?;
        let end = torn_tail::end_last_line(&file, false)?;
        match self.rotated.filter(|_| self.ledger.is_laid_out()) {
            Some(segment) => self.ledger.begin_next(&file, segment)?,
            None => self.ledger.begin_anew(&file)?,
        }
        (self.inode, _) = identify(&file)?;
        self.end = end;
        self.written = modified(&file)?;
        self.file = file;
        self.fingerprint = None;
        self.begun += 1;
        self.away = false;
        self.before = self.rotated.take();
        self.foreign = 0..0;
        Ok(())
    }

    /// Reopens the file if it was moved, and writes the ledger if it is missing.
    pub(crate) fn check(&mut self) -> Result<(), SinkError> {
        if self.pending.is_some() {
            return Ok(());
        }
        self.ledger.forget();
        self.ledger.take_snapshot();
        let checked = self.reopen().and_then(|()| self.ledger.open());
        checked.map_err(|cause| self.failed_to("open", cause))
    }

    /// Number of the file in its log.
    pub(crate) fn generation(&self) -> u64 {
        self.ledger.generation()
    }

    /// The fingerprint of the file; none of an empty one.
    pub(crate) fn fingerprint(&mut self) -> io::Result<Option<u64>> {
        if self.fingerprint.is_none() && self.end > 0 {
            self.fingerprint = fingerprint::of_file(&self.file)?;
        }
        Ok(self.fingerprint)
    }

    /// Goes on, with all it knows, in the file at another path.
    pub(crate) fn go_to(&mut self, path: PathBuf) {
        self.ledger.go_to(&path);
        self.options.path = path;
        self.away = true;
    }

    fn position(&self) -> Option<End> {
        let inode = self.inode;
        let len = self.end;
        let generation = self.generation();
        let place = End { inode, len, generation, ..End::default() };
        let end = End { begun: self.begun, before: self.before, lines: self.lines, ..place };
        (self.options.format == Format::Json).then_some(end)
    }

    fn failed_to(&self, deed: &str, cause: io::Error) -> SinkError {
        SinkError { deed: format!("{deed} {}", self.options.shown().display()), cause }
    }
}

impl Sink for FileSink {
    fn write(&mut self, batch: &Batch) -> Result<Written, SinkError> {
        let rest = self.rest.take();
        let written = self.append(rest.as_ref().unwrap_or(batch));
        if written.is_err() {
            self.rest = self.take_settled().map(|part| part.rest).or(rest);
        }
        written.map(|()| Written { end: self.position(), parts: Vec::new() })
    }

    fn held(&mut self) -> HeldRecords {
        let known = self.ledger.senders();
        let marks = known.map(|it| HeldMark {
            id: it.id,
            mark: it.mark,
            gaps: it.gaps.clone(),
            ended: it.ended,
            returned: it.returned,
            seen: it.seen,
            owner: it.owner,
        });
        HeldRecords { marks: marks.collect(), end: self.position(), stream: None }
    }

    fn look(&mut self) -> Result<Option<End>, SinkError> {
        self.check()?;
        let before = self.end;
        if self.pending.is_none() {
            self.take_whole_foreign().map_err(|cause| self.failed_to("read", cause))?;
        }
        Ok(if self.end > before { self.position() } else { None })
    }

    fn close(&mut self) {
        // The next start then has no entry in doubt. If it fails, it has one, and resolves it.
        if self.pending.is_none() {
            let _ = self.ledger.close();
        }
    }
}

fn modified(file: &File) -> io::Result<i64> {
    let file = file.metadata()?;
    Ok(file.mtime() * 1_000_000 + file.mtime_nsec() / 1000)
}
