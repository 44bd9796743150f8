//! The collectors' table: lines over TCP into one file.

use crate::load::{Load, Speech};
use crate::process::{Process, free_address, lines};
use crate::run::setting;
use crate::tables::{heads, wants};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What each is and is sent, behind the floor it is measured by. Records of netlog's, which are
/// acked, go to netlog's collector alone.
const CASES: [(&str, Speech); 6] = [
    ("floor", Speech::Plain),
    ("netlog", Speech::Plain),
    ("rsyslog", Speech::Plain),
    ("syslog-ng", Speech::Plain),
    ("floor, netlog's records", Speech::Mute),
    ("netlog, its own records", Speech::Netlog),
];

const CONNECTIONS: [usize; 3] = [1, 10, 100];

/// How long nothing may come before what has come is all there is.
const QUIET: Duration = Duration::from_secs(3);

/// Where tests/clients/get has put the daemons.
pub(crate) fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients")
}

/// Measures and prints it.
pub(crate) fn table(wanted: &[String]) {
    let records = setting("NETLOG_BENCH_RECORDS", 1e6) as u64;
    println!("\n{records} lines of 200 bytes over TCP into one file");
    heads(&["M lines/s", "CPU s per M", "x of the floor", "peak MiB", "lost"]);
    for connections in CONNECTIONS {
        let mut floor = f64::NAN;
        for (name, speech) in CASES {
            if !wants(wanted, &format!("collectors {name}")) {
                continue;
            }
            let place = tempfile::tempdir().expect("a directory can be made");
            let (address, file) = (free_address(), place.path().join("records.log"));
            let process = Process::start(&mut command(name, place.path(), address, &file), address);
            let load = Load::connect(address, speech, connections, records);
            let (cpu, start) = (process.cpu(), Instant::now());
            load.run();
            let (kept, wall) = settle(&file, records, start);
            let millions = records as f64 / 1e6;
            let cpu = (process.cpu() - cpu) / millions;
            floor = if name.starts_with("floor") { cpu } else { floor };
            let (rate, lost) = (millions / wall, records.saturating_sub(kept));
            let title = format!("{name}, {connections} conn.");
            let (times, peak) = (cpu / floor, process.peak());
            println!("{title:<34}{rate:>9.2}{cpu:>17.2}{times:>17.1}{peak:>17.0}{lost:>17}");
        }
    }
}

/// Waits until all lines are in the file, or no more come; how many are, and how long it took.
fn settle(file: &Path, wanted: u64, start: Instant) -> (u64, f64) {
    let (mut kept, mut since) = (lines(file, b"\n"), Instant::now());
    while kept < wanted && since.elapsed() < QUIET {
        std::thread::sleep(Duration::from_millis(50));
        let now = lines(file, b"\n");
        if now != kept {
            (kept, since) = (now, Instant::now());
        }
    }
    (kept, since.duration_since(start).as_secs_f64())
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
