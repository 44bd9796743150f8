//! What happens when: drawn from the seed before anything begins, so that it can be had again.

use super::senders::{CLOSING, ORDINARY, SMALL, SWEPT};
use crate::harness::Dice;
use crate::harness::proxy::{Fault, Kind};
use std::time::Duration;

/// One thing done to one part of the scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    HurrySender(usize),
    KillSender(usize),
    StartSender(usize),
    StopSender(usize),
    WakeSender(usize),
    KillCollector,
    EndCollector,
    StartCollector,
    StopCollector,
    WakeCollector,
    FillDisk,
    FreeDisk,
    Harm(Fault),
    Ship,
    KillShip,
    /// Fills the disk while no collector runs, and starts one.
    StartOnFullDisk,
    /// The clock is so many seconds off.
    StepClock(i64),
    /// The program closes all of its descriptors.
    CloseDescriptors(usize),
    /// The directory of the program's spool is removed.
    Sweep(usize),
    /// The program is killed once its records are safe again, and another one is started.
    Replace(usize),
    AppendForeign,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) at: Duration,
    pub(super) deed: Deed,
}

/// How far a clock is off, in seconds, once somebody has set it: a little, an hour, days, ten years.
const STEPS: [i64; 9] = [0, 2, -2, 3600, -3600, 10 * DAY, -10 * DAY, 3650 * DAY, -3650 * DAY];

const DAY: i64 = 86_400;

/// All steps of a run, in their order. Each part of the scene has its own dice: what is left out
/// (`without`, by the parts' names) does not change what happens to the others.
pub(super) fn draw(seed: u64, length: Duration, without: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut part = |name: &str, draw: &dyn Fn(&mut Part)| {
        if !without.split(',').any(|left_out| !left_out.is_empty() && name.starts_with(left_out)) {
            let mut part = Part { dice: Dice::new(seed, name), now: Duration::ZERO, steps: vec![] };
            while part.now < length {
                draw(&mut part);
            }
            // What was begun is ended, even if a little late.
            steps.append(&mut part.steps);
        }
    };
    for n in 0..ORDINARY {
        part(&format!("sender {n}"), &|part| one_of_a_sender(part, n));
    }
    part("collector", &one_of_the_collector);
    part("disk", &|part| {
        part.then(1500..6000, Deed::FillDisk);
        part.then(50..2500, Deed::FreeDisk);
    });
    part("network", &|part| {
        let fault = fault(&mut part.dice);
        part.then(10..400, Deed::Harm(fault));
    });
    part("ship", &|part| {
        part.then(1000..4000, Deed::Ship);
        part.then(0..1500, Deed::KillShip);
    });
    part("start", &|part| {
        part.then(4000..12_000, Deed::StartOnFullDisk);
        part.then(50..1500, Deed::FreeDisk);
    });
    part("clock", &|part| {
        let step = part.dice.of(0..STEPS.len() as u64) as usize;
        part.then(500..5000, Deed::StepClock(STEPS[step]));
    });
    part("descriptors", &|part| {
        let sender = part.dice.of(0..CLOSING as u64) as usize;
        part.then(100..2000, Deed::CloseDescriptors(sender));
    });
    part("swept", &|part| {
        part.then(200..3000, Deed::Sweep(SWEPT));
        part.then(0..2500, Deed::Replace(SWEPT));
    });
    part("small", &|part| one_of_a_sender(part, SMALL));
    part("foreign", &|part| part.then(200..3000, Deed::AppendForeign));
    steps.sort_by_key(|step| step.at);
    steps
}

/// What happens to one part, one thing after the other.
struct Part {
    dice: Dice,
    now: Duration,
    steps: Vec<Step>,
}

impl Part {
    fn then(&mut self, millis: std::ops::Range<u64>, deed: Deed) {
        self.now += self.dice.millis(millis);
        self.steps.push(Step { at: self.now, deed });
    }
}

fn one_of_a_sender(part: &mut Part, n: usize) {
    if part.dice.once_in(3) {
        part.then(200..3000, Deed::StopSender(n));
        part.then(10..1500, Deed::WakeSender(n));
    } else {
        part.then(100..4000, Deed::HurrySender(n));
        // Who is killed while every thread logs as fast as it can leaves holes behind.
        part.then(0..25, Deed::KillSender(n));
        part.then(0..800, Deed::StartSender(n));
    }
}

fn one_of_the_collector(part: &mut Part) {
    match part.dice.of(0..8) {
        // Long enough, sometimes, for a sender that has just started to ask itself what it is
        // talking to.
        0 | 1 => {
            part.then(200..2500, Deed::StopCollector);
            part.then(10..3500, Deed::WakeCollector);
        }
        2 => {
            part.then(200..3000, Deed::EndCollector);
            part.then(0..1000, Deed::StartCollector);
        }
        _ => {
            part.then(200..3000, Deed::KillCollector);
            part.then(0..1000, Deed::StartCollector);
        }
    }
}

fn fault(dice: &mut Dice) -> Fault {
    let kind = match dice.of(0..10) {
        0 | 1 => Kind::Cut,
        2 | 3 => Kind::Reset,
        4 => Kind::EndUp,
        5 => Kind::EndDown,
        6 => Kind::Stall(dice.millis(20..3000)),
        7 | 8 => Kind::Late(dice.millis(0..1500)),
        _ => Kind::Chop(dice.of(500..20_000)),
    };
    Fault { pick: dice.of(0..1000) as usize, after: dice.of(0..4000), kind }
}

#[test]
fn the_same_seed_is_the_same_schedule_and_another_is_another() {
    let told = |seed, without| {
        let steps = draw(seed, Duration::from_secs(60), without);
        steps.iter().map(|step| format!("{step:?}")).collect::<Vec<_>>()
    };
    assert_eq!(told(7, ""), told(7, ""));
    assert_ne!(told(7, ""), told(8, ""));
    let mut rest = told(7, "");
    rest.retain(|step| !step.contains("Collector"));
    assert!(rest.len() < told(7, "").len());
    assert_eq!(rest, told(7, "collector"));
}
