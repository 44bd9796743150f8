//! A collector as a process of its own: netlog's, or a floor that says as it does where it listens.

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

/// The collector, built when it is needed first.
static COLLECTOR: LazyLock<PathBuf> =
    LazyLock::new(|| build("netlog-collector", "netlog-collector"));

/// A running collector; killed when dropped.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Daemon {
    /// netlog's collector as users run it, appending to `file`.
    pub(crate) fn collector(file: &Path) -> Self {
        Self::collector_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), file)
    }

    /// The same at an address of our choice.
    pub(crate) fn collector_at(address: SocketAddr, file: &Path) -> Self {
        let listen = format!("tcp://{address}");
        let mut collector = Self::command(file, &listen, &["--http", "off"]);
        Self::start(&mut collector, &["listening on tcp://"]).0
    }

    /// The command that starts a collector which listens at a URL and appends to `file`, and does
    /// not rotate it: its lines are counted.
    pub(crate) fn command(file: &Path, listen: &str, more: &[&str]) -> Command {
        let mut collector = Command::new(COLLECTOR.as_path());
        collector.args(["--listen", listen, "--rotate-size", "0", "--file"]).arg(file).args(more);
        collector
    }

    /// Starts `command` and waits until it has printed a line with each of `heads` and an address;
    /// the addresses of all but the first are the second answer.
    pub(crate) fn start(command: &mut Command, heads: &[&str]) -> (Self, Vec<SocketAddr>) {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?} does not start: {e}"));
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let mut address_behind = |head: &str| {
            let behind = |line: String| line.strip_prefix(head)?.parse().ok();
            let found: Option<SocketAddr> = lines.by_ref().find_map(behind);
            found.unwrap_or_else(|| panic!("{command:?} does not say where it is {head}"))
        };
        let mut addresses: Vec<_> = heads.iter().map(|head| address_behind(head)).collect();
        // Whatever it complains of belongs under the eyes of whoever reads the table.
        std::thread::spawn(move || lines.for_each(|line| eprintln!("{line}")));
        let address = addresses.remove(0);
        (Self { child, address }, addresses)
    }

    /// The CPU time all its threads have used, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid is an i32"));
        let spent = clock_getcpuclockid(pid).and_then(clock_gettime).expect("the collector runs");
        Duration::from(spent).as_secs_f64()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds a program of ours where this bench was built, and answers its path.
pub(crate) fn build(package: &str, program: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", package])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(build.is_ok_and(|status| status.success()), "{program} could not be built");
    let bench = std::env::current_exe().expect("a bench has a path");
    let target = bench.ancestors().nth(2).expect("a bench lies in target/release/deps");
    target.join(program)
}
