//! Bytes that somebody else appends just before a batch.

use super::super::{FoundLedger, RunLog, RunOrigin};
use super::{Model, SENDERS, message};
use crate::hub::batch::Batch;
use crate::hub::sink::Sink;
use std::fs::{self, OpenOptions};
use std::io::Write;

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
    model.sink.as_mut().unwrap().prepare(&Batch::default()).unwrap();
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

#[test]
fn of_a_batch_that_failed_half_way_each_record_is_there_once_though_somebody_else_appended_then() {
    for stopped in (0..).step_by(37) {
        let mut model = Model::new();
        model.write(&[(0, 2)]);
        let (batch, next, plain) = model.batch(&[(0, 2), (1, 2), (SENDERS, 2), (1, 1)]);
        if stopped > batch.bytes() as usize {
            break;
        }
        let sink = model.sink.as_mut().unwrap();
        sink.stop_within(&batch, stopped).unwrap();
        let mut file = OpenOptions::new().append(true).open(model.path()).unwrap();
        file.write_all(&b"somebody else\n".repeat(batch.bytes() as usize)).unwrap();
        let sink = model.sink.as_mut().unwrap();
        let tries = (0..3).take_while(|_| sink.write(&batch).is_err()).count();
        assert!(tries < 3, "{stopped}");
        model.next = next;
        model.kept.extend(plain);
        let text = fs::read_to_string(model.path()).unwrap();
        for line in batch.lines().split_inclusive(|&byte| byte == b'\n') {
            let line = std::str::from_utf8(line).unwrap();
            let times = text.split_inclusive('\n').filter(|there| *there == line).count();
            assert_eq!(times, 1, "{stopped}: {line} in {text}");
        }
        assert_eq!(marks_now(&model), [4, 3]);
        model.open();
    }
}

#[test]
fn a_death_behind_a_part_of_a_batch_and_lines_of_somebody_else_costs_nothing() {
    let mut model = Model::new();
    let (batch, ..) = model.batch(&[(0, 20)]);
    let lines = batch.lines();
    let part = lines.len() / 2;
    let sink = model.sink.as_mut().unwrap();
    sink.stop_within(&batch, part).unwrap();
    sink.give_up(&batch).unwrap();
    let mut file = OpenOptions::new().append(true).open(model.path()).unwrap();
    file.write_all(&b"somebody else\n".repeat(lines.len())).unwrap();
    let whole = memchr::memchr_iter(b'\n', &lines[..part]).count() as u64;
    assert_eq!(marks_now(&model), [whole]);
}
