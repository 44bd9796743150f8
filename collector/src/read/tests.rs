//! Reads many logs against a model: whatever is written, rotated, compressed and begun anew, before
//! it and in the middle of it, a scan shows exactly what was written, in its order.

mod model;

use super::filter::Filter;
use super::merge::Merge;
use super::params::{RecordCount, SearchOrder};
use super::pattern::Expressions;
use super::position::Position;
use super::reader_task::{RecordCursor, Render, TailStart};
use super::scan::ScanQuery;
use super::stream_cursor::StreamCursor;
use crate::hub::sink::Sink;
use crate::read::format::ResponseFormat;
use model::{Model, Step, number, numbers, step};
use proptest::prelude::*;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// All that `merge` shows, and `between` any two of its steps something else.
fn all(merge: &mut Merge, mut between: impl FnMut(&mut Merge)) -> Vec<u64> {
    let mut found = Vec::new();
    loop {
        let mut left = false;
        let flow = merge.step(1 << 20, |record| {
            found.push(number(record.line));
            // As often as can be, it is left in the middle.
            left = found.len() % 3 == 0;
            if left { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if flow.is_break() && !left {
            return found;
        }
        between(merge);
    }
}

/// What a tail shows, and behind each record its position.
fn tail(model: &Model, start: TailStart, most: u64) -> Vec<(u64, Position)> {
    let render = Render { filter: Arc::default(), format: ResponseFormat::Lines };
    let mut cursor = StreamCursor::new(model.store(), model.progress.clone(), start);
    let mut out = Vec::new();
    while !cursor.has_caught_up() {
        cursor.advance(most, &render, &mut out);
    }
    let position = |line: &str| {
        let (_, at) = line.split_once("\"at\":\"").unwrap();
        at.split_once('"').unwrap().0.parse().unwrap()
    };
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains("notice"), "{text}");
    text.lines().map(|line| (number(line.as_bytes()), position(line))).collect()
}

#[test]
fn an_order_forgets_the_files_that_retention_removed_and_resumes_as_before() {
    let mut model = Model::new();
    for _ in 0..60 {
        model.take(&Step::Batch(vec![(0, 50), (1, 60), (2, 70), (3, 80)]));
    }
    let before = tail(&model, TailStart::Last(RecordCount::All), 1000);
    let length = |name| fs::read(model.dir.path().join(name)).unwrap().len();
    let lengths = (length(".order"), length(".order.segments"));
    let mut left = Vec::new();
    for app in ["a.log", "b.log", "c.log", "d.log"] {
        let log = model.dir.path().join(app);
        let rotated = crate::layout::segment_name::rotated(&log).unwrap();
        for (at, segment) in rotated.iter().enumerate() {
            let path = segment.path(&log);
            match at + 1 < rotated.len() {
                true => fs::remove_file(&path).unwrap(),
                false => left.extend(fs::read(&path).unwrap()),
            }
        }
        left.extend(fs::read(&log).unwrap());
    }
    let mut left: Vec<u64> = left.split_inclusive(|byte| *byte == b'\n').map(number).collect();
    left.sort_unstable();
    model.stats.files_removed.add(1);
    model.files.as_mut().unwrap().look().unwrap();
    let length = |name| fs::read(model.dir.path().join(name)).unwrap().len();
    assert!(length(".order") < lengths.0 / 2 && length(".order.segments") < lengths.1 / 2);
    // For a reader that asked where the stream ends before all of that was removed.
    let [from, until] =
        [1, 2].map(|count| model.stream[..count].iter().map(|it| it.1 as u64).sum());
    let step = model.scan().forward(from, until, 1000).unwrap();
    assert!(step.missed && step.position == until && step.piece.bytes.is_empty());
    for restart in [false, true] {
        if restart {
            model.start();
        }
        assert_eq!(model.read_forward(0, 500, true), left);
        let (last, position) = before[before.len() - 3];
        let rest = tail(&model, TailStart::After(position), 1000);
        assert_eq!(
            rest.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
            [last + 1, last + 2]
        );
    }
}

#[test]
fn a_search_goes_on_in_a_file_that_others_rename_in_the_middle_of_it() {
    for order in [SearchOrder::Oldest, SearchOrder::Newest] {
        let mut model = Model::new();
        model.take(&Step::Batch(vec![(0, 0); 6]));
        let path = model.dir.path().join("a.log");
        let query = ScanQuery { filter: Arc::default(), order, timed: true, budget: 1 };
        let mut merge = Merge::within(model.store().snapshot(), query);
        let mut found = all(&mut merge, |merge| {
            merge.release();
            if path.exists() {
                fs::rename(&path, path.with_extension("log.1")).unwrap();
            }
        });
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_search_counts_a_file_whose_first_line_cannot_be_read() {
    let mut model = Model::new();
    (0..20).for_each(|_| model.take(&Step::Batch(vec![(0, 50)])));
    model.take(&Step::Compress);
    let files = fs::read_dir(model.dir.path()).unwrap().map(|file| file.unwrap().path());
    let packed = { files }.find(|path| path.extension().is_some_and(|end| end == "zst")).unwrap();
    let mut bytes = fs::read(&packed).unwrap();
    bytes[..8].fill(0x55);
    fs::write(&packed, bytes).unwrap();
    let order = SearchOrder::Oldest;
    let query = ScanQuery { filter: Arc::default(), order, timed: true, budget: 1 };
    let mut merge = Merge::within(model.store().snapshot(), query);
    let found = all(&mut merge, |_| {});
    assert!((1..20).contains(&found.len()), "{found:?}");
    assert_eq!(merge.counts().unreadable, 1);
}

#[test]
fn what_a_file_held_that_is_gone_is_missed_once_however_small_the_steps_are() {
    let mut model = Model::new();
    for app in [0, 1, 2, 0] {
        model.take(&Step::Batch(vec![(app, 190); 8]));
    }
    let is_first = |path: &PathBuf| path.display().to_string().contains("a.log.2");
    fs::remove_file(model.rotated().into_iter().find(is_first).unwrap()).unwrap();
    let end = model.len();
    let mut scan = model.scan();
    let mut at = 0;
    let mut missed = 0;
    let mut found = Vec::new();
    while at < end {
        let step = scan.forward(at, end, 64).unwrap();
        at = step.position;
        missed += usize::from(step.missed);
        found.extend(numbers(&step.piece));
    }
    assert_eq!((missed, found), (1, model.numbers(8)));
    let mut missed = 0;
    let mut found = Vec::new();
    while at > 0 {
        let step = scan.back(at, 64).unwrap();
        assert!(step.position < at);
        at = step.position;
        missed += usize::from(step.missed);
        found.splice(0..0, numbers(&step.piece));
    }
    assert_eq!((missed, found), (1, model.numbers(8)));
}

#[test]
fn records_that_are_gone_are_missed_between_those_before_and_behind_them() {
    let mut model = Model::new();
    for app in [0, 1, 2, 1, 3] {
        model.take(&Step::Batch(vec![(app, 20); 2]));
    }
    fs::remove_file(model.dir.path().join("b.log")).unwrap();
    let end = model.len();
    let mut scan = model.scan();
    let mut at = 0;
    let mut steps = Vec::new();
    while at < end {
        let step = scan.forward(at, end, 1 << 20).unwrap();
        at = step.position;
        steps.push((step.missed, numbers(&step.piece)));
    }
    let expected = [(false, vec![0, 1]), (true, vec![4, 5]), (true, vec![8, 9])];
    assert_eq!(steps, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_shows_the_stream_as_it_was_written_whatever_becomes_of_the_files(
        before in proptest::collection::vec(step(), 1..30),
        after in proptest::collection::vec(step(), 0..30),
        from in 0_usize..40,
        most in 1_u64..1500,
        release in any::<bool>(),
    ) {
        let mut model = Model::new();
        before.iter().for_each(|step| model.take(step));
        prop_assert_eq!(model.forward(0, most), model.numbers(0));
        let position = model.stream.iter().take(from).map(|(_, len)| *len as u64).sum();
        prop_assert_eq!(model.forward(position, most), model.numbers(from));
        let (mut scan, mut at, mut back) = (model.scan(), model.len(), Vec::new());
        let expected = model.numbers(0);
        let mut after = after.iter();
        while at > 0 {
            let step = scan.back(at, most).unwrap();
            prop_assert!(!step.missed && step.position < at);
            at = step.position;
            back.extend(numbers(&step.piece).into_iter().rev());
            if release {
                scan.release();
            }
            after.next().into_iter().for_each(|step| model.take(step));
        }
        back.reverse();
        prop_assert_eq!(back, expected);
    }

    #[test]
    fn a_tail_begins_and_resumes_exactly_where_it_was_asked_to(
        before in proptest::collection::vec(step(), 1..30),
        after in proptest::collection::vec(step(), 0..30),
        last in 1_usize..40,
        at in 0_usize..40,
        most in 1_u64..1500,
    ) {
        let mut model = Model::new();
        before.iter().for_each(|step| model.take(step));
        let all = tail(&model, TailStart::Last(RecordCount::All), most);
        let numbers = |found: &[(u64, Position)]| found.iter().map(|(n, _)| *n).collect::<Vec<_>>();
        prop_assert_eq!(numbers(&all), model.numbers(0));
        let end = tail(&model, TailStart::Last(RecordCount::Last(last as u64)), most);
        let from = all.len().saturating_sub(last);
        prop_assert_eq!(&end[..], &all[from..], "the same records have the same positions");
        after.iter().for_each(|step| model.take(step));
        if let Some((_, position)) = all.get(at) {
            let rest = tail(&model, TailStart::After(*position), most);
            prop_assert_eq!(numbers(&rest), model.numbers(at + 1));
        }
    }

    #[test]
    fn a_merge_shows_all_logs_in_the_order_of_time_whatever_becomes_of_the_files(
        before in proptest::collection::vec(step(), 1..30),
        after in proptest::collection::vec(step(), 0..30),
        word in "[0-9]?",
        budget in 1_usize..1500,
        release in any::<bool>(),
    ) {
        let mut model = Model::new();
        before.iter().for_each(|step| model.take(step));
        let written = model.written;
        let wanted = |number: &u64| number.to_string().contains(&word);
        let mut oldest: Vec<_> = model.numbers(0).into_iter().filter(wanted).collect();
        oldest.sort_unstable();
        let newest: Vec<_> = oldest.iter().rev().copied().collect();
        let mut after = after.iter();
        for (order, expected) in [(SearchOrder::Newest, newest), (SearchOrder::Oldest, oldest)] {
            let expressions = Expressions::default();
            let text = format!("^[0-9]*{word}[0-9]* ");
            let grep = vec![expressions.budget().compile(&text).unwrap()];
            let filter = Arc::new(Filter { grep, ..Filter::default() });
            let query = ScanQuery { filter, order, timed: true, budget };
            let mut merge = Merge::within(model.store().snapshot(), query);
            let found = all(&mut merge, |merge| {
                if release {
                    merge.release();
                }
                // In the other order, what is written meanwhile may stand in front.
                let next = after.next().filter(|_| order == SearchOrder::Oldest);
                next.into_iter().for_each(|step| model.take(step));
            });
            let found: Vec<_> = found.into_iter().filter(|number| *number < written).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
