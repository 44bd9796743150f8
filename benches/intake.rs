//! What a collector spends on a record, from the socket to the file: `cargo bench --bench intake`.
//!
//! Each case runs beside the floor (`append.rs`), and fails if a record is missing from the file.
//! `NETLOG_BENCH_RECORDS` is how many records a case sends (1,000,000).
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

mod append;
mod daemon;
mod load;
mod run;

use daemon::Daemon;
use load::{Load, Speech};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const SENDERS: [usize; 4] = [1, 10, 100, 1000];

/// How long a record may take from the end of its connection to the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a case came to.
struct Spent {
    /// Seconds from the first byte to the last record in the file.
    wall: f64,
    /// CPU seconds of the whole collector.
    cpu: f64,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, file] = &args[..]
        && flag == "--floor"
    {
        append::run(Path::new(file)).expect("the floor runs until it is killed");
        return;
    }
    let wanted = |title: &str| {
        args.iter().filter(|arg| !arg.starts_with("--")).all(|arg| title.contains(arg.as_str()))
    };
    let records = run::setting("NETLOG_BENCH_RECORDS", 1e6) as u64;
    println!("{}\n\n{records} records into one file, none missing", run::machine());
    let heads = ["M/s", "floor's M/s", "CPU s per M", "floor's", "x of the floor"];
    println!("{:<28}{}", "", heads.map(|head| format!("{head:>16}")).concat());
    for (title, speech) in [("netlog records", Speech::Netlog), ("plain lines", Speech::Plain)] {
        for senders in SENDERS {
            let row_title = format!("{title}, {senders} senders");
            if !wanted(&row_title) {
                continue;
            }
            let mute = if speech == Speech::Netlog { Speech::Mute } else { speech };
            let floor = measure(Which::Floor, mute, senders, records);
            let ours = measure(Which::Netlog, speech, senders, records);
            let millions = records as f64 / 1e6;
            let row = [
                millions / ours.wall,
                millions / floor.wall,
                ours.cpu / millions,
                floor.cpu / millions,
                ours.cpu / floor.cpu,
            ];
            let row = row.map(|figure| format!("{figure:>16.3}")).concat();
            println!("{:<28}{row}", format!("{title}, {senders} senders"));
        }
    }
}

/// Which collector.
#[derive(Clone, Copy)]
enum Which {
    Netlog,
    Floor,
}

fn measure(which: Which, speech: Speech, senders: usize, records: u64) -> Spent {
    let place = tempfile::tempdir().expect("a directory for the file");
    let path = place.path().join("records.log");
    let daemon = match which {
        Which::Netlog => Daemon::collector(&path),
        Which::Floor => {
            let bench = std::env::current_exe().expect("a bench has a path");
            Daemon::start(Command::new(bench).arg("--floor").arg(&path))
        }
    };
    let load = Load::connect(daemon.address, speech, senders, records);
    warm(&place.path().join("warm"), records * 400);
    let (before, start) = (daemon.cpu(), Instant::now());
    load.run();
    let until = Instant::now() + PATIENCE;
    let wall = start.elapsed().as_secs_f64();
    let mut lines = count_lines(&path);
    while lines < records && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
        lines = count_lines(&path);
    }
    assert_eq!(lines, records, "records in the file");
    Spent { wall, cpu: daemon.cpu() - before }
}

/// Has the system touch as much memory as the file will take. Memory that a virtual machine has
/// never used is slow, and whoever writes first would pay for it.
fn warm(path: &Path, bytes: u64) {
    let (mut file, chunk) = (File::create(path).expect("a file can be made"), vec![0; 1 << 20]);
    for _ in 0..=bytes >> 20 {
        file.write_all(&chunk).expect("there is room for the file");
    }
    std::fs::remove_file(path).expect("it can be removed");
}

fn count_lines(path: &Path) -> u64 {
    let mut file = File::open(path).expect("the collector has made its file");
    let (mut buffer, mut lines) = (vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut buffer).expect("the file can be read") {
            0 => return lines,
            count => lines += memchr::memchr_iter(b'\n', &buffer[..count]).count() as u64,
        }
    }
}
