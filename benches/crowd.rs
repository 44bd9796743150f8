//! What a crowd that stands by costs those who are busy: ten senders, alone, beside idle connections,
//! and beside tails.

use crate::daemon::Daemon;
use crate::hold::{hold, raise_files};
use crate::load::{Load, Speech};
use crate::run;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Instant;

const SENDERS: usize = 10;

/// Tails that want everything.
const EAGER: usize = 10;

/// What a case came to.
#[derive(Clone, Copy)]
struct Busy {
    /// Millions of records a second.
    rate: f64,
    /// CPU seconds of the collector, its readers included, per million.
    cpu: f64,
}

/// Measures and prints the table.
pub(crate) fn run(place: &Path, records: u64) {
    raise_files();
    let connections = run::setting("NETLOG_BENCH_CONNECTIONS", 9900.0) as usize;
    let tails = run::setting("NETLOG_BENCH_TAILS", 10_000.0) as usize;
    println!("\n{SENDERS} senders flat out; x of alone, in the same run");
    println!("{:<36}{:>10}{:>10}{:>14}{:>10}", "", "M/s", "x", "CPU s per M", "x");
    let file = |name: &str| place.join(name);
    let collector = Daemon::collector(&file("alone.log"));
    let alone = busy(&collector, records);
    row("alone", alone, alone);
    let collector = Daemon::collector(&file("idle.log"));
    let held = hold(collector.address, connections);
    row(&format!("beside {} idle connections", held.len()), busy(&collector, records), alone);
    drop((held, collector));
    for (name, count, query) in [
        ("that want nothing", tails, "n=0&grep=nothing+like+this"),
        ("of everything", EAGER, "n=0"),
    ] {
        let (collector, readers) = tailed(&file(name), count, query);
        row(&format!("beside {} tails {name}", readers.len()), busy(&collector, records), alone);
        drop(collector);
    }
}

fn row(title: &str, busy: Busy, alone: Busy) {
    let (rate, cpu) = (busy.rate / alone.rate, busy.cpu / alone.cpu);
    println!("{title:<36}{:>10.3}{rate:>10.2}{:>14.3}{cpu:>10.2}", busy.rate, busy.cpu);
}

fn busy(collector: &Daemon, records: u64) -> Busy {
    let load = Load::connect(collector.address, Speech::Netlog, SENDERS, records);
    let (cpu, start) = (collector.cpu(), Instant::now());
    load.run();
    let millions = records as f64 / 1e6;
    let (rate, cpu) = (millions / start.elapsed().as_secs_f64(), collector.cpu() - cpu);
    Busy { rate, cpu: cpu / millions }
}

/// A collector with so many tails, or as many as it serves, each read as fast as it comes.
fn tailed(file: &Path, count: usize, query: &str) -> (Daemon, Vec<TcpStream>) {
    let most = count.to_string();
    // Fewer connections than there may be by default: 20,000 open files are enough for all then.
    let more = ["--http", "127.0.0.1:0", "--max-tails", &most, "--max-connections", "9000"];
    let mut command = Daemon::command(file, "tcp://127.0.0.1:0", &more);
    let (collector, served) =
        Daemon::start(&mut command, &["listening on tcp://", "serving http://"]);
    let tails: Vec<_> = (0..count).map_while(|_| tail(served[0], query)).collect();
    for tail in tails.iter().take(EAGER) {
        let mut tail = tail.try_clone().expect("a socket can be shared");
        std::thread::spawn(move || io::copy(&mut tail, &mut io::sink()));
    }
    (collector, tails)
}

/// A tail that is live; none when the collector serves no more.
fn tail(http: SocketAddr, query: &str) -> Option<TcpStream> {
    let mut socket = TcpStream::connect(http).ok()?;
    write!(socket, "GET /tail?{query} HTTP/1.1\r\nhost: {http}\r\n\r\n").ok()?;
    let mut lines = BufReader::with_capacity(512, &socket).lines().map_while(Result::ok);
    let live = lines.any(|line| line.starts_with("{\"notice\":\"live\""));
    drop(lines);
    live.then_some(socket)
}
