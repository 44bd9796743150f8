//! What the tests stand on: programs built once, processes that cannot outlive their test,
//! collectors and peers on ports of the system's choice, and waiting with a deadline.

mod child;
mod clock;
mod collector;
mod dice;
mod peer;
mod programs;
pub(crate) mod proxy;
mod reader;
mod records;
mod scene;
mod switch;
mod terminal;
mod watched;

pub(crate) use child::Child;
pub(crate) use clock::Clock;
pub(crate) use collector::Collector;
pub(crate) use dice::Dice;
pub(crate) use peer::{Peer, Port, caller, nc, speak, tcp_socket, udp_peer};
pub(crate) use programs::{abort_subject, example, portable_subject, program, relinked};
pub(crate) use reader::{Reader, found, get, get_with, metric, metric_with};
pub(crate) use records::{
    Records, assert_each_once, assert_in_spans, by_thread, message, messages,
};
pub(crate) use scene::Scene;
pub(crate) use switch::Switch;
pub(crate) use terminal::Terminal;
use watched::Watched;

use std::time::{Duration, Instant};

/// The longest wait for something that is to happen. Only a test that fails waits so long, so it
/// has room for a machine on which everything else runs too.
pub(crate) const SOON: Duration = Duration::from_secs(180);

/// Whether one of a few attempts succeeds. It is for the product's own time limits: a busy machine
/// misses one now and then, a defect misses it each time.
pub(crate) fn succeeds_once(attempt: impl FnMut(u32) -> bool) -> bool {
    (0..5).any(attempt)
}

/// Looks every few milliseconds whether `condition` holds, and gives up after `limit`.
///
/// It answers whether the condition came to hold, so that the test can say what it saw instead.
pub(crate) fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + limit;
    while !condition() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    true
}

/// Lets time pass where the passing of time is what a test does to others: the gap between two
/// faults, the length of a stall. Never to wait for something; that is [`wait_until`].
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
