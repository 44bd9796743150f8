//! Everybody who takes part when a cluster is harmed, and the harm.

use super::servers::NatsCluster;
use crate::harness::{Dice, SOON, Switch, wait_until};
use crate::relay::{Arrived, Post, Program, check};
use async_nats::jetstream::stream::Stream;
use rustix::process::Signal;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Programs that stay at their collector, and programs that are at the other one after every
/// reconnect.
const STAYING: usize = 4;
const MOVING: usize = 2;

/// Time for all to arrive once nobody is harmed any more.
const SETTLE: Duration = Duration::from_secs(240);

/// Kinds of harm; each is done once before any is done again.
const KINDS: [Harm; 16] = [
    Harm::KillReader,
    Harm::StopReader,
    Harm::KillSite,
    Harm::KillSite,
    Harm::StopSite,
    Harm::KillProgram,
    Harm::StopProgram,
    Harm::CutPrograms,
    Harm::KillLeader,
    Harm::StopLeader,
    Harm::KillServer,
    Harm::KillTwo,
    Harm::WipeServer,
    Harm::PlainLine,
    Harm::PlainLine,
    Harm::PlainLine,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    KillReader,
    StopReader,
    KillSite,
    StopSite,
    KillProgram,
    StopProgram,
    /// Of those that move.
    CutPrograms,
    KillLeader,
    /// It goes on later, and may still think that it leads.
    StopLeader,
    KillServer,
    KillTwo,
    /// One that the others can do without.
    WipeServer,
    PlainLine,
}

/// Somebody who is to go on again.
#[derive(Debug, Clone, Copy)]
enum Away {
    Reader,
    Site(usize),
    Program(usize),
    Server(usize),
}

/// Everybody.
pub(super) struct Stage {
    pub(super) cluster: NatsCluster,
    pub(super) sites: [Post; 2],
    pub(super) reader: Post,
    pub(super) programs: Vec<Program>,
    pub(super) plain: HashSet<String>,
    switch: Switch,
    away: Vec<(Instant, Away)>,
    /// Kinds of harm that have not had their turn.
    deck: Vec<Harm>,
    done: BTreeMap<Harm, u32>,
}

impl Stage {
    /// Collectors with these options, one of which acknowledges what the stream has too, and what
    /// belongs to them.
    pub(super) fn new(cluster: NatsCluster, options: &str) -> Self {
        let to = format!("--rotate-size 1MiB --forward-to {} {options}", cluster.url());
        let sites = [Post::new(to.clone()), Post::new(format!("{to} --ack both"))];
        let reader = Post::new(format!("--rotate-size 4MiB --from {} {options}", cluster.url()));
        let addresses = sites.iter().map(|site| site.port.address().parse().expect("an address"));
        let switch = Switch::start(addresses.collect());
        let program =
            |app: String, site| Program { app, sites: vec![site], child: None, lives: Vec::new() };
        let staying = (0..STAYING).map(|n| program(format!("stayed-{n}"), n % 2));
        let moving = (0..MOVING).map(|n| program(format!("moved-{n}"), n % 2));
        let programs = staying.chain(moving).collect();
        let mut stage = Self {
            cluster,
            sites,
            reader,
            programs,
            plain: HashSet::new(),
            switch,
            away: Vec::new(),
            deck: Vec::new(),
            done: BTreeMap::new(),
        };
        (0..stage.programs.len()).for_each(|number| stage.start(number));
        stage
    }

    fn start(&mut self, number: usize) {
        let program = &mut self.programs[number];
        let site = &self.sites[program.sites[0]];
        let moves = program.app.starts_with("moved-");
        let to = if moves { self.switch.address() } else { site.port.address() };
        program.start_at(&site.scene, &to);
    }

    /// Waits until each program has been welcomed: who hangs before that is not a collector for it.
    pub(super) fn wait_until_all_log(&self) {
        let logs = |app: &str| {
            let files = self.sites.iter().map(|site| site.scene.path("app.log"));
            let app = format!("\"app\":\"{app}\"");
            files
                .into_iter()
                .any(|file| fs::read_to_string(file).unwrap_or_default().contains(&app))
        };
        let all = wait_until(SOON, || self.programs.iter().all(|program| logs(&program.app)));
        assert!(all, "not all programs log");
    }

    pub(super) fn harm(&mut self, dice: &mut Dice) {
        if self.deck.is_empty() {
            self.deck = KINDS.to_vec();
        }
        let drawn = dice.of(0..self.deck.len() as u64) as usize;
        let kind = self.deck.swap_remove(drawn);
        *self.done.entry(kind).or_default() += 1;
        let site = dice.of(0..2) as usize;
        let program = dice.of(0..self.programs.len() as u64) as usize;
        let server = dice.of(0..3) as usize;
        let short = dice.millis(100..1500);
        let long = dice.millis(1000..7000);
        match kind {
            Harm::KillReader => self.reader.kill(),
            Harm::StopReader => self.stop(Away::Reader, long),
            Harm::KillSite => self.sites[site].kill(),
            Harm::StopSite => self.stop(Away::Site(site), long),
            Harm::KillProgram => {
                self.programs[program].kill();
                self.start(program);
            }
            Harm::StopProgram => self.stop(Away::Program(program), short),
            Harm::CutPrograms => self.switch.cut(),
            Harm::KillLeader => self.kill_server(self.cluster.leader().unwrap_or(server), short),
            Harm::StopLeader => {
                self.stop(Away::Server(self.cluster.leader().unwrap_or(server)), long);
            }
            Harm::KillServer => self.kill_server(server, short),
            Harm::KillTwo => {
                self.kill_server(server, long);
                self.kill_server((server + 1) % 3, long / 2);
            }
            Harm::WipeServer => self.wipe_server(server),
            Harm::PlainLine => self.send_line(site),
        }
    }

    fn signal(&self, who: Away, signal: Signal) {
        let post = |post: &Post| post.collector.as_ref().expect("it runs").process.signal(signal);
        match who {
            Away::Reader => post(&self.reader),
            Away::Site(site) => post(&self.sites[site]),
            Away::Program(number) => {
                self.programs[number].child.as_ref().expect("it runs").signal(signal);
            }
            Away::Server(number) => {
                let server = &self.cluster.nodes[number];
                if server.runs() {
                    server.signal(signal);
                }
            }
        }
    }

    fn stop(&mut self, who: Away, time: Duration) {
        self.signal(who, Signal::STOP);
        self.away.push((Instant::now() + time, who));
    }

    fn kill_server(&mut self, number: usize, time: Duration) {
        self.cluster.nodes[number].kill();
        self.away.push((Instant::now() + time, Away::Server(number)));
    }

    /// While the two others have everything: no cluster survives the loss of two copies of three.
    fn wipe_server(&mut self, number: usize) {
        self.cluster.mend();
        if wait_until(Duration::from_secs(20), || self.cluster.is_whole()) {
            self.cluster.wipe(number);
            // Before that, the loss of another one might be that of a majority.
            wait_until(Duration::from_secs(20), || self.cluster.is_whole());
        }
    }

    fn send_line(&mut self, site: usize) {
        if let Ok(mut peer) = TcpStream::connect(self.sites[site].port.address()) {
            let line = format!("plain {}", self.plain.len());
            writeln!(peer, "{line}").expect("it has just been connected");
            self.plain.insert(line);
        }
    }

    /// Lets those go on whose time has come.
    pub(super) fn mend_what_is_due(&mut self) {
        let due = |(at, _): &(Instant, Away)| *at <= Instant::now();
        let (due, later) = self.away.drain(..).partition(due);
        self.away = later;
        let due: Vec<(Instant, Away)> = due;
        for (_, who) in due {
            match who {
                Away::Server(number) => self.cluster.wake(number),
                _ => self.signal(who, Signal::CONT),
            }
        }
    }

    /// Lets all go on.
    pub(super) fn mend(&mut self) {
        self.away.iter_mut().for_each(|(at, _)| *at = Instant::now());
        self.mend_what_is_due();
        self.cluster.mend();
    }

    /// Ends the programs, once all that they logged is at the collectors.
    pub(super) fn finish_programs(&mut self) {
        self.programs.iter_mut().for_each(Program::finish);
        self.sites.iter().for_each(Post::ship);
    }

    /// Waits until all is at the reader.
    pub(super) fn settle(&self, name: &str) {
        let mut behind = String::new();
        let all = wait_until(SETTLE, || {
            behind = through(self).err().unwrap_or_default();
            behind.is_empty()
        });
        assert!(all, "{behind}; {name}: {}", self.totals());
    }

    /// Ends the collectors, and checks that each record is at the reader once, and in order.
    pub(super) fn close(&mut self, name: &str) {
        self.sites.iter_mut().for_each(Post::end);
        self.reader.end();
        let arrived = Arrived::read(&self.reader.files());
        let totals = format!("{name}: {} records of {}", arrived.records, self.totals());
        let _ = writeln!(io::stderr(), "{totals}");
        for life in self.programs.iter().flat_map(|program| &program.lives) {
            check(life, &arrived, &totals);
        }
        let kept: u64 = self.sites.iter().map(|site| Arrived::read_local(&site.files())).sum();
        assert_eq!(arrived.stayed(), kept, "{totals}");
        for (line, count) in &arrived.plain {
            let sent = self.plain.contains(line);
            assert!(*count == 1 && sent, "{line:?} arrived {count} times; {totals}");
        }
    }

    /// Counts of what was done.
    pub(super) fn totals(&self) -> String {
        let lives: usize = self.programs.iter().map(|program| program.lives.len()).sum();
        format!("{lives} lives, {} plain lines; {:?}", self.plain.len(), self.done)
    }
}

/// True if the stream has all that sites keep, and the reader has read all of the stream; `Err` says
/// who is behind.
fn through(stage: &Stage) -> Result<(), String> {
    let asked = stage.cluster.ask_stream(async |stream| {
        for (number, site) in stage.sites.iter().enumerate() {
            if !has_all(&stream, &site.scene.path("app.log")).await? {
                return Some(Err(format!("site {number} is ahead of the stream")));
            }
        }
        Some(Ok(stream.cached_info().state.last_sequence))
    });
    let last = asked.ok_or("the stream does not answer")??;
    let position = state(&stage.reader.scene.path("app.log.stream"));
    match position.as_ref().and_then(|position| position["sequence"].as_u64()) {
        Some(read) if read == last => Ok(()),
        read => Err(format!("the reader has read up to {read:?} of {last}")),
    }
}

/// True if the stream has all of this log.
async fn has_all(stream: &Stream, log: &Path) -> Option<bool> {
    let forwarded = state(&log.with_extension("log.forwarded"))?;
    let id = forwarded["first"].as_str().or_else(|| forwarded["relay"].as_str())?.to_owned();
    let last = stream.get_last_raw_message_by_subject(&format!("netlog.b.{id}")).await.ok()?;
    let place = last.headers.get("Netlog-Place")?.as_str().to_owned();
    let place: Vec<u64> = place.split(' ').filter_map(|number| number.parse().ok()).collect();
    let ledger = fs::read_to_string(log.with_extension("log.ledger")).ok()?;
    let head = ledger.lines().next()?.rsplit_once(' ')?.0.to_owned();
    let generation = serde_json::from_str::<Value>(&head).ok()?["generation"].as_u64()?;
    let len = fs::metadata(log).ok()?.len();
    let at_end = place[2] == generation && place[3] == len;
    Some(at_end || (len == 0 && place[2] + 1 == generation))
}

/// The value in a file that has its checksum behind it.
fn state(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    serde_json::from_str(text.trim_end().rsplit_once(' ')?.0).ok()
}
