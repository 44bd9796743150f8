//! The subject among forks, closed descriptors, forbidden calls and signals.

#![allow(unsafe_code)]

use super::{Told, log_numbers, log_range, say};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The parent logs as thread 1, its child as thread 2, and the child's child as thread 3.
pub(super) fn fork(told: &Told, guard: netlog::Guard) {
    let (records, mut thread) = (told.number("records", 1000), 1);
    let mut child = 0;
    log_numbers(thread, records / 2, "");
    while thread < 3 {
        // SAFETY: whatever the logger's own threads hold at this moment, a child must live with.
        child = unsafe { libc::fork() };
        assert!(child >= 0, "no fork");
        if child > 0 {
            break;
        }
        thread += 1;
        log_numbers(thread, records / 2, "");
    }
    log_range(thread, records / 2 + 1..=records, "");
    if child > 0 {
        // SAFETY: the child is ours and its status is not asked for.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
    drop(guard);
}

/// Logs, forks a child that lives until stdin ends and never logs, and is killed.
pub(super) fn leave_an_orphan(told: &Told) {
    log_numbers(1, told.number("records", 1000), "");
    // SAFETY: the child only reads and ends.
    unsafe {
        if libc::fork() == 0 {
            say("the child lives");
            while libc::read(0, [0_u8; 1].as_mut_ptr().cast(), 1) > 0 {}
            libc::_exit(0);
        }
        libc::kill(libc::getpid(), libc::SIGKILL);
    }
}

/// Forks children, each of which logs for the first time in one thread while another one forks. The
/// grandchild logs too. One that hangs is ended by an alarm and counted, and is the last one.
pub(super) fn fork_while_logging(children: u64) {
    /// The time that a grandchild has: only one that hangs needs it.
    const SECONDS: libc::c_uint = 30;
    let mut hung = 0;
    for n in 1..=children {
        // SAFETY: whatever the logger's own threads hold at this moment, a child must live with.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::alarm(2 * SECONDS);
                let first = std::thread::spawn(|| log_numbers(2, 1, ""));
                std::hint::black_box((0..n * 300).fold(0, |sum, n| std::hint::black_box(sum ^ n)));
                let grandchild = libc::fork();
                if grandchild == 0 {
                    libc::alarm(SECONDS);
                    log_numbers(3, 1, "");
                    libc::_exit(0);
                }
                let ended = wait_for(grandchild);
                let _ = first.join();
                libc::_exit(i32::from(!ended));
            }
            hung += u64::from(!wait_for(child));
        }
        if hung > 0 {
            break;
        }
    }
    say(&format!("{hung} of {children} hung"));
}

/// Waits for a process; `true` if it ended well.
fn wait_for(process: libc::pid_t) -> bool {
    let mut status = 0;
    // SAFETY: the process is a child of this one, and the status is ours.
    let waited = unsafe { libc::waitpid(process, &raw mut status, 0) };
    waited == process && status == 0
}

/// Logs half of the records, becomes a daemon in some way, and logs the rest. The program's own
/// files and sockets, which take the numbers of closed descriptors, must be left alone meanwhile.
pub(super) fn become_daemon(told: &Told) {
    let records = told.number("records", 1000);
    let way = told.get("way").unwrap_or("range");
    log_numbers(1, records / 2, "");
    // There is a connection whose descriptor is closed.
    let _ = netlog::flush(Duration::from_secs(10));
    // SAFETY: a daemon's usual calls; nothing here uses the descriptors that they close.
    unsafe {
        if way.contains("fork") {
            match libc::fork() {
                0 => assert!(libc::setsid() > 0),
                _ => libc::_exit(0),
            }
        }
        if way.contains("loop") {
            for descriptor in 3..1024 {
                libc::close(descriptor);
            }
        } else {
            libc::close_range(3, libc::c_uint::MAX, 0);
        }
    }
    let own = told.get("own").expect("own=PATH");
    let sockets: Vec<_> = (0..10).map(|_| UnixStream::pair().expect("a pair")).collect();
    let mut sockets: Vec<UnixStream> = sockets.into_iter().flat_map(<[_; 2]>::from).collect();
    // To be read by nobody else, behind which nothing else is written.
    sockets.iter_mut().for_each(|socket| socket.write_all(b"mine").expect("it is open"));
    let paths: Vec<String> = (0..20).map(|n| format!("{own}.{n}")).collect();
    let files: Vec<File> = paths.iter().map(|path| File::create(path).expect("a file")).collect();
    log_range(1, records / 2 + 1..=records, "");
    let _ = netlog::flush(Duration::from_secs(10));
    for mut file in &files {
        file.write_all(b"mine").expect("the file is still open");
    }
    let intact = paths.iter().all(|path| std::fs::read(path).is_ok_and(|text| text == b"mine"))
        && sockets.iter_mut().all(holds_mine);
    say(if intact { "own files are intact" } else { "own files are damaged" });
}

/// Tells whether only what was written to it is in a socket.
fn holds_mine(socket: &mut UnixStream) -> bool {
    let mut bytes = [0; 64];
    let read = socket.set_nonblocking(true).and_then(|()| socket.read(&mut bytes));
    read.is_ok_and(|count| bytes[..count] == *b"mine")
}

/// Files that the program opens in place of all descriptors that it has closed. Nobody else may
/// write to them, or close them.
pub(super) struct OwnFiles {
    path: String,
    /// A descriptor that stays open.
    kept: i32,
    descriptors: Vec<i32>,
}

impl OwnFiles {
    pub(super) fn new(path: &str, kept: i32) -> Self {
        Self { path: format!("{path}.own"), kept, descriptors: Vec::new() }
    }

    /// Closes every descriptor but the standard ones and the kept one, and opens files of its own.
    pub(super) fn close_all_others(&mut self) {
        self.check();
        let kept = self.kept as libc::c_uint;
        // SAFETY: nothing but the logger uses these descriptors, and that is what is tested.
        unsafe {
            libc::close_range(3, kept - 1, 0);
            libc::close_range(kept + 1, libc::c_uint::MAX, 0);
        }
        let open = |n: usize| {
            let path = format!("{}.{n}\0", self.path);
            let flags = libc::O_CREAT | libc::O_TRUNC | libc::O_RDWR;
            // SAFETY: the path ends with a zero.
            unsafe { libc::open(path.as_ptr().cast(), flags, 0o600) }
        };
        self.descriptors = (0..8).map(open).collect();
    }

    /// Writes to each file through its descriptor, and reads it by its name.
    fn check(&mut self) {
        for (n, descriptor) in self.descriptors.drain(..).enumerate() {
            // SAFETY: the bytes are as long as it says.
            let count = unsafe { libc::write(descriptor, b"mine".as_ptr().cast(), 4) };
            assert_eq!(count, 4, "an own file was closed");
            let text = std::fs::read(format!("{}.{n}", self.path)).expect("the file is there");
            assert_eq!(text, b"mine", "an own file was written to");
        }
    }
}

impl Drop for OwnFiles {
    fn drop(&mut self) {
        self.check();
    }
}

/// Logs from a thread of which any system call but its last ends the program.
pub(super) fn log_without_the_system(records: u64) {
    static DONE: AtomicBool = AtomicBool::new(false);
    std::thread::spawn(move || {
        log_numbers(2, 1, "");
        // SAFETY: from here on the thread only logs, and then ends without a word to anybody.
        unsafe {
            forbid_all_but(libc::SYS_exit as u32);
            log_numbers(1, records, "");
            DONE.store(true, Ordering::Release);
            libc::syscall(libc::SYS_exit, 0);
        }
    });
    while !DONE.load(Ordering::Acquire) {
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Has the system send SIGSYS for any other call of this thread (seccomp(2)). Its strict mode would
/// forbid the processor's clock as well.
unsafe fn forbid_all_but(call: u32) {
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut steps = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, call),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
    ];
    let filter = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: the filter outlives the call, which copies it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter), 0);
    }
}

/// Starts threads one by one, while another thread sends each thread there is a signal whose handler
/// logs: some of them are only just starting.
pub(super) fn log_in_handlers(threads: u64) {
    extern "C" fn handle(_: libc::c_int) {
        log::info!("from a handler");
    }
    let ended = AtomicBool::new(false);
    let handler: extern "C" fn(libc::c_int) = handle;
    // SAFETY: the handler is a function of the right type, and stays.
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                signal_new_threads();
            }
        });
        for _ in 0..threads {
            std::thread::spawn(|| log_numbers(1, 1, "")).join().expect("the thread ends well");
        }
        ended.store(true, Ordering::Relaxed);
    });
}

fn signal_new_threads() {
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten().skip(2) {
        let name = task.file_name();
        let Some(thread) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // SAFETY: a signal to a thread of our own, which may be gone by now.
        unsafe {
            if thread != libc::gettid() {
                libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, libc::SIGUSR1);
            }
        }
    }
}
