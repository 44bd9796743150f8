//! What a child does with its logger, and says of it on stdout.

use crate::loggers::{self, Logging};
use crate::spans;
use fastant::Instant as Tick;
use rustix::process::{Signal, getpid, kill_process};
use std::io::{self, Write};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Calls a millisecond and thread.
const BURST: u64 = 20;

/// Runs `task` on so many threads, so many times.
pub(crate) fn run(logger: &str, address: &str, (task, threads, count): (&str, u64, u64)) {
    let mut logging = loggers::start(logger, address);
    let task = match task.strip_suffix("-in-a-span") {
        Some(task) => {
            if logger != "floor" {
                logging.call = spans::call;
            }
            task
        }
        None => task,
    };
    // What connects or allocates in the background has done so.
    (logging.call)(0);
    std::thread::sleep(Duration::from_millis(300));
    match task {
        "bursts" => {
            let taken = on_threads(threads, |thread| bursts(logging.call, thread, count));
            say(&taken.iter().flatten().flat_map(|nanos| nanos.to_ne_bytes()).collect::<Vec<_>>());
        }
        "flat" => flat(&logging, threads, count),
        way => {
            // So the bench can tell a logger that loses all from one that did not start. A whole
            // line, because stdout keeps the start of one to itself, and it dies with the process.
            say(b"started\n");
            (1..=count).for_each(logging.call);
            return end(way, logging);
        }
    }
    (logging.flush)();
}

fn say(bytes: &[u8]) {
    io::stdout().write_all(bytes).expect("the bench reads what its child says");
}

fn on_threads<T: Send>(threads: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let (barrier, work) = (Barrier::new(threads as usize), &work);
    let start = |thread| {
        barrier.wait();
        work(thread)
    };
    std::thread::scope(|scope| {
        let started: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || start(thread))).collect();
        started.into_iter().map(|thread| thread.join().expect("no call panics")).collect()
    })
}

/// The nanoseconds of each call; the first tenth warms up and does not count.
fn bursts(call: fn(u64), thread: u64, bursts: u64) -> Vec<u32> {
    // Written, so that the measurement itself touches no new page.
    let mut taken = vec![1; (bursts * BURST) as usize];
    taken.clear();
    let mut number = thread * 100_000_000;
    for at in 0..bursts + bursts / 10 {
        for _ in 0..BURST {
            let before = Tick::now();
            call(number);
            let nanos = Tick::now().duration_since(before).as_nanos();
            if at >= bursts / 10 {
                taken.push(u32::try_from(nanos).unwrap_or(u32::MAX));
            }
            number += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    taken
}

/// Says how many seconds the calls took and how much CPU the process spent, once it has nothing
/// more to do.
fn flat(logging: &Logging, threads: u64, records: u64) {
    let (start, call) = (Instant::now(), logging.call);
    on_threads(threads, |thread| {
        let first = thread * 100_000_000;
        (first..first + records / threads).for_each(call);
    });
    let called = start.elapsed().as_secs_f64();
    (logging.flush)();
    // Some have no flush: nothing more is done when no CPU is spent any more.
    let mut spent = own_cpu();
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = own_cpu();
        if now - spent < 0.01 {
            break say(format!("{called} {now}").as_bytes());
        }
        spent = now;
    }
}

fn own_cpu() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 * 1e-9
}

/// Ends the program in the way that is named.
fn end(way: &str, logging: Logging) {
    match way {
        "return" => drop(logging.guard),
        "exit" => std::process::exit(0),
        "panic" => panic!("the end of main"),
        "abort" => std::process::abort(),
        "SIGTERM" => kill_process(getpid(), Signal::TERM).expect("a signal can be sent"),
        "SIGKILL" => kill_process(getpid(), Signal::KILL).expect("a signal can be sent"),
        other => panic!("nothing ends by {other}"),
    }
}
