//! A file and its ledger against a model: whatever is written, and at whatever byte the collector
//! dies, every number is in the file once and every plain line that was whole is kept.

use super::{FoundLedger, Ledger, LedgerOptions, RunLog, RunOrigin};
use crate::decode::{Decoder, Origin};
use crate::hub::batch::Batch;
use crate::hub::line_run::{LineRun, Source};
use crate::hub::marks::Marks;
use crate::hub::sink::Sink;
use crate::layout::forwarded::{ForwardPlace, Forwarded};
use crate::layout::rotation::RotationSchedule;
use crate::options::Format;
use crate::retention::RetentionHandle;
use crate::senders::identity::Sender;
use crate::sink::file::{FileOptions, FileSink};
use crate::stderr::StderrLog;
use netlog_wire::{Identity, Level, Record};
use proptest::prelude::*;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
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
                self.marks.lock().entry(sender.id).or_default();
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
    let rotated = crate::layout::segment_name::rotated(&log)[0].path(&log);
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

/// A file and its ledger, without a sink around them.
struct Log {
    path: PathBuf,
    file: fs::File,
    ledger: Ledger,
    end: u64,
}

impl Log {
    fn begin(path: PathBuf, marks: Arc<Marks>) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        let found = FoundLedger::read(&path, &file).unwrap();
        let options = LedgerOptions { sync: false, marks, forwarded: None };
        let ledger = Ledger::begin(&path, &file, found, options).unwrap();
        Self { path, file, ledger, end: 0 }
    }

    fn write(&mut self, model: &mut Model, who: usize) {
        let (batch, next, _) = model.batch(&[(who, 1)]);
        model.next = next;
        let pieces = batch.runs.iter().map(|run| Cow::Borrowed(&run.lines[..]));
        let pieces: Vec<_> = pieces.collect();
        let entry = self.ledger.begin_batch(self.end, &batch.runs, &pieces).unwrap();
        pieces.iter().for_each(|piece| self.file.write_all(piece).unwrap());
        self.end += batch.bytes();
        self.ledger.commit(&entry);
    }

    /// Rotates, and the snapshot behind it finds no room.
    fn rotate(&mut self) {
        let generation = self.ledger.generation();
        let segment = crate::layout::rotation::next_name(&self.path, generation, 0);
        let rotated = segment.path(&self.path);
        self.ledger.prepare_next(&self.path, segment).unwrap();
        fs::rename(&self.path, &rotated).unwrap();
        self.ledger.move_behind(&self.path, &rotated).unwrap();
        self.file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
        self.ledger.begin_next(&self.file, segment).unwrap();
        self.end = 0;
        let compaction = self.ledger.compaction.take().unwrap();
        compaction.thread.join().unwrap().unwrap();
        fs::remove_file(crate::layout::paths::next_of(&self.ledger.path)).unwrap();
    }
}

/// The marks after three files and a restart, with a relay that sent nothing if it is `forwarded`.
fn marks_after_failed_snapshots(forwarded: bool) -> Vec<u64> {
    let (dir, mut model) = (tempdir().unwrap(), Model::new());
    let mut log = Log::begin(dir.path().join("app.log"), model.marks.clone());
    if forwarded {
        let place = ForwardPlace { generation: 1, offset: 0 };
        log.ledger.forward(Arc::new(Forwarded::begin(&log.path, place, 7).unwrap()));
    }
    for who in 0..SENDERS {
        log.write(&mut model, 0);
        log.write(&mut model, who);
        log.rotate();
    }
    drop(log.ledger);
    let found = FoundLedger::read(&log.path, &log.file).unwrap();
    let mut marks: Vec<_> = found.state.senders().map(|known| (known.id, known.mark)).collect();
    marks.sort_unstable_by_key(|&(id, _)| id.0);
    marks.into_iter().map(|(_, mark)| mark).collect()
}

#[test]
fn marks_outlive_rotations_whose_snapshots_fail() {
    assert_eq!(marks_after_failed_snapshots(false), [4, 1, 1]);
}

#[test]
fn marks_outlive_rotations_whose_snapshots_fail_while_a_relay_needs_the_entries() {
    assert_eq!(marks_after_failed_snapshots(true), [4, 1, 1]);
}

/// The marks that a start would begin with.
fn marks_now(model: &Model) -> Vec<u64> {
    let file = fs::File::open(model.path()).unwrap();
    let found = FoundLedger::read(&model.path(), &file).unwrap();
    found.state.senders().map(|known| known.mark).collect()
}

/// A batch of two senders is about to be written behind two records of the first, when somebody else
/// appends more than it takes, without the end of a line.
fn overtaken() -> (Model, Batch) {
    let mut model = Model::new();
    model.write(&[(0, 2)]);
    model.sink.as_mut().unwrap().prepare().unwrap();
    let mut file = OpenOptions::new().append(true).open(model.path()).unwrap();
    file.write_all("{\"msg\":\"plain 0\"}\n".repeat(50).trim_end().as_bytes()).unwrap();
    let (batch, next, _) = model.batch(&[(0, 2), (1, 2)]);
    model.next = next;
    (model, batch)
}

#[test]
fn a_death_at_any_byte_costs_nothing_though_somebody_else_appended_just_before_the_batch() {
    let (mut model, batch) = overtaken();
    let sink = model.sink.as_mut().unwrap();
    sink.write(&batch).unwrap_err();
    sink.write(&batch).unwrap();
    model.check();
    drop(model.sink.take());
    let text = fs::read_to_string(model.path()).unwrap();
    let begin = text.len() - batch.bytes() as usize;
    let file = OpenOptions::new().write(true).open(model.path()).unwrap();
    for len in (begin..=text.len()).rev() {
        file.set_len(len as u64).unwrap();
        let whole = &text[..text[..len].rfind('\n').unwrap() + 1];
        let count = |who: &str| whole.lines().filter(|line| message(line).starts_with(who)).count();
        let marks = marks_now(&model);
        assert!(marks[0] <= count("0 ") as u64 && marks[1] <= count("1 ") as u64, "at {len}");
    }
}

#[test]
fn a_batch_that_ended_up_behind_bytes_of_somebody_else_counts_once_it_is_written_anew() {
    let (mut model, batch) = overtaken();
    let before = fs::metadata(model.path()).unwrap().len();
    model.sink.as_mut().unwrap().write(&batch).unwrap_err();
    assert_eq!(fs::metadata(model.path()).unwrap().len(), before, "they are left");
    assert_eq!(marks_now(&model), [2, 0]);
    let mut relay = RunLog::open(&model.dir.path().join("app.log.ledger"), 0).unwrap();
    model.sink.as_mut().unwrap().write(&batch).unwrap();
    assert_eq!(marks_now(&model), [4, 2]);
    let len = fs::metadata(model.path()).unwrap().len();
    let (mut at, mut numbered) = (0, 0);
    while let Some(run) = relay.next(at, len, false).unwrap().filter(|_| at < len) {
        at = run.range.end;
        if let RunOrigin::Numbered { count, .. } = run.origin {
            let text = fs::read_to_string(model.path()).unwrap();
            let lines = &text[run.range.start as usize..run.range.end as usize];
            assert_eq!(lines.lines().count() as u64, count);
            assert!(!lines.contains("plain"), "those of somebody else have no numbers");
            numbered += count;
        }
    }
    assert_eq!(numbered, 6);
    model.open();
    model.check();
}
