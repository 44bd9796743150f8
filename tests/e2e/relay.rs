//! Two sites that forward to a centre: all of them, and their senders, are killed as a seed has it;
//! then each record must be at the centre once, and those of a program that stayed at one site in order.
//!
//! ```text
//! NETLOG_RELAY_SEED=7 NETLOG_RELAY_SECONDS=1800 cargo test --test e2e relay
//! ```

use crate::harness::{Child, Collector, Dice, Port, SOON, Scene, example, pause, wait_until};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How long a plain `cargo test` does this.
const SECONDS: u64 = 8;

/// Programs that stay at their site, for each site, and programs that go to the other one whenever
/// theirs is away.
const PROGRAMS: usize = 2;
const MOVING: usize = 2;

/// A collector that has a directory and an address of its own, however often it is killed.
pub(crate) struct Post {
    pub(crate) scene: Scene,
    pub(crate) port: Port,
    options: String,
    pub(crate) collector: Option<Collector>,
    pub(crate) kills: u32,
}

/// One run of a program that logs.
pub(crate) struct Life {
    pub(crate) app: String,
    number: u64,
    progress: PathBuf,
}

/// A program with many lives.
pub(crate) struct Program {
    pub(crate) app: String,
    /// Indexes of the sites that it sends to, in the order in which it tries them.
    pub(crate) sites: Vec<usize>,
    pub(crate) child: Option<Child>,
    pub(crate) lives: Vec<Life>,
}

impl Post {
    pub(crate) fn new(options: String) -> Self {
        let scene = Scene::new();
        let port = Port::reserve();
        let mut post = Self { scene, port, options, collector: None, kills: 0 };
        post.start();
        post
    }

    pub(crate) fn start(&mut self) {
        let line = format!("--listen tcp://{} {}", self.port.address(), self.options);
        self.collector = Some(Collector::with(&self.scene, &line));
    }

    pub(crate) fn kill(&mut self) {
        let Some(mut collector) = self.collector.take() else { return };
        collector.process.signal(Signal::KILL);
        collector.process.end();
        assert!(!collector.process.stderr().contains("panicked"), "{}", collector.process.stderr());
        self.kills += 1;
        self.start();
    }

    pub(crate) fn end(&mut self) {
        self.collector.take().map(Collector::stop);
    }

    /// Has the spools of programs that were killed delivered.
    pub(crate) fn ship(&self) {
        let shipped = wait_until(SOON * 2, || {
            let mut ship = self.scene.netlog(&format!("ship --to {}", self.port.address()));
            ship.end_within(SOON).success() && self.scene.rings().is_empty()
        });
        assert!(shipped, "spools are left: {:?}", self.scene.rings());
    }

    /// All its files, in the order in which they were written.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.scene.path("")).expect("the scene has a directory");
        let mut files = BTreeMap::new();
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let rotated = name.strip_prefix("app.log.2").map(|rest| rest.trim_end_matches(".zst"));
            let generation = rotated.and_then(|rest| rest.rsplit_once("Z-"));
            if let Some(Ok(generation)) = generation.map(|(_, digits)| digits.parse::<u64>()) {
                files.insert(generation, path);
            }
        }
        files.into_values().chain([self.scene.path("app.log")]).collect()
    }
}

impl Program {
    pub(crate) fn start(&mut self, posts: &[Post]) {
        let to: Vec<_> = self.sites.iter().map(|&site| posts[site].port.address()).collect();
        self.start_at(&posts[self.sites[0]].scene, &to.join(","));
    }

    /// The same with the addresses it is to log to.
    pub(crate) fn start_at(&mut self, scene: &Scene, to: &str) {
        let number = self.lives.len() as u64 + 1;
        let progress = scene.path(&format!("{}-{number}.progress", self.app));
        fs::write(&progress, [0; 16]).expect("the scene has room");
        let mut command = scene.command(&example("subject"));
        command.args(["do=pace", "threads=2", "rate=200", "spool=262144", "block=3600"]);
        command.args([format!("to={to}"), format!("app={}", self.app)]);
        command.args([format!("life={number}"), format!("progress={}", progress.display())]);
        self.child = Some(Child::start(&mut command));
        self.lives.push(Life { app: self.app.clone(), number, progress });
    }

    pub(crate) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        child.signal(Signal::KILL);
        child.end();
    }

    pub(crate) fn finish(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let status = child.end_within(SOON * 2);
        assert!(status.success(), "{status}\n{}", child.stderr());
    }
}

fn open(path: &Path) -> Box<dyn BufRead> {
    let file = File::open(path).expect("it was listed");
    match path.extension().is_some_and(|end| end == "zst") {
        true => Box::new(BufReader::new(zstd::Decoder::new(file).expect("it is zstd"))),
        false => Box::new(BufReader::new(file)),
    }
}

/// The lines of a file, compressed or not.
pub(crate) fn lines(file: &Path) -> Vec<String> {
    open(file).lines().map(|line| line.expect("it is text")).collect()
}

pub(crate) fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Numbers of each thread of each life at the centre, and of each plain line.
#[derive(Default)]
pub(crate) struct Arrived {
    threads: BTreeMap<(String, u64, u64), Vec<u64>>,
    pub(crate) plain: BTreeMap<String, u32>,
    pub(crate) records: u64,
}

impl Arrived {
    pub(crate) fn read(files: &[PathBuf]) -> Self {
        let mut arrived = Self::default();
        for line in files.iter().flat_map(|file| open(file).lines()) {
            let line = line.expect("it is text");
            let record: serde_json::Value = serde_json::from_str(&line).expect("it is a record");
            let msg = record["msg"].as_str().unwrap_or_default();
            let words: Vec<_> = msg.split(' ').collect();
            let number = |at: usize| words[at].parse::<u64>().expect("it is a number");
            match (record["target"].as_str(), words.first()) {
                (Some("netlog"), _) => {}
                (_, Some(&"thread")) => {
                    let app = record["app"].as_str().unwrap_or_default().to_owned();
                    let peer = record["peer"].as_str().unwrap_or_default();
                    assert!(peer.contains(" via "), "{line}");
                    arrived.threads.entry((app, number(5), number(1))).or_default().push(number(3));
                    arrived.records += 1;
                }
                _ => *arrived.plain.entry(msg.to_owned()).or_default() += 1,
            }
        }
        arrived
    }
}

/// A record is in the collector's file exactly once, whoever was killed, whenever; over a relay too.
#[test]
fn whoever_is_killed_each_record_of_two_sites_is_at_the_centre_once_and_in_order() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is late");
    let seed = asked("NETLOG_RELAY_SEED").unwrap_or_else(|| u64::from(now.subsec_nanos()));
    let seconds = asked("NETLOG_RELAY_SECONDS").unwrap_or(SECONDS);
    let mut dice = Dice::new(seed, "relay");
    let mut centre = Post::new("--rotate-size 4MiB --relay-from 127.0.0.1".into());
    let to = format!("--rotate-size 1MiB --forward-to tcp://{}", centre.port.address());
    let mut sites = [Post::new(to.clone()), Post::new(to + " --ack both")];
    let program = |app: String, sites| Program { app, sites, child: None, lives: Vec::new() };
    let staying = (0..2 * PROGRAMS).map(|n| program(format!("relayed-{n}"), vec![n % 2]));
    let moving = (0..MOVING).map(|n| program(format!("moved-{n}"), vec![n % 2, 1 - n % 2]));
    let mut programs: Vec<_> = staying.chain(moving).collect();
    programs.iter_mut().for_each(|program| program.start(&sites));
    let mut plain = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        pause(dice.millis(50..400));
        match dice.of(0..6) {
            0 => centre.kill(),
            1 | 2 => sites[dice.of(0..2) as usize].kill(),
            3 => {
                let n = dice.of(0..programs.len() as u64) as usize;
                programs[n].kill();
                programs[n].start(&sites);
            }
            _ => {
                let site = &sites[dice.of(0..2) as usize];
                if let Ok(mut peer) = TcpStream::connect(site.port.address()) {
                    let line = format!("plain {}", plain.len());
                    writeln!(peer, "{line}").expect("it has just been connected");
                    plain.push(line);
                }
            }
        }
    }
    programs.iter_mut().for_each(Program::finish);
    sites.iter().for_each(Post::ship);
    let arrived_all = wait_until(SOON * 2, || behind(&sites) == 0);
    assert!(arrived_all, "{} bytes were not forwarded", behind(&sites));
    sites.iter_mut().for_each(Post::end);
    centre.end();
    let kept: u64 = sites.iter().map(|site| Arrived::read_local(&site.files())).sum();
    let arrived = Arrived::read(&centre.files());
    let kills: u32 = sites.iter().map(|site| site.kills).sum();
    let lives: usize = programs.iter().map(|program| program.lives.len()).sum();
    let totals = format!(
        "relay: NETLOG_RELAY_SEED={seed} NETLOG_RELAY_SECONDS={seconds}: {} records of {lives} lives, \
         {} plain lines; sites killed {kills} times, the centre {}",
        arrived.records,
        plain.len(),
        centre.kills
    );
    let _ = writeln!(io::stderr(), "{totals}");
    assert_eq!(arrived.stayed(), kept, "{totals}");
    for life in programs.iter().flat_map(|program| &program.lives) {
        check(life, &arrived, &totals);
    }
    for (line, count) in &arrived.plain {
        assert!(*count == 1 && plain.contains(line), "{line:?} arrived {count} times; {totals}");
    }
}

/// Every number that a thread's call had returned for is there, once, and in order.
pub(crate) fn check(life: &Life, arrived: &Arrived, totals: &str) {
    let notes = fs::read(&life.progress).expect("the notes are there");
    for (thread, note) in (1..).zip(notes.chunks_exact(8)) {
        let logged = u64::from_le_bytes(note.try_into().expect("it is whole"));
        let key = (life.app.clone(), life.number, thread);
        let numbers = arrived.threads.get(&key).map_or(&[][..], Vec::as_slice);
        // What went to the other site may have been faster.
        let mut numbers = numbers.to_vec();
        if is_moving(&life.app) {
            numbers.sort_unstable();
        }
        // A call that was killed before it returned may have logged one more.
        let in_order = numbers.iter().copied().eq(1..=numbers.len() as u64);
        let count = numbers.len() as u64;
        assert!(
            in_order && (logged..=logged + 1).contains(&count),
            "{key:?}: {count} records of {logged}, in order and once: {in_order}; {totals}"
        );
    }
}

/// Bytes that sites have not forwarded.
fn behind(sites: &[Post]) -> u64 {
    let of = |site: &Post| {
        let text = fs::read_to_string(site.scene.path("app.log.forwarded")).ok()?;
        let (value, _) = text.trim_end().rsplit_once(' ')?;
        let state: serde_json::Value = serde_json::from_str(value).ok()?;
        let len = fs::metadata(site.scene.path("app.log")).ok()?.len();
        let newest = site.files().len() as u64;
        let here = state["generation"].as_u64()? >= newest;
        Some(if here { len.saturating_sub(state["offset"].as_u64()?) } else { u64::MAX })
    };
    sites.iter().map(|site| of(site).unwrap_or(u64::MAX)).fold(0, u64::saturating_add)
}

impl Arrived {
    /// Thread and number of each record.
    fn numbers(files: &[PathBuf]) -> Vec<(u64, u64)> {
        let lines = files.iter().flat_map(|file| open(file).lines()).map_while(Result::ok);
        let parsed = lines.filter_map(|line| {
            let msg = line.split_once("\"msg\":\"thread ")?.1.to_owned();
            let mut words = msg.split([' ', '"']);
            let thread = words.next()?.parse().ok()?;
            Some((thread, words.nth(1)?.parse().ok()?))
        });
        parsed.collect()
    }

    /// Count of records of programs that a site itself kept and that stay there.
    pub(crate) fn read_local(files: &[PathBuf]) -> u64 {
        let lines = files.iter().flat_map(|file| open(file).lines());
        let lines = lines.map(|line| line.expect("it is text"));
        let staying = lines.filter(|line| !is_moving(line.trim_start_matches("{\"app\":\"")));
        staying.filter(|line| line.contains("\"msg\":\"thread ")).count() as u64
    }

    /// Count of records of programs that stayed at one site.
    pub(crate) fn stayed(&self) -> u64 {
        let threads = self.threads.iter().filter(|((app, ..), _)| !is_moving(app));
        threads.map(|(_, numbers)| numbers.len() as u64).sum()
    }
}

fn is_moving(app: &str) -> bool {
    app.starts_with("moved-")
}

/// A program with several collectors goes to the next one while the first is away, and back.
#[test]
fn a_program_logs_to_the_second_collector_until_the_first_is_there_again() {
    let mut sites = [Post::new(String::new()), Post::new(String::new())];
    let mut program =
        Program { app: "moved-0".into(), sites: vec![0, 1], child: None, lives: Vec::new() };
    program.start(&sites);
    let numbers = |site: &Post| Arrived::numbers(&site.files());
    assert!(wait_until(SOON, || !numbers(&sites[0]).is_empty()));
    sites[0].end();
    assert!(wait_until(SOON, || !numbers(&sites[1]).is_empty()));
    let before = numbers(&sites[0]).len();
    sites[0].start();
    assert!(wait_until(SOON * 2, || numbers(&sites[0]).len() > before));
    // One that hangs is left too.
    let signal = |signal| sites[0].collector.as_ref().expect("it runs").process.signal(signal);
    let before = numbers(&sites[1]).len();
    signal(Signal::STOP);
    assert!(wait_until(SOON * 2, || numbers(&sites[1]).len() > before));
    let before = numbers(&sites[0]).len();
    signal(Signal::CONT);
    assert!(wait_until(SOON * 2, || numbers(&sites[0]).len() > before));
    // Records that came while it was stopped are no sign of it yet.
    let [first, second] = [&sites[0], &sites[1]].map(|site| site.port.address());
    let is_back = format!("tcp://{first} is back");
    let child = program.child.as_ref().expect("it runs");
    assert!(wait_until(SOON * 2, || child.stderr().contains(&is_back)), "{}", child.stderr());
    program.child.as_ref().expect("it runs").signal(Signal::TERM);
    let mut child = program.child.take().expect("it runs");
    child.end_within(SOON);
    let stderr = child.stderr();
    assert!(stderr.contains(&format!("; trying tcp://{second}")), "{stderr}");
    let mut all: Vec<_> = sites.iter().flat_map(numbers).collect();
    all.sort_unstable();
    all.dedup();
    for thread in [1, 2] {
        let of_thread = all.iter().filter(|(of, _)| *of == thread).map(|(_, number)| *number);
        let of_thread: Vec<u64> = of_thread.collect();
        assert!(of_thread.iter().copied().eq(1..=of_thread.len() as u64), "{of_thread:?}");
    }
}
