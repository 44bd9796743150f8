//! Chaos: senders and collectors are killed and stopped, connections cut, disks filled, clocks set,
//! descriptors closed, spools removed, foreign lines appended, as a seed has it; then each record must
//! be in the file once, in its thread's order.
//!
//! ```text
//! NETLOG_CHAOS_SEED=7 NETLOG_CHAOS_SECONDS=1800 cargo test --test e2e chaos
//! ```
//! `NETLOG_CHAOS_WITHOUT=collector,disk` leaves the parts out that are named, of `sender`,
//! `collector`, `disk`, `start`, `network`, `ship`, `clock`, `descriptors`, `swept`, `small` and
//! `foreign`: the others do what they would have done. Unless it is set, those of [`BY_HAND`] are
//! left out: to have all, set it to nothing.

mod checker;
mod disk;
mod foreign;
mod plain;
mod schedule;
mod senders;
mod stage;

use stage::Stage;
use std::io::Write;
use std::time::{Duration, SystemTime};

/// Parts that only a run by hand has: the system lets nobody use a descriptor and check in the same
/// step that it is still his own, so that a program which closes them all the time wins once in a
/// few hundred lives.
const BY_HAND: &str = "descriptors";

/// How long a plain `cargo test` has chaos.
const SECONDS: u64 = 20;

/// Says something to whoever runs the tests, also when all goes well.
fn tell(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

fn asked(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// A record is in the collector's file exactly once, whoever was killed, whenever.
#[test]
fn whoever_is_killed_and_whatever_breaks_each_record_is_in_the_file_once_and_in_order() {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is late");
    let seed = asked("NETLOG_CHAOS_SEED").unwrap_or_else(|| u64::from(now().subsec_nanos()));
    let seconds = asked("NETLOG_CHAOS_SECONDS").unwrap_or(SECONDS);
    let without = std::env::var("NETLOG_CHAOS_WITHOUT").unwrap_or_else(|_| BY_HAND.into());
    let again = format!("NETLOG_CHAOS_SEED={seed} NETLOG_CHAOS_SECONDS={seconds}");
    tell(&format!("chaos: {again} NETLOG_CHAOS_WITHOUT={without}"));
    let mut stage = Stage::set(seed);
    let length = Duration::from_secs(seconds);
    let steps = schedule::draw(seed, length, &without);
    stage.play(steps, length);
    let (totals, verdict) = stage.close();
    tell(&format!("chaos: {again}\n{totals}"));
    if let Err(problems) = verdict {
        panic!("{again}\n{problems}");
    }
}
