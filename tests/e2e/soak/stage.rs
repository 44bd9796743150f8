//! The scene of a soak: two collectors, their programs, and what is done to them by the clock.

use super::follower::Follower;
use super::load::{Done, read_once, search_all, speak_once};
use super::programs::Program;
use crate::harness::{Collector, SOON, Scene, pause, wait_until};
use rustix::process::Signal;
use std::time::Duration;

/// Records of a life that ended may take this long: their next life delivers them.
const LATE: Duration = Duration::from_secs(120);

/// In the order in which they leave.
pub(super) struct Stage {
    programs: Vec<(Program, usize)>,
    pub(super) site: Collector,
    pub(super) centre: Collector,
    follower: Follower,
    scenes: [Scene; 2],
    done: Done,
    turn: u64,
    reloads: u64,
}

const COMMON: &str =
    "--listen udp://127.0.0.1:0 --compress zstd --rotate-size 512KiB --keep-files 24";

impl Stage {
    pub(super) fn set() -> Self {
        let scenes = [Scene::new(), Scene::new()];
        let config = scenes[1].path("collector.toml");
        std::fs::write(&config, "max-tails = 50\n").expect("the scene has room");
        let line = format!("--relay-from 127.0.0.1 --config {} {COMMON}", config.display());
        let centre = serving(&scenes[1], "logs/{app}/{host}.log", &line);
        let line = format!("--forward-to tcp://{} {COMMON}", centre.at("tcp"));
        let site = serving(&scenes[0], "logs/app.log", &line);
        let follower = Follower::start(&centre.server());
        let program = |n: usize, to: &Collector| {
            Program::start(&scenes[n], &format!("soak-{n}"), to.at("tcp"))
        };
        let programs = vec![(program(0, &site), 0), (program(1, &centre), 1)];
        let done = Done::default();
        Self { programs, site, centre, follower, scenes, done, turn: 0, reloads: 0 }
    }

    /// What is due in this second; returns in the next.
    pub(super) fn step(&mut self, at: Duration) {
        self.turn += 1;
        let collector = if self.turn.is_multiple_of(2) { &self.site } else { &self.centre };
        match self.turn % 12 {
            1 | 2 | 7 | 8 => speak_once(collector, &mut self.done),
            3 | 4 => read_once(collector, &mut self.done),
            5 => {
                for collector in [&self.site, &self.centre] {
                    collector.process.signal(Signal::HUP);
                    self.reloads += 1;
                }
            }
            9 => search_all(
                if self.turn % 24 == 9 { &self.site } else { &self.centre },
                &mut self.done,
            ),
            11 => {
                let index = (self.turn / 12) as usize % self.programs.len();
                let (program, scene) = &mut self.programs[index];
                program.restart(&self.scenes[*scene], (self.turn / 24).is_multiple_of(2));
            }
            _ => self.check(),
        }
        let next = Duration::from_secs(at.as_secs() + 1);
        pause(next.saturating_sub(at).min(Duration::from_secs(1)));
    }

    fn check(&mut self) {
        assert!(self.site.process.running(), "{}", self.site.process.stderr());
        assert!(self.centre.process.running(), "{}", self.centre.process.stderr());
        for (program, _) in &mut self.programs {
            let late = program.overdue(&self.follower, LATE);
            assert!(late.is_empty(), "not at the centre: {late:?}");
        }
        let problems = self.follower.seen().problems;
        assert!(problems.is_empty(), "{problems:#?}");
    }

    /// Ends everything. Every record must be at the centre.
    pub(super) fn close(mut self) -> String {
        for (program, _) in &mut self.programs {
            program.end(false);
        }
        let programs = &mut self.programs;
        let follower = &self.follower;
        let mut late = Vec::new();
        let all = wait_until(SOON * 2, || {
            let overdue = programs.iter_mut().map(|(p, _)| p.overdue(follower, Duration::ZERO));
            late = overdue.flatten().collect();
            late.is_empty()
        });
        assert!(all, "not at the centre: {late:?}");
        self.check();
        let seen = self.follower.seen();
        let lives: u64 = self.programs.iter().map(|(program, _)| program.lives()).sum();
        let rings: usize = self.scenes.iter().map(|scene| scene.rings().len()).sum();
        assert_eq!(rings, 0, "spools are left");
        let panics =
            [&self.site, &self.centre].iter().any(|c| c.process.stderr().contains("panicked"));
        assert!(!panics, "{}{}", self.site.process.stderr(), self.centre.process.stderr());
        let Done { peers, searches, tails } = self.done;
        format!(
            "{} records through a tail, each once; {lives} lives of programs, {} reloads, \
             {peers} plain peers, {searches} requests, {tails} tails",
            seen.records, self.reloads
        )
    }
}

fn serving(scene: &Scene, file: &str, line: &str) -> Collector {
    let line = format!("--listen tcp://127.0.0.1:0 --http 127.0.0.1:0 {line}");
    std::fs::create_dir_all(scene.path("logs")).expect("the scene has room");
    let mut collector = Collector::launch(scene, scene.path(file), &line);
    assert!(collector.listening(2), "{}", collector.process.stderr());
    collector.process.says("serving http://127.0.0.1:");
    collector
}
