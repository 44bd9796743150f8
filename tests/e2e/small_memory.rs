//! A small `/dev/shm`, as containers have it: a tmpfs in a mount namespace of its own, which goes with
//! the process that holds it.

use crate::harness::{Child, Collector, Port, Scene, example};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The namespace, held by a process in it, and the way there.
struct SmallMemory {
    _holder: Child,
    path: PathBuf,
}

impl SmallMemory {
    /// `None` where the system forbids it, with the reason on stderr.
    fn mount(scene: &Scene, size: &str) -> Option<Self> {
        let inside = scene.path("shm");
        std::fs::create_dir(&inside).expect("the scene has room");
        let script = "mount -t tmpfs -o size=$1 netlog \"$2\" && echo mounted && exec cat";
        let mut command = scene.command(Path::new("unshare"));
        // Only with a user namespace may others than root have one.
        command.args((!rustix::process::geteuid().is_root()).then_some("--map-root-user"));
        command.args(["--mount", "sh", "-c", script, "sh", size]).arg(&inside);
        let holder = Child::start(&mut command);
        if !holder.prints(|text| text.contains("mounted")) {
            let why = holder.stderr();
            let _ = write!(std::io::stderr(), "skipped: no mount namespace of our own: {why}");
            return None;
        }
        let path = format!("/proc/{}/root{}", holder.pid(), inside.display());
        Some(Self { _holder: holder, path: path.into() })
    }

    /// Runs the subject to its end, with its spools here; answers its pid and what it said.
    fn run(&self, scene: &Scene, told: &str) -> (u64, String) {
        let mut command = scene.command(&example("subject"));
        command.env("NETLOG_SPOOL", &self.path).args(told.split_whitespace());
        let mut subject = Child::start(&mut command);
        let pid = u64::from(subject.pid());
        subject.end();
        (pid, subject.stderr())
    }

    /// Delivers all that is left.
    fn deliver(&self, scene: &Scene, port: &Port) -> Delivered {
        let collector = Collector::with(scene, &format!("--listen tcp://{}", port.address()));
        let line = format!("ship --to {} {}", port.address(), self.path.display());
        scene.netlog(&line).succeed();
        let mut delivered = Delivered::default();
        for record in &collector.stop().0 {
            let pid = record["pid"].as_u64().unwrap_or_default();
            match record["target"].as_str() {
                Some("subject") => *delivered.by_pid.entry(pid).or_default() += 1,
                _ => delivered.lost += record["lost"].as_u64().unwrap_or_default(),
            }
        }
        delivered
    }
}

/// What came of some runs.
#[derive(Debug, Default)]
struct Delivered {
    by_pid: BTreeMap<u64, u64>,
    lost: u64,
}

impl Delivered {
    /// Of runs of `each` records, the newest came whole, and what the older ones had is counted;
    /// answers how many came. Of thousands of runs, some have the same pid.
    fn assert_newest_of(&self, pids: &[u64], each: u64) -> usize {
        let discarded = (self.lost / each) as usize;
        let mut expected = BTreeMap::new();
        for pid in &pids[discarded..] {
            *expected.entry(*pid).or_default() += each;
        }
        assert_eq!(self.by_pid, expected, "lost {}", self.lost);
        pids.len() - discarded
    }
}

#[test]
fn a_crash_loop_of_ten_starts_in_a_small_dev_shm_keeps_every_run_while_the_collector_is_away() {
    for size in ["64m", "4m"] {
        let scene = Scene::new();
        let port = Port::reserve();
        let Some(memory) = SmallMemory::mount(&scene, size) else { return };
        let told = format!("to={} app=loop records=3 end=kill", port.address());
        let runs: Vec<_> = (0..10).map(|_| memory.run(&scene, &told)).collect();
        for (_, said) in &runs {
            assert!(!said.contains("wait in memory"), "{size}: {said}");
            assert_eq!(said.contains("room for a spool of 2048 KiB only"), size == "4m", "{said}");
        }
        let pids: Vec<u64> = runs.iter().map(|run| run.0).collect();
        assert_eq!(memory.deliver(&scene, &port).assert_newest_of(&pids, 3), 10, "{size}");
    }
}

#[test]
fn of_a_long_crash_loop_in_a_small_dev_shm_the_newest_runs_are_kept_and_the_others_are_counted() {
    let scene = Scene::new();
    let port = Port::reserve();
    let Some(memory) = SmallMemory::mount(&scene, "4m") else { return };
    let told = format!("to={} app=loop records=500 pad=100 end=kill", port.address());
    let pids: Vec<u64> = (0..40).map(|_| memory.run(&scene, &told).0).collect();
    let kept = memory.deliver(&scene, &port).assert_newest_of(&pids, 500);
    // Each takes less than 200 KiB, and the last one has a spool of at least 256 KiB.
    assert!((18..40).contains(&kept), "{kept}");
}

/// `NETLOG_SHORT_RUNS=10000 cargo test --test e2e of_hundreds_of_short_runs -- --nocapture` has 64 MiB,
/// as containers do, and takes some minutes.
#[test]
fn of_hundreds_of_short_runs_as_cron_starts_them_a_small_dev_shm_keeps_as_many_as_fit() {
    let wanted = std::env::var("NETLOG_SHORT_RUNS").ok().and_then(|runs| runs.parse().ok());
    // Each takes two pages, and the last one has a spool of at least 256 KiB.
    let (size, fit) = if wanted.is_some() { ("64m", 7000..=8192) } else { ("1m", 80..=128) };
    let scene = Scene::new();
    let port = Port::reserve();
    let Some(memory) = SmallMemory::mount(&scene, size) else { return };
    let told = format!("to={} app=cron records=5", port.address());
    let runs = 0..wanted.unwrap_or(200);
    let pids: Vec<u64> = runs.map(|_| memory.run(&scene, &told).0).collect();
    let kept = memory.deliver(&scene, &port).assert_newest_of(&pids, 5);
    let _ = writeln!(std::io::stderr(), "the newest {kept} of {} runs are kept", pids.len());
    assert!(fit.contains(&kept), "{kept}");
}

#[test]
fn no_earlier_run_is_discarded_for_a_spool_that_cannot_be_had_even_so() {
    let scene = Scene::new();
    let port = Port::reserve();
    let Some(memory) = SmallMemory::mount(&scene, "4m") else { return };
    let told = format!("to={} app=app records=100 spool=65536 end=kill", port.address());
    let (pid, _) = memory.run(&scene, &told);
    let free = rustix::fs::statvfs(&memory.path).expect("it is mounted");
    let filler = vec![0; (free.f_bavail * free.f_frsize) as usize - 64 * 1024];
    std::fs::write(memory.path.join("filler"), filler).expect("there is room");
    let large = told.replace("spool=65536", "spool=8388608");
    let (_, said) = memory.run(&scene, &large);
    assert!(said.contains("wait in memory") && !said.contains("discarded"), "{said}");
    std::fs::remove_file(memory.path.join("filler")).expect("it is there");
    assert_eq!(memory.deliver(&scene, &port).by_pid.get(&pid), Some(&100));
}
