//! The programs that log: each has many lives, and what each life has surely logged is noted where
//! no kill takes it back.

use crate::harness::{Child, Scene, example};
use rustix::process::Signal;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// One program, alive or dead.
pub(super) struct Sender {
    pub(super) app: String,
    words: &'static str,
    pub(super) drops: bool,
    child: Option<Child>,
    pub(super) lives: Vec<Life>,
}

/// One run of a program.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) app: String,
    pub(super) number: u64,
    pub(super) pid: u64,
    /// Whether it may give records up, if it counts them.
    pub(super) drops: bool,
    /// Whether it came to its end by itself.
    pub(super) whole: bool,
    progress: PathBuf,
}

impl Life {
    /// The last number that each thread's log call has returned for.
    pub(super) fn logged(&self) -> Vec<u64> {
        let notes = fs::read(&self.progress).expect("the notes are there");
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("it is whole"));
        notes.chunks_exact(8).map(number).collect()
    }
}

/// Who takes part: how many threads, how fast, in how large a spool, and whether a log call waits.
const PARTS: [(&str, usize, bool); 4] = [
    ("threads=3 rate=150 spool=65536 block=3600", 3, false),
    ("threads=4 rate=100 spool=1048576 block=3600", 4, false),
    ("threads=2 rate=200 spool=262144 block=3600", 2, false),
    ("threads=3 rate=200 spool=65536", 3, true),
];

impl Sender {
    pub(super) fn all() -> Vec<Self> {
        let sender = |(n, (words, _, drops)): (usize, (&'static str, usize, bool))| Self {
            app: format!("chaos-{n}"),
            words,
            drops,
            child: None,
            lives: Vec::new(),
        };
        PARTS.into_iter().enumerate().map(sender).collect()
    }

    fn threads(&self) -> usize {
        PARTS.iter().find(|part| part.0 == self.words).map_or(0, |part| part.1)
    }

    pub(super) fn start(&mut self, scene: &Scene, to: &str) {
        let number = self.lives.len() as u64 + 1;
        let progress = scene.path(&format!("{}-{number}.progress", self.app));
        fs::write(&progress, vec![0; self.threads() * 8]).expect("the scene has room");
        let mut command = scene.command(&example("subject"));
        command.args(["do=pace", &format!("to={to}"), &format!("app={}", self.app)]);
        command.arg(format!("life={number}")).args(self.words.split(' '));
        command.arg(format!("progress={}", progress.display()));
        let child = Child::start(&mut command);
        let (app, pid, drops) = (self.app.clone(), u64::from(child.pid()), self.drops);
        self.lives.push(Life { app, number, pid, drops, whole: false, progress });
        self.child = Some(child);
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            child.signal(signal);
        }
    }

    /// From now on it logs as fast as it can.
    pub(super) fn hurry(&mut self) {
        if let Some(child) = &mut self.child {
            child.feed(b"!");
        }
    }

    pub(super) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        child.signal(Signal::KILL);
        child.end();
        assert_calm(&child);
    }

    /// Lets the program come to its end by itself.
    pub(super) fn finish(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let status = child.end_within(Duration::from_secs(90));
        assert!(status.success(), "{status}\n{}", child.stderr());
        assert_calm(&child);
        self.lives.last_mut().expect("it lives").whole = true;
    }
}

/// No thread of a program of ours has panicked.
pub(super) fn assert_calm(child: &Child) {
    assert!(!child.stderr().contains("panicked at"), "{}", child.stderr());
}
