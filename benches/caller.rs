//! The child process of a `log_call` case: a program that logs, and says what that cost it. Each
//! case has a process of its own because a program has one logger.

use crate::floor::Floor;
use fastant::Instant as Tick;
use netlog::Full;
use std::hint::black_box;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Calls a millisecond and thread.
const BURST: u64 = 20;

/// A smaller spool than this there is not.
const SMALLEST_SPOOL: usize = 64 * 1024;

const PATIENCE: Duration = Duration::from_secs(60);

/// What the child's logger is, and what is at the other end of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logger {
    /// None: the macro alone.
    Nobody,
    /// Bare formatting.
    Floor,
    /// netlog, its records taken and acked.
    Up(SocketAddr),
    /// netlog, nobody listening.
    Absent(SocketAddr),
    /// netlog, its peer accepting and not reading.
    Stalled(SocketAddr),
    /// netlog, its collector killed and started again all the while.
    Dying(SocketAddr),
    /// netlog, nobody listening and the spool full.
    Full(SocketAddr),
}

/// What is measured.
#[derive(Clone, Copy)]
pub(crate) enum Task {
    /// Each call of so many bursts, on so many threads.
    Bursts { threads: u64, bursts: u64 },
    /// So many records from so many threads as fast as they go, none lost.
    Flat { threads: u64, records: u64 },
    /// So many calls below the level that is logged.
    Disabled { calls: u64 },
}

/// Runs `task` and writes to stdout what came of it: nanoseconds as u32 each, or figures as text.
pub(crate) fn run(logger: Logger, task: Task) {
    let guard = init(logger, task);
    let out = match task {
        Task::Bursts { threads, bursts } => {
            settle(logger);
            let called = on_threads(threads, |thread| burst(thread, bursts));
            called.iter().flatten().flat_map(|nanos| nanos.to_ne_bytes()).collect()
        }
        Task::Flat { threads, records } => flat(logger, threads, records).into_bytes(),
        Task::Disabled { calls } => disabled(calls).into_bytes(),
    };
    std::mem::forget(guard);
    io::stdout().write_all(&out).expect("the bench reads what its child says");
}

fn init(logger: Logger, task: Task) -> Option<netlog::Guard> {
    let (address, size) = match logger {
        Logger::Nobody => return None,
        Logger::Floor => {
            log::set_logger(&Floor).expect("no logger is set yet");
            log::set_max_level(log::LevelFilter::Info);
            return None;
        }
        Logger::Full(address) => (address, SMALLEST_SPOOL),
        Logger::Up(address)
        | Logger::Absent(address)
        | Logger::Stalled(address)
        | Logger::Dying(address) => (address, 8 << 20),
    };
    let mut builder = netlog::builder(&address.to_string())
        .level(log::LevelFilter::Info)
        .flush_limit(Duration::ZERO)
        .spool_size(size);
    if matches!(task, Task::Flat { .. }) {
        builder = builder.when_full(Full::Block(PATIENCE));
    }
    Some(builder.init().expect("netlog starts"))
}

/// Waits until the case is what it is called.
fn settle(logger: Logger) {
    let until = Instant::now() + PATIENCE;
    let mut settled = matches!(logger, Logger::Floor | Logger::Nobody);
    while !settled {
        assert!(Instant::now() < until, "the case does not come about");
        call(0);
        settled = match logger {
            Logger::Up(_) | Logger::Dying(_) => netlog::flush(PATIENCE).acked,
            Logger::Stalled(_) => {
                (0..1000).for_each(call);
                let before = netlog::flush(Duration::ZERO).pending;
                netlog::flush(Duration::from_millis(20)).pending == before
            }
            Logger::Full(_) => netlog::flush(Duration::ZERO).lost > 1000,
            _ => true,
        };
    }
    // A program that has run for a while: the spool's pages are present, the clock is set.
    std::thread::sleep(Duration::from_millis(300));
}

/// The message of every case: an integer, a float, a string and another integer.
#[inline(always)]
fn call(number: u64) {
    const CLIENTS: [&str; 4] = ["acme-capital", "bluebird", "client-00417", "zed"];
    let price = 100.0 + (number % 1000) as f64 * 0.37;
    let client = CLIENTS[(number & 3) as usize];
    let micros = 10 + (number % 977) as u32;
    let id = 1_000_000 + number;
    log::info!("order {id} filled at {price:.2} for client {client} in {micros} us");
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

/// The nanoseconds each call took; the first tenth of the bursts warms up and does not count. They
/// are taken from the processor's tick counter: a log call takes only a few times as long as it
/// takes to read the system's clock.
fn burst(thread: u64, bursts: u64) -> Vec<u32> {
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

/// Seconds until the calls had returned, until all was delivered, and of CPU of the whole process.
fn flat(logger: Logger, threads: u64, records: u64) -> String {
    let start = Instant::now();
    on_threads(threads, |thread| {
        let first = thread * 100_000_000;
        (first..first + records / threads).for_each(call);
    });
    let called = start.elapsed().as_secs_f64();
    if let Logger::Up(_) = logger {
        let flushed = netlog::flush(PATIENCE);
        assert!(flushed.acked && flushed.lost == 0, "not all arrived: {flushed:?}");
    }
    format!("{called} {} {}", start.elapsed().as_secs_f64(), own_cpu())
}

/// Nanoseconds a call.
fn disabled(calls: u64) -> String {
    let start = Instant::now();
    for number in 0..calls {
        log::debug!("order {} is not logged", black_box(number));
    }
    format!("{}", start.elapsed().as_nanos() as f64 / calls as f64)
}

/// The CPU time all threads of this process have used, in seconds.
fn own_cpu() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 * 1e-9
}
