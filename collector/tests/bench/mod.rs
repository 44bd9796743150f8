//! A collector within the test, and peers that wait for what they expect, never just for a while.

// Each test program uses its part of it.
#![allow(dead_code, unreachable_pub)]

pub mod authority;

use netlog_collector::{Address, Collector, Http, Options, Reopen, Stats};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// Everything a test waits for happens within this, or the test fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// The first line of a sender whose next record is number 7.
pub const HELLO: &str = "{\"netlog\":1,\"sender\":\"9f3c00000000000000000000000000ab\",\"app\":\"orders\",\"host\":\"web1\",\"pid\":4242,\"next\":7}\n";

/// What stands in front of its records, with PEER for its address.
pub const STAMP: &str = "{\"app\":\"orders\",\"host\":\"web1\",\"pid\":4242,\"peer\":\"PEER\",";

/// A canonical record line.
pub fn record(msg: &str) -> String {
    format!("{{\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"INFO\",\"msg\":\"{msg}\"}}\n")
}

/// The message of a record whose message needs no unescaping.
pub fn message(line: &str) -> &str {
    let from = line.find("\"msg\":\"").expect("a message") + 7;
    &line[from..from + line[from..].find('"').expect("its end")]
}

/// The lines of a file that may be written to just now: half a line at its end is not one yet.
pub fn whole_lines(text: &str) -> impl Iterator<Item = &str> {
    text.rsplit_once('\n').map_or("", |(whole, _)| whole).lines()
}

/// Records numbered from `first`, each saying its number.
pub fn records(first: u64, count: u64) -> String {
    (first..first + count).map(|number| record(&number.to_string())).collect()
}

/// The same whose next record is number `next`.
pub fn hello(next: u64) -> String {
    HELLO.replace("\"next\":7", &format!("\"next\":{next}"))
}

/// All messages in the files of `dir` that records are kept in, sorted as numbers.
pub fn numbers(dir: &Path) -> Vec<u64> {
    let texts = kept(dir);
    let lines = texts.values().flat_map(|text| whole_lines(text));
    let mut numbers: Vec<u64> = lines.map(|line| message(line).parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// A running collector that writes a file.
pub struct Bench {
    pub tcp: SocketAddr,
    pub udp: SocketAddr,
    pub file: PathBuf,
    pub stats: Arc<Stats>,
    pub reopen: Reopen,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    dir: Arc<TempDir>,
}

impl Bench {
    /// Starts a collector on free ports, with a file in a directory of its own.
    pub fn start(options: Options) -> Self {
        Self::start_in(Arc::new(TempDir::new().unwrap()), options)
    }

    /// Starts one whose streams are encrypted.
    pub fn start_tls(options: Options) -> Self {
        Self::start_at(["tls://127.0.0.1:0", "udp://127.0.0.1:0"], options)
    }

    /// The same in `dir`.
    pub fn start_tls_in(dir: Arc<TempDir>, mut options: Options) -> Self {
        options.listen =
            ["tls://127.0.0.1:0", "udp://127.0.0.1:0"].map(|url| url.parse().unwrap()).into();
        Self::run(dir, options)
    }

    /// Starts one that listens at these addresses, for streams and for datagrams.
    pub fn start_at(urls: [&str; 2], mut options: Options) -> Self {
        options.listen = urls.map(|url| url.parse().unwrap()).into();
        Self::run(Arc::new(TempDir::new().unwrap()), options)
    }

    /// The error, with its causes, of one with a TLS address that cannot start.
    pub fn fails_to_start(mut options: Options) -> String {
        options.listen = vec!["tls://127.0.0.1:0".parse().unwrap()];
        options.http = Some(Http::Off);
        let error = Collector::bind(options).err().expect("it cannot start");
        let mut line = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            line = format!("{line}: {}", error.to_string().replace("No such", "no such"));
            cause = error.source();
        }
        line
    }

    /// Starts a collector in the directory of an earlier one.
    pub fn start_in(dir: Arc<TempDir>, mut options: Options) -> Self {
        options.listen =
            ["tcp://127.0.0.1:0", "udp://127.0.0.1:0"].map(|url| url.parse().unwrap()).into();
        Self::run(dir, options)
    }

    /// Starts one in `dir` that also listens on a Unix socket there, the same one each time.
    pub fn start_unix(dir: Arc<TempDir>, mut options: Options) -> Self {
        let unix = format!("unix://{}", dir.path().join("netlog.sock").display());
        options.listen = ["tcp://127.0.0.1:0", "udp://127.0.0.1:0", &unix]
            .map(|url| url.parse().unwrap())
            .into();
        Self::run(dir, options)
    }

    fn run(dir: Arc<TempDir>, mut options: Options) -> Self {
        let file = dir.path().join("app.log");
        options.http = Some(Http::Off);
        options.file.get_or_insert_with(|| file.clone());
        let collector = Collector::bind(options).unwrap();
        let addresses: Vec<SocketAddr> =
            collector.addresses().iter().filter_map(Address::socket).collect();
        let stats = collector.stats();
        let reopen = collector.reopen();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
            let end = async { drop(stopped.await) };
            runtime.block_on(collector.run(end)).unwrap();
        });
        let stop = Some(stop);
        let thread = Some(thread);
        Self { tcp: addresses[0], udp: addresses[1], file, stats, reopen, stop, thread, dir }
    }

    /// The directory, to start another collector in.
    pub fn dir(&self) -> Arc<TempDir> {
        self.dir.clone()
    }

    /// A plain peer.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.tcp).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// A peer that is told things.
    pub fn sender(&self) -> Peer {
        Peer(self.connect())
    }

    /// The file's lines, once there are `count` of them.
    pub fn wait_for_lines(&self, count: usize) -> Vec<String> {
        wait_for(|| self.lines().len() >= count);
        let lines = self.lines();
        assert_eq!(lines.len(), count, "{lines:#?}");
        lines
    }

    /// The file's lines now.
    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        whole_lines(&text).map(str::to_owned).collect()
    }

    /// Ends the collector and says how many records it has written.
    pub fn end(mut self) -> u64 {
        self.stop();
        self.stats.records_written.get()
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.stop();
        }
    }
}

/// The files of `dir` that records are kept in, packed or not, by the names they have until they are
/// packed; ledgers and what is half done left out.
pub fn kept(dir: &Path) -> BTreeMap<PathBuf, String> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let named = |path: &PathBuf, end: &str| path.to_string_lossy().ends_with(end);
    let files = files.filter(|path| !named(path, ".ledger") && !named(path, ".new"));
    let files = files.filter(|path| !path.is_dir());
    let files = files.map(|path| if named(&path, ".zst") { path.with_extension("") } else { path });
    files.map(|path| (path.clone(), text(&path))).collect()
}

/// The text of a file that may be packed, or be packed now.
fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|_| {
        let mut packed = path.as_os_str().to_owned();
        packed.push(".zst");
        zstd::decode_all(fs::File::open(packed).unwrap()).unwrap()
    });
    String::from_utf8(bytes).unwrap()
}

/// Waits until `condition` holds.
pub fn wait_for(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "what was waited for did not happen");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A file system of 64 KiB; `None` without the right to mount one.
pub struct Small(TempDir);

impl Small {
    /// Mounts it.
    pub fn mount() -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(dir.path())
            .stderr(std::process::Stdio::null())
            .status();
        mount.is_ok_and(|status| status.success()).then_some(Self(dir))
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes room for 1 MiB.
    pub fn grow(&self) {
        let mount = Command::new("mount").args(["-o", "remount,size=1m"]).arg(self.path()).status();
        assert!(mount.unwrap().success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l".as_ref(), self.0.path().as_os_str()]).status();
    }
}

/// One side of a conversation.
pub struct Peer(TcpStream);

impl Peer {
    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    pub fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Half-closes.
    pub fn finish(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads exactly `text`.
    pub fn expect(&mut self, text: &str) {
        let mut read = vec![0; text.len()];
        self.0.read_exact(&mut read).unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), text);
    }

    /// Reads to the end, and finds nothing.
    pub fn expect_end(&mut self) {
        self.expect_rest("");
    }

    /// Reads to the end, and finds `text` last.
    pub fn expect_last(&mut self, text: &str) {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with(text), "{rest}");
    }

    fn expect_rest(&mut self, text: &str) {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, text);
    }
}
