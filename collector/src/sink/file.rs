//! The file: batches appended and told in the ledger first, so that a death at any byte costs
//! nothing; reopened when it was moved, and rotated when it is full.

use super::shown;
use crate::clock::now;
use crate::hub::batch::Batch;
use crate::hub::marks::Holding;
use crate::hub::progress::End;
use crate::hub::progress::Stream;
use crate::hub::sink::{Sink, SinkError};
use crate::layout::paths;
use crate::layout::rotation::{self, Schedule};
use crate::layout::segment_name::{self, SegmentName};
use crate::layout::torn_tail::{self, Cut};
use crate::ledger::rotation as rotated_ledger;
use crate::ledger::{Announcement, Found, Ledger, identify};
use crate::options::Format;
use crate::retention::RetentionHandle;
use crate::stats::Stats;
use crate::stderr::{Chain, StderrLog};
use netlog_wire::Text;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As many pieces as the system takes in one write.
const PIECES: usize = 1024;

/// How often it is looked whether the file is still where it was.
const LOOK: Duration = Duration::from_secs(1);

/// How long a file that could not be rotated is left in peace.
const ROTATE_AGAIN: Duration = Duration::from_secs(60);

/// How a file is kept.
#[derive(Debug, Clone)]
pub(crate) struct Keeping {
    /// How it is reached.
    pub(crate) path: PathBuf,
    /// Where it lies, if it is reached another way: no link is followed then.
    pub(crate) confined: Option<PathBuf>,
    pub(crate) format: Format,
    pub(crate) schedule: Schedule,
    /// Whether what is acked has to outlive the machine.
    pub(crate) sync: bool,
    /// Who looks after the files that are rotated away.
    pub(crate) attic: RetentionHandle,
    pub(crate) stats: Arc<Stats>,
}

impl Keeping {
    /// The path that whoever runs the collector knows.
    pub(crate) fn shown(&self) -> &Path {
        self.confined.as_deref().unwrap_or(&self.path)
    }

    /// Opens the file to be appended to, for this collector alone.
    fn open(&self) -> io::Result<File> {
        let follow = if self.confined.is_some() { OFlags::NOFOLLOW } else { OFlags::empty() };
        // Whatever else is there must not keep the hub waiting.
        let flags = (follow | OFlags::NONBLOCK).bits().cast_signed();
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true).read(true).custom_flags(flags);
        let file = options.open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            rustix::io::Errno::WOULDBLOCK => {
                io::Error::new(io::ErrorKind::WouldBlock, "another collector writes to it")
            }
            error => error.into(),
        })?;
        Ok(file)
    }
}

/// A file that only grows at its end, and its ledger.
pub(crate) struct FileSink {
    keeping: Keeping,
    stderr: StderrLog,
    file: File,
    inode: (u64, u64),
    ledger: Ledger,
    /// Where the next batch begins.
    end: u64,
    /// Where lines begin that no entry of the ledger counted when it was opened.
    untold: Option<u64>,
    /// When the file was last written, in microseconds since 1970.
    written: i64,
    looked: Instant,
    /// Whether the file at the path is known to be another one.
    away: bool,
    /// Number of the file in its log.
    generation: u64,
    /// Name of the file that was rotated away until another one is begun, then of the one before.
    rotated: Option<SegmentName>,
    before: Option<SegmentName>,
    /// When rotating may be tried, after it failed.
    rotate_from: Instant,
    /// The batch that is being written, if the last attempt failed.
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    announcement: Announcement,
    /// How much of the batch is in the file.
    done: usize,
}

impl FileSink {
    /// Opens the file, or makes it, and brings it and its ledger into agreement.
    pub(crate) fn open(keeping: Keeping, stderr: StderrLog) -> io::Result<Self> {
        let path = keeping.path.as_path();
        rotated_ledger::finish(path)?;
        let file = keeping.open()?;
        let found = Found::read(path, &file)?;
        let untold = match found.cut {
            Some(Cut::BehindLastLine(at)) => Some(at),
            _ => None,
        };
        if let Some(cut) = found.cut {
            torn_tail::cut(&file, cut)?;
        }
        torn_tail::end_last_line(&file, found.ours)?;
        if let Some(note) = &found.note {
            stderr.log(format_args!("{} {note}", keeping.shown().display()));
        }
        let ledger = Ledger::begin(path, &file, found, keeping.sync)?;
        let ((inode, end), written) = (identify(&file)?, modified(&file)?);
        let (looked, rotate_from) = (Instant::now(), Instant::now());
        let (away, pending) = (false, None);
        let generation = segment_name::next_generation(path);
        keeping.attic.look_after(keeping.shown());
        Ok(Self {
            keeping,
            stderr,
            file,
            inode,
            ledger,
            end,
            untold: untold.filter(|at| *at < end),
            written,
            looked,
            away,
            generation,
            rotated: None,
            before: None,
            rotate_from,
            pending,
        })
    }

    /// Before a batch: goes on in another file if this one is full, gone or cut.
    fn make_way(&mut self) -> io::Result<()> {
        if self.look_again() {
            self.reopen()?;
        }
        let (_, end) = identify(&self.file)?;
        if end < self.end {
            // Somebody copied it and cut it (logrotate's copytruncate).
            self.ledger.begin_anew(&self.file)?;
        }
        self.end = end;
        let due = self.keeping.schedule.due(end, self.written, now());
        if due && self.rotate_from <= Instant::now() { self.rotate() } else { Ok(()) }
    }

    fn look_again(&self) -> bool {
        self.away || self.looked.elapsed() >= LOOK
    }

    /// Whether the path leads to another file by now, or to none.
    fn moved(&self) -> bool {
        let there = fs::metadata(&self.keeping.path).map(|file| (file.dev(), file.ino()));
        !there.is_ok_and(|inode| inode == self.inode)
    }

    /// Goes on in the file at the path, if that is another one by now.
    fn reopen(&mut self) -> io::Result<()> {
        self.looked = Instant::now();
        if !self.moved() {
            return Ok(());
        }
        self.away = true;
        let file = self.keeping.open()?;
        torn_tail::end_last_line(&file, false)?;
        self.ledger.begin_anew(&file)?;
        (self.inode, self.end) = identify(&file)?;
        self.written = modified(&file)?;
        self.file = file;
        (self.away, self.before) = (false, self.rotated.take());
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let path = self.keeping.path.clone();
        let segment = rotation::next_name(&path, self.generation, now());
        let rotated = segment.path(&path);
        if let Err(error) = self.rename(&path, &rotated) {
            self.rotate_from = Instant::now() + ROTATE_AGAIN;
            let (path, chain) = (self.keeping.shown().display(), Chain(&error));
            self.stderr.log(format_args!("failed to rotate {path}, going on in it: {chain}"));
            return Ok(());
        }
        // No way back from here: what fails is tried again, with the next file.
        self.away = true;
        self.generation = segment.generation + 1;
        self.rotated = Some(segment);
        rotated_ledger::move_ledgers(&path, &rotated)?;
        self.keeping.attic.look_after(self.keeping.shown());
        let name = rotated.file_name().unwrap_or_default();
        let (path, name) = (self.keeping.shown().display(), Path::new(name).display());
        self.stderr.debug(format_args!("rotated {path} to {name}"));
        self.reopen()
    }

    fn rename(&mut self, path: &Path, rotated: &Path) -> io::Result<()> {
        let name = rotated.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.ledger.compact()?;
        self.ledger.prepare_next(&paths::next_of(&paths::ledger_of(path)), name)?;
        fs::rename(path, rotated)
    }

    /// Takes back what is half written, for it to be written elsewhere.
    pub(crate) fn take_back(&mut self) -> io::Result<()> {
        if self.pending.is_some() {
            self.file.set_len(self.end)?;
            self.pending = None;
        }
        Ok(())
    }

    /// What the file is a part of.
    pub(crate) fn part_of(&self) -> Option<Stream> {
        self.ledger.stream()
    }

    /// Makes the file a part of `stream`, unless it is one already.
    pub(crate) fn join(&mut self, stream: Stream) -> io::Result<()> {
        self.ledger.join(stream)
    }

    /// Where lines of plain peers are that were written by a collector that died of it, and told of
    /// to nobody; and how long they are.
    pub(crate) fn untold(&self) -> Option<(u64, u64)> {
        self.untold.map(|at| (at, self.end - at))
    }

    /// Gives such lines their place in the stream.
    pub(crate) fn tell(&mut self, lines: (u64, u64), pos: u64) -> io::Result<()> {
        self.ledger.tell(lines, pos)
    }

    /// How much memory is taken by what it knows of places in the stream.
    pub(crate) fn order_size(&self) -> usize {
        self.ledger.order_size()
    }

    /// Goes on, with all it knows, in the file at another path.
    pub(crate) fn go_to(&mut self, path: PathBuf) {
        self.ledger.go_to(&path);
        self.keeping.path = path;
        self.away = true;
    }

    fn write_pieces(&mut self, done: &mut usize, pieces: &[Cow<'_, [u8]>]) -> io::Result<()> {
        let result = append(&mut self.file, done, pieces);
        if result.is_err() {
            // Whoever reads the file meanwhile finds whole lines only.
            let whole = whole_lines(*done, pieces);
            if self.file.set_len(self.end + whole as u64).is_ok() {
                *done = whole;
            }
            return result;
        }
        if !self.keeping.sync {
            return Ok(());
        }
        let synced = self.file.sync_data();
        if synced.is_err() {
            // The kernel forgets what it failed to write: all of it has to be written again.
            self.file.set_len(self.end)?;
            *done = 0;
        }
        synced
    }

    fn try_write(&mut self, batch: &Batch) -> io::Result<()> {
        let stats = self.keeping.stats.clone();
        let text = (self.keeping.format == Format::Text).then_some(Text::PLAIN);
        let pieces: Vec<_> = batch.runs.iter().map(|run| shown(run, text)).collect();
        if self.pending.is_some() && self.look_again() && self.moved() {
            // Perhaps to make room: what is half written there is written anew elsewhere.
            self.take_back()?;
        }
        let mut pending = match self.pending.take() {
            Some(pending) => pending,
            None => {
                self.make_way()?;
                let at = (self.end, batch.pos);
                let announce = || self.ledger.announce(at, &batch.runs, &pieces);
                Pending { announcement: stats.ledger_nanoseconds.time(announce), done: 0 }
            }
        };
        let told = stats.ledger_nanoseconds.time(|| self.ledger.write(&mut pending.announcement));
        let append = || self.write_pieces(&mut pending.done, &pieces);
        let result = told.and_then(|()| stats.file_nanoseconds.time(append));
        if result.is_err() {
            self.pending = Some(pending);
            return result;
        }
        self.end += pending.done as u64;
        self.written = now();
        stats.ledger_nanoseconds.time(|| self.ledger.settle(&pending.announcement.entry));
        Ok(())
    }
}

impl Sink for FileSink {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        self.try_write(batch).map_err(|cause| {
            let deed = format!("write to {}", self.keeping.shown().display());
            SinkError { deed, cause }
        })
    }

    fn holdings(&mut self) -> Vec<Holding> {
        let known = self.ledger.senders().iter();
        known.map(|known| Holding { id: known.id, mark: known.mark, ended: known.ended }).collect()
    }

    fn end(&self) -> Option<End> {
        let end = End { inode: self.inode, len: self.end, turn: 0, before: self.before };
        (self.keeping.format == Format::Json).then_some(end)
    }

    fn look(&mut self) {
        // What fails here fails again at the next write, where it is waited out.
        if self.pending.is_none() {
            let _ = self.reopen();
        }
    }

    fn close(&mut self) {
        // The next start then has no entry in doubt. If it fails, it has one, and resolves it.
        if self.pending.is_none() {
            let _ = self.ledger.compact();
        }
    }
}

fn modified(file: &File) -> io::Result<i64> {
    let file = file.metadata()?;
    Ok(file.mtime() * 1_000_000 + file.mtime_nsec() / 1000)
}

/// Appends what is behind the first `done` bytes of `pieces`.
fn append(file: &mut File, done: &mut usize, pieces: &[Cow<'_, [u8]>]) -> io::Result<()> {
    loop {
        let mut skip = *done;
        let rest = pieces.iter().filter_map(|piece| {
            let from = skip.min(piece.len());
            skip -= from;
            (from < piece.len()).then(|| IoSlice::new(&piece[from..]))
        });
        let slices: Vec<IoSlice<'_>> = rest.take(PIECES).collect();
        if slices.is_empty() {
            return Ok(());
        }
        match file.write_vectored(&slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => *done += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// How many of the first `done` bytes of `pieces` are whole lines.
fn whole_lines(done: usize, pieces: &[Cow<'_, [u8]>]) -> usize {
    let (mut left, mut whole) = (done, 0);
    for piece in pieces {
        if left < piece.len() {
            return whole + memchr::memrchr(b'\n', &piece[..left]).map_or(0, |end| end + 1);
        }
        left -= piece.len();
        whole += piece.len();
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_cut_short_leaves_whole_lines() {
        let pieces = [b"a\nbb\n".as_slice(), b"ccc\n"].map(Cow::Borrowed);
        let whole: Vec<usize> = (0..=9).map(|done| whole_lines(done, &pieces)).collect();
        assert_eq!(whole, [0, 0, 2, 2, 2, 5, 5, 5, 5, 9]);
    }
}
