//! What a collector spends on a record, from the socket to the file: `cargo bench --bench intake`.
//!
//! Each case takes turns with its floor, or with the same without what it has more, in several
//! rounds: a ratio is that of a round, and what is printed is the median of them and the quartiles.
//! It fails if a record is missing from the file and nothing says so. Words behind `--` choose the
//! cases whose titles have them all: `flat`, `with`, `ledger`, `crowd`, `packets`, `datagrams`.
//! `NETLOG_BENCH_RECORDS` is how many records a case sends (500,000), `NETLOG_BENCH_SECONDS` how
//! long those take that send at a steady rate (1), `NETLOG_BENCH_ROUNDS` how many rounds there are
//! (3), `NETLOG_BENCH_CONNECTIONS` and `NETLOG_BENCH_TAILS` how many stand by in a crowd (9,900 and
//! 10,000).
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

mod append;
mod catch;
mod crowd;
mod daemon;
mod hold;
mod load;
mod metrics;
mod place;
mod run;
mod spread;
mod steady;
mod table;
mod tail;
mod trickle;
mod volley;

use daemon::Daemon;
use load::{Load, Speech};
use metrics::metric;
use place::Place;
use spread::Spread;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use table::{Table, figure};
use tail::Tail;

const SENDERS: [usize; 4] = [1, 10, 100, 1000];

/// A column of the tables: a ratio and its spread.
const WIDTH: usize = 16;

/// What a case came to, by round.
#[derive(Default)]
struct Spent {
    /// Seconds from the first byte to the last that was taken.
    wall: Vec<f64>,
    /// CPU seconds of the whole collector.
    cpu: Vec<f64>,
}

impl Spent {
    fn note(&mut self, (wall, cpu): (f64, f64)) {
        self.wall.push(wall);
        self.cpu.push(cpu);
    }

    /// Millions of records a second, and CPU seconds per million.
    fn figures(&self, millions: f64) -> [String; 2] {
        let middle = |figures: &[f64]| Spread::of(figures.iter().copied()).middle;
        [millions / middle(&self.wall), middle(&self.cpu) / millions].map(figure)
    }
}

struct Bench {
    /// Words that a case must have in its title.
    wanted: Vec<String>,
    records: u64,
    seconds: f64,
    rounds: usize,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    match &args[..] {
        [flag, file] if flag == "--floor" => {
            append::run(Path::new(file), here).expect("the floor runs until it is killed");
        }
        [flag, file] if flag == "--floor-of-datagrams" => {
            catch::run(Path::new(file), here).expect("the floor runs until it is killed");
        }
        _ => measure_all(args),
    }
}

fn measure_all(args: Vec<String>) {
    let bench = Bench {
        wanted: args.into_iter().filter(|arg| !arg.starts_with("--")).collect(),
        records: run::setting("NETLOG_BENCH_RECORDS", 5e5) as u64,
        seconds: run::setting("NETLOG_BENCH_SECONDS", 1.0),
        rounds: run::setting("NETLOG_BENCH_ROUNDS", 3.0) as usize,
    };
    println!("{}", run::machine());
    println!("x is the median of {} rounds, and the quartiles", bench.rounds);
    bench.flat_out();
    bench.with_more();
    if bench.wants("crowd") {
        crowd::run(Place::new().dir.path(), bench.records);
    }
    bench.packets();
    bench.datagrams();
}

impl Bench {
    fn wants(&self, title: &str) -> bool {
        self.wanted.iter().all(|word| title.contains(word.as_str()))
    }

    fn flat_out(&self) {
        let caption = format!("flat out: {} records into one file, none missing", self.records);
        let heads = ["M/s", "floor's", "CPU s per M", "floor's", "x of the floor"];
        let mut table = Table::new(&caption, WIDTH, &heads);
        let millions = self.records as f64 / 1e6;
        for (name, speech) in [("netlog records", Speech::Netlog), ("plain lines", Speech::Plain)] {
            for senders in SENDERS {
                let title = format!("flat, {name}, {senders} senders");
                if !self.wants(&title) {
                    continue;
                }
                let mute = if speech == Speech::Netlog { Speech::Mute } else { speech };
                let (mut least, mut ours) = (Spent::default(), Spent::default());
                for _ in 0..self.rounds {
                    least.note(self.measure(floor, (mute, senders)));
                    ours.note(self.measure(Daemon::collector, (speech, senders)));
                }
                let times = Spread::ratio(&ours.cpu, &least.cpu);
                let ([rate, cpu], [rate_, cpu_]) =
                    (ours.figures(millions), least.figures(millions));
                table.row(&title, &[rate, rate_, cpu, cpu_, times.to_string()]);
            }
        }
    }

    /// The same, with more to do than usual.
    fn with_more(&self) {
        let heads = ["M/s", "without", "CPU s per M", "without", "x of without"];
        let mut table = Table::new("the same from 10 senders, with more to do", WIDTH, &heads);
        let (millions, load) = (self.records as f64 / 1e6, (Speech::Netlog, 10));
        for title in ["with --sync", "with a tail"].into_iter().filter(|title| self.wants(title)) {
            let (mut alone, mut more) = (Spent::default(), Spent::default());
            for _ in 0..self.rounds {
                alone.note(self.measure(Daemon::collector, load));
                more.note(match title {
                    "with --sync" => self.measure(synced, load),
                    _ => self.take(load, tailed, end_tailed).0,
                });
            }
            let times = Spread::ratio(&more.cpu, &alone.cpu);
            let ([rate, cpu], [rate_, cpu_]) = (more.figures(millions), alone.figures(millions));
            table.row(title, &[rate, rate_, cpu, cpu_, times.to_string()]);
        }
        for senders in [10, 100] {
            let title = format!("with the ledger, {senders} senders");
            if self.wants(&title) {
                table.row(&title, &self.ledger(senders));
            }
        }
    }

    /// There is no collector without one. By its own account it spends so much time on it, waiting
    /// included; the rest is what it would spend without.
    fn ledger(&self, senders: usize) -> [String; 5] {
        let (mut with, mut without) = (Spent::default(), Spent::default());
        for _ in 0..self.rounds {
            let spent = |_, http| metric(http, "netlog_ledger_seconds_total");
            let load = (Speech::Netlog, senders);
            let ((wall, cpu), ledger) = self.take(load, |file| served(file, "tcp"), spent);
            with.note((wall, cpu));
            without.note((wall, cpu - ledger));
        }
        let times = Spread::ratio(&with.cpu, &without.cpu);
        let millions = self.records as f64 / 1e6;
        let ([rate, cpu], [_, cpu_]) = (with.figures(millions), without.figures(millions));
        [rate, "-".into(), cpu, cpu_, times.to_string()]
    }

    fn measure(&self, start: impl FnOnce(&Path) -> Daemon, load: (Speech, usize)) -> (f64, f64) {
        self.take(load, |file| (start(file), ()), |_, ()| ()).0
    }

    /// Has a collector take a load: how long it took and what the collector spent, and what there
    /// is to say of it in the end.
    fn take<T, U>(
        &self,
        (speech, senders): (Speech, usize),
        start: impl FnOnce(&Path) -> (Daemon, T),
        end: impl FnOnce(Daemon, T) -> U,
    ) -> ((f64, f64), U) {
        let place = Place::new();
        let (daemon, more) = start(&place.file);
        let load = Load::connect(daemon.address, speech, senders, self.records);
        place.warm(self.records * 400);
        let (before, start) = (daemon.cpu(), Instant::now());
        load.run();
        let wall = start.elapsed().as_secs_f64();
        place.wait_for(self.records);
        let cpu = daemon.cpu() - before;
        ((wall, cpu), end(daemon, more))
    }
}

fn floor(file: &Path) -> Daemon {
    let bench = std::env::current_exe().expect("a bench has a path");
    Daemon::start(Command::new(bench).arg("--floor").arg(file), &["listening on tcp://"]).0
}

fn synced(file: &Path) -> Daemon {
    let mut command = Daemon::command(file, "tcp://127.0.0.1:0", &["--http", "off", "--sync"]);
    Daemon::start(&mut command, &["listening on tcp://"]).0
}

/// A collector that listens by TCP or UDP, and where it can be looked at.
fn served(file: &Path, transport: &str) -> (Daemon, SocketAddr) {
    let listen = format!("{transport}://127.0.0.1:0");
    let mut command = Daemon::command(file, &listen, &["--http", "127.0.0.1:0"]);
    let heads = [&format!("listening on {transport}://"), "serving http://"];
    let (daemon, serving) = Daemon::start(&mut command, &heads);
    (daemon, serving[0])
}

/// A collector that somebody tails.
fn tailed(file: &Path) -> (Daemon, Tail) {
    let (daemon, http) = served(file, "tcp");
    (daemon, Tail::at(http))
}

fn end_tailed(daemon: Daemon, tail: Tail) {
    drop(daemon);
    tail.ages();
}
