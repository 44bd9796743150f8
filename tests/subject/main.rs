//! The program the tests start: it logs numbered records and then ends in the way it is told to.
//!
//! ```text
//! subject to=localhost:1902 app=x threads=4 records=250 end=kill
//! ```
//! Each record says `thread T number N`, both from 1, so that a test can count them. With
//! `door=tracing` they are events of `tracing`, in a span of their thread.

mod system;

use rustix::process::{Signal, getpid, kill_process};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::ops::RangeInclusive;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Whether records are logged through `tracing`.
static TRACING: AtomicBool = AtomicBool::new(false);

fn main() {
    let told = Told::from_args();
    TRACING.store(told.get("door") == Some("tracing"), Ordering::Relaxed);
    let guard = match told.builder().init() {
        Ok(guard) => guard,
        Err(e) => {
            say(&format!("init failed: {e}"));
            exit(3);
        }
    };
    match told.get("do").unwrap_or("log") {
        "log" => told.log(),
        "twice" => say(&format!("second init: {:?}", told.builder().init().map(|_| ()))),
        "display" => log::info!("{}", Talkative(3)),
        "locals" => log_from_a_local(),
        "hostile" => log_hostile(),
        "fork" => return system::fork(&told, guard),
        "orphan" => system::leave_an_orphan(&told),
        "grandchildren" => return system::fork_while_logging(told.number("records", 1)),
        "sealed" => system::log_without_the_system(told.number("records", 1000)),
        "pace" => told.pace(),
        "levels" => return log_both_levels(guard),
        "daemon" => system::become_daemon(&told),
        "signals" => system::log_in_handlers(told.number("threads", 1)),
        other => panic!("do={other}"),
    }
    if told.get("wait").is_some() {
        say("logged");
        let _ = io::stdin().read(&mut [0; 1]);
    }
    if told.get("more").is_some() {
        log_numbers(2, told.number("more", 0), "");
        say("logged more");
        let _ = io::stdin().read(&mut [0; 1]);
    }
    end(told.get("end").unwrap_or("return"), guard);
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// What the program was told on its command line, as `key=value`.
struct Told(HashMap<String, String>);

impl Told {
    fn from_args() -> Self {
        let pair = |arg: String| arg.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        Self(std::env::args().skip(1).filter_map(pair).collect())
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn number(&self, key: &str, otherwise: u64) -> u64 {
        self.get(key).map_or(otherwise, |text| text.parse().expect("a number"))
    }

    fn builder(&self) -> netlog::Builder {
        let mut builder = netlog::builder(self.get("to").unwrap_or("localhost:1902"));
        if let Some(app) = self.get("app") {
            builder = builder.app(app);
        }
        if let Some(size) = self.get("spool") {
            builder = builder.spool_size(size.parse().expect("a size"));
        }
        if let Some(bytes) = self.get("keep") {
            builder = builder.keep(bytes.parse().expect("a size"));
        }
        builder = builder.memory_spool(self.get("quiet").is_some());
        if self.get("format") == Some("text") {
            builder = builder.format(netlog::Format::Text);
        }
        if self.get("block").is_some() {
            let limit = Duration::from_secs(self.number("block", 0));
            builder = builder.when_full(netlog::Full::Block(limit));
        }
        // Longer than the default: how long a busy machine takes is not what is tested.
        let patience = Duration::from_secs(self.number("patience", 60));
        builder.flush_limit(patience).tee(self.get("tee").is_some())
    }

    /// Logs all there is to log; `pad` bytes are added to each message.
    fn log(&self) {
        let (threads, records) = (self.number("threads", 1), self.number("records", 1000));
        let pad = "x".repeat(self.number("pad", 0) as usize);
        if threads == 1 {
            return log_numbers(1, records, &pad);
        }
        std::thread::scope(|scope| {
            for thread in 1..=threads {
                let pad = &pad;
                scope.spawn(move || log_numbers(thread, records, pad));
            }
        });
    }
}

impl Told {
    /// Logs `rate` records a second from each thread until stdin ends, or as fast as it can once
    /// stdin says so, and notes after each how far it is, in a file: not even SIGKILL takes
    /// that back.
    fn pace(&self) {
        let path = self.get("progress").expect("progress=PATH");
        let progress = File::options().write(true).open(path).expect("the file is there");
        let (life, rate) = (self.number("life", 1), self.number("rate", 100));
        let (stop, hurry) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for thread in 1..=self.number("threads", 1) {
                let (progress, stop, hurry) = (&progress, &stop, &hurry);
                let pace = Pace { thread, life, rate, stop, hurry };
                scope.spawn(move || pace.keep(progress));
            }
            let mut own = system::OwnFiles::new(path, progress.as_raw_fd());
            let mut spool = spool_path();
            let mut asked = [0];
            while let Ok(1..) = io::stdin().read(&mut asked) {
                match asked[0] {
                    b'c' => own.close_all_others(),
                    b's' => settle(&mut spool),
                    _ => hurry.store(true, Ordering::Relaxed),
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}

/// Logs `debug N` and `info N` for each byte of stdin, and says so, until it ends.
fn log_both_levels(guard: netlog::Guard) {
    let mut number = 0;
    while let Ok(1..) = io::stdin().read(&mut [0; 1]) {
        number += 1;
        if TRACING.load(Ordering::Relaxed) {
            tracing::debug!(target: "orders::fill", "debug {number}");
            tracing::info!(target: "orders::fill", "info {number}");
        } else {
            log::debug!(target: "orders::fill", "debug {number}");
            log::info!(target: "orders::fill", "info {number}");
        }
        say(&format!("logged {number}"));
    }
    drop(guard);
}

fn spool_path() -> Option<PathBuf> {
    netlog::stats().and_then(|stats| stats.spool_path)
}

/// Waits until the spool at `path`, which was removed, has a successor, and its records are delivered.
fn settle(path: &mut Option<PathBuf>) {
    while spool_path() == *path {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    *path = spool_path();
    while !netlog::flush(Duration::from_millis(200)).acked {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    say("settled");
}

/// One thread's way through a life of its program.
struct Pace<'a> {
    thread: u64,
    life: u64,
    rate: u64,
    stop: &'a AtomicBool,
    hurry: &'a AtomicBool,
}

impl Pace<'_> {
    fn keep(&self, progress: &File) {
        let told = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let (begun, mut number) = (Instant::now(), 0);
        while !told(self.stop) {
            // Now a single record, now fifty at once.
            for _ in 0..=number % 50 {
                number += 1;
                self.log(number);
                let at = (self.thread - 1) * 8;
                progress.write_all_at(&number.to_le_bytes(), at).expect("the note is taken");
            }
            let due = Duration::from_micros(number * 1_000_000 / self.rate);
            while begun.elapsed() < due && !told(self.stop) && !told(self.hurry) {
                std::thread::park_timeout(Duration::from_millis(1));
            }
        }
    }

    fn log(&self, number: u64) {
        let level = match number {
            n if n % 97 == 0 => log::Level::Error,
            n if n % 53 == 0 => log::Level::Warn,
            _ => log::Level::Info,
        };
        let pad = match number {
            n if n % 1009 == 0 => 5000,
            n if n % 61 == 0 => 1500,
            n => (n * 31 % 90) as usize,
        };
        let Self { thread, life, .. } = self;
        log::log!(level, "thread {thread} number {number} life {life} pad {pad} {:x<pad$}", "");
    }
}

fn log_numbers(thread: u64, records: u64, pad: &str) {
    log_range(thread, 1..=records, pad);
}

fn log_range(thread: u64, numbers: RangeInclusive<u64>, pad: &str) {
    if TRACING.load(Ordering::Relaxed) {
        let span = tracing::info_span!("thread", id = thread);
        return span.in_scope(|| {
            numbers.for_each(|number| tracing::info!("thread {thread} number {number}{pad}"));
        });
    }
    numbers.for_each(|number| log::info!("thread {thread} number {number}{pad}"));
}

fn end(way: &str, guard: netlog::Guard) {
    match way {
        "return" => drop(guard),
        "leak" => std::mem::forget(guard),
        "exit" => exit(0),
        "panic" => panic!("the end of main"),
        "thread-panic" => {
            panic_in_a_thread();
            std::mem::forget(guard);
        }
        "thread-panic-then-kill" => {
            // Only the panic itself is to depend on the short limit of its flush.
            let _ = netlog::flush(Duration::from_secs(60));
            panic_in_a_thread();
            kill_myself(Signal::KILL);
        }
        "flush-then-kill" => {
            let _ = netlog::flush(Duration::from_secs(60));
            kill_myself(Signal::KILL);
        }
        "guard-then-kill" => {
            drop(guard);
            kill_myself(Signal::KILL);
        }
        "abort" => std::process::abort(),
        "segv" => read_nothing(),
        "term" => kill_myself(Signal::TERM),
        "kill" => kill_myself(Signal::KILL),
        "overflow" => {
            black_box(overflow(&[0; 1024]));
        }
        other => panic!("end={other}"),
    }
}

fn panic_in_a_thread() {
    let thread = std::thread::Builder::new().name("worker-7".into());
    let thread = thread.spawn(|| panic!("the end of a thread")).expect("a thread");
    let _: Result<(), _> = thread.join();
}

fn kill_myself(signal: Signal) {
    kill_process(getpid(), signal).expect("a signal");
    std::thread::park();
}

#[allow(unsafe_code)]
fn read_nothing() {
    // SAFETY: none; that is the point.
    black_box(unsafe { black_box(std::ptr::null::<u64>()).read_volatile() });
}

fn overflow(below: &[u8; 1024]) -> u64 {
    let mine = black_box(below.map(|byte| byte.wrapping_add(1)));
    let deeper = if black_box(true) { overflow(&mine) } else { 0 };
    deeper + u64::from(mine[0])
}

/// Logs while it is being logged.
struct Talkative(u32);

impl fmt::Display for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 {
            log::info!("{}", Self(self.0 - 1));
        }
        write!(f, "talkative {}", self.0)
    }
}

/// Logs from the destructors of a thread's locals, when the logger's own may be gone already.
fn log_from_a_local() {
    struct Last(&'static str);
    impl Drop for Last {
        fn drop(&mut self) {
            log::info!("the last word of {}", self.0);
        }
    }
    thread_local! {
        static BEFORE: RefCell<Option<Last>> = const { RefCell::new(None) };
        static AFTER: RefCell<Option<Last>> = const { RefCell::new(None) };
    }
    let thread = std::thread::spawn(|| {
        BEFORE.set(Some(Last("the first local")));
        log::info!("the thread speaks");
        AFTER.set(Some(Last("the last local")));
    });
    thread.join().expect("the thread ends well");
    BEFORE.set(Some(Last("main")));
}

fn log_hostile() {
    log::info!("quotes \" and \\ and ' and `");
    log::info!("one\ntwo\r\n2026-11-22 18:42:23.123456 ERROR [root] src/main.rs:1 forged");
    log::info!("escape \u{1b}[31mred\u{1b}[0m \u{9b}31m bell \u{7} delete \u{7f}");
    log::info!("nul \0 in the middle");
    log::info!("bidi \u{202e}desrever\u{202c} \u{2066}isolate\u{2069} \u{200f}mark");
    log::info!("grüße 日本語 🦀");
    log::info!("{{\"json\":[1,2]}}");
    log::info!("");
    log::info!(quote = "a \"b\" c", newline = "x\ny", number = 7, truth = true; "values");
    log::info!("{}", "0123456789abcdef".repeat(64 * 1024));
    log::info!("the last");
}
