//! Where chaos takes place: everybody who takes part, what is done to them, and what came of it.

use super::checker::Checker;
use super::disk::{Disk, WIDE};
use super::foreign::Foreign;
use super::plain::Plain;
use super::schedule::{Deed, Step};
use super::senders::{Sender, assert_calm};
use super::tell;
use crate::harness::proxy::Proxy;
use crate::harness::{
    Child, Clock, Collector, Dice, Port, SOON, Scene, metric, pause, program, wait_until,
};
use rustix::process::Signal;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// In the order in which they leave.
pub(super) struct Stage {
    plain: Option<Plain>,
    senders: Vec<Sender>,
    ship: Option<Child>,
    proxy: Proxy,
    collector: Option<Collector>,
    /// The collector was told to end and has not been waited for.
    ending: bool,
    disk: Option<Disk>,
    full: bool,
    /// Where there is little room for spools.
    _small: Option<Disk>,
    clock: Option<Clock>,
    foreign: Foreign,
    /// The collector is stopped and takes note of nothing.
    frozen: bool,
    port: Port,
    scene: Scene,
    dice: Dice,
    begun: Instant,
    done: Vec<&'static str>,
}

impl Stage {
    /// Everybody is there, and every sender is known to the collector.
    pub(super) fn set(seed: u64) -> Self {
        let scene = Scene::new();
        let port = Port::reserve();
        let disk = Disk::mount(&scene.path("disk"), WIDE);
        let small = Disk::mount(&scene.path("small"), "size=1m");
        if let Err(e) = &disk {
            tell(&format!("chaos: no full disks, only root can mount a small one: {e}"));
        }
        let clock = Clock::find(&scene);
        if let Err(e) = &clock {
            tell(&format!("chaos: no steps of the clock: {e}"));
        }
        let to = port.address().parse().expect("it is an address");
        let mut stage = Self {
            plain: None,
            senders: Sender::all(&scene),
            ship: None,
            proxy: Proxy::start(to, Dice::new(seed, "proxy")),
            collector: None,
            ending: false,
            disk: disk.ok(),
            full: false,
            _small: small.ok(),
            clock: clock.ok(),
            foreign: Foreign::default(),
            frozen: false,
            port,
            scene,
            dice: Dice::new(seed, "stage"),
            begun: Instant::now(),
            done: Vec::new(),
        };
        stage.start_collector();
        for n in 0..stage.senders.len() {
            stage.start_sender(n);
        }
        let file = stage.file();
        let come = |app: &str| {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            text.contains(&format!("\"app\":\"{app}\""))
        };
        let all = stage.senders.iter().map(|sender| sender.app.clone()).collect::<Vec<_>>();
        assert!(wait_until(SOON, || all.iter().all(|app| come(app))), "a sender is not heard");
        stage.plain = Some(Plain::start(seed, to));
        stage.begun = Instant::now();
        stage
    }

    fn start_sender(&mut self, n: usize) {
        self.senders[n].start(&self.scene, &self.proxy.address(), self.clock.as_ref());
    }

    fn file(&self) -> PathBuf {
        let directory = if self.disk.is_some() { "disk/app.log" } else { "app.log" };
        self.scene.path(directory)
    }

    /// The file and those it was rotated to, in the order in which they were written.
    fn files(&self) -> Vec<PathBuf> {
        let file = self.file();
        let directory = file.parent().expect("it lies in one");
        let entries = std::fs::read_dir(directory).expect("the directory is there");
        let paths = entries.flatten().map(|entry| entry.path());
        // Both of a file and a compressed one are there when a collector died between two steps.
        let files: BTreeMap<_, _> = paths
            .filter(|path| path.to_string_lossy().contains("app.log.2"))
            .filter(|path| path.extension().is_some_and(|end| end != "ledger" && end != "new"))
            .map(|path| (generation(&path), path))
            .collect();
        files.into_values().chain([file]).collect()
    }

    /// Does each step at its time, for `length` at least.
    pub(super) fn play(&mut self, steps: Vec<Step>, length: Duration) {
        let mut steps = VecDeque::from(steps);
        while let Some(Step { at, deed }) = steps.pop_front() {
            pause(at.saturating_sub(self.begun.elapsed()));
            if !self.carry_out(deed) {
                let later = self.begun.elapsed() + Duration::from_millis(200);
                let place = steps.partition_point(|step| step.at <= later);
                steps.insert(place, Step { at: later, deed });
            }
        }
        pause(length.saturating_sub(self.begun.elapsed()));
    }

    /// Whether it could be done; if not, it is tried again.
    fn carry_out(&mut self, deed: Deed) -> bool {
        match deed {
            Deed::HurrySender(n) => self.senders[n].hurry(),
            Deed::KillSender(n) => self.senders[n].kill(),
            Deed::StartSender(n) => self.start_sender(n),
            Deed::StopSender(n) => self.senders[n].signal(Signal::STOP),
            Deed::WakeSender(n) => self.senders[n].signal(Signal::CONT),
            Deed::KillCollector => self.kill_collector(),
            Deed::EndCollector => self.end_collector(),
            Deed::StartCollector => self.start_collector(),
            Deed::StopCollector => self.signal_collector(Signal::STOP),
            Deed::WakeCollector => self.signal_collector(Signal::CONT),
            Deed::FillDisk if !self.fill_disk() => return true,
            Deed::FillDisk => {}
            Deed::StartOnFullDisk => {
                self.kill_collector();
                let filled = self.fill_disk();
                self.start_collector();
                if !filled {
                    return true;
                }
            }
            Deed::StepClock(seconds) => match &self.clock {
                Some(clock) => clock.set(seconds),
                None => return true,
            },
            Deed::CloseDescriptors(n) => self.senders[n].close_descriptors(),
            Deed::Sweep(n) if !self.senders[n].sweep() => return true,
            Deed::Sweep(_) => {}
            Deed::Replace(n) if !self.senders[n].is_safe() => return false,
            Deed::Replace(n) => {
                self.senders[n].kill();
                self.start_sender(n);
            }
            Deed::AppendForeign if !self.append_foreign() => return true,
            Deed::AppendForeign => {}
            Deed::FreeDisk => self.free_disk(),
            Deed::Harm(fault) => self.proxy.harm(fault),
            Deed::Ship => self.ship(),
            Deed::KillShip => self.ship = None,
        }
        self.done.push(name(deed));
        true
    }

    /// It listens even while the disk is full.
    fn start_collector(&mut self) {
        if self.collector.is_some() && !self.ending {
            return; // an earlier start came that late
        }
        self.see_collector_end();
        let listen = format!("--listen tcp://{} --rotate-size 2MiB", self.port.address());
        let mut command = self.scene.command(&program("netlog-collector"));
        if let Some(clock) = &self.clock {
            clock.govern(&mut command);
        }
        command.env("NETLOG_HTTP", "127.0.0.1:0");
        let mut collector = Collector::by(command, self.file(), &listen);
        let listens = collector.listening(1);
        assert!(listens, "the collector does not listen:\n{}", collector.process.stderr());
        self.collector = Some(collector);
        self.frozen = false;
    }

    fn fill_disk(&mut self) -> bool {
        let Some(disk) = &self.disk else { return false };
        let filled = disk.fill(&mut self.dice);
        self.full |= filled;
        filled
    }

    /// `false` while the collector could not take note of it.
    fn append_foreign(&mut self) -> bool {
        let file = self.file();
        let Some(collector) = &self.collector else { return false };
        if self.full || self.ending || self.frozen {
            return false;
        }
        let server = collector.server();
        let taken = || metric(&server, "file_bytes_foreign");
        self.foreign.append(&file, &mut self.dice, taken);
        true
    }

    fn see_collector_end(&mut self) {
        let Some(mut collector) = self.collector.take() else { return };
        assert!(self.ending, "the collector has not been told to end");
        let status = collector.process.end();
        let said = collector.process.stderr();
        // One that cannot write to the end says so.
        assert!(status.success() || said.contains("not written"), "{status}\n{said}");
        assert_calm(&collector.process);
        self.ending = false;
    }

    fn signal_collector(&mut self, signal: Signal) {
        let Some(collector) = self.collector.as_mut().filter(|_| !self.ending) else { return };
        assert!(collector.process.running(), "it has ended\n{}", collector.process.stderr());
        collector.process.signal(signal);
        self.frozen = signal == Signal::STOP;
    }

    fn kill_collector(&mut self) {
        let Some(mut collector) = self.collector.take() else { return };
        if collector.process.running() {
            collector.process.signal(Signal::KILL);
        } else {
            assert!(self.ending, "it has ended\n{}", collector.process.stderr());
        }
        collector.process.end();
        assert_calm(&collector.process);
        self.ending = false;
    }

    fn end_collector(&mut self) {
        self.signal_collector(Signal::TERM);
        self.ending = self.collector.is_some();
    }

    fn free_disk(&mut self) {
        if let Some(disk) = &self.disk {
            disk.free();
        }
        self.full = false;
    }

    fn ship(&mut self) {
        self.ship = Some(self.scene.netlog(&format!("ship --to {}", self.proxy.address())));
    }

    /// Delivers what the dead have left.
    fn ship_all(&self) {
        let mut spools: Vec<_> = self.senders.iter().map(|sender| &sender.spool).collect();
        spools.dedup();
        for spool in spools {
            let line = format!("ship --to {} {}", self.proxy.address(), spool.display());
            let shipped = wait_until(SOON * 3, || {
                let ended = self.scene.netlog(&line).end_within(SOON * 3);
                ended.success() && Scene::rings_in(spool).is_empty()
            });
            assert!(shipped, "spools are left: {:?}", Scene::rings_in(spool));
        }
    }

    /// Heals everything, lets everybody end, and reads the file.
    pub(super) fn close(mut self) -> (String, Result<(), String>) {
        self.proxy.heal();
        self.free_disk();
        self.ship = None;
        let connections = self.plain.take().expect("they began").finish();
        for sender in &mut self.senders {
            sender.finish();
        }
        self.ship_all();
        self.end_collector();
        self.see_collector_end();
        let lives: Vec<_> = self.senders.iter().flat_map(|sender| sender.lives.clone()).collect();
        let whole = connections.iter().filter(|one| one.whole).count();
        let talks = format!("{} plain connections, {whole} ended cleanly", connections.len());
        let mut checker = Checker::new(lives, connections, self.foreign.clone());
        let files = self.files();
        let verdict = checker.check(&files);
        let packed = files.iter().filter(|path| path.extension() == Some("zst".as_ref())).count();
        let talks = format!("{talks}; {} files, {packed} of them compressed", files.len());
        (self.totals(&checker, &talks), verdict)
    }

    fn totals(&self, checker: &Checker, talks: &str) -> String {
        let mut text = String::new();
        let mut line = |words: String| writeln!(text, "  {words}").expect("a string grows");
        let lives: usize = self.senders.iter().map(|sender| sender.lives.len()).sum();
        line(format!("{:.0} s, {} senders", self.begun.elapsed().as_secs_f32(), lives));
        let mut kinds: Vec<_> = self.done.clone();
        kinds.sort_unstable();
        kinds.dedup();
        let count = |kind: &str| self.done.iter().filter(|done| **done == kind).count();
        let counts: Vec<_> = kinds.iter().map(|kind| format!("{kind} {}", count(kind))).collect();
        line(counts.join(", "));
        let deeds = self.proxy.deeds();
        let n = |deed: &AtomicU64| deed.load(Ordering::Relaxed);
        line(format!(
            "{} connections through the proxy, {} found nobody: {} cut, {} reset, {} half-closed, {} stalled, {} late, {} in pieces",
            n(&deeds.links),
            n(&deeds.refused),
            n(&deeds.cuts),
            n(&deeds.resets),
            n(&deeds.halves),
            n(&deeds.stalls),
            n(&deeds.lates),
            n(&deeds.chops)
        ));
        let sent = n(&deeds.lines);
        let records = checker.records;
        line(format!("{sent} lines sent, {records} records of senders in the file"));
        line(format!("{} told as lost, {} words of netlog", checker.lost_in_all, checker.words));
        line(format!("{talks}, {} lines in the file", checker.plain_lines));
        line(format!("{} foreign lines", checker.foreign_lines));
        text
    }
}

/// The number of a rotated file, `app.log.TIME-NUMBER`. The clock says nothing about the order.
fn generation(path: &Path) -> u64 {
    let name = path.to_string_lossy();
    let number = name.trim_end_matches(".zst").rsplit('-').next();
    number.and_then(|number| number.parse().ok()).expect("a rotated file has a number")
}

fn name(deed: Deed) -> &'static str {
    match deed {
        Deed::HurrySender(_) => "senders hurried",
        Deed::KillSender(_) => "senders killed",
        Deed::StartSender(_) => "senders started",
        Deed::StopSender(_) => "senders stopped",
        Deed::WakeSender(_) => "senders woken",
        Deed::KillCollector => "collectors killed",
        Deed::EndCollector => "collectors ended",
        Deed::StartCollector => "collectors started",
        Deed::StopCollector => "collectors stopped",
        Deed::WakeCollector => "collectors woken",
        Deed::FillDisk => "disks filled",
        Deed::FreeDisk => "disks freed",
        Deed::Harm(_) => "faults",
        Deed::Ship => "ships",
        Deed::KillShip => "ships killed",
        Deed::StartOnFullDisk => "collectors started on a full disk",
        Deed::StepClock(_) => "clocks set",
        Deed::CloseDescriptors(_) => "descriptors closed",
        Deed::Sweep(_) => "spools removed",
        Deed::Replace(_) => "senders replaced",
        Deed::AppendForeign => "times foreign lines appended",
    }
}
