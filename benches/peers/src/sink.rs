//! Where loggers send: a peer that reads all and counts the records, or netlog's collector.

use crate::process::{Process, free_address, lines};
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long nothing may come before what has come is all there is.
const QUIET: Duration = Duration::from_millis(700);

/// A receiver that runs as long as the bench.
pub(crate) enum Sink {
    Counts { address: SocketAddr, records: Arc<AtomicU64> },
    Collector { address: SocketAddr, file: PathBuf, _process: Process },
}

impl Sink {
    /// The receiver that the logger of this name sends to.
    pub(crate) fn of(logger: &str, place: &Path) -> Self {
        if ["netlog", "tracing-loki"].contains(&logger) {
            Self::collector(place)
        } else {
            Self::counts()
        }
    }

    fn counts() -> Self {
        let listener = TcpListener::bind(free_address()).expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let records = Arc::<AtomicU64>::default();
        let counter = records.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = counter.clone();
                std::thread::spawn(move || count(stream, &counter));
            }
        });
        Self::Counts { address, records }
    }

    fn collector(place: &Path) -> Self {
        let (address, file) = (free_address(), place.join("records.log"));
        let mut command = Command::new(Process::built("netlog-collector"));
        command.args(["--listen", &format!("tcp://{address}"), "--rotate-size", "0", "--http"]);
        let process = Process::start(command.arg("off").arg("--file").arg(&file), || {
            TcpStream::connect(address).is_ok()
        });
        let process = process.unwrap_or_else(|e| panic!("netlog's collector: {e}"));
        Self::Collector { address, file, _process: process }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Counts { address, .. } | Self::Collector { address, .. } => *address,
        }
    }

    /// How many records have come so far.
    pub(crate) fn records(&self) -> u64 {
        match self {
            Self::Counts { records, .. } => records.load(Relaxed),
            Self::Collector { file, .. } => lines(file, b"order "),
        }
    }

    /// Waits for so many records, or until no more come; how many have come.
    pub(crate) fn settle(&self, wanted: u64) -> u64 {
        let (mut came, mut since) = (self.records(), Instant::now());
        while came < wanted && since.elapsed() < QUIET {
            std::thread::sleep(Duration::from_millis(20));
            let now = self.records();
            if now != came {
                (came, since) = (now, Instant::now());
            }
        }
        came
    }
}

fn count(mut stream: TcpStream, records: &AtomicU64) {
    const WORD: &[u8] = b"order ";
    let finder = memchr::memmem::Finder::new(WORD);
    let (mut buffer, mut kept) = (vec![0; 256 * 1024], 0);
    while let Ok(count @ 1..) = stream.read(&mut buffer[kept..]) {
        let all = kept + count;
        records.fetch_add(finder.find_iter(&buffer[..all]).count() as u64, Relaxed);
        // A word may be cut between two reads.
        kept = all.min(WORD.len() - 1);
        buffer.copy_within(all - kept..all, 0);
    }
}
