//! Drift: the samples of a run, and bounds on what its last third may have more than its first.

use super::gauge::Sample;
use std::fmt::Write;
use std::time::Duration;

/// The samples of one collector.
pub(super) struct Series {
    name: &'static str,
    samples: Vec<Sample>,
}

/// A quantity that must not drift.
struct Quantity {
    name: &'static str,
    of: fn(&Sample) -> u64,
    /// Part of the first third that the last may have more.
    part: f64,
    /// Amount that it may have more besides.
    slack: u64,
}

const QUANTITIES: [Quantity; 7] = [
    Quantity { name: "memory KiB", of: |s| s.memory, part: 0.10, slack: 3072 },
    Quantity { name: "descriptors", of: |s| s.descriptors, part: 0.0, slack: 4 },
    Quantity { name: "threads", of: |s| s.threads, part: 0.0, slack: 4 },
    Quantity { name: "disk KiB", of: |s| s.disk, part: 0.25, slack: 1024 },
    Quantity { name: "files", of: |s| s.files, part: 0.10, slack: 6 },
    // How fast it is is not the question, and the machine may have more to do than before.
    Quantity { name: "ack us", of: |s| s.ack.as_micros() as u64, part: 4.0, slack: 50_000 },
    Quantity { name: "metrics us", of: |s| s.http.as_micros() as u64, part: 4.0, slack: 100_000 },
];

impl Series {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, samples: Vec::new() }
    }

    pub(super) fn push(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    pub(super) fn head() -> String {
        let mut head = format!("{:>8} {:<6} {:>9} {:>6}", "seconds", "which", "written", "cpu %");
        for quantity in &QUANTITIES {
            let _ = write!(head, " {:>11}", quantity.name);
        }
        head
    }

    /// A row of the table; the processor's share is that since the last sample.
    pub(super) fn line(&self, sample: &Sample) -> String {
        let none = Sample::default();
        let last = self.samples.last().unwrap_or(&none);
        let time = sample.at.saturating_sub(last.at).as_secs_f64();
        let cpu = sample.cpu.saturating_sub(last.cpu).as_secs_f64() / time * 100.0;
        let seconds = sample.at.as_secs();
        let mut line = format!("{seconds:>8} {:<6} {:>9} {cpu:>6.1}", self.name, sample.written);
        for quantity in &QUANTITIES {
            let _ = write!(line, " {:>11}", (quantity.of)(sample));
        }
        line
    }

    /// Medians of the first third after the start, and of the last; and the greatest of all.
    pub(super) fn summary(&self) -> String {
        let mut text = format!("{}: median of the first third, of the last, maximum\n", self.name);
        for quantity in &QUANTITIES {
            let (first, last) = self.thirds(quantity);
            let most = self.samples.iter().map(quantity.of).max().unwrap_or_default();
            let _ = writeln!(text, "  {:<12} {first:>9} {last:>9} {most:>9}", quantity.name);
        }
        text
    }

    /// Medians of the first third, without the start, and of the last.
    fn thirds(&self, quantity: &Quantity) -> (u64, u64) {
        let count = self.samples.len();
        let third = (count / 3).max(1);
        let start = count / 10;
        let first = &self.samples[start.min(count)..(start + third).min(count)];
        (median(first, quantity), median(&self.samples[count.saturating_sub(third)..], quantity))
    }

    /// Each drift beyond the bounds. A run of less than ten minutes is all start: its memory and
    /// its files still grow to what they come to.
    pub(super) fn problems(&self, length: Duration) -> Vec<String> {
        let long = length >= Duration::from_secs(600);
        let counted =
            |quantity: &&Quantity| long || matches!(quantity.name, "descriptors" | "threads");
        let mut problems = Vec::new();
        for quantity in QUANTITIES.iter().filter(counted) {
            let (first, last) = self.thirds(quantity);
            let slack = if long { quantity.slack } else { quantity.slack + 24 };
            let bound = first + (first as f64 * quantity.part) as u64 + slack;
            if last > bound {
                let Self { name, .. } = self;
                problems.push(format!("{name}: {} grew from {first} to {last}", quantity.name));
            }
        }
        problems
    }
}

fn median(samples: &[Sample], quantity: &Quantity) -> u64 {
    let mut values: Vec<_> = samples.iter().map(quantity.of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[test]
fn growth_beyond_the_bounds_is_a_problem_and_noise_is_none() {
    let hours = Duration::from_secs(7200);
    let verdict = |memory: fn(u64) -> u64| {
        let mut series = Series::new("site");
        for n in 0..120 {
            series.push(Sample { memory: memory(n), descriptors: 40 + n % 3, ..Sample::default() });
        }
        series.problems(hours)
    };
    assert_eq!(verdict(|n| 30_000 + n % 7 * 200), Vec::<String>::new());
    assert_eq!(verdict(|n| 30_000 + n * 100), ["site: memory KiB grew from 33200 to 40000"]);
}
