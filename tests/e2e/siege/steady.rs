//! A good sender that logs at a steady rate, and how much of that it is served.

use crate::harness::{Child, Collector, SOON, Scene, assert_each_once, example, get, wait_until};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

/// How many records it logs a second.
pub(super) const RATE: u64 = 2000;

pub(super) struct Steady {
    child: Child,
    progress: PathBuf,
    server: String,
    begun: (Instant, u64),
}

impl Steady {
    /// Has it log, and waits until it is well on its way.
    pub(super) fn start(scene: &Scene, collector: &Collector) -> Self {
        let progress = scene.path("steady.progress");
        fs::write(&progress, [0; 8]).expect("the scene has room");
        let mut command = scene.command(&example("subject"));
        // Where the machine is so busy that its spool is full, it waits.
        command.args(["do=pace", "app=steady", "block=600", &format!("rate={RATE}")]);
        command.arg(format!("to={}", collector.authority()));
        command.arg(format!("progress={}", progress.display()));
        let child = Child::start(&mut command);
        let server = collector.server();
        let mut steady = Self { child, progress, server, begun: (Instant::now(), 0) };
        assert!(wait_until(SOON, || steady.acked() > RATE / 2), "it never got going");
        steady.begun = (Instant::now(), steady.acked());
        steady
    }

    /// The share of its rate that it has been served since it was on its way.
    pub(super) fn share(&self) -> f64 {
        // Not counting the time that the answer takes.
        let seconds = self.begun.0.elapsed().as_secs_f64();
        self.served() as f64 / (RATE as f64 * seconds)
    }

    /// How many records have been acked since it was on its way.
    pub(super) fn served(&self) -> u64 {
        self.acked() - self.begun.1
    }

    fn acked(&self) -> u64 {
        let senders: Value =
            serde_json::from_str(&get(&self.server, "/senders").body).expect("an array of senders");
        let all = senders.as_array().into_iter().flatten();
        all.filter(|sender| sender["app"] == "steady").filter_map(|it| it["acked"].as_u64()).sum()
    }

    /// Has it end, and says how many records it logged.
    pub(super) fn finish(mut self) -> u64 {
        self.child.hang_up();
        self.child.succeed();
        let noted = fs::read(&self.progress).expect("it was made above");
        u64::from_le_bytes(noted.try_into().expect("a number"))
    }
}

/// Asserts that each of the `count` records it logged is there once.
#[track_caller]
pub(super) fn assert_served(collector: Collector, count: u64, rounds: usize) {
    let records = collector.stop();
    assert_each_once(&records.of("steady"), 1, count);
    for round in 1..=rounds {
        assert_each_once(&records.of(&format!("good{round}")), 1, 2000);
    }
}
