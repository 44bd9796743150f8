//! How long a record takes from `info!` to whoever tails: one program logs, a collector keeps it in
//! a file, and a tail's socket, or the output of `netlog tail`, is read until the record is there.

use crate::daemon::{Daemon, build};
use crate::run;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// For how long a record may be under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures and prints the tables. `chatter` starts another program that logs to an address.
pub(crate) fn run<C>(place: &Path, chatter: impl Fn(&str) -> C) {
    let mut command =
        Daemon::command(&place.join("tailed.log"), "tcp://127.0.0.1:0", &["--http", "127.0.0.1:0"]);
    let (collector, served) =
        Daemon::start(&mut command, &["listening on tcp://", "serving http://"]);
    let &[http] = &served[..] else { panic!("one address is served") };
    let address = collector.address.to_string();
    let _guard = netlog::builder(&address)
        .level(log::LevelFilter::Info)
        .spool_dir(place.join("spool"))
        .init()
        .expect("netlog starts");
    table("a tail's socket", &tail(http));
    let (shown, child) = shown(http);
    table("the stdout of netlog tail", &shown);
    let other = chatter(&address);
    table("the same, beside another sender", &shown);
    drop(other);
    end(child);
}

fn table(to: &str, arrivals: &Receiver<Instant>) {
    let records = run::setting("NETLOG_BENCH_RECORDS", 500.0) as u64;
    println!("\nfrom info! to {to}, in ms; {records} records");
    let heads = ["p50", "p90", "p99", "p99.9", "max"].map(|head| format!("{head:>10}"));
    println!("{:<28}{}", "", heads.concat());
    let mut gaps = fastrand::Rng::with_seed(1);
    for (title, most) in [("a record every 1 ms", 2), ("every 10 ms", 20), ("every 100 ms", 200)] {
        let mut taken: Vec<f64> = (0..records)
            .map(|_| {
                std::thread::sleep(Duration::from_micros(gaps.u64(0..most * 1000)));
                let start = Instant::now();
                log::info!("a record");
                let arrival = arrivals.recv_timeout(PATIENCE).expect("the record comes");
                (arrival - start).as_secs_f64() * 1e3
            })
            .collect();
        taken.sort_by(f64::total_cmp);
        let row = [0.5, 0.9, 0.99, 0.999, 1.0].map(|share| {
            let rank = (taken.len() as f64 * share).ceil() as usize;
            format!("{:>10.3}", taken[rank.clamp(1, taken.len()) - 1])
        });
        println!("{title:<28}{}", row.concat());
    }
}

/// Tails the collector, and tells when a record has come.
fn tail(http: SocketAddr) -> Receiver<Instant> {
    let mut socket = TcpStream::connect(http).expect("the collector can be looked at");
    write!(socket, "GET /tail?n=0 HTTP/1.1\r\nhost: {http}\r\n\r\n").expect("it is asked");
    let mut lines = BufReader::new(socket).lines().map_while(Result::ok);
    let live = lines.by_ref().any(|line| line.starts_with("{\"notice\":\"live\""));
    assert!(live, "the tail begins");
    told(lines, "\"msg\":\"a record\"")
}

/// Has `netlog tail` show what comes.
fn shown(http: SocketAddr) -> (Receiver<Instant>, Child) {
    let mut command = Command::new(build("netlog-cli", "netlog"));
    command.args(["tail", "-n", "0", "--at", &format!("http://{http}")]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("netlog starts");
    let stdout = child.stdout.take().expect("stdout is a pipe");
    let shown = told(BufReader::new(stdout).lines().map_while(Result::ok), " a record");
    // It is there once it shows what is logged.
    let until = Instant::now() + PATIENCE;
    while shown.recv_timeout(Duration::from_millis(200)).is_err() {
        assert!(Instant::now() < until, "netlog tail shows nothing");
        log::info!("a record");
    }
    while shown.recv_timeout(Duration::from_millis(500)).is_ok() {}
    (shown, child)
}

fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Tells when a line with these words has come.
fn told(
    lines: impl Iterator<Item = String> + Send + 'static,
    words: &'static str,
) -> Receiver<Instant> {
    let (tell, arrivals) = channel();
    std::thread::spawn(move || {
        for line in lines.filter(|line| line.contains(words)) {
            if tell.send(Instant::now()).is_err() {
                return drop(line);
            }
        }
    });
    arrivals
}
