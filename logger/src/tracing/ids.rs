//! Ids of spans: none twice in a run, nor in its forked children, and hardly in any other run.

use crate::ring::ForkDetector;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// First id of a process. A fork wipes it, so that its two processes go different ways.
static SEED: LazyLock<Option<ForkDetector>> = LazyLock::new(|| ForkDetector::new(random()).ok());

static COUNT: AtomicU64 = AtomicU64::new(0);

pub(super) fn next() -> u64 {
    // By an odd number, so that only the 2^64th id is the first one again.
    let nth = COUNT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    seed().wrapping_add(nth)
}

/// `true` until the first span is opened.
pub(super) fn none_yet() -> bool {
    COUNT.load(Ordering::Relaxed) == 0
}

fn seed() -> u64 {
    let Some(page) = &*SEED else { return 0 };
    match page.state().load(Ordering::Relaxed) {
        ForkDetector::CHILD => {
            let order = (Ordering::Relaxed, Ordering::Relaxed);
            let drawn = random();
            let won = page.state().compare_exchange(ForkDetector::CHILD, drawn, order.0, order.1);
            won.map_or_else(|other| other, |_| drawn)
        }
        seed => seed,
    }
}

/// Never 0. The standard library's keys are the same in a forked child: pid and time are not.
fn random() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let here = (std::process::id(), now.unwrap_or_default().as_nanos());
    RandomState::new().hash_one(here) | 1
}
