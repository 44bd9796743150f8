//! Pauses between attempts to reach the other collector, and the words about them.

use super::target::ForwardTarget;
use crate::stderr::{Chain, StderrLog};
use std::error::Error;
use std::time::{Duration, Instant};

const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The state of the connection, as far as it is reported: once when it is lost, and once when it is
/// back.
#[derive(Debug)]
pub(super) struct Backoff {
    target: ForwardTarget,
    stderr: StderrLog,
    pause: Duration,
    failing: Option<Failing>,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    words: String,
}

impl Backoff {
    pub(super) fn new(target: ForwardTarget, stderr: StderrLog) -> Self {
        Self { target, stderr, pause: PAUSE_MIN, failing: None }
    }

    /// Takes note of a failure, and returns the pause before the next attempt.
    pub(super) fn failed(&mut self, error: &(dyn Error + 'static)) -> Duration {
        let words = Chain(error).to_string();
        // A refusal after a lost connection is worth a line of its own, repetitions are not.
        if self.failing.as_ref().is_none_or(|failing| failing.words != words) {
            let target = &self.target;
            self.stderr
                .log(format_args!("failed to forward to {target}: {words}, will go on trying"));
        }
        let since = self.failing.as_ref().map_or_else(Instant::now, |failing| failing.since);
        self.failing = Some(Failing { since, words });
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE_MAX);
        pause
    }

    /// Takes note that a batch was acknowledged.
    pub(super) fn succeeded(&mut self) {
        self.pause = PAUSE_MIN;
        if let Some(failing) = self.failing.take() {
            let seconds = failing.since.elapsed().as_secs_f32();
            let target = &self.target;
            self.stderr.log(format_args!("forwarding to {target} again after {seconds:.1} s"));
        }
    }
}
