//! A collector process and the file it writes.

use super::{Child, Records, SOON, Scene, program, wait_until};
use rustix::process::Signal;
use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(crate) struct Collector {
    pub(crate) process: Child,
    file: PathBuf,
    counted: Cell<(u64, usize)>,
    addresses: Vec<String>,
}

impl Collector {
    /// A collector on a TCP port of the system's choice that writes JSON lines to a file.
    pub(crate) fn start(scene: &Scene) -> Self {
        Self::with(scene, "--listen tcp://127.0.0.1:0")
    }

    /// The same with these words on its command line; one address is waited for.
    pub(crate) fn with(scene: &Scene, line: &str) -> Self {
        let mut collector = Self::launch(scene, scene.path("app.log"), line);
        let listens = collector.listening(line.matches("--listen").count());
        assert!(listens, "the collector does not listen:\n{}", collector.process.stderr());
        collector
    }

    /// One that appends to `file` and may end before it listens, as on a full disk.
    pub(crate) fn launch(scene: &Scene, file: PathBuf, line: &str) -> Self {
        Self::by(scene.command(&program("netlog-collector")), file, line)
    }

    /// The same, started by `command`, to which the words are added.
    pub(crate) fn by(mut command: Command, file: PathBuf, line: &str) -> Self {
        command.arg("--file").arg(&file).args(line.split_whitespace());
        let process = Child::start(&mut command);
        Self { process, file, counted: Cell::default(), addresses: Vec::new() }
    }

    /// Waits until it has said where it listens, `count` times; `false` when it does not come to.
    pub(crate) fn listening(&mut self, count: usize) -> bool {
        let mut addresses = Vec::new();
        self.process.until_stderr(|output| {
            let said = output.text();
            let whole = said.rfind('\n').map_or("", |end| &said[..end]);
            let lines = whole.lines().filter_map(|line| line.strip_prefix("listening on "));
            addresses = lines.map(str::to_owned).collect();
            addresses.len() >= count || output.ended
        });
        self.addresses = addresses;
        self.addresses.len() >= count
    }

    /// One that can be looked at too, on a port of the system's choice.
    pub(crate) fn serving(scene: &Scene, line: &str) -> Self {
        let line = format!("--listen tcp://127.0.0.1:0 --http 127.0.0.1:0 {line}");
        let collector = Self::with(scene, &line);
        collector.process.says("serving http://127.0.0.1:");
        collector
    }

    /// Where it can be looked at, as `http://127.0.0.1:PORT`.
    pub(crate) fn server(&self) -> String {
        let mut server = None;
        self.process.until_stderr(|output| {
            let said = output.text();
            let mut whole = said.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            server = whole.find_map(|line| line.strip_prefix("serving ")).map(str::to_owned);
            server.is_some()
        });
        server.unwrap_or_else(|| panic!("it serves nobody:\n{}", self.process.stderr()))
    }

    /// The first address, as `tcp://127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.addresses[0]
    }

    /// The first address without its scheme.
    pub(crate) fn authority(&self) -> &str {
        self.address().split_once("://").expect("an address has a scheme").1
    }

    /// All addresses, in the order they were said in.
    pub(crate) fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// The address with this scheme, without it.
    pub(crate) fn at(&self, scheme: &str) -> &str {
        let mut split = self.addresses.iter().filter_map(|address| address.split_once("://"));
        split.find(|(its, _)| *its == scheme).expect("it listens there too").1
    }

    /// The directory that its files are in, or the fixed one of a template.
    pub(crate) fn directory(&self) -> &Path {
        let fixed = |path: &&Path| !path.to_string_lossy().contains('{');
        self.file.ancestors().skip(1).find(fixed).expect("a file has a directory")
    }

    /// The whole lines in the file now; half a line at its end is not one yet.
    pub(crate) fn text(&self) -> String {
        let mut text = std::fs::read_to_string(&self.file).unwrap_or_default();
        text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        text
    }

    /// The records in them.
    pub(crate) fn records(&self) -> Records {
        Records::read(&self.text())
    }

    /// Waits until the file holds `count` records, and answers what it holds.
    pub(crate) fn wait_for(&self, count: usize) -> Records {
        self.wait_within(SOON, count)
    }

    pub(crate) fn wait_within(&self, limit: Duration, count: usize) -> Records {
        let came = wait_until(limit, || self.count() >= count);
        let records = self.records();
        let last = records.0.last();
        assert!(came, "{} records instead of {count}; the last is {last:?}", records.0.len());
        records
    }

    /// How many lines the file has; only what is new is read.
    fn count(&self) -> usize {
        let Ok(mut file) = File::open(&self.file) else { return 0 };
        let len = file.metadata().map_or(0, |file| file.len());
        // A file that was moved away or cut is counted from its start.
        let (at, count) = Some(self.counted.get()).filter(|&(at, _)| at <= len).unwrap_or((0, 0));
        let mut new = Vec::new();
        let _ = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_to_end(&mut new));
        let lines = new.iter().filter(|&&byte| byte == b'\n').count();
        self.counted.set((at + new.len() as u64, count + lines));
        count + lines
    }

    /// Ends it as an init system does, and answers what its file holds then.
    pub(crate) fn stop(mut self) -> Records {
        self.process.signal(Signal::TERM);
        let status = self.process.end();
        assert!(status.success(), "SIGTERM ended it with {status}\n{}", self.process.stderr());
        self.records()
    }
}
