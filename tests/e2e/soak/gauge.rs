//! Measurements of a collector, taken from outside.

use crate::harness::{Collector, SOON, get};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Records of which the latency is measured, for each sample.
const PROBES: usize = 15;

pub(super) struct Gauge {
    pub(super) name: &'static str,
    pid: u32,
    directory: PathBuf,
    address: String,
    server: String,
    /// Probes sent so far: each sample continues their numbers.
    probes: AtomicU64,
}

/// One look at a collector.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    pub(super) at: Duration,
    /// Resident memory of its own, in KiB.
    pub(super) memory: u64,
    pub(super) descriptors: u64,
    pub(super) threads: u64,
    /// Bytes of its files, in KiB.
    pub(super) disk: u64,
    pub(super) files: u64,
    /// CPU time since its start.
    pub(super) cpu: Duration,
    /// Median time from a record to its ack.
    pub(super) ack: Duration,
    /// Time of `/metrics`.
    pub(super) http: Duration,
    /// Records written since its start.
    pub(super) written: u64,
}

impl Gauge {
    pub(super) fn of(name: &'static str, collector: &Collector) -> Self {
        Self {
            name,
            pid: collector.process.pid(),
            directory: collector.directory().to_owned(),
            address: collector.authority().to_owned(),
            server: collector.server(),
            probes: AtomicU64::new(1),
        }
    }

    pub(super) fn sample(&self, at: Duration) -> Sample {
        let asked = Instant::now();
        let metrics = get(&self.server, "/metrics").body;
        let http = asked.elapsed();
        let written = metrics.lines().find_map(|l| l.strip_prefix("netlog_records_written_total "));
        let (disk, files) = size(&self.directory);
        Sample {
            at,
            memory: self.status("RssAnon:"),
            descriptors: count(&format!("/proc/{}/fd", self.pid)),
            threads: self.status("Threads:"),
            disk: disk / 1024,
            files,
            cpu: self.cpu(),
            ack: self.ack(),
            http,
            written: written.and_then(|text| text.parse().ok()).expect("it is counted"),
        }
    }

    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it is there");
        line.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number")
    }

    fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).expect("it runs");
        let fields = stat.rsplit_once(") ").expect("a name in parentheses").1.split(' ');
        // Fields 14 and 15, in ticks of 10 ms.
        let ticks = fields.skip(11).take(2).map(|n| n.parse::<u64>().expect("a number"));
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    /// Median time from a record to its ack, over a connection that this sample opens.
    fn ack(&self) -> Duration {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(SOON)).expect("a limit");
        stream.set_nodelay(true).expect("an option of TCP");
        let next = self.probes.load(Ordering::Relaxed);
        let sender = format!("{:032x}", 0xfeed_0000_u64 + u64::from(self.pid));
        let hello = format!(
            "{{\"netlog\":1,\"sender\":\"{sender}\",\"app\":\"probe\",\"host\":\"h\",\"pid\":1,\"next\":{next}}}\n"
        );
        stream.write_all(hello.as_bytes()).expect("it reads");
        let mut answers = BufReader::new(stream.try_clone().expect("a descriptor"));
        read_line(&mut answers);
        let mut times = [Duration::ZERO; PROBES];
        for time in &mut times {
            let sent = Instant::now();
            let record =
                "{\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"INFO\",\"msg\":\"probe\"}\n";
            stream.write_all(record.as_bytes()).expect("it reads");
            read_line(&mut answers);
            *time = sent.elapsed();
        }
        self.probes.fetch_add(PROBES as u64, Ordering::Relaxed);
        times.sort_unstable();
        times[PROBES / 2]
    }
}

fn read_line(answers: &mut impl BufRead) {
    let mut line = String::new();
    let count = answers.read_line(&mut line).expect("it answers");
    assert!(count > 0 && line.contains("\"ack\":"), "{line:?}");
}

fn count(directory: &str) -> u64 {
    fs::read_dir(directory).expect("it runs").count() as u64
}

/// Bytes and files below a directory.
fn size(directory: &Path) -> (u64, u64) {
    let mut bytes = 0;
    let mut files = 0;
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        // A file may be removed meanwhile.
        let Ok(metadata) = entry.metadata() else { continue };
        let (below, count) =
            if metadata.is_dir() { size(&entry.path()) } else { (metadata.len(), 1) };
        bytes += below;
        files += count;
    }
    (bytes, files)
}
