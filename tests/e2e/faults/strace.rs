//! Faults by `strace -e inject`: which there are, and a command whose one call fails.

use super::call_sites::{SeenCall, TracedCall, calls, seen};
use super::of_sites;
use super::unwindable::unwindable;
use crate::harness::{Scene, example, program};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The calls of this name that have these numbers, in each thread, fail with this error.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) call: &'static str,
    pub(super) error: &'static str,
    pub(super) numbers: RangeInclusive<usize>,
    /// The file of the scene that the call has to concern, for it to count.
    pub(super) file: Option<String>,
}

/// The end of a run that broke no promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As if nothing had failed.
    Survived,
    /// It ended, and said why.
    Ended,
    /// It ended because the system gave no memory, or by an error that no system gives there.
    Outside,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, error, numbers, .. } = self;
        write!(f, "inject={call}:error={error}:when={}..{}", numbers.start(), numbers.end())
    }
}

/// The calls that may fail, and how.
const CALLS: [(&str, &[&str]); 29] = [
    ("write", &["ENOSPC", "EIO", "EINTR"]),
    ("writev", &["ENOSPC", "EIO", "EINTR"]),
    ("pwrite64", &["ENOSPC", "EIO", "EINTR"]),
    ("pread64", &["EIO", "EINTR"]),
    ("read", &["EIO", "EINTR"]),
    ("openat", &["EMFILE", "ENOSPC", "EACCES"]),
    ("fdatasync", &["EIO", "ENOSPC"]),
    ("fsync", &["EIO"]),
    ("ftruncate", &["EIO", "EINTR"]),
    ("fallocate", &["ENOSPC", "EINTR"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("renameat2", &["EIO"]),
    ("unlink", &["EIO"]),
    ("unlinkat", &["EIO"]),
    ("mkdir", &["ENOSPC"]),
    ("mkdirat", &["ENOSPC"]),
    ("statx", &["EIO"]),
    ("fstat", &["EIO"]),
    ("flock", &["EINTR", "EIO"]),
    ("getdents64", &["EIO"]),
    ("mmap", &["ENOMEM"]),
    ("recvfrom", &["EAGAIN", "EINTR", "ECONNRESET"]),
    ("sendto", &["EAGAIN", "EINTR", "ECONNRESET"]),
    ("accept4", &["EMFILE", "ECONNABORTED", "EINTR"]),
    ("socket", &["EMFILE"]),
    ("connect", &["EINTR", "ECONNREFUSED"]),
    ("epoll_wait", &["EINTR"]),
    ("poll", &["EINTR"]),
    ("clone3", &["EAGAIN"]),
];

/// More of them, that fail where netlog makes them and not where the runtime of Rust does before
/// `main`: only by places.
const CALLS_OF_PLACES: [(&str, &[&str]); 13] = [
    ("renameat", &["EIO", "ENOSPC"]),
    ("mknodat", &["ENOSPC"]),
    ("newfstatat", &["EIO"]),
    ("readlink", &["EIO"]),
    ("lseek", &["EIO"]),
    ("fchmod", &["EIO"]),
    ("utimensat", &["EIO"]),
    ("eventfd2", &["EMFILE"]),
    ("epoll_create1", &["EMFILE"]),
    ("socketpair", &["EMFILE"]),
    ("fcntl", &["EMFILE"]),
    ("ppoll", &["EINTR"]),
    ("mprotect", &["ENOMEM"]),
];

/// The calls that may fail in this run of the tests.
pub(super) fn kinds() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
    let more: &[_] = if of_sites() { &CALLS_OF_PLACES } else { &[] };
    CALLS.iter().chain(more)
}

/// The errors with which a call may fail.
pub(super) fn errors(call: &str) -> &'static [&'static str] {
    CALLS.iter().chain(&CALLS_OF_PLACES).find(|(name, _)| *name == call).map_or(&[], |kind| kind.1)
}

/// Panics outside netlog over calls that the system never lets fail in this way, or that fail before
/// `main`: a write to an event counter, a read of the pipe of signals, the stack for overflows. Or
/// with which the runtime cannot begin: that pipe.
const NOT_OURS: [&str; 5] = [
    "failed to create UnixStream",
    "failed to wake I/O driver",
    "Bad read on self-pipe",
    "failed to allocate an alternative stack",
    "failed to set up alternative stack guard page",
];

/// Whether the failed call was one that the system does not let fail in this way.
pub(super) fn outside(stderr: &str) -> bool {
    NOT_OURS.iter().any(|reason| stderr.contains(reason)) || stderr.contains("memory allocation of")
}

/// Outcome of a program that has ended, unless it panicked or did not say why it failed.
pub(super) fn outcome(success: bool, explained: bool, stderr: &str) -> Option<Outcome> {
    let outside = outside(stderr);
    match success {
        _ if stderr.contains("panicked") && !outside => None,
        true => Some(Outcome::Survived),
        false if outside => Some(Outcome::Outside),
        false => explained.then_some(Outcome::Ended),
    }
}

/// Why no fault can be injected, if so.
pub(super) fn missing() -> Option<&'static str> {
    let found = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    found.is_err().then_some("skipped: strace is not installed")
}

/// The collector or the tests' subject, with stacks if faults are chosen by places.
pub(super) fn target(name: &str) -> PathBuf {
    match name {
        _ if of_sites() => unwindable(name),
        "subject" => example(name),
        _ => program(name),
    }
}

fn names() -> String {
    kinds().map(|(call, _)| *call).collect::<Vec<_>>().join(",")
}

/// A command under strace, which reports its calls to a file of the scene.
pub(super) fn traced(scene: &Scene, program: &Path) -> Command {
    let mut command = scene.command(Path::new("strace"));
    command.args(["-D", "-f", "-qq", "--seccomp-bpf", "-e", &format!("trace={}", names())]);
    command.args(of_sites().then_some("-ky")).arg("-o");
    command.arg(scene.path("trace")).arg(program);
    command
}

/// A command of which one call fails.
pub(super) fn failing(scene: &Scene, program: &Path, fault: &Fault) -> Command {
    let mut command = scene.command(Path::new("strace"));
    command.args(["-D", "-f", "-qq", "--seccomp-bpf", "-e"]);
    command.args([&format!("trace={}", fault.call), "-e", &fault.to_string()]);
    if let Some(file) = &fault.file {
        command.arg("-P").arg(scene.path(file));
    }
    command.args(of_sites().then_some("-ky")).arg("-o");
    command.arg(scene.path("trace")).arg(program);
    command
}

/// The calls of a run with their places, if faults are chosen by them.
pub(super) fn seen_calls(scene: &Scene, name: &str) -> Vec<SeenCall> {
    let trace = std::fs::read_to_string(scene.path("trace")).unwrap_or_default();
    if of_sites() { seen(&trace, &target(name), &scene.path("")) } else { Vec::new() }
}

/// Whether the call was made, so that it failed.
pub(super) fn happened(scene: &Scene) -> bool {
    let trace = std::fs::read_to_string(scene.path("trace")).unwrap_or_default();
    calls(&trace).iter().any(|call| call.injected)
}

/// Number of requests to end that the runtime's handler of signals could not announce: a call fails
/// once in each thread, and any may run the handler.
pub(super) fn ends_unheard(scene: &Scene) -> usize {
    unheard(&std::fs::read_to_string(scene.path("trace")).unwrap_or_default())
}

fn unheard(trace: &str) -> usize {
    let mut handling = HashMap::new();
    let mut count = 0;
    for (thread, what) in trace.lines().filter_map(|line| line.split_once(' ')) {
        let what = what.trim_start();
        if let Some(signal) = what.strip_prefix("--- ") {
            handling.insert(thread, signal.starts_with("SIGTERM"));
        } else if what.contains(r#""\1", 1,"#) && what.contains("(INJECTED)") {
            count += usize::from(handling.get(thread) == Some(&true));
        }
    }
    count
}

#[test]
fn a_request_to_end_that_was_not_announced_is_counted() {
    let trace = "7 --- SIGHUP {si_signo=SIGHUP} ---\n\
                 7 sendto(5, \"\\1\", 1, MSG_NOSIGNAL, NULL, 0) = -1 EINTR (Interrupted) (INJECTED)\n\
                 8 --- SIGTERM {si_signo=SIGTERM} ---\n\
                 8 sendto(5<UNIX-STREAM:[1]>, \"\\1\", 1, 0, NULL, 0) = -1 EINTR (x) (INJECTED)\n\
                 9 --- SIGTERM {si_signo=SIGTERM} ---\n\
                 9 sendto(5, \"\\1\", 1, MSG_NOSIGNAL, NULL, 0) = 1\n";
    assert_eq!(unheard(trace), 1);
}

/// The faults that a run can have, by its calls as [`traced`] has written them. Calls before
/// `execve` has loaded the program's libraries are those of the loader: nothing of ours.
pub(super) fn faults(scene: &Scene) -> Vec<Fault> {
    let trace = std::fs::read_to_string(scene.path("trace")).expect("it was traced");
    let mut counts = HashMap::<(&str, &str), usize>::new();
    let mut loading = BTreeMap::<&str, usize>::new();
    let mut loaded = false;
    for TracedCall { thread, name, .. } in calls(&trace) {
        // The program's own first step, once the loader has done with the libraries.
        loaded |= !["openat", "read", "fstat", "mmap", "pread64"].contains(&name);
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        if !loaded {
            loading.insert(name, *count);
        }
    }
    let mut faults = Vec::new();
    for &(call, errors) in kinds() {
        let most = counts.iter().filter(|((_, name), _)| *name == call).map(|(_, count)| *count);
        let first = loading.get(call).copied().unwrap_or_default() + 1;
        for number in first..=most.max().unwrap_or_default() {
            let fault = |&error| Fault { call, error, numbers: number..=number, file: None };
            faults.extend(errors.iter().map(fault));
        }
    }
    faults
}
