//! Processes that are started here, what they spend, and what they leave in their files.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long one may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon; killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts `command` and waits until somebody listens at `address`.
    pub(crate) fn start(command: &mut Command, address: SocketAddr) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|e| panic!("{command:?} does not start: {e}"));
        let (mut process, until) = (Self(child), Instant::now() + PATIENCE);
        while TcpStream::connect(address).is_err() {
            let ended = process.0.try_wait().expect("a child can be asked for");
            assert!(ended.is_none() && Instant::now() < until, "{command:?} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        process
    }

    /// A program of netlog's that `run` has built.
    pub(crate) fn built(name: &str) -> PathBuf {
        let target = std::env::var_os("NETLOG_BUILT").expect("NETLOG_BUILT, as `run` sets it");
        Path::new(&target).join("release").join(name)
    }

    /// The CPU time it has used, in seconds, to the kernel's hundredth.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = self.read("stat");
        // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th
        // fields behind it.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let hundredths: u64 = fields.skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        hundredths as f64 / rustix::param::clock_ticks_per_second() as f64
    }

    /// The most memory it has had, in MiB.
    pub(crate) fn peak(&self) -> f64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.0.id())).expect("it runs")
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
