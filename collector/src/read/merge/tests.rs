//! A merge against a model: whatever is written, rotated away, packed and begun anew, before it and
//! in the middle of it, it shows exactly what was written to the stream, in its order.

use super::*;
use crate::hub::batch::Batch;
use crate::hub::line_run::{LineRun, Source};
use crate::hub::progress::Progress;
use crate::hub::sink::{Sink, Written};
use crate::layout::rotation::Schedule;
use crate::layout::template::Template;
use crate::options::Format;
use crate::read::filter::Filter;
use crate::read::pattern::Pattern;
use crate::read::shelves::Shelves;
use crate::retention::RetentionHandle;
use crate::sink::file::FileOptions;
use crate::sink::files::{Files, MostFiles, Said};
use crate::stderr::StderrLog;
use netlog_wire::{Identity, Level, Record};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A batch: records of which app, and how long.
    Batch(Vec<(u8, usize)>),
    /// The same, but so many bytes (a part of 1000) of what comes last in it are not written any
    /// more when the collector dies, and another one starts.
    Torn(Vec<(u8, usize)>, usize),
    /// All that was rotated away is packed.
    Pack,
    /// The collector ends, or dies of a kill, and another one starts.
    Restart(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let records = || proptest::collection::vec((0_u8..4, 0_usize..200), 1..8);
    prop_oneof![
        8 => records().prop_map(Step::Batch),
        1 => (records(), 0_usize..=1000).prop_map(|(records, at)| Step::Torn(records, at)),
        1 => Just(Step::Pack),
        1 => any::<bool>().prop_map(Step::Restart),
    ]
}

struct Model {
    dir: TempDir,
    files: Option<Files>,
    progress: Arc<Progress>,
    /// All that was ever written, in order.
    stream: Vec<u8>,
    written: u64,
    /// The app of each record, by its number.
    apps: Vec<u8>,
}

fn template(dir: &TempDir) -> Template {
    Template::parse(&dir.path().join("{app}.log")).unwrap().unwrap()
}

fn open(dir: &TempDir, open: usize) -> Files {
    let (path, confined) = (dir.path().join("{app}.log"), None);
    let schedule = Schedule { size: Some(600), every: None };
    let options = FileOptions {
        path,
        confined,
        format: Format::Json,
        schedule,
        sync: false,
        retention: RetentionHandle::default(),
        stats: Arc::default(),
        marks: Arc::default(),
    };
    let said = Said { stderr: StderrLog::default(), stats: Arc::default() };
    let most = MostFiles::new(100, open * 3);
    Files::open(template(dir), options, most, said).map_err(|(_, cause)| cause).unwrap()
}

impl Model {
    fn new() -> Self {
        let dir = tempdir().unwrap();
        let mut files = open(&dir, 3);
        let progress = Arc::new(Progress::new(None, files.held().stream));
        Self { dir, files: Some(files), progress, stream: Vec::new(), written: 0, apps: Vec::new() }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Batch(records) => {
                let (batch, streamed) = self.write(records);
                self.stream.extend_from_slice(&streamed);
                self.progress.written(&batch.runs, Written { end: None, streamed: Some(streamed) });
                assert_eq!(self.progress.end().len, self.stream.len() as u64);
            }
            Step::Torn(records, at) => self.tear(records, *at),
            Step::Pack => self.pack(),
            Step::Restart(clean) => {
                if *clean {
                    self.files.as_mut().unwrap().close();
                }
                self.start();
            }
        }
    }

    fn start(&mut self) {
        drop(self.files.take());
        let mut files = open(&self.dir, 3);
        let stream = files.held().stream.unwrap();
        assert_eq!(stream.end, self.stream.len() as u64, "it goes on where it was");
        let print = self.progress.ring().map(|ring| ring.print);
        assert!(stream.end == 0 || Some(stream.print) == print);
        self.progress = Arc::new(Progress::new(None, Some(stream)));
        self.files = Some(files);
    }

    fn tear(&mut self, records: &[(u8, usize)], at: usize) {
        let (_, mut streamed) = self.write(records);
        let lines: Vec<_> = streamed.split_inclusive(|byte| *byte == b'\n').collect();
        let app = lines.last().unwrap()[8];
        let last = lines.iter().rev().take_while(|line| line[8] == app);
        let torn = last.map(|line| line.len()).sum::<usize>() * at / 1000;
        let path = self.dir.path().join(format!("{}.log", char::from(app)));
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() - torn as u64).unwrap();
        // As long as it is being written it is not there.
        let mut merge = self.merge(100, Order::Oldest, By::Place, None);
        assert_eq!(all(&mut merge, |_| ()), self.records(0));
        streamed.truncate(streamed.len() - torn);
        let whole = streamed.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.stream.extend_from_slice(&streamed[..whole]);
        self.start();
    }

    fn write(&mut self, records: &[(u8, usize)]) -> (Batch, Vec<u8>) {
        let mut run = LineRun::new(Source::Plain, 1, 0);
        for (app, long) in records {
            let text = format!("{} {}", self.written, "x".repeat(*long));
            let record = Record::new(time(self.written), Level::Info, text);
            self.apps.push(*app);
            let app = Some(["a", "b", "c", "d"][usize::from(*app)].to_owned());
            run.record(&record, &Identity { app, ..Identity::default() });
            self.written += 1;
        }
        let batch = Batch { runs: vec![run], pos: None };
        let files = self.files.as_mut().unwrap();
        let streamed = files.write(&batch).unwrap().streamed.unwrap();
        assert_eq!(streamed.len() as u64, batch.bytes());
        (batch, streamed)
    }

    fn pack(&self) {
        for path in self.rotated() {
            crate::seekable_zstd::pack(&path, &mut || Ok(())).unwrap();
        }
    }

    fn rotated(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.dir.path()).unwrap().map(|file| file.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        files.filter(|path| name(path).contains(".log.2") && name(path).ends_with('Z')).collect()
    }

    fn merge(&self, budget: u64, order: Order, by: By, from: Option<u64>) -> Merge {
        self.merge_of(Filter::default(), budget, (order, by), from)
    }

    fn merge_of(
        &self,
        filter: Filter,
        budget: u64,
        (order, by): (Order, By),
        from: Option<u64>,
    ) -> Merge {
        let shelves = Shelves::new(template(&self.dir), self.progress.clone());
        let asked = (Arc::new(filter), order);
        Merge::within(budget, Arc::new(shelves.stock()), (asked, by), from)
    }

    /// The records that begin at or behind `from`: where each ends, and its number.
    fn records(&self, from: u64) -> Vec<(u64, u64)> {
        let (mut at, mut records) = (0, Vec::new());
        for line in self.stream.split_inclusive(|byte| *byte == b'\n') {
            let begin = at;
            at += line.len() as u64;
            records.extend((begin >= from).then(|| (at, number(line))));
        }
        records
    }
}

/// Each has its own, in no order.
fn time(number: u64) -> i64 {
    1_795_372_943_000_000 + (number * 2_654_435_761 % (1 << 32)) as i64
}

/// `records` as they are merged by time, of each app in their order.
fn merged(model: &Model, records: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let of = |app| {
        let of = move |(_, number): &&(u64, u64)| model.apps[*number as usize] == app;
        records.iter().filter(of).copied().peekable()
    };
    let (mut rows, mut merged) = ([0, 1, 2, 3].map(of), Vec::new());
    let turned = records.is_sorted_by(|a, b| a >= b);
    loop {
        let heads = rows.iter_mut().enumerate();
        let heads = heads.filter_map(|(row, records)| Some((time(records.peek()?.1), row)));
        let next = if turned { heads.max() } else { heads.min() };
        let Some((_, row)) = next else { return merged };
        merged.extend(rows[row].next());
    }
}

fn number(line: &[u8]) -> u64 {
    let (_, text) = str::from_utf8(line).unwrap().split_once("\"msg\":\"").unwrap();
    text.split_once(' ').unwrap().0.parse().unwrap()
}

/// All that `merge` shows, and `between` any two of its steps something else.
fn all(merge: &mut Merge, mut between: impl FnMut(&mut Merge)) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    loop {
        let flow = merge.step(1 << 20, |record| {
            found.push((record.cursor.at, number(record.line)));
            // As often as can be, it is left in the middle.
            if found.len() % 3 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if flow.is_break() && merge.next.is_empty() {
            return found;
        }
        between(merge);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_merge_shows_the_stream_as_it_was_written_whatever_becomes_of_the_files(
        before in proptest::collection::vec(step(), 1..30),
        after in proptest::collection::vec(step(), 0..30),
        from in 0_u64..6000,
        budget in 1_u64..1500,
        forget in any::<bool>(),
    ) {
        let mut model = Model::new();
        before.iter().for_each(|step| model.take(step));
        let expected = model.records(0);
        let behind = model.records(from);
        let mut merges = [
            model.merge(budget, Order::Oldest, By::Place, None),
            model.merge(budget, Order::Newest, By::Place, Some(0)),
            model.merge(budget, Order::Oldest, By::Place, Some(from)),
        ];
        let mut after = after.iter();
        let mut shown = Vec::new();
        for merge in &mut merges {
            shown.push(all(merge, |merge| {
                if forget {
                    merge.forget();
                }
                after.next().into_iter().for_each(|step| model.take(step));
            }));
            prop_assert_eq!(merge.lost(), 0);
        }
        let turned: Vec<_> = expected.iter().rev().cloned().collect();
        prop_assert_eq!(&shown[0], &expected);
        prop_assert_eq!(&shown[1], &turned);
        prop_assert_eq!(&shown[2], &behind);
    }

    #[test]
    fn a_merge_by_time_takes_of_each_file_what_is_next_and_of_all_what_is_first(
        before in proptest::collection::vec(step(), 1..30),
        after in proptest::collection::vec(step(), 0..30),
        word in "[0-9]?",
        budget in 1_u64..1500,
        forget in any::<bool>(),
    ) {
        let mut model = Model::new();
        before.iter().for_each(|step| model.take(step));
        let wanted = |(_, number): &(u64, u64)| number.to_string().contains(&word);
        let oldest: Vec<_> = model.records(0).into_iter().filter(wanted).collect();
        let newest: Vec<_> = oldest.iter().rev().copied().collect();
        let mut after = after.iter();
        for (order, expected) in [(Order::Oldest, oldest), (Order::Newest, newest)] {
            let expected = merged(&model, &expected);
            let grep = vec![Pattern::new(&format!("^[0-9]*{word}[0-9]* ")).unwrap()];
            let filter = Filter { grep, ..Filter::default() };
            let mut merge = model.merge_of(filter, budget, (order, By::Time), None);
            if order == Order::Oldest {
                prop_assert_eq!(&all(&mut merge, |_| ()), &expected);
                continue;
            }
            let found = all(&mut merge, |merge| {
                if forget {
                    merge.forget();
                }
                after.next().into_iter().for_each(|step| model.take(step));
            });
            prop_assert_eq!(found, expected);
        }
    }
}
