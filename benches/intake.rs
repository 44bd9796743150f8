//! What a collector spends on a record, from the socket to the file: `cargo bench --bench intake`.
//!
//! Each case runs beside the floor (`append.rs`) where there is one, and fails if a record is
//! missing from the file and nothing says so. Words behind `--` choose the cases whose titles have
//! them all. `NETLOG_BENCH_RECORDS` is how many records a case sends (1,000,000),
//! `NETLOG_BENCH_SECONDS` how long those take that send at a steady rate (3),
//! `NETLOG_BENCH_CONNECTIONS` and `NETLOG_BENCH_TAILS` how many stand by in a crowd (9,900 and
//! 10,000).
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

mod append;
mod crowd;
mod daemon;
mod hold;
mod load;
mod run;
mod trickle;

use daemon::Daemon;
use load::{Load, Speech};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trickle::{Tail, Trickle};

const SENDERS: [usize; 4] = [1, 10, 100, 1000];

/// One-line packets a second, and over how many connections.
const PACKETS: u64 = 100_000;
const CONNECTIONS: [usize; 2] = [10, 100];

/// Datagrams a second.
const DATAGRAMS: [u64; 3] = [50_000, 200_000, 400_000];

/// How long a record may take from the end of its connection to the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a case came to.
struct Spent {
    /// Seconds from the first byte to the last record in the file.
    wall: f64,
    /// CPU seconds of the whole collector.
    cpu: f64,
}

struct Bench {
    /// Words that a case must have in its title.
    wanted: Vec<String>,
    records: u64,
    seconds: f64,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, file] = &args[..]
        && flag == "--floor"
    {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        append::run(Path::new(file), here).expect("the floor runs until it is killed");
        return;
    }
    let bench = Bench {
        wanted: args.into_iter().filter(|arg| !arg.starts_with("--")).collect(),
        records: run::setting("NETLOG_BENCH_RECORDS", 1e6) as u64,
        seconds: run::setting("NETLOG_BENCH_SECONDS", 3.0),
    };
    println!("{}", run::machine());
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
        println!("\n{} records into one file, none missing", self.records);
        heads(&["M/s", "floor's M/s", "CPU s per M", "floor's", "x of the floor"]);
        let millions = self.records as f64 / 1e6;
        for (name, speech) in [("netlog records", Speech::Netlog), ("plain lines", Speech::Plain)] {
            for senders in SENDERS {
                let title = format!("{name}, {senders} senders");
                if !self.wants(&title) {
                    continue;
                }
                let mute = if speech == Speech::Netlog { Speech::Mute } else { speech };
                let floor = self.measure(&Place::new(), floor, (mute, senders));
                let ours = self.measure(&Place::new(), Daemon::collector, (speech, senders));
                let row = [
                    millions / ours.wall,
                    millions / floor.wall,
                    ours.cpu / millions,
                    floor.cpu / millions,
                    ours.cpu / floor.cpu,
                ];
                print_row(&title, &row);
            }
        }
    }

    /// The same, with more to do than usual.
    fn with_more(&self) {
        println!("\nthe same from 10 senders, with more to do");
        heads(&["M/s", "CPU s per M", "x of without"]);
        let millions = self.records as f64 / 1e6;
        let load = (Speech::Netlog, 10);
        self.ledger();
        for title in ["with --sync", "with a tail"] {
            if !self.wants(title) {
                continue;
            }
            let alone = self.measure(&Place::new(), Daemon::collector, load);
            let more = match title {
                "with --sync" => self.measure(&Place::new(), synced, load),
                _ => {
                    let mut tail = None;
                    let tailed = |file: &Path| {
                        let (daemon, begun) = tailed(file);
                        tail = Some(begun);
                        daemon
                    };
                    let spent = self.measure(&Place::new(), tailed, load);
                    tail.expect("it was begun").ages();
                    spent
                }
            };
            print_row(title, &[millions / more.wall, more.cpu / millions, more.cpu / alone.cpu]);
        }
    }

    /// How much of what the collector spends goes into the ledger, by its own account.
    fn ledger(&self) {
        for senders in [10, 100].into_iter().filter(|n| self.wants(&format!("ledger, {n} senders")))
        {
            let place = Place::new();
            let more = ["--http", "127.0.0.1:0"];
            let mut command = Daemon::command(&place.file, "tcp://127.0.0.1:0", &more);
            let (daemon, serving) =
                Daemon::start(&mut command, &["listening on tcp://", "serving http://"]);
            let load = Load::connect(daemon.address, Speech::Netlog, senders, self.records);
            place.warm(self.records * 400);
            let before = daemon.cpu();
            load.run();
            place.wait_for(self.records);
            let cpu = daemon.cpu() - before;
            let spent = metric(serving[0], "netlog_ledger_seconds_total");
            let percent = 100.0 * spent / cpu;
            println!(
                "{:<30}{percent:>16.2} % of the CPU time",
                format!("ledger, {senders} senders")
            );
        }
    }

    fn measure(
        &self,
        place: &Place,
        start: impl FnOnce(&Path) -> Daemon,
        (speech, senders): (Speech, usize),
    ) -> Spent {
        let daemon = start(&place.file);
        let load = Load::connect(daemon.address, speech, senders, self.records);
        place.warm(self.records * 400);
        let (before, start) = (daemon.cpu(), Instant::now());
        load.run();
        let wall = start.elapsed().as_secs_f64();
        place.wait_for(self.records);
        Spent { wall, cpu: daemon.cpu() - before }
    }

    fn packets(&self) {
        let lines = (PACKETS as f64 * self.seconds) as u64;
        let (trickle, millions) = (Trickle { rate: PACKETS, lines }, lines as f64 / 1e6);
        println!("\n{PACKETS} lines a second, each in a packet of its own; to the tail in ms");
        heads(&["CPU s per M", "floor's", "x of the floor", "with a tail", "p50", "p99"]);
        for connections in CONNECTIONS {
            let title = format!("packets, {connections} connections");
            if !self.wants(&title) {
                continue;
            }
            let cpu = |daemon: &Daemon, place: &Place| {
                place.warm(lines * 400);
                let before = daemon.cpu();
                trickle.packets(daemon.address, connections);
                place.wait_for(lines);
                (daemon.cpu() - before) / millions
            };
            let places = [Place::new(), Place::new(), Place::new()];
            let least = cpu(&floor(&places[0].file), &places[0]);
            let ours = cpu(&Daemon::collector(&places[1].file), &places[1]);
            let (daemon, tail) = tailed(&places[2].file);
            let watched = cpu(&daemon, &places[2]);
            drop(daemon);
            let ages = tail.ages();
            assert_eq!(ages.len() as u64, lines, "lines in the tail");
            let [p50, p99] = [50, 99].map(|share| ages[ages.len() * share / 100] as f64 / 1000.0);
            print_row(&title, &[ours, least, ours / least, watched, p50, p99]);
        }
    }

    fn datagrams(&self) {
        println!("\ndatagrams of a line each");
        heads(&["M sent", "M/s sent", "lost, %", "of that told, %", "CPU s per M"]);
        for rate in DATAGRAMS {
            let title = format!("datagrams, {rate} a second");
            if !self.wants(&title) {
                continue;
            }
            let lines = (rate as f64 * self.seconds) as u64;
            let place = Place::new();
            let mut command = Daemon::command(&place.file, "udp://127.0.0.1:0", &["--http", "off"]);
            let (daemon, _) = Daemon::start(&mut command, &["listening on udp://"]);
            place.warm(lines * 400);
            let (before, start) = (daemon.cpu(), Instant::now());
            Trickle { rate, lines }.datagrams(daemon.address);
            let wall = start.elapsed().as_secs_f64();
            let (kept, told) = place.wait_for_told(lines);
            let (millions, lost) = (lines as f64 / 1e6, lines - kept);
            let share = if lost == 0 { 100.0 } else { 100.0 * told as f64 / lost as f64 };
            let lost = 100.0 * lost as f64 / lines as f64;
            let cpu = (daemon.cpu() - before) / millions;
            print_row(&title, &[millions, millions / wall, lost, share, cpu]);
        }
    }
}

/// A figure of a collector's own.
fn metric(http: SocketAddr, name: &str) -> f64 {
    let mut socket = TcpStream::connect(http).expect("the collector can be looked at");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("it is asked");
    let mut text = String::new();
    socket.read_to_string(&mut text).expect("it answers");
    let figure = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    figure.expect("it counts that")
}

fn heads(heads: &[&str]) {
    let heads: String = heads.iter().map(|head| format!("{head:>16}")).collect();
    println!("{:<30}{heads}", "");
}

fn print_row(title: &str, row: &[f64]) {
    let row: String = row.iter().map(|figure| format!("{figure:>16.3}")).collect();
    println!("{title:<30}{row}");
}

fn floor(file: &Path) -> Daemon {
    let bench = std::env::current_exe().expect("a bench has a path");
    Daemon::start(Command::new(bench).arg("--floor").arg(file), &["listening on tcp://"]).0
}

fn synced(file: &Path) -> Daemon {
    let mut command = Daemon::command(file, "tcp://127.0.0.1:0", &["--http", "off", "--sync"]);
    Daemon::start(&mut command, &["listening on tcp://"]).0
}

/// A collector that somebody tails.
fn tailed(file: &Path) -> (Daemon, Tail) {
    let mut command = Daemon::command(file, "tcp://127.0.0.1:0", &["--http", "127.0.0.1:0"]);
    let (daemon, serving) =
        Daemon::start(&mut command, &["listening on tcp://", "serving http://"]);
    (daemon, Tail::at(serving[0]))
}

/// Where a collector keeps its file.
struct Place {
    dir: TempDir,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory for the file");
        let file = dir.path().join("records.log");
        Self { dir, file }
    }

    /// Has the system touch as much memory as the file will take. Memory that a virtual machine
    /// has not used lately is slow, and whoever writes first would pay for it.
    fn warm(&self, bytes: u64) {
        let path = self.dir.path().join("warm");
        let (mut file, chunk) = (File::create(&path).expect("a file is made"), vec![0; 1 << 20]);
        for _ in 0..=bytes >> 20 {
            file.write_all(&chunk).expect("there is room for the file");
        }
        std::fs::remove_file(path).expect("it can be removed");
    }

    /// Waits until there are so many lines in the file.
    fn wait_for(&self, lines: u64) {
        let until = Instant::now() + PATIENCE;
        while self.lines() < lines && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(self.lines(), lines, "records in the file");
    }

    /// Waits until each of `lines` is in the file or told to be lost; how many are, and were.
    fn wait_for_told(&self, lines: u64) -> (u64, u64) {
        let until = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read(&self.file).expect("the collector has made its file");
            let mut told = (0, 0);
            for at in memchr::memmem::find_iter(&text, b"\"dropped\":") {
                let digits = text[at + 10..].iter().take_while(|byte| byte.is_ascii_digit());
                let count = digits.fold(0, |count, digit| count * 10 + u64::from(digit - b'0'));
                told = (told.0 + 1, told.1 + count);
            }
            let kept = memchr::memchr_iter(b'\n', &text).count() as u64 - told.0;
            if kept + told.1 >= lines || Instant::now() > until {
                return (kept, told.1);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn lines(&self) -> u64 {
        let mut file = File::open(&self.file).expect("the collector has made its file");
        let (mut buffer, mut lines) = (vec![0; 1 << 20], 0);
        loop {
            match file.read(&mut buffer).expect("the file can be read") {
                0 => return lines,
                count => lines += memchr::memchr_iter(b'\n', &buffer[..count]).count() as u64,
            }
        }
    }
}
