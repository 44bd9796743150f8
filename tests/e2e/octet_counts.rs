//! Senders of syslog whose octet counts are wrong.

use crate::harness::{Collector, SOON, Scene, caller, message, metric, wait_until};
use std::io::Write;

/// Truly counted messages behind a wrong one.
const MANY: usize = 3000;

fn counted(text: &str, count: usize) -> String {
    format!("{count} <13>1 - web1 shop - - - {text}")
}

/// One message counted in characters, and then many counted in bytes, in writes of `size` bytes.
fn resynchronised(wrong: &str, size: usize) {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let header = counted("", 0).len() - 2;
    let mut stream = counted(wrong, header + wrong.chars().count());
    for number in 1..=MANY {
        let text = format!("order {number}");
        stream += &counted(&text, header + text.len());
    }
    let mut peer = caller([127, 0, 0, 1], collector.authority());
    peer.set_nodelay(true).expect("a socket");
    stream.as_bytes().chunks(size).for_each(|part| peer.write_all(part).expect("it reads"));
    let last = format!("\"msg\":\"order {MANY}\"");
    wait_until(SOON, || collector.text().contains(&last));
    let all = collector.records();
    let orders = all.0.iter().map(message).filter(|text| text.starts_with("order "));
    let expected: Vec<_> = (1..=MANY).map(|number| format!("order {number}")).collect();
    assert!(orders.eq(expected.iter()), "one record each, while the connection is open");
    assert_eq!(metric(&collector.server(), "counts_disbelieved"), 1);
    let begin = wrong.split(|c: char| !c.is_ascii()).next().expect("a beginning");
    assert!(message(&all.0[0]).starts_with(begin), "{}", all.0[0]);
    assert!(all.0.len() <= MANY + 2, "{} records", all.0.len());
}

#[test]
fn behind_one_count_in_characters_three_thousand_true_ones_are_three_thousand_records() {
    for size in [usize::MAX, 1000] {
        resynchronised("grüße", size);
    }
}

#[test]
fn so_they_are_where_digits_are_left_over_that_look_like_a_part_of_the_next_count() {
    for size in [usize::MAX, 1000] {
        resynchronised("grüße 12", size);
        resynchronised("größte Übergröße 2026", size);
    }
}
