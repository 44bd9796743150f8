//! Processes that are started here, what they spend, and what they leave in their files.

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long one may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon; killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts `command` and waits until it listens. If it never does, the error is what it said.
    pub(crate) fn start(command: &mut Command, listens: impl Fn() -> bool) -> Result<Self, String> {
        let mut complaints = tempfile::tempfile().expect("a file can be made");
        let stderr = complaints.try_clone().expect("a file can be shared");
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let mut process = Self(command.spawn().map_err(|e| format!("start {command:?}: {e}"))?);
        let until = Instant::now() + PATIENCE;
        while !listens() {
            let ended = process.0.try_wait().expect("a child can be asked for");
            if ended.is_some() || Instant::now() > until {
                let mut said = String::new();
                let read = complaints.rewind().and_then(|()| complaints.read_to_string(&mut said));
                read.expect("what was written can be read");
                return Err(format!("it does not listen: {}", said.trim()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(process)
    }

    /// A program of netlog's that `run` has built.
    pub(crate) fn built(name: &str) -> PathBuf {
        let target = std::env::var_os("NETLOG_BUILT").expect("NETLOG_BUILT, as `run` sets it");
        Path::new(&target).join("release").join(name)
    }

    /// The CPU time it has used, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).expect("a pid is an i32"));
        let spent = clock_getcpuclockid(pid).and_then(clock_gettime).expect("it runs");
        Duration::from(spent).as_secs_f64()
    }

    /// The most memory it has had, in MiB.
    pub(crate) fn peak(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address on loopback that nobody listens at.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("a bound socket has an address")
}

/// How often `word` stands in a file.
pub(crate) fn lines(file: &Path, word: &[u8]) -> u64 {
    let Ok(mut file) = File::open(file) else { return 0 };
    let finder = memchr::memmem::Finder::new(word);
    let (mut buffer, mut kept, mut found) = (vec![0; 1 << 20], 0, 0);
    while let Ok(count @ 1..) = file.read(&mut buffer[kept..]) {
        let all = kept + count;
        found += finder.find_iter(&buffer[..all]).count() as u64;
        kept = all.min(word.len() - 1);
        buffer.copy_within(all - kept..all, 0);
    }
    found
}
