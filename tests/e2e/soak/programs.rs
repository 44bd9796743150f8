//! Programs that log all the time, and are ended or killed and started again.

use super::follower::{Follower, Thread};
use crate::harness::{Child, SOON, Scene, example};
use rustix::process::Signal;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const THREADS: u64 = 2;

/// A program with many lives, of which the last one runs.
pub(super) struct Program {
    app: String,
    to: String,
    life: u64,
    progress: PathBuf,
    child: Option<Child>,
    /// Threads of ended lives whose last numbers have not come yet, and the number and time.
    owed: Vec<Owed>,
}

struct Owed {
    thread: Thread,
    number: u64,
    since: Instant,
}

impl Program {
    pub(super) fn start(scene: &Scene, app: &str, to: &str) -> Self {
        let progress = scene.path(&format!("{app}.progress"));
        let app = app.to_owned();
        let to = to.to_owned();
        let mut program = Self { app, to, life: 0, progress, child: None, owed: Vec::new() };
        program.live(scene);
        program
    }

    fn live(&mut self, scene: &Scene) {
        self.life += 1;
        fs::write(&self.progress, [0; 8 * THREADS as usize]).expect("the scene has room");
        let mut command = scene.command(&example("subject"));
        command.args(["do=pace", "threads=2", "rate=120", "spool=262144", "block=3600"]);
        command.args([format!("to={}", self.to), format!("app={}", self.app)]);
        command
            .args([format!("life={}", self.life), format!("progress={}", self.progress.display())]);
        self.child = Some(Child::start(&mut command));
    }

    /// Ends this life, or kills it, and begins the next.
    pub(super) fn restart(&mut self, scene: &Scene, kill: bool) {
        self.end(kill);
        self.live(scene);
    }

    pub(super) fn end(&mut self, kill: bool) {
        let Some(mut child) = self.child.take() else { return };
        if kill {
            child.signal(Signal::KILL);
            child.end();
        } else {
            let status = child.end_within(SOON * 2);
            assert!(status.success(), "{status}\n{}", child.stderr());
        }
        assert!(!child.stderr().contains("panicked"), "{}", child.stderr());
        let notes = fs::read(&self.progress).expect("the notes are there");
        for (thread, note) in (1..).zip(notes.chunks_exact(8)) {
            let number = u64::from_le_bytes(note.try_into().expect("it is whole"));
            let thread = (self.app.clone(), self.life, thread);
            self.owed.push(Owed { thread, number, since: Instant::now() });
        }
    }

    /// Records that an ended life logged longer than `limit` ago, and that have not come.
    pub(super) fn overdue(&mut self, follower: &Follower, limit: Duration) -> Vec<String> {
        // A call that was killed before it returned may have logged one more.
        self.owed.retain(|owed| follower.last(&owed.thread) < owed.number);
        let late = self.owed.iter().filter(|owed| owed.since.elapsed() > limit);
        late.map(|owed| {
            let Owed { thread, number, .. } = owed;
            format!("{thread:?}: {} of {number} records", follower.last(thread))
        })
        .collect()
    }

    pub(super) fn lives(&self) -> u64 {
        self.life
    }
}
