//! A file and its ledger against a model: whatever is written, and at whatever byte the collector
//! dies, every number is in the file once and every plain line that was whole is kept.

mod failed_snapshots;
mod overtaken;

use super::FoundLedger;
use crate::decode::{Decoder, Origin};
use crate::hub::batch::Batch;
use crate::hub::line_run::{LineRun, Source};
use crate::hub::marks::Marks;
use crate::hub::sink::Sink;
use crate::layout::rotation::RotationSchedule;
use crate::options::Format;
use crate::retention::RetentionHandle;
use crate::senders::identity::Sender;
use crate::sink::file::{FileOptions, FileSink};
use crate::stderr::StderrLog;
use netlog_wire::{Identity, Level, Record};
use proptest::prelude::*;
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::{TempDir, tempdir};

const SENDERS: usize = 3;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A batch of runs: which sender (the last is the plain one), how many records.
    Batch(Vec<(usize, u64)>),
    /// The same, and a death after so many of the bytes that it writes, in parts of 1000.
    Death(Vec<(usize, u64)>, usize),
    /// The ledger is written anew.
    Compact,
    /// A clean end and a new start.
    Restart,
    /// The file is full.
    Rotate,
}

fn runs() -> impl Strategy<Value = Vec<(usize, u64)>> {
    proptest::collection::vec((0..=SENDERS, 1_u64..5), 1..5)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => runs().prop_map(Step::Batch),
        6 => (runs(), 0_usize..=1000).prop_map(|(runs, at)| Step::Death(runs, at)),
        1 => Just(Step::Compact),
        1 => Just(Step::Restart),
        1 => Just(Step::Rotate),
    ]
}

struct Model {
    dir: TempDir,
    sink: Option<FileSink>,
    senders: Vec<Arc<Sender>>,
    marks: Arc<Marks>,
    /// The next number of each sender, as far as it was acked.
    next: Vec<u64>,
    plain: u64,
    /// The plain lines that must be there.
    kept: Vec<String>,
}

impl Model {
    fn new() -> Self {
        let senders = (1..=SENDERS).map(sender).collect();
        let (dir, next) = (tempdir().unwrap(), vec![1; SENDERS]);
        let marks = Arc::<Marks>::default();
        let mut model = Self { dir, sink: None, senders, marks, next, plain: 0, kept: Vec::new() };
        model.open();
        model
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("app.log")
    }

    fn options(&self, schedule: RotationSchedule) -> FileOptions {
        FileOptions {
            path: self.path(),
            confined: None,
            format: Format::Json,
            schedule,
            sync: false,
            retention: RetentionHandle::default(),
            stats: Arc::default(),
            marks: self.marks.clone(),
            forwarded: None,
        }
    }

    /// Starts, and has every sender go on behind its mark.
    fn open(&mut self) {
        drop(self.sink.take());
        let options = self.options(RotationSchedule::default());
        let mut sink = FileSink::open(options, StderrLog::default()).unwrap();
        let holdings = sink.held().marks;
        self.marks.restore(holdings.clone(), 0);
        for (at, sender) in self.senders.iter().enumerate() {
            let held = holdings.iter().find(|held| held.id == sender.id);
            let mark = held.map_or(0, |held| held.mark);
            assert!(mark + 1 >= self.next[at], "what was acked is held");
            self.next[at] = mark + 1;
        }
        self.sink = Some(sink);
    }

    fn batch(&mut self, runs: &[(usize, u64)]) -> (Batch, Vec<u64>, Vec<String>) {
        let (mut batch, mut next, mut plain) = (Batch::default(), self.next.clone(), Vec::new());
        for &(who, count) in runs {
            if let Some(sender) = self.senders.get(who) {
                self.marks.lock().change(sender.id, |_| ());
            }
            let source = self.senders.get(who).map_or(Source::Plain, |s| Source::Netlog(s.clone()));
            let mut run = LineRun::new(source, next.get(who).copied().unwrap_or(1), 0);
            for _ in 0..count {
                let msg = if let Some(next) = next.get_mut(who) {
                    *next += 1;
                    format!("{who} {}", *next - 1)
                } else {
                    self.plain += 1;
                    plain.push(format!("plain {}", self.plain));
                    format!("plain {}", self.plain)
                };
                run.record(&Record::new(0, Level::Info, msg), &Identity::default());
            }
            batch.runs.push(run);
        }
        (batch, next, plain)
    }

    fn write(&mut self, runs: &[(usize, u64)]) {
        let (batch, next, plain) = self.batch(runs);
        self.sink.as_mut().unwrap().write(&batch).unwrap();
        self.next = next;
        self.kept.extend(plain);
    }

    /// Writes, and then takes back all bytes behind a place, in the order of their writing.
    fn die(&mut self, runs: &[(usize, u64)], at: usize) {
        let ledger = self.dir.path().join("app.log.ledger");
        let len = |path: &PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        let (told, held) = (len(&ledger), len(&self.path()));
        let (batch, _, plain) = self.batch(runs);
        self.sink.as_mut().unwrap().write(&batch).unwrap();
        drop(self.sink.take());
        let entry = len(&ledger).saturating_sub(told);
        let bytes = batch.bytes();
        let written = (entry + bytes) * at as u64 / 1000;
        let cut = |path: &PathBuf, len| {
            OpenOptions::new().write(true).open(path).unwrap().set_len(len).unwrap();
        };
        cut(&ledger, told + entry.min(written));
        cut(&self.path(), held + written.saturating_sub(entry));
        let text = fs::read_to_string(self.path()).unwrap();
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let there: Vec<&str> = whole.lines().map(message).collect();
        self.kept.extend(plain.into_iter().filter(|line| there.contains(&line.as_str())));
        self.open();
    }

    fn rotate(&mut self) {
        drop(self.sink.take());
        let schedule = RotationSchedule { size: Some(1), every: None };
        let options = self.options(schedule);
        self.sink = Some(FileSink::open(options, StderrLog::default()).unwrap());
        self.write(&[(SENDERS, 1)]);
        self.open();
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Batch(runs) => self.write(&runs),
            Step::Death(runs, at) => self.die(&runs, at),
            Step::Compact => self.sink.as_mut().unwrap().close(),
            Step::Restart => {
                self.sink.as_mut().unwrap().close();
                self.open();
            }
            Step::Rotate => self.rotate(),
        }
    }

    fn check(&self) {
        let files = fs::read_dir(self.dir.path()).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<PathBuf> =
            files.filter(|path| !path.to_string_lossy().contains("ledger")).collect();
        // By their time, and within a second by their number; the current one is the last.
        let order = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let (time, number) = name.split_once("Z-").unwrap_or((&name, "0"));
            let time = time.trim_end_matches('Z').to_owned();
            (name == "app.log", time, number.parse::<u32>().unwrap())
        };
        files.sort_by_key(order);
        let mut seen: HashMap<String, Vec<u64>> = HashMap::new();
        for path in files {
            for line in fs::read_to_string(path).unwrap().lines() {
                let (who, number) = message(line).split_once(' ').expect(line);
                assert!(line.ends_with("\"}"), "half a line: {line}");
                seen.entry(who.to_owned()).or_default().push(number.parse().unwrap());
            }
        }
        for (at, next) in self.next.iter().enumerate() {
            let numbers = seen.remove(&at.to_string()).unwrap_or_default();
            assert_eq!(numbers, (1..*next).collect::<Vec<_>>(), "sender {at}");
        }
        let plain = seen.remove("plain").unwrap_or_default();
        for kept in &self.kept {
            let number: u64 = kept.split_once(' ').unwrap().1.parse().unwrap();
            assert_eq!(plain.iter().filter(|there| **there == number).count(), 1, "{kept}");
        }
    }
}

fn message(line: &str) -> &str {
    line.split_once("\"msg\":\"").and_then(|(_, rest)| rest.split_once('"')).expect(line).0
}

fn sender(id: usize) -> Arc<Sender> {
    let hello = format!(
        "{{\"netlog\":1,\"sender\":\"{id:032x}\",\"app\":\"a\",\"host\":\"h\",\"pid\":1,\"next\":1}}\n"
    );
    let origin = Origin::new("127.0.0.1:9".parse().unwrap());
    let mut decoder = Decoder::new(origin, 1000, None, Arc::default());
    decoder.feed(hello.as_bytes(), &mut Vec::new()).unwrap();
    decoder.sender().unwrap().clone()
}

#[test]
fn a_death_at_any_byte_of_a_batch_costs_nothing() {
    let first = [(0, 2), (SENDERS, 2), (1, 1)];
    let second = [(0, 1), (SENDERS, 2), (0, 2), (2, 1)];
    for at in 0..=1000 {
        let mut model = Model::new();
        model.write(&first);
        model.die(&second, at);
        model.write(&second);
        model.check();
    }
}

proptest! {
    #[test]
    fn whatever_happens_every_number_is_there_once(
        steps in proptest::collection::vec(step(), 1..20)
    ) {
        let mut model = Model::new();
        for step in steps {
            model.take(step);
        }
        model.check();
    }
}

/// A file with one acked sender, and its ledger, which `damage` is done to before the next start.
fn reopened(damage: impl FnOnce(&mut Vec<u8>)) -> (Model, Vec<String>) {
    let mut model = Model::new();
    model.write(&[(0, 3)]);
    drop(model.sink.take());
    let ledger = model.dir.path().join("app.log.ledger");
    let mut text = fs::read(&ledger).unwrap();
    damage(&mut text);
    fs::write(&ledger, &text).unwrap();
    let file = fs::File::open(model.path()).unwrap();
    let notes = FoundLedger::read(&model.path(), &file).unwrap().notes;
    let kept = fs::read(model.dir.path().join("app.log.ledger.kept-1"));
    assert!(kept.is_err() || kept.unwrap() == text, "what is kept is what was found");
    (model, notes)
}

#[test]
fn a_damaged_or_newer_ledger_is_kept_aside() {
    let (model, notes) = reopened(|text| text[20] ^= 1);
    assert!(notes[0].contains("damaged") && notes[0].contains("kept-1"), "{notes:?}");
    assert!(model.dir.path().join("app.log.ledger.kept-1").exists());
    let (_model, notes) = reopened(|text| {
        let head = b"{\"ledger\":3,\"other\":1} 00000000\n";
        text.splice(0..0, head.iter().copied());
    });
    assert!(notes[0].contains("another version"), "{notes:?}");
    let (model, notes) = reopened(|_| {});
    assert!(notes.is_empty() && !model.dir.path().join("app.log.ledger.kept-1").exists());
}

#[test]
fn a_ledger_that_ends_before_its_file_is_reported_with_the_size() {
    let (model, notes) = reopened(|text| {
        let end = memchr::memmem::rfind(text, b"{\"batch\"").unwrap();
        text.truncate(end);
    });
    let len = fs::metadata(model.path()).unwrap().len();
    assert!(notes[0].contains(&format!("ends in {len} bytes")), "{notes:?}");
}

#[test]
fn with_sync_the_file_is_synced_before_any_mark_is_known() {
    let mut model = Model::new();
    model.write(&[(0, 3)]);
    drop(model.sink.take());
    let stats = Arc::<crate::stats::Stats>::default();
    let options = FileOptions {
        sync: true,
        stats: stats.clone(),
        ..model.options(RotationSchedule::default())
    };
    let mut sink = FileSink::open(options, StderrLog::default()).unwrap();
    assert_eq!(sink.held().marks[0].mark, 3);
    assert_eq!(stats.file_syncs.get(), 1);
}

#[test]
fn the_ledger_of_a_rotated_file_is_shrunk_to_its_index_once_the_next_has_all_marks() {
    let mut model = Model::new();
    model.write(&[(0, 3), (1, 2)]);
    model.rotate();
    let log = model.path();
    let rotated = crate::layout::segment_name::rotated(&log).unwrap()[0].path(&log);
    let ledger = crate::layout::paths::ledger_of(&rotated);
    assert!(fs::read_to_string(&ledger).unwrap().contains("\"sender\""));
    assert!(super::rotation::stands_alone(&log, &rotated).unwrap());
    super::rotation::shrink(&rotated).unwrap();
    assert!(!fs::read_to_string(&ledger).unwrap().contains("\"sender\""));
    let len = fs::metadata(&rotated).unwrap().len();
    let index = super::LedgerIndex::read(&rotated, None, len);
    assert_eq!(index.parts(0..len, |_| false).skipped, len, "it still says what to skip");
    model.write(&[(0, 1), (1, 1)]);
    model.open();
    model.check();
}

#[test]
fn a_ledger_that_has_the_only_marks_is_not_shrunk() {
    let model = Model::new();
    let log = model.path();
    let name = "app.log.20261122T184223Z-1";
    let mut head = Vec::new();
    let after = Some(name.to_owned());
    super::LedgerHead { after, ..super::LedgerHead::default() }.push(&mut head);
    fs::write(model.dir.path().join("app.log.ledger"), &head).unwrap();
    assert!(!super::rotation::stands_alone(&log, &log.with_file_name(name)).unwrap());
    let other = log.with_file_name("app.log.20261122T184223Z-2");
    assert!(super::rotation::stands_alone(&log, &other).unwrap());
}
