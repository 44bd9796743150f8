//! The collectors' tables: lines over TCP, flat out and in a packet each, and datagrams.

use crate::daemons::{Daemon, Transport};
use crate::load::{Load, Speech};
use crate::metrics::metric;
use crate::run::setting;
use crate::spread::Spread;
use crate::table::{Table, figure};
use crate::tables::chosen;
use crate::trickle::Trickle;
use crate::turns::{Case, rounds, take_turns};
use crate::volley::Volley;
use std::net::SocketAddr;
use std::time::Instant;

/// Those who take plain lines, and those who take records of netlog's, each behind the floor it is
/// measured by. The records are acked, so they go to netlog's collector alone.
const PLAIN: [&str; 4] = ["floor", "netlog", "rsyslog", "syslog-ng"];
const RECORDS: [&str; 2] = ["floor, netlog's records", "netlog, its own records"];

/// Those who read the fields of each message and write them as JSON, beside the floor, which does not.
const OF_SYSLOG: [&str; 4] =
    ["floor, syslog", "netlog, syslog", "rsyslog, parsing syslog", "syslog-ng, parsing syslog"];
const OF_JSON: [&str; 4] =
    ["floor, JSON", "netlog, JSON", "rsyslog, parsing JSON", "syslog-ng, parsing JSON"];

/// Of those, who is to be beaten.
const PEERS: [&str; 2] = ["rsyslog", "syslog-ng"];

const CONNECTIONS: [usize; 4] = [1, 10, 100, 1000];

/// Lines a second, each in a packet of its own, and over how many connections.
const PACKETS: u64 = 100_000;
const PACKET_CONNECTIONS: [usize; 2] = [10, 100];

/// Datagrams a second.
const DATAGRAMS: [u64; 3] = [50_000, 200_000, 400_000];

/// What a collector came to.
struct Spent {
    /// A second, in truth: of the lines taken, or of the datagrams sent.
    rate: f64,
    /// CPU seconds per million that are in the file.
    cpu: f64,
    peak: f64,
    sent: u64,
    lost: u64,
    /// How many of those it says it has lost.
    told: Option<u64>,
}

/// Measures and prints them.
pub(crate) fn tables(wanted: &[String]) {
    flat_out(wanted);
    parsed(wanted);
    packets(wanted);
    datagrams(wanted);
}

fn flat_out(wanted: &[String]) {
    let groups = [&PLAIN[..], &RECORDS[..]].map(|names| chosen(wanted, "collectors", names));
    let records = setting("NETLOG_BENCH_RECORDS", 5e5) as u64;
    let caption = format!(
        "collectors: {records} lines (of 200 bytes, or records of netlog's) over TCP into one file"
    );
    let mut table = table(&caption, "M lines/s");
    for connections in CONNECTIONS {
        let cases = take_turns(&groups.concat(), |name| {
            let speech = match name {
                _ if name == RECORDS[0] => Speech::Mute,
                _ if name == RECORDS[1] => Speech::Netlog,
                _ => Speech::Plain,
            };
            measure(name, records, |address| {
                let load = Load::connect(address, speech, connections, records);
                Box::new(|| load.run())
            })
        });
        print(&mut table, &format!("{connections} conn."), &cases);
    }
}

fn parsed(wanted: &[String]) {
    let records = setting("NETLOG_BENCH_RECORDS", 5e5) as u64;
    let caption = format!(
        "parsed: {records} messages of 200 bytes over TCP, their fields as JSON in one file"
    );
    let mut table = table(&caption, "M lines/s");
    for (names, speech) in [(OF_SYSLOG, Speech::Syslog), (OF_JSON, Speech::Json)] {
        let names = chosen(wanted, "parsed", &names);
        let cases = take_turns(&names, |name| {
            measure(name, records, |address| {
                let load = Load::connect(address, speech, 10, records);
                Box::new(|| load.run())
            })
        });
        print(&mut table, "10 conn.", &cases);
    }
}

fn packets(wanted: &[String]) {
    let names = chosen(wanted, "packets", &PLAIN);
    let lines = (setting("NETLOG_BENCH_SECONDS", 2.0) * PACKETS as f64) as u64;
    let mut table = table(&format!("packets: {PACKETS} lines a second, each its own"), "M lines/s");
    for connections in PACKET_CONNECTIONS {
        let cases = take_turns(&names, |name| {
            let trickle = Trickle { rate: PACKETS, lines };
            measure(name, lines, |address| Box::new(move || trickle.packets(address, connections)))
        });
        print(&mut table, &format!("{connections} conn."), &cases);
    }
}

fn datagrams(wanted: &[String]) {
    let names = chosen(wanted, "datagrams", &PLAIN);
    let seconds = setting("NETLOG_BENCH_SECONDS", 2.0);
    let mut table = table("datagrams: lines of 199 bytes by UDP, at a rate in k/s", "M sent/s");
    for rate in DATAGRAMS {
        let datagrams = (rate as f64 * seconds) as u64;
        let cases = take_turns(&names, |name| volley(name, Volley { rate, datagrams }));
        print(&mut table, &format!("{} k/s", rate / 1000), &cases);
    }
}

fn table(caption: &str, rate: &str) -> Table {
    let caption = format!("{caption}, {} rounds", rounds());
    let heads = [
        rate,
        "CPU s per M",
        "x of the floor",
        "x of best peer",
        "peak MiB",
        "lost, %",
        "told, % of lost",
    ];
    Table::new(&caption, 17, &heads)
}

/// Has the collector of this name take lines from who is ready to send them to an address.
fn measure(
    name: &str,
    lines: u64,
    ready: impl FnOnce(SocketAddr) -> Box<dyn FnOnce() + Send>,
) -> Result<Spent, String> {
    let daemon = Daemon::start(name, Transport::Tcp)?;
    let send = ready(daemon.address);
    let (before, start) = (daemon.process.cpu(), Instant::now());
    // On a thread of its own, so that a peer that breaks off ends its case and not the table.
    let sent = std::thread::spawn(send).join();
    sent.map_err(|_| "it did not take all lines; what stands above says why")?;
    let (kept, wall) = daemon.settle(lines, start);
    let (kept, millions) = (kept.min(lines), lines as f64 / 1e6);
    let cpu = (daemon.process.cpu() - before) / (kept as f64 / 1e6);
    let (peak, lost) = (daemon.process.peak(), lines - kept);
    Ok(Spent { rate: millions / wall, cpu, peak, sent: lines, lost, told: None })
}

/// The same with datagrams, of which some may be lost.
fn volley(name: &str, volley: Volley) -> Result<Spent, String> {
    let daemon = Daemon::start(name, Transport::Udp)?;
    let (before, start) = (daemon.process.cpu(), Instant::now());
    let rate = volley.fire(daemon.address) / 1e6;
    let (lines, _) = daemon.settle(volley.datagrams, start);
    // netlog's file has records more that tell of losses.
    let kept = lines - daemon.count(b"\"kv\":{\"dropped\":");
    let cpu = (daemon.process.cpu() - before) / (kept as f64 / 1e6);
    let told =
        (name == "netlog").then(|| metric(daemon.http, "netlog_datagrams_dropped_total") as u64);
    let (peak, lost) = (daemon.process.peak(), volley.datagrams - kept);
    Ok(Spent { rate, cpu, peak, sent: volley.datagrams, lost, told })
}

fn is_peer(name: &str) -> bool {
    PEERS.iter().any(|peer| name.starts_with(peer))
}

fn print(table: &mut Table, title: &str, cases: &[Case<'_, Spent>]) {
    let cpu = |case: &Case<'_, Spent>| case.figures(|spent| spent.cpu);
    // The best of each round.
    let peers: Vec<_> = cases.iter().filter(|case| is_peer(case.name)).map(cpu).collect();
    let best: Vec<f64> = (0..rounds())
        .map(|round| peers.iter().map(|peer| peer[round]).fold(f64::NAN, f64::min))
        .collect();
    let mut floor = vec![f64::NAN; rounds()];
    for case in cases {
        let cpu = cpu(case);
        floor = if case.name.starts_with("floor") { cpu.clone() } else { floor };
        let middle = |of: &dyn Fn(&Spent) -> f64| Spread::of(case.figures(of)).middle;
        let [sent, lost] = [|spent: &Spent| spent.sent, |spent: &Spent| spent.lost]
            .map(|of| case.taken.iter().map(of).sum::<u64>() as f64);
        let told: Option<u64> = case.taken.iter().map(|spent| spent.told).sum();
        let told = match told {
            Some(told) if lost > 0.0 => format!("{:.1}", 100.0 * told as f64 / lost),
            _ => "-".into(),
        };
        let row = [
            figure(middle(&|spent| spent.rate)),
            figure(middle(&|spent| spent.cpu)),
            Spread::ratio(&cpu, &floor).to_string(),
            Spread::ratio(&cpu, &best).to_string(),
            format!("{:.0}", middle(&|spent| spent.peak)),
            format!("{:.2}", 100.0 * lost / sent),
            told,
        ];
        table.row(&format!("{}, {title}", case.name), &row);
    }
}
