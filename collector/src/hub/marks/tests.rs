//! The order in which senders are forgotten.

use super::forgetting::FORGET;
use super::table::{GAP_BYTES, SENDER_BYTES};
use super::*;
use crate::hub::batch::Batch;
use crate::hub::line_run::{LineRun, Source};
use crate::senders::identity::Sender;
use netlog_wire::{Identity, Level, Record};
use std::sync::Arc;

/// Room for so many senders.
fn marks(most: u64) -> Marks {
    Marks { most: most * SENDER_BYTES, ..Marks::default() }
}

fn sender(id: u128) -> Arc<Sender> {
    Arc::new(Sender::new(SenderId(id), Identity::default(), false))
}

/// The record with the number `first` comes from `sender` at `now`.
fn log(marks: &Marks, sender: &Arc<Sender>, first: u64, now: i64) {
    let mut run = LineRun::new(Source::Netlog(sender.clone()), first, 0);
    run.record(&Record::new(0, Level::Info, "m"), &sender.identity);
    let mut table = marks.lock();
    table.pass(run, sender, &mut Batch::default());
    table.change(sender.id, |mark| (mark.written, mark.seen) = (mark.sealed, now));
}

fn known(marks: &Marks, ids: impl IntoIterator<Item = u128>) -> Vec<u128> {
    ids.into_iter().filter(|&id| marks.lock().get(SenderId(id)).is_some()).collect()
}

#[test]
fn a_sender_long_silent_is_forgotten() {
    let marks = Marks::default();
    for (id, seen) in [(1, 0), (2, FORGET)] {
        let gaps = NumberGaps::default();
        let owner = Owner::NOBODY;
        let id = SenderId(id);
        let held = HeldMark { id, mark: 7, gaps, ended: false, returned: false, seen, owner };
        marks.restore(vec![held], seen);
    }
    marks.forget(FORGET + 1);
    assert_eq!([1, 2].map(|id| marks.written(SenderId(id))), [0, 7]);
}

#[test]
fn restarts_never_shorten_the_week_of_silence_after_which_a_sender_is_forgotten() {
    let day = FORGET / 7;
    for silent in 0..7 {
        let marks = Marks::default();
        let gaps = NumberGaps::default();
        let id = SenderId(1);
        let owner = Owner::NOBODY;
        let held = HeldMark { id, mark: 7, gaps, ended: false, returned: false, seen: 99, owner };
        let clock = monotonic_seconds();
        marks.restore(vec![held.by_monotonic_clock(99 + silent * day)], clock);
        marks.forget(clock + (7 - silent) * day - 60);
        assert_eq!(marks.written(id), 7, "after {silent} days");
    }
}

#[test]
fn nobody_is_forgotten_because_the_wall_clock_was_set_years_ahead_while_the_collector_was_away() {
    let marks = Marks::default();
    let gaps = NumberGaps::default();
    let owner = Owner::NOBODY;
    let id = SenderId(1);
    let held = HeldMark { id, mark: 7, gaps, ended: false, returned: false, seen: 99, owner };
    let clock = monotonic_seconds();
    marks.restore(vec![held.by_monotonic_clock(99 + 520 * FORGET)], clock);
    marks.forget(clock + 60);
    assert_eq!(marks.written(SenderId(1)), 7);
}

#[test]
fn those_that_came_once_are_forgotten_first_the_earliest_of_them_first() {
    let marks = marks(80);
    // Number 1 came back, 2 is still connected, and both were heard of before all others.
    log(&marks, &sender(1), 1, 0);
    log(&marks, &sender(1), 2, 0);
    let connected = sender(2);
    log(&marks, &connected, 1, 0);
    marks.lock().take_out_those_that_left(0);
    for id in 3..=80 {
        log(&marks, &sender(id), 1, id as i64);
        marks.lock().take_out_those_that_left(id as i64);
    }
    assert_eq!(marks.forget_beyond(80), Forgotten::default());
    log(&marks, &sender(81), 1, 81);
    assert_eq!(marks.forget_beyond(81), Forgotten { senders: 11, gaps: 0 });
    assert_eq!(known(&marks, 1..=81), [1, 2].into_iter().chain(14..=81).collect::<Vec<_>>());
    assert!(marks.lock().bytes() <= 70 * SENDER_BYTES);
}

#[test]
fn of_senders_heard_of_in_one_second_no_more_are_forgotten_than_have_to_be() {
    let marks = marks(80);
    (1..=81).for_each(|id| log(&marks, &sender(id), 1, 7));
    assert_eq!(marks.forget_beyond(7).senders, 11);
    assert_eq!(known(&marks, 1..=81).len(), 70);
}

#[test]
fn one_that_came_back_is_forgotten_before_one_that_is_connected() {
    let marks = marks(16);
    let connected: Vec<_> = (1..=8).map(sender).collect();
    connected.iter().for_each(|sender| log(&marks, sender, 1, 0));
    for number in 1..=2 {
        (20..40).for_each(|id| log(&marks, &sender(id), number, 9));
    }
    assert_eq!(marks.forget_beyond(9).senders, 14);
    assert_eq!(known(&marks, 1..=8).len(), 8);
}

#[test]
fn the_gaps_of_all_senders_share_a_quarter_and_those_with_most_lose_theirs() {
    let marks = marks(1000);
    let few = sender(1);
    (1..=8).for_each(|n| log(&marks, &few, n * 2, 0));
    let connected: Vec<_> = (2..=20).map(sender).collect();
    for sender in &connected {
        (1..=300).for_each(|n| log(&marks, sender, n * 2, 0));
    }
    let before = marks.lock().gaps_bytes();
    let forgotten = marks.forget_beyond(0);
    assert!(before > 1000 * SENDER_BYTES / 4);
    let table = marks.lock();
    assert!(table.gaps_bytes() <= 1000 * SENDER_BYTES / 4, "{}", table.gaps_bytes());
    let own = table.marks[&SenderId(1)].gaps.len();
    assert_eq!((table.len(), own), (20, 8));
    // And 44 of each, which one sender may not have.
    assert_eq!(forgotten.senders, 0);
    assert_eq!(forgotten.gaps, before / GAP_BYTES - table.gaps as u64 + 19 * 44);
    let counted: usize = table.marks.values().map(|mark| mark.gaps.len()).sum();
    assert_eq!(counted, table.gaps);
}

#[test]
fn senders_that_left_cost_nothing_beyond_their_marks() {
    let marks = Marks::default();
    for id in 1..=5000 {
        log(&marks, &sender(id), 1, 0);
        marks.lock().leave(1);
    }
    let table = marks.lock();
    assert!(table.connected.len() <= 1024);
    assert!(table.connected.capacity() <= 4096);
    assert_eq!(table.get(SenderId(1)).map(|mark| mark.seen), Some(1), "until it left");
}
