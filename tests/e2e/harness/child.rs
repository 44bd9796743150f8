//! A process that ends with its test, and whose words are shown when the test fails.

use super::{SOON, Watched};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::io::{Read, Write};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

pub(crate) struct Child {
    name: String,
    child: std::process::Child,
    stdin: Option<ChildStdin>,
    stdout: Heard,
    stderr: Heard,
}

/// What a process has written so far. A thread listens, so that no process waits for its reader.
#[derive(Clone, Default)]
struct Heard(Watched<Output>);

/// The bytes that have come, and whether there will be more.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    pub(crate) ended: bool,
}

impl Output {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl Heard {
    fn listen(mut from: impl Read + Send + 'static) -> Self {
        let heard = Self::default();
        let ours = heard.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                ours.0.change(|output| output.bytes.extend_from_slice(&buffer[..count]));
            }
            ours.0.change(|output| output.ended = true);
        });
        heard
    }

    fn text(&self) -> String {
        self.0.lock().text()
    }
}

impl Child {
    /// Starts `command` with all its streams in our hands. What the environment says about
    /// logging is not for it.
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        for key in
            ["RUST_LOG", "RUST_BACKTRACE", "NO_COLOR", "NETLOG_TO", "NETLOG_APP", "NETLOG_TOKEN"]
        {
            if command.get_envs().all(|(set, _)| set != key) {
                command.env_remove(key);
            }
        }
        // The default addresses exist once, and the tests are many.
        for (key, value) in [("NETLOG_HTTP", "off"), ("NETLOG_LISTEN", "tcp://127.0.0.1:0")] {
            if command.get_envs().all(|(set, _)| set != key) {
                command.env(key, value);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("failed to start {name}: {e}"));
        let stdin = child.stdin.take();
        let stdout = Heard::listen(child.stdout.take().expect("it is piped"));
        let stderr = Heard::listen(child.stderr.take().expect("it is piped"));
        Self { name, child, stdin, stdout, stderr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes to the process' stdin.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("stdin is still open");
        if let Err(e) = stdin.write_all(bytes) {
            let ended = self.child.wait().expect("the process is our child");
            panic!("it reads its stdin no more ({e}), {ended}:\n{}", self.stderr());
        }
    }

    /// Closes the process' stdin.
    pub(crate) fn hang_up(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the process has not been waited for");
    }

    pub(crate) fn running(&mut self) -> bool {
        self.child.try_wait().expect("the process is our child").is_none()
    }

    /// Waits for the end of the process, and of what it had to say.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.end_within(SOON)
    }

    pub(crate) fn end_within(&mut self, limit: Duration) -> ExitStatus {
        self.hang_up();
        let ended = self.ends_within(limit);
        assert!(ended, "still running after {limit:?}: {}\n{}", self.name, self.stderr());
        // Whoever inherited its streams may keep them open; that is not ours to wait for long.
        for heard in [&self.stdout, &self.stderr] {
            heard.0.wait(Duration::from_secs(5), |output| output.ended);
        }
        self.child.wait().expect("the process is our child")
    }

    /// Waits for the end of the process; tells whether it came.
    fn ends_within(&mut self, limit: Duration) -> bool {
        if !self.running() {
            return true;
        }
        let until = Instant::now() + limit;
        let process = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty());
        let process = process.expect("the process has not been waited for");
        while self.running() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let left = Timespec::try_from(left).expect("a short time");
            // An interrupted wait is one of many.
            let _ = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&left));
        }
        true
    }

    /// Waits for the end of the process, which must be a success.
    pub(crate) fn succeed(&mut self) {
        let status = self.end();
        assert!(status.success(), "{} ended with {status}\n{}", self.name, self.stderr());
    }

    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// As long as this is held, hardly more of its stdout is read.
    pub(crate) fn unheard(&self) -> MutexGuard<'_, Output> {
        self.stdout.0.lock()
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until the process has said `words` on stderr.
    pub(crate) fn says(&self, words: &str) {
        let said = self.until_stderr(|output| output.text().contains(words));
        assert!(said, "{} did not say {words:?} but\n{}", self.name, self.stderr());
    }

    /// Waits until a condition holds for the text on its stdout; tells whether it came to hold before
    /// the end.
    pub(crate) fn prints(&self, mut condition: impl FnMut(&str) -> bool) -> bool {
        let mut holds = false;
        self.stdout.0.wait(SOON, |output| {
            holds = condition(&output.text());
            holds || output.ended
        });
        holds
    }

    /// Waits until a condition holds for its stderr; tells whether it came to hold.
    pub(crate) fn until_stderr(&self, condition: impl FnMut(&Output) -> bool) -> bool {
        self.stderr.0.wait(SOON, condition)
    }

    /// The peak of the memory the process itself holds, in bytes, its spool's mapping included.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory it holds now, in the same way.
    pub(crate) fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Bytes of its memory that are no part of a file: not of its program, which is read bit by bit.
    pub(crate) fn own_memory(&self) -> u64 {
        self.status("RssAnon:")
    }

    /// The processor time it has taken; none once it has been waited for.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
        Some(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
    }

    fn status(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let status = std::fs::read_to_string(path).expect("the process is running");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("it is told");
        kib.trim().parse::<u64>().expect("a number") * 1024
    }
}

impl Drop for Child {
    // Unlike a write to stderr, this is shown with the test that failed.
    #[allow(clippy::print_stderr)]
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- {} (pid {}) said\n{}", self.name, self.pid(), self.stderr());
        }
    }
}
