//! The collectors' table: lines over TCP into one file.

use crate::load::{Load, Speech};
use crate::process::{Process, free_address, lines};
use crate::run::setting;
use crate::tables::{chosen, heads};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Those who take plain lines, and those who take records of netlog's, each behind the floor it is
/// measured by. The records are acked, so they go to netlog's collector alone.
const PLAIN: [&str; 4] = ["floor", "netlog", "rsyslog", "syslog-ng"];
const RECORDS: [&str; 2] = ["floor, netlog's records", "netlog, its own records"];

const CONNECTIONS: [usize; 3] = [1, 10, 100];

/// How long nothing may come before what has come is all there is.
const QUIET: Duration = Duration::from_secs(3);

/// How long nothing may come before what has come is counted: not oftener, because counting takes
/// from the collector what it is measured by.
const PAUSE: Duration = Duration::from_millis(100);

/// What a collector came to.
struct Spent {
    wall: f64,
    cpu: f64,
    peak: f64,
    kept: u64,
}

/// Where tests/clients/get has put the daemons.
pub(crate) fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients")
}

/// Measures and prints it.
pub(crate) fn table(wanted: &[String]) {
    let groups = [&PLAIN[..], &RECORDS[..]].map(|names| chosen(wanted, "collectors", names));
    if groups.concat().is_empty() {
        return;
    }
    let records = setting("NETLOG_BENCH_RECORDS", 1e6) as u64;
    println!("\n{records} lines (of 200 bytes, or records of netlog's) over TCP into one file");
    heads(&["M lines/s", "CPU s per M", "x of the floor", "peak MiB", "lost"]);
    for connections in CONNECTIONS {
        for names in &groups {
            let mut floor = f64::NAN;
            for name in names {
                let title = format!("{name}, {connections} conn.");
                let spent = match measure(name, connections, records) {
                    Ok(spent) => spent,
                    Err(why) => {
                        println!("{title:<34}  failed: {why}");
                        continue;
                    }
                };
                let millions = records as f64 / 1e6;
                let (rate, cpu) = (millions / spent.wall, spent.cpu / millions);
                floor = if name.starts_with("floor") { cpu } else { floor };
                let (times, peak, lost) = (cpu / floor, spent.peak, records - spent.kept);
                println!("{title:<34}{rate:>9.2}{cpu:>17.2}{times:>17.1}{peak:>17.0}{lost:>17}");
            }
        }
    }
}

fn measure(name: &str, connections: usize, records: u64) -> Result<Spent, String> {
    let speech = match name {
        _ if name == RECORDS[0] => Speech::Mute,
        _ if name == RECORDS[1] => Speech::Netlog,
        _ => Speech::Plain,
    };
    let place = tempfile::tempdir().expect("a directory can be made");
    let (address, file) = (free_address(), place.path().join("records.log"));
    let process = Process::start(&mut command(name, place.path(), address, &file), address)?;
    let load = Load::connect(address, speech, connections, records);
    let (before, start) = (process.cpu(), Instant::now());
    // On a thread of its own, so that a peer that breaks off ends its case and not the table.
    let sent = std::thread::spawn(move || load.run()).join();
    sent.map_err(|_| "it did not take all lines; what stands above says why")?;
    let (kept, wall) = settle(&file, records, start);
    let (cpu, peak) = (process.cpu() - before, process.peak());
    Ok(Spent { wall, cpu, peak, kept: kept.min(records) })
}

/// Waits until all lines are in the file, or no more come; how many are, and how long it took.
fn settle(file: &Path, wanted: u64, start: Instant) -> (u64, f64) {
    let (mut length, mut since) = (0, start);
    loop {
        let now = fs::metadata(file).map_or(0, |file| file.len());
        if now != length {
            (length, since) = (now, Instant::now());
        }
        if since.elapsed() > PAUSE {
            let kept = lines(file, b"\n");
            if kept >= wanted || since.elapsed() > QUIET {
                return (kept, since.duration_since(start).as_secs_f64());
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn command(name: &str, place: &Path, address: SocketAddr, file: &Path) -> Command {
    match name {
        _ if name.starts_with("floor") => {
            let mut floor = Command::new(std::env::current_exe().expect("a bench has a path"));
            floor.arg("--floor").arg(file).arg(address.to_string());
            floor
        }
        "rsyslog" => rsyslog(place, address, file),
        "syslog-ng" => syslog_ng(place, address, file),
        _ => {
            let mut netlog = Command::new(Process::built("netlog-collector"));
            netlog.args(["--rotate-size", "0", "--http", "off", "--listen"]);
            netlog.arg(format!("tcp://{address}")).arg("--file").arg(file);
            netlog
        }
    }
}

/// With its faster TCP input, a queue of a fixed array and large writes, which it does not have by
/// itself.
fn rsyslog(place: &Path, address: SocketAddr, file: &Path) -> Command {
    let (place_, file, port) = (place.display(), file.display(), address.port());
    let text = format!(
        r#"global(workDirectory="{place_}" net.enableDNS="off" parser.escapeControlCharactersOnReceive="off")
main_queue(queue.type="FixedArray" queue.size="200000" queue.dequeueBatchSize="2048"
  queue.workerThreads="1" queue.highWatermark="180000" queue.lowWatermark="100000" queue.timeoutEnqueue="60000")
template(name="raw" type="string" string="%rawmsg%\n")
module(load="imptcp" threads="2")
ruleset(name="r") {{ action(type="omfile" file="{file}" template="raw" ioBufferSize="256k" asyncWriting="off" flushOnTXEnd="on") }}
input(type="imptcp" address="127.0.0.1" port="{port}" ruleset="r")
"#
    );
    let mut command = Command::new(clients().join("rsyslogd"));
    command.args(["-n", "-iNONE", "-M"]).arg(clients().join("rsyslog-modules"));
    command.arg("-f").arg(written(place, &text));
    command
}

/// With flow control, so that it loses nothing, and a window and batches that suit the load.
fn syslog_ng(place: &Path, address: SocketAddr, file: &Path) -> Command {
    let (file, port) = (file.display(), address.port());
    let text = format!(
        r#"@version: current
options {{ threaded(yes); stats-freq(0); keep-hostname(yes); use-dns(no); dns-cache(no); log-msg-size(65536); }};
source s {{ network(ip("127.0.0.1") port({port}) transport("tcp") flags(no-parse)
  max-connections(200) log-iw-size(200000) log-fetch-limit(1000)); }};
destination d {{ file("{file}" template("$MSG\n") flush-lines(1000) log-fifo-size(400000)); }};
log {{ source(s); destination(d); flags(flow-control); }};
"#
    );
    let mut command = Command::new(clients().join("syslog-ng"));
    command.args(["--foreground", "--no-caps"]).arg("-f").arg(written(place, &text));
    for (flag, name) in [("-R", "persist"), ("-p", "pid"), ("-c", "control")] {
        command.arg(flag).arg(place.join(name));
    }
    command
}

fn written(place: &Path, text: &str) -> PathBuf {
    let path = place.join("conf");
    fs::write(&path, text).expect("a file can be written");
    path
}
