//! A model of many logs that are written, rotated, compressed and begun anew.

use crate::hub::batch::Batch;
use crate::hub::line_run::{LineRun, Source};
use crate::hub::progress::Progress;
use crate::hub::recent::LinePiece;
use crate::hub::sink::Sink;
use crate::layout::rotation::RotationSchedule;
use crate::layout::template::Template;
use crate::options::Format;
use crate::read::log_set::{LogFiles, LogStore};
use crate::read::order_scan::OrderScan;
use crate::retention::RetentionHandle;
use crate::sink::file::FileOptions;
use crate::sink::files::{FileLimits, FilesReports, FilesSink};
use crate::stats::Stats;
use crate::stderr::StderrLog;
use netlog_wire::{Identity, Level, Record};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::{TempDir, tempdir};

/// The next event.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A batch: records of which app, and how long.
    Batch(Vec<(u8, usize)>),
    /// The same, but so many bytes (a part of 1000) of what comes last in it are not written any
    /// more when the collector dies, and another one starts.
    Torn(Vec<(u8, usize)>, usize),
    /// All that was rotated is compressed.
    Compress,
    /// The collector ends, or dies of a kill, and another one starts.
    Restart(bool),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let records = || proptest::collection::vec((0_u8..4, 0_usize..200), 1..8);
    prop_oneof![
        8 => records().prop_map(Step::Batch),
        1 => (records(), 0_usize..=1000).prop_map(|(records, at)| Step::Torn(records, at)),
        1 => Just(Step::Compress),
        1 => any::<bool>().prop_map(Step::Restart),
    ]
}

pub(super) struct Model {
    pub(super) files: Option<FilesSink>,
    /// Dropped behind the files, whose threads write to it.
    pub(super) dir: TempDir,
    pub(super) stats: Arc<Stats>,
    pub(super) progress: Arc<Progress>,
    /// The number of each record that was ever written, in order, and how long it is.
    pub(super) stream: Vec<(u64, usize)>,
    pub(super) written: u64,
    /// The app of each record, by its number.
    apps: Vec<u8>,
}

pub(super) fn template(dir: &TempDir) -> Template {
    Template::parse(&dir.path().join("{app}.log")).unwrap().unwrap()
}

pub(super) fn open(dir: &TempDir, stats: &Arc<Stats>) -> FilesSink {
    let options = FileOptions {
        path: dir.path().join("{app}.log"),
        confined: None,
        format: Format::Json,
        schedule: RotationSchedule { size: Some(600), every: None },
        sync: false,
        retention: RetentionHandle::default(),
        marks: Arc::default(),
        forwarded: None,
        stats: stats.clone(),
    };
    let said = FilesReports { stderr: StderrLog::default(), stats: stats.clone() };
    let most = FileLimits::new(100, 3 * 3);
    FilesSink::open(template(dir), options, most, said).map_err(|(_, cause)| cause).unwrap()
}

impl Model {
    pub(super) fn new() -> Self {
        let dir = tempdir().unwrap();
        let stats = Arc::default();
        let mut files = open(&dir, &stats);
        let progress = Arc::new(Progress::new(None, files.held().stream));
        let stream = Vec::new();
        let apps = Vec::new();
        Self { dir, files: Some(files), stats, progress, stream, written: 0, apps }
    }

    pub(super) fn take(&mut self, step: &Step) {
        match step {
            Step::Batch(records) => {
                let lines = self.write(records, true);
                self.stream.extend(lines);
                assert_eq!(self.progress.end().len, self.len());
            }
            Step::Torn(records, at) => self.tear(records, *at),
            Step::Compress => {
                for path in self.rotated() {
                    crate::seekable_zstd::pack(&path, &mut || Ok(())).unwrap();
                }
            }
            Step::Restart(clean) => {
                if *clean {
                    self.files.as_mut().unwrap().close();
                }
                self.start();
            }
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.stream.iter().map(|(_, len)| *len as u64).sum()
    }

    pub(super) fn start(&mut self) {
        drop(self.files.take());
        let mut files = open(&self.dir, &self.stats);
        let stream = files.held().stream.unwrap();
        assert_eq!(stream.end, self.len(), "it goes on where it was");
        assert!(stream.end == 0 || stream.id == self.progress.id());
        self.progress = Arc::new(Progress::new(None, Some(stream)));
        self.files = Some(files);
    }

    pub(super) fn tear(&mut self, records: &[(u8, usize)], at: usize) {
        let mut lines = self.write(records, false);
        let app = self.apps[lines.last().unwrap().0 as usize];
        let last = lines.iter().rev().take_while(|(number, _)| self.apps[*number as usize] == app);
        let torn = last.map(|(_, len)| *len).sum::<usize>() * at / 1000;
        let name = format!("{}.log", ["a", "b", "c", "d"][usize::from(app)]);
        let file = fs::OpenOptions::new().write(true).open(self.dir.path().join(name)).unwrap();
        file.set_len(file.metadata().unwrap().len() - torn as u64).unwrap();
        // As long as it is being written it is not there.
        assert_eq!(self.forward(0, 100), self.numbers(0));
        let mut torn = torn;
        while torn > 0 {
            // A line of which a part is gone is gone.
            torn = torn.saturating_sub(lines.pop().unwrap().1);
        }
        self.stream.extend(lines);
        self.start();
    }

    /// Writes records, and says in which order that was.
    pub(super) fn write(&mut self, records: &[(u8, usize)], noted: bool) -> Vec<(u64, usize)> {
        let mut run = LineRun::new(Source::Plain, 1, 0);
        for (app, long) in records {
            let text = format!("{} {}", self.written, "x".repeat(*long));
            let record = Record::new(time(self.written), Level::Info, text);
            self.apps.push(*app);
            let app = Some(["a", "b", "c", "d"][usize::from(*app)].to_owned());
            run.record(&record, &Identity { app, ..Identity::default() });
            self.written += 1;
        }
        let batch = Batch { runs: vec![run] };
        let written = self.files.as_mut().unwrap().write(&batch).unwrap();
        let lines = written.parts.iter().flat_map(|part| {
            part.lines.split_inclusive(|byte| *byte == b'\n').map(|l| (number(l), l.len()))
        });
        let lines = lines.collect();
        if noted {
            self.progress.written(&batch.runs, written);
        }
        lines
    }

    pub(super) fn rotated(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.dir.path()).unwrap().map(|file| file.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let plain = |name: &str| !name.ends_with(".zst") && !name.ends_with(".ledger");
        files.filter(|path| name(path).contains(".log.2") && plain(&name(path))).collect()
    }

    pub(super) fn store(&self) -> Arc<LogStore> {
        let files = LogFiles::Many(template(&self.dir));
        Arc::new(LogStore::new(files, self.progress.clone(), self.stats.clone()))
    }

    pub(super) fn scan(&self) -> OrderScan {
        OrderScan::new(self.store())
    }

    /// The numbers of the records from the one with this index on.
    pub(super) fn numbers(&self, from: usize) -> Vec<u64> {
        self.stream[from.min(self.stream.len())..].iter().map(|(number, _)| *number).collect()
    }

    pub(super) fn forward(&self, from: u64, most: u64) -> Vec<u64> {
        self.read_forward(from, most, false)
    }

    pub(super) fn read_forward(&self, from: u64, most: u64, gaps: bool) -> Vec<u64> {
        let mut scan = self.scan();
        let mut at = from;
        let mut found = Vec::new();
        while at < self.progress.end().len {
            let step = scan.forward(at, self.progress.end().len, most).unwrap();
            assert!((gaps || !step.missed) && step.position > at);
            at = step.position;
            found.extend(numbers(&step.piece));
        }
        found
    }
}

/// Each is later than those before it, which are in other logs.
pub(super) fn time(number: u64) -> i64 {
    1_795_372_943_000_000 + number as i64
}

pub(super) fn number(line: &[u8]) -> u64 {
    let (_, text) = str::from_utf8(line).unwrap().split_once("\"msg\":\"").unwrap();
    text.split_once(' ').unwrap().0.parse().unwrap()
}

pub(super) fn numbers(piece: &LinePiece) -> Vec<u64> {
    piece.bytes.split_inclusive(|byte| *byte == b'\n').map(number).collect()
}
