//! A collector as a process of its own: netlog's, or a floor that says as it does where it listens.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// The collector, built when it is needed first.
static COLLECTOR: LazyLock<PathBuf> = LazyLock::new(build_collector);

/// A running collector; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Daemon {
    /// netlog's collector as users run it, appending to `file`.
    pub(crate) fn collector(file: &Path) -> Self {
        let mut collector = Command::new(COLLECTOR.as_path());
        Self::start(
            collector
                .args([
                    "--listen",
                    "tcp://127.0.0.1:0",
                    "--http",
                    "off",
                    "--rotate-size",
                    "0",
                    "--file",
                ])
                .arg(file),
        )
    }

    /// Starts `command` and waits until it prints `listening on tcp://…`.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?} does not start: {e}"));
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let listening = |line: String| line.strip_prefix("listening on tcp://")?.parse().ok();
        let address = lines.by_ref().find_map(listening);
        let address = address.unwrap_or_else(|| panic!("{command:?} does not listen"));
        // Whatever it complains of belongs under the eyes of whoever reads the table.
        std::thread::spawn(move || lines.for_each(|line| eprintln!("{line}")));
        Self { child, address }
    }

    /// The CPU time all its threads have used, in seconds, to the kernel's hundredth.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("the collector runs");
        // The program's name, in parentheses, may hold spaces; user and system time are the 12th
        // and 13th fields behind it.
        let behind = stat.rsplit(')').next().unwrap_or_default();
        let hundredths: u64 =
            behind.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        hundredths as f64 / rustix::param::clock_ticks_per_second() as f64
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds the collector where this bench was built, and answers its path.
fn build_collector() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", "netlog-collector"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(build.is_ok_and(|status| status.success()), "the collector could not be built");
    let bench = std::env::current_exe().expect("a bench has a path");
    let target = bench.ancestors().nth(2).expect("a bench lies in target/release/deps");
    target.join("netlog-collector")
}
