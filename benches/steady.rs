//! The cases that send at a steady rate: lines in a packet each, and datagrams.

use crate::metrics::metric;
use crate::place::{PATIENCE, Place};
use crate::spread::Spread;
use crate::table::{Table, figure};
use crate::trickle::Trickle;
use crate::volley::Volley;
use crate::{Bench, Daemon, WIDTH, floor, served, tailed};
use std::net::SocketAddr;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// One-line packets a second, and over how many connections.
const PACKETS: u64 = 100_000;
const CONNECTIONS: [usize; 2] = [10, 100];

/// Datagrams a second.
const DATAGRAMS: [u64; 3] = [50_000, 200_000, 400_000];

/// How many came to the file, how many the collector says were lost, and its CPU seconds.
struct Caught {
    kept: u64,
    counted: u64,
    cpu: f64,
    /// Datagrams that were sent a second.
    rate: f64,
}

fn middle(figures: &[f64]) -> f64 {
    Spread::of(figures.iter().copied()).middle
}

impl Bench {
    pub(crate) fn packets(&self) {
        let caption =
            format!("{PACKETS} lines a second, each in a packet of its own; to the tail in ms");
        let heads =
            ["CPU s per M", "floor's", "with a tail", "tail's p50", "p99", "x of the floor"];
        let mut table = Table::new(&caption, WIDTH, &heads);
        for connections in CONNECTIONS {
            let title = format!("packets, {connections} connections");
            if !self.wants(&title) {
                continue;
            }
            let [mut ours, mut least, mut watched, mut p50, mut p99] = <[Vec<f64>; 5]>::default();
            for _ in 0..self.rounds {
                let place = Place::new();
                least.push(self.trickle(&floor(&place.file), &place, connections));
                let place = Place::new();
                ours.push(self.trickle(&Daemon::collector(&place.file), &place, connections));
                let place = Place::new();
                let (daemon, tail) = tailed(&place.file);
                watched.push(self.trickle(&daemon, &place, connections));
                drop(daemon);
                let ages = tail.ages();
                assert_eq!(ages.len() as u64, self.lines(), "lines in the tail");
                let age = |share: usize| ages[ages.len() * share / 100] as f64 / 1000.0;
                p50.push(age(50));
                p99.push(age(99));
            }
            let figures = [&ours, &least, &watched, &p50, &p99].map(|all| figure(middle(all)));
            let times = Spread::ratio(&ours, &least).to_string();
            table.row(&title, &[&figures[..], &[times]].concat());
        }
    }

    /// How many one-line packets there are.
    fn lines(&self) -> u64 {
        (PACKETS as f64 * self.seconds) as u64
    }

    /// Sends them; CPU seconds per million.
    fn trickle(&self, daemon: &Daemon, place: &Place, connections: usize) -> f64 {
        let lines = self.lines();
        place.warm(lines * 400);
        let before = daemon.cpu();
        Trickle { rate: PACKETS, lines }.packets(daemon.address, connections);
        place.wait_for(lines);
        (daemon.cpu() - before) / (lines as f64 / 1e6)
    }

    pub(crate) fn datagrams(&self) {
        let caption = "datagrams of a line each; what is lost is counted, or this fails";
        let heads =
            ["k/s in truth", "lost, %", "floor's", "CPU s per M", "floor's", "x of the floor"];
        let mut table = Table::new(caption, WIDTH, &heads);
        for rate in DATAGRAMS {
            let title = format!("datagrams, {rate} a second");
            if !self.wants(&title) {
                continue;
            }
            let datagrams = (rate as f64 * self.seconds) as u64;
            let volley = Volley { rate, datagrams };
            let [mut ours, mut least, mut lost, mut lost_, mut rates] = <[Vec<f64>; 5]>::default();
            let share = |kept: u64| 100.0 * (datagrams - kept) as f64 / datagrams as f64;
            for _ in 0..self.rounds {
                let caught = floor_of_datagrams(volley);
                least.push(caught.cpu / (caught.kept as f64 / 1e6));
                lost_.push(share(caught.kept));
                rates.push(caught.rate / 1e3);
                let caught = collector_of_datagrams(volley);
                ours.push(caught.cpu / (caught.kept as f64 / 1e6));
                lost.push(share(caught.kept));
                rates.push(caught.rate / 1e3);
                assert_eq!(caught.kept + caught.counted, datagrams, "in the file, or counted");
            }
            let figures = [&rates, &lost, &lost_, &ours, &least].map(|all| figure(middle(all)));
            let times = Spread::ratio(&ours, &least).to_string();
            table.row(&title, &[&figures[..], &[times]].concat());
        }
    }
}

fn floor_of_datagrams(volley: Volley) -> Caught {
    let place = Place::new();
    let mut bench = Command::new(std::env::current_exe().expect("a bench has a path"));
    bench.arg("--floor-of-datagrams").arg(&place.file);
    let (daemon, _) = Daemon::start(&mut bench, &["listening on udp://"]);
    place.warm(volley.datagrams * 200);
    let before = daemon.cpu();
    let rate = volley.fire(daemon.address);
    let kept = place.settled();
    Caught { kept, counted: 0, cpu: daemon.cpu() - before, rate }
}

fn collector_of_datagrams(volley: Volley) -> Caught {
    let place = Place::new();
    let (daemon, http) = served(&place.file, "udp");
    place.warm(volley.datagrams * 400);
    let before = daemon.cpu();
    let rate = volley.fire(daemon.address);
    wait_for_counts(http, volley.datagrams);
    let lines = place.settled();
    let cpu = daemon.cpu() - before;
    let counted = metric(http, "netlog_datagrams_dropped_total") as u64;
    // The records that tell of losses were not sent.
    let kept = lines - place.count(b"\"kv\":{\"dropped\":");
    Caught { kept, counted, cpu, rate }
}

/// Waits until the collector counts so many datagrams, as taken or as lost: what was lost it learns
/// twice a second.
fn wait_for_counts(http: SocketAddr, datagrams: u64) {
    let count = |name| metric(http, name) as u64;
    let all = || count("netlog_datagrams_total") + count("netlog_datagrams_dropped_total");
    let until = Instant::now() + PATIENCE;
    while all() < datagrams && Instant::now() < until {
        sleep(Duration::from_millis(100));
    }
}
