//! What the tests stand on: programs built once, processes that cannot outlive their test,
//! collectors and peers on ports of the system's choice, and waiting with a deadline.

mod child;
mod collector;
mod dice;
mod peer;
mod programs;
pub(crate) mod proxy;
mod reader;
mod records;
mod scene;
mod terminal;

pub(crate) use child::Child;
pub(crate) use collector::Collector;
pub(crate) use dice::Dice;
pub(crate) use peer::{Peer, Port, caller, nc, speak, udp_peer};
pub(crate) use programs::{abort_subject, example, program};
pub(crate) use reader::{Reader, found, get, get_with, metric, metric_with};
pub(crate) use records::{Records, assert_each_once, by_thread, message, messages};
pub(crate) use scene::Scene;
pub(crate) use terminal::Terminal;

use std::time::{Duration, Instant};

/// Long enough for a busy machine, short enough for whoever waits for a test to fail.
pub(crate) const SOON: Duration = Duration::from_secs(20);

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
