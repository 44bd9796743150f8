//! Collectors that publish, a server and a reader: all of them, and the programs that log, are killed
//! as a seed has it; then each record must be at the reader once, and those of a program that stayed
//! at one collector in order.
//!
//! ```text
//! NETLOG_NATS_SEED=7 NETLOG_NATS_SECONDS=1800 cargo test --test e2e -- --ignored jetstream::killed
//! ```

use super::server::{NatsServer, versions};
use crate::harness::{Dice, SOON, pause, wait_until};
use crate::relay::{Arrived, Post, Program, asked, check};
use std::io::{self, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

/// How long `./check` does this with each version.
const SECONDS: u64 = 8;

/// Programs that stay at their collector, and programs that go to the other one whenever theirs is
/// away.
const STAYING: usize = 4;
const MOVING: usize = 2;

/// Everything that can be killed.
struct Stage {
    server: NatsServer,
    sites: [Post; 2],
    reader: Post,
    programs: Vec<Program>,
    plain: Vec<String>,
    server_kills: u32,
}

impl Stage {
    fn new(version: &str) -> Self {
        let server = NatsServer::start(version);
        let to = format!("--rotate-size 1MiB --forward-to {}", server.url());
        let sites = [Post::new(to.clone()), Post::new(to)];
        let reader = Post::new(format!("--rotate-size 4MiB --from {}", server.url()));
        let program = |app: String, sites| Program { app, sites, child: None, lives: Vec::new() };
        let staying = (0..STAYING).map(|n| program(format!("stayed-{n}"), vec![n % 2]));
        let moving = (0..MOVING).map(|n| program(format!("moved-{n}"), vec![n % 2, 1 - n % 2]));
        let mut programs: Vec<_> = staying.chain(moving).collect();
        programs.iter_mut().for_each(|program| program.start(&sites));
        Self { server, sites, reader, programs, plain: Vec::new(), server_kills: 0 }
    }

    /// Kills one of them, or sends a line.
    fn step(&mut self, dice: &mut Dice) {
        match dice.of(0..8) {
            0 => self.reader.kill(),
            1 | 2 => self.sites[dice.of(0..2) as usize].kill(),
            3 => {
                let n = dice.of(0..self.programs.len() as u64) as usize;
                self.programs[n].kill();
                self.programs[n].start(&self.sites);
            }
            4 | 5 => {
                self.server.kill();
                pause(dice.millis(0..500));
                self.server.go_on();
                self.server_kills += 1;
            }
            _ => {
                let site = &self.sites[dice.of(0..2) as usize];
                if let Ok(mut peer) = TcpStream::connect(site.port.address()) {
                    let line = format!("plain {}", self.plain.len());
                    writeln!(peer, "{line}").expect("it has just been connected");
                    self.plain.push(line);
                }
            }
        }
    }

    /// Ends the programs, and waits until all is at the reader.
    fn settle(&mut self, totals: &str) {
        self.programs.iter_mut().for_each(Program::finish);
        self.sites.iter().for_each(Post::ship);
        let kept = || self.sites.iter().map(|site| Arrived::read_local(&site.files())).sum::<u64>();
        let mut counts = (0, 0);
        let all = wait_until(SOON * 2, || {
            counts = (Arrived::read(&self.reader.files()).stayed(), kept());
            counts.0 >= counts.1 && self.plain_came()
        });
        assert!(all, "{} of {}: {totals}", counts.0, counts.1);
    }

    /// True if the last plain line of a connection that was not cut is there.
    fn plain_came(&self) -> bool {
        let arrived = Arrived::read(&self.reader.files());
        let kept: u64 = self.sites.iter().map(plain_lines).sum();
        arrived.plain.values().map(|count| u64::from(*count)).sum::<u64>() >= kept
    }
}

/// Count of the plain lines that a site has kept.
fn plain_lines(site: &Post) -> u64 {
    let arrived = site.files().into_iter().map(|file| crate::relay::lines(&file));
    arrived.flatten().filter(|line| line.contains("\"msg\":\"plain ")).count() as u64
}

/// A record is in the collector's file exactly once, whoever was killed, whenever; over a relay or an
/// engine too.
#[test]
#[ignore = "needs tests/clients/get"]
fn whoever_is_killed_each_record_is_at_the_reader_once_and_in_order() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is late");
    let seed = asked("NETLOG_NATS_SEED").unwrap_or_else(|| u64::from(now.subsec_nanos()));
    let seconds = asked("NETLOG_NATS_SECONDS").unwrap_or(SECONDS);
    for version in versions() {
        let mut dice = Dice::new(seed, "nats");
        let mut stage = Stage::new(&version);
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            pause(dice.millis(50..400));
            stage.step(&mut dice);
        }
        let name = format!("nats {version}: NETLOG_NATS_SEED={seed} NETLOG_NATS_SECONDS={seconds}");
        stage.settle(&name);
        stage.sites.iter_mut().for_each(Post::end);
        stage.reader.end();
        let arrived = Arrived::read(&stage.reader.files());
        let kills: u32 = stage.sites.iter().map(|site| site.kills).sum();
        let lives: usize = stage.programs.iter().map(|program| program.lives.len()).sum();
        let totals = format!(
            "{name}: {} records of {lives} lives, {} plain lines; collectors killed {kills} times, \
             the server {}, the reader {}",
            arrived.records,
            stage.plain.len(),
            stage.server_kills,
            stage.reader.kills
        );
        let _ = writeln!(io::stderr(), "{totals}");
        for life in stage.programs.iter().flat_map(|program| &program.lives) {
            check(life, &arrived, &totals);
        }
        for (line, count) in &arrived.plain {
            let sent = stage.plain.contains(line);
            assert!(*count == 1 && sent, "{line:?} arrived {count} times; {totals}");
        }
    }
}
