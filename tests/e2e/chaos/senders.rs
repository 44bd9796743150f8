//! The programs that log: each has many lives, and what each life has surely logged is noted where
//! no kill takes it back.

use crate::harness::{Child, Clock, Scene, example};
use rustix::process::Signal;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// One program, alive or dead.
pub(super) struct Sender {
    pub(super) app: String,
    part: &'static Part,
    pub(super) spool: PathBuf,
    /// Its spool that was removed, until its records are safe again.
    removed: Option<PathBuf>,
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
    /// Whether later lives may give up and count what this one has left.
    pub(super) shares_room: bool,
    /// Whether it may come to have two senders at once, whose records come in either order.
    pub(super) is_swept: bool,
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

/// One who takes part: how many threads, how fast, in how large a spool, and whether a log call waits.
struct Part {
    words: &'static str,
    threads: usize,
    drops: bool,
    /// Whether it closes its descriptors. Its clock is the system's: libfaketime reads a file now and
    /// then, and would close another one of that number.
    closes: bool,
    /// Directory of its spools; `None` for that of the scene.
    spool: Option<&'static str>,
}

const PARTS: [Part; 6] = [
    Part { closes: true, ..Part::new("threads=3 rate=150 spool=65536 block=3600", 3) },
    Part { closes: true, ..Part::new("threads=4 rate=100 spool=1048576 block=3600", 4) },
    Part::new("threads=2 rate=200 spool=262144 block=3600", 2),
    Part { drops: true, ..Part::new("threads=3 rate=200 spool=65536", 3) },
    Part { spool: Some("swept"), ..Part::new("threads=2 rate=150 spool=262144 block=3600", 2) },
    // It has less room for its spools than each of them would like to have.
    Part { drops: true, spool: Some("small/spool"), ..Part::new("threads=3 rate=400", 3) },
];

/// How many of them, from the first, close their descriptors.
pub(super) const CLOSING: usize = 2;

/// How many of them, from the first, are killed and stopped in the ordinary way.
pub(super) const ORDINARY: usize = 4;

/// The one whose spools are removed, and the one with little room for them.
pub(super) const SWEPT: usize = 4;
pub(super) const SMALL: usize = 5;

impl Part {
    const fn new(words: &'static str, threads: usize) -> Self {
        Self { words, threads, drops: false, closes: false, spool: None }
    }
}

impl Sender {
    pub(super) fn all(scene: &Scene) -> Vec<Self> {
        let sender = |(n, part): (usize, &'static Part)| Self {
            app: format!("chaos-{n}"),
            part,
            spool: part.spool.map_or_else(|| scene.spool(), |name| scene.path(name)),
            removed: None,
            child: None,
            lives: Vec::new(),
        };
        PARTS.iter().enumerate().map(sender).collect()
    }

    pub(super) fn start(&mut self, scene: &Scene, to: &str, clock: Option<&Clock>) {
        let Part { words, threads, drops, closes, spool } = *self.part;
        let number = self.lives.len() as u64 + 1;
        let progress = scene.path(&format!("{}-{number}.progress", self.app));
        fs::write(&progress, vec![0; threads * 8]).expect("the scene has room");
        let mut command = scene.command(&example("subject"));
        command.env("NETLOG_SPOOL", &self.spool);
        if let Some(clock) = clock.filter(|_| !closes) {
            clock.govern(&mut command);
        }
        command.args(["do=pace", &format!("to={to}"), &format!("app={}", self.app)]);
        command.arg(format!("life={number}")).args(words.split(' '));
        command.arg(format!("progress={}", progress.display()));
        let child = Child::start(&mut command);
        let app = self.app.clone();
        let pid = u64::from(child.pid());
        let shares_room = drops && spool.is_some();
        let is_swept = !drops && spool.is_some();
        let whole = false;
        self.lives.push(Life { app, number, pid, drops, shares_room, is_swept, whole, progress });
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

    /// It closes all of its descriptors.
    pub(super) fn close_descriptors(&mut self) {
        if let Some(child) = &mut self.child {
            child.feed(b"c");
        }
    }

    /// Removes the directory of its spools, if nothing but its own is in it; whether that was so.
    pub(super) fn sweep(&mut self) -> bool {
        let rings = Scene::rings_in(&self.spool);
        let [ring] = rings.as_slice() else { return false };
        let Some(child) = self.child.as_mut().filter(|_| self.removed.is_none()) else {
            return false;
        };
        // That of an earlier life may be there while the program is still starting.
        let head = fs::read(ring).unwrap_or_default();
        let pid = format!("\npid {}\n", child.pid());
        if !head.windows(pid.len()).take(1024).any(|bytes| bytes == pid.as_bytes()) {
            return false;
        }
        fs::remove_dir_all(&self.spool).expect("it is ours");
        self.removed = Some(ring.clone());
        child.feed(b"s");
        true
    }

    /// Whether a kill costs nothing: what was in a removed spool is delivered, or in another file.
    pub(super) fn is_safe(&mut self) -> bool {
        let settled = |child: &Child, sweeps| child.stderr().matches("settled").count() >= sweeps;
        let Some(child) = self.child.as_ref() else { return true };
        let sweeps = child.stderr().matches("was removed; a new spool").count();
        let safe = |removed: &PathBuf| removed.exists() || (sweeps > 0 && settled(child, sweeps));
        if self.removed.as_ref().is_some_and(safe) {
            self.removed = None;
        }
        self.removed.is_none()
    }

    pub(super) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        child.signal(Signal::KILL);
        child.end();
        assert_calm(&child);
        self.assert_durable(&child);
        self.check_own_files();
    }

    /// Its spool is a file: what waits in memory would die with it.
    fn assert_durable(&self, child: &Child) {
        let has_little_room = self.part.drops && self.part.spool.is_some();
        let said = child.stderr();
        assert!(has_little_room || !said.contains("wait in memory"), "{said}");
    }

    /// Nobody has written to the files that it opened in place of descriptors of the logger.
    fn check_own_files(&self) {
        let life = self.lives.last().expect("it lived");
        for n in 0.. {
            let path = format!("{}.own.{n}", life.progress.display());
            let Ok(text) = fs::read(&path) else { return };
            assert!(text.is_empty() || text == b"mine", "{path}: {text:?}");
            fs::remove_file(&path).expect("it is there");
        }
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
