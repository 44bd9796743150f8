//! What netlog costs while little happens, and how long a record takes then:
//! `cargo bench --bench quiet`.
//!
//! Memory is what the kernel counts as resident, wake-ups are voluntary context switches of all
//! threads. `NETLOG_BENCH_SECONDS` is how long wake-ups are counted (5), `NETLOG_BENCH_CONNECTIONS`
//! how many connections are held open (9,900), `NETLOG_BENCH_RECORDS` how many records are waited
//! for, one by one (500).
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

mod daemon;
mod hold;
mod latency;
mod run;

use daemon::Daemon;
use hold::{hold, raise_files};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [flag] if flag == "--mute" => wait(),
        [flag, address] if flag == "--logging" => log_and_wait(address),
        [flag, address] if flag == "--chatting" => chat(address),
        _ => measure(),
    }
}

/// A program that does nothing.
fn wait() {
    println!("ready");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// A program that logs something every now and then.
fn chat(address: &str) {
    let _guard = netlog::init(address).expect("netlog starts");
    println!("ready");
    std::thread::spawn(|| {
        loop {
            log::info!("what another program says");
            std::thread::sleep(Duration::from_millis(7));
        }
    });
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// The same with netlog, which has logged and has nothing more to say.
fn log_and_wait(address: &str) {
    let _guard = netlog::init(address).expect("netlog starts");
    log::info!("a record");
    assert!(netlog::flush(Duration::from_secs(10)).acked, "the record arrives");
    wait();
}

fn measure() {
    let seconds = Duration::from_secs_f64(run::setting("NETLOG_BENCH_SECONDS", 5.0));
    let connections = run::setting("NETLOG_BENCH_CONNECTIONS", 9900.0) as usize;
    raise_files();
    println!("{}\n", run::machine());
    let place = tempfile::tempdir().expect("a directory for the file");
    let collector = Daemon::collector(&place.path().join("records.log"));
    let pid = collector.child.id();
    let (started, cpu) = (Instant::now(), collector.cpu());
    println!("collector, at its start:       {:>8} KiB resident", resident(pid));
    println!("collector, idle:               {:>8.1} wake-ups a second", wake_ups(pid, seconds));
    sender(&collector, place.path(), seconds);
    let cpu = (collector.cpu() - cpu) / started.elapsed().as_secs_f64();
    println!("collector, meanwhile:          {:>8.2} % of a CPU", cpu * 100.0);

    let before = resident(pid);
    let held = hold(collector.address, connections);
    let cost = (resident(pid) - before) as f64 * 1024.0 / held.len() as f64;
    println!("collector, {} idle connections: {cost:.0} bytes each", held.len());
    println!("collector, with them, idle:    {:>8.1} wake-ups a second", wake_ups(pid, seconds));
    drop(held);
    drop(collector);
    let chatter = |at: &str| Program::start(&["--chatting", at], place.path());
    latency::run(place.path(), chatter);
}

fn sender(collector: &Daemon, place: &Path, seconds: Duration) {
    let without = Program::start(&["--mute"], place);
    let with = Program::start(&["--logging", &collector.address.to_string()], place);
    let (without, with) = (without.0.id(), with.0.id());
    let (more, spool) = (resident(with) - resident(without), 8 << 10);
    println!("sender, over one without netlog: {more:>6} KiB resident (the spool has {spool})");
    println!("sender, idle:                  {:>8.1} wake-ups a second", wake_ups(with, seconds));
}

/// This program again, doing as it is told until it is dropped.
struct Program(Child);

impl Program {
    fn start(args: &[&str], spool: &Path) -> Self {
        let bench = std::env::current_exe().expect("a bench has a path");
        let mut child = Command::new(bench)
            .args(args)
            .env("NETLOG_SPOOL", spool)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a bench can start itself");
        let mut ready = [0; 6];
        let stdout = child.stdout.as_mut().expect("stdout is a pipe");
        stdout.read_exact(&mut ready).expect("it is ready");
        Self(child)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The resident memory of a process, in KiB (proc(5), VmRSS).
fn resident(pid: u32) -> i64 {
    figure(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// How often the threads of a process woke up, a second.
fn wake_ups(pid: u32, time: Duration) -> f64 {
    let start = Instant::now();
    let before = switches(pid);
    std::thread::sleep(time);
    (switches(pid) - before) as f64 / start.elapsed().as_secs_f64()
}

fn switches(pid: u32) -> i64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let status = threads.filter_map(|thread| Some(thread.ok()?.path().join("status")));
    status.map(|path| figure(&path.to_string_lossy(), "voluntary_ctxt_switches:")).sum()
}

fn figure(path: &str, name: &str) -> i64 {
    let text = fs::read_to_string(path).expect("the process runs");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|figure| figure.parse().ok()).unwrap_or_default()
}
