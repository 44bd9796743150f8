//! The files of a template: one for each app and host, below one directory and nowhere else. Each
//! has its ledger; a batch is written file by file, and continues where it stopped.

mod limits;
mod order;
mod reconcile;
mod split;
mod write;

use super::file::{FileOptions, FileSink};
use crate::hub::batch::Batch;
use crate::hub::line_run::LineRun;
use crate::hub::marks::HeldMark;
use crate::hub::progress::End;
use crate::hub::recent::WrittenPart;
use crate::hub::sink::{HeldRecords, Sink, SinkError, Written};
use crate::layout::file_id::FileId;
use crate::layout::order::order_of;
use crate::layout::paths;
use crate::layout::template::Template;
use crate::layout::tree::{self, KeptFiles};
use crate::options::Format;
use crate::stats::Stats;
use crate::stderr::StderrLog;
pub(crate) use limits::FileLimits;
use order::OrderWriter;
use reconcile::SegmentMeasure;
use rustix::fs::fstat;
use rustix::io::Errno;
use split::{BatchPart, split};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time after which a file that is not written is closed, and interval between these checks.
const IDLE: Duration = Duration::from_secs(300);
const MINUTE: Duration = Duration::from_secs(60);

/// Interval between checks that a directory was not moved.
const LOOK: Duration = Duration::from_secs(1);

/// Reports and counters of the files.
pub(crate) struct FilesReports {
    pub(crate) stderr: StderrLog,
    pub(crate) stats: Arc<Stats>,
}

/// All files of a template.
pub(crate) struct FilesSink {
    template: Template,
    /// Settings of each file.
    options: FileOptions,
    most: FileLimits,
    reports: FilesReports,
    open: HashMap<PathBuf, OpenLog>,
    /// The file of all who have none of their own.
    other: PathBuf,
    /// The files there are, by their paths below the base, but for that one.
    known: BTreeSet<PathBuf>,
    /// Marks in the files at the start.
    marks: Vec<HeldMark>,
    /// Rest of the batch that is being written.
    left: VecDeque<BatchPart>,
    /// None where files cannot be read back.
    order: Option<OrderWriter>,
    /// Parts of the present batch that are in the files, in their order.
    written: Vec<WrittenPart>,
    /// Number of files that retention had removed when the order was pruned last.
    pruned: Option<u64>,
    looked: Instant,
    /// The places taken by something else that were reported, and whether too many files were.
    reported: BTreeSet<PathBuf>,
    reported_over: bool,
}

struct OpenLog {
    sink: FileSink,
    /// The file is reached through it, even if the names that lead there are changed.
    directory: OwnedFd,
    inode: FileId,
    used: Instant,
    looked: Instant,
}

impl FilesSink {
    /// Opens each file that is there once, so that it agrees with its ledger and its marks are
    /// known.
    pub(crate) fn open(
        template: Template,
        options: FileOptions,
        most: FileLimits,
        reports: FilesReports,
    ) -> Result<Self, (PathBuf, io::Error)> {
        let KeptFiles { files: kept, closed } =
            tree::kept(&template).map_err(|cause| (template.base.clone(), cause))?;
        if let Some(first) = closed.first() {
            reports.stderr.log(format_args!(
                "warning: may not read {} of the directories in {}, such as {}: what is in them is \
                 neither found nor removed",
                closed.len(),
                template.base.display(),
                first.display(),
            ));
        }
        let mut files = Self {
            other: template.other(),
            template,
            options,
            most,
            reports,
            open: HashMap::new(),
            known: BTreeSet::new(),
            marks: Vec::new(),
            left: VecDeque::new(),
            order: None,
            written: Vec::new(),
            pruned: None,
            looked: Instant::now(),
            reported: BTreeSet::new(),
            reported_over: false,
        };
        let base = files.template.base.clone();
        if files.options.format == Format::Json {
            let order = OrderWriter::open(&base).map_err(|cause| (order_of(&base), cause))?;
            files.order = Some(order);
        }
        let mut active = Vec::new();
        for place in kept {
            match files.reach(&place) {
                Ok(open) => {
                    let fingerprint = open.sink.fingerprint().ok().flatten();
                    let len = open.sink.end;
                    let generation = open.sink.generation();
                    active.push((place, SegmentMeasure { fingerprint, len, generation }));
                    let marks = open.sink.held().marks;
                    files.marks.extend(marks);
                }
                Err(cause) if taken(&cause) => files.tell(&place, &cause),
                Err(cause) => return Err((files.path(&place), cause)),
            }
        }
        files.reconcile(active).map_err(|cause| (order_of(&base), cause))?;
        Ok(files)
    }

    fn path(&self, place: &Path) -> PathBuf {
        self.template.base.join(place)
    }

    /// The file at `place`, opened if need be.
    fn reach(&mut self, place: &Path) -> io::Result<&mut OpenLog> {
        if !self.open.contains_key(place) {
            self.make_room();
            let open = self.open_file(place)?;
            if place != self.other {
                self.known.insert(place.to_owned());
            }
            self.open.insert(place.to_owned(), open);
        }
        let base = &self.template.base;
        let open = self.open.get_mut(place).ok_or(io::ErrorKind::NotFound)?;
        open.look_again(base, place, self.options.sync)?;
        Ok(open)
    }

    fn open_file(&self, place: &Path) -> io::Result<OpenLog> {
        let directory = tree::enter(&self.template.base, place, self.options.sync)?;
        let path = tree::within(&directory, place);
        if !is_ours(&path)? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is somebody else's"));
        }
        let confined = Some(self.path(place));
        let options = FileOptions { path, confined, ..self.options.clone() };
        let sink = FileSink::open(options, self.reports.stderr)?;
        let inode = identify(&directory)?;
        let now = Instant::now();
        Ok(OpenLog { sink, directory, inode, used: now, looked: now })
    }

    /// Closes the file that was not written for longest, if there are enough.
    fn make_room(&mut self) {
        while self.open.len() >= self.most.open {
            let oldest = self.open.iter().min_by_key(|(_, open)| open.used);
            let Some(place) = oldest.map(|(place, _)| place.clone()) else { return };
            self.close_file(&place);
        }
    }

    fn close_file(&mut self, place: &Path) {
        if let Some(mut open) = self.open.remove(place) {
            open.sink.close();
        }
    }

    fn close_idle(&mut self) {
        self.looked = Instant::now();
        let idle = self.open.iter().filter(|(_, open)| open.used.elapsed() >= IDLE);
        let idle: Vec<PathBuf> = idle.map(|(place, _)| place.clone()).collect();
        idle.iter().for_each(|place| self.close_file(place));
    }
}

impl OpenLog {
    /// Goes on in another directory, if the names lead to another one by now.
    fn look_again(&mut self, base: &Path, place: &Path, sync: bool) -> io::Result<()> {
        if self.looked.elapsed() < LOOK {
            return Ok(());
        }
        let directory = tree::enter(base, place, sync)?;
        let inode = identify(&directory)?;
        if inode != self.inode {
            self.sink.go_to(tree::within(&directory, place));
            (self.directory, self.inode) = (directory, inode);
        }
        self.looked = Instant::now();
        Ok(())
    }
}

impl Sink for FilesSink {
    fn write(&mut self, batch: &Batch) -> Result<Written, SinkError> {
        if self.left.is_empty() {
            self.left = split(batch, &self.template);
        }
        while let Some(mut part) = self.left.pop_front() {
            if let Err(error) = self.write_part(&mut part) {
                self.left.push_front(part);
                return Err(error);
            }
            part.batch.runs.into_iter().for_each(LineRun::recycle);
        }
        if let Some(order) = self.order.as_ref().filter(|_| self.options.sync) {
            // No ack stands on it: what it lacks after a power failure is found in the files.
            let _ = order.sync();
        }
        if self.looked.elapsed() >= MINUTE {
            self.close_idle();
        }
        Ok(Written { end: None, parts: std::mem::take(&mut self.written) })
    }

    fn held(&mut self) -> HeldRecords {
        let marks = std::mem::take(&mut self.marks);
        HeldRecords { marks, end: None, stream: self.order.as_ref().map(OrderWriter::stream) }
    }

    fn look(&mut self) -> Result<Option<End>, SinkError> {
        if !self.left.is_empty() {
            return Ok(None);
        }
        self.close_idle();
        // It only saves space: if it fails, the next removal is another occasion.
        let _ = self.prune();
        let base = &self.template.base;
        let sync = self.options.sync;
        for (place, open) in &mut self.open {
            // What fails here fails again at the next write, where it is waited out.
            if open.look_again(base, place, sync).is_ok() {
                open.sink.check()?;
            }
        }
        Ok(None)
    }

    fn close(&mut self) {
        self.open.values_mut().for_each(|open| open.sink.close());
    }
}

/// Tells whether there is nothing at `path`, or a file that a collector wrote: peers choose the
/// names, and nobody else's file may grow by that.
fn is_ours(path: &Path) -> io::Result<bool> {
    let there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        there => there?,
    };
    let ledger = paths::ledger_of(path);
    let kept = [&ledger, &paths::next_of(&ledger)].map(|path| fs::symlink_metadata(path).is_ok());
    Ok(there.is_file() && (there.len() == 0 || kept.contains(&true)))
}

fn identify(directory: &OwnedFd) -> io::Result<FileId> {
    let there = fstat(directory)?;
    Ok(FileId(there.st_dev, there.st_ino))
}

/// Tells whether something is in the way that waiting does not remove.
fn taken(cause: &io::Error) -> bool {
    let errors = [Errno::LOOP, Errno::NOTDIR, Errno::ISDIR, Errno::NAMETOOLONG, Errno::NXIO];
    match Errno::from_io_error(cause) {
        Some(error) => errors.contains(&error),
        None => cause.kind() == io::ErrorKind::InvalidInput,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::line_run::Source;
    use crate::layout::rotation::RotationSchedule;
    use crate::options::Format;
    use crate::retention::RetentionHandle;
    use rustix::fs::{FlockOperation, flock};
    use tempfile::{TempDir, tempdir};

    fn files(dir: &TempDir, most: FileLimits) -> FilesSink {
        let path = dir.path().join("{app}.log");
        let template = Template::parse(&path).unwrap().unwrap();
        let (confined, schedule) = (None, RotationSchedule::default());
        let (format, retention) = (Format::Json, RetentionHandle::default());
        let (sync, stats) = (true, Arc::default());
        let options = FileOptions {
            path,
            confined,
            format,
            schedule,
            sync,
            retention,
            stats,
            marks: Arc::default(),
            forwarded: None,
        };
        let reports = FilesReports { stderr: StderrLog::default(), stats: Arc::default() };
        FilesSink::open(template, options, most, reports).map_err(|(_, cause)| cause).unwrap()
    }

    fn line(app: &str, msg: u32) -> String {
        format!(
            "{{\"app\":\"{app}\",\"time\":\"2026-11-22T18:42:23.000000Z\",\"level\":\"INFO\",\"msg\":\"{msg}\"}}\n"
        )
    }

    fn batch(apps: &[&str], msgs: std::ops::Range<u32>) -> Batch {
        let mut run = LineRun::new(Source::Plain, 1, 0);
        for msg in msgs {
            apps.iter().for_each(|app| run.lines.extend(line(app, msg).into_bytes()));
            run.count += apps.len() as u64;
        }
        Batch { runs: vec![run] }
    }

    #[test]
    fn a_batch_that_fails_at_one_file_goes_on_there() {
        let dir = tempdir().unwrap();
        let mut files = files(&dir, FileLimits::new(10, 60));
        let path = |app: &str| dir.path().join(format!("{app}.log"));
        let text = |app: &str| fs::read_to_string(path(app)).unwrap_or_default();
        let busy = fs::File::create(path("b")).unwrap();
        flock(&busy, FlockOperation::LockExclusive).unwrap();
        let batch = batch(&["a", "b", "c"], 0..3);
        for _ in 0..3 {
            files.write(&batch).unwrap_err();
        }
        let lines = |app: &str| (0..3).map(|msg| line(app, msg)).collect::<String>();
        assert_eq!((text("a"), text("b"), text("c")), (lines("a"), "".into(), "".into()));
        drop(busy);
        files.write(&batch).unwrap();
        assert_eq!(["a", "b", "c"].map(text), ["a", "b", "c"].map(lines));
    }

    #[test]
    fn few_files_are_open_however_many_there_are() {
        let dir = tempdir().unwrap();
        let mut files = files(&dir, FileLimits::new(1000, 3 * 4));
        let apps: Vec<String> = (0..40).map(|n| format!("app{n}")).collect();
        let apps: Vec<&str> = apps.iter().map(String::as_str).collect();
        for turn in 0..3 {
            files.write(&batch(&apps, turn..turn + 1)).unwrap();
            assert_eq!((files.open.len(), files.known.len()), (4, 40));
        }
        for app in apps {
            let text = fs::read_to_string(dir.path().join(format!("{app}.log"))).unwrap();
            assert_eq!(text, (0..3).map(|msg| line(app, msg)).collect::<String>());
        }
    }

    #[test]
    fn a_file_that_is_not_written_for_long_is_closed_and_goes_on_later() {
        let dir = tempdir().unwrap();
        let mut files = files(&dir, FileLimits::new(10, 60));
        files.write(&batch(&["a", "b"], 0..1)).unwrap();
        let long = Instant::now().checked_sub(IDLE).unwrap();
        files.open.get_mut(Path::new("a.log")).unwrap().used = long;
        files.look().unwrap();
        assert!(!files.open.contains_key(Path::new("a.log")));
        files.write(&batch(&["a"], 1..2)).unwrap();
        let text = fs::read_to_string(dir.path().join("a.log")).unwrap();
        assert_eq!(text, line("a", 0) + &line("a", 1));
    }
}
