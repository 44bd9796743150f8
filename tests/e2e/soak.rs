//! Endurance: a site that forwards to a centre, with rotation, compression, retention, programs that
//! come and go, tails, searches, reloads and all kinds of input, for as long as is asked; then
//! nothing of the collectors may have grown.
//!
//! ```text
//! NETLOG_SOAK_HOURS=2 cargo test --test e2e soak -- --nocapture
//! ```
//! It takes about a third of a processor, so that the machine stays usable for hours.

mod follower;
mod gauge;
mod load;
mod programs;
mod stage;
mod verdict;

use gauge::Gauge;
use stage::Stage;
use std::io::Write;
use std::time::{Duration, Instant};
use verdict::Series;

/// Length of a plain `cargo test`.
const SHORT: Duration = Duration::from_secs(15);

/// Samples of a run, however long it is.
const SAMPLES: u32 = 120;

/// Prints a line for the person who runs the tests, also when all goes well.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn length() -> Duration {
    let Ok(text) = std::env::var("NETLOG_SOAK_HOURS") else { return SHORT };
    let hours: f64 = text.parse().unwrap_or_else(|_| panic!("NETLOG_SOAK_HOURS={text}"));
    Duration::from_secs_f64(hours * 3600.0)
}

/// Memory, descriptors, threads, disk and latency stay where they are, however long it runs.
#[test]
fn a_collector_that_rotates_relays_reloads_and_serves_does_not_grow() {
    let length = length();
    let mut stage = Stage::set();
    let gauges = [Gauge::of("site", &stage.site), Gauge::of("centre", &stage.centre)];
    let mut series: Vec<_> = gauges.iter().map(|gauge| Series::new(gauge.name)).collect();
    tell(&Series::head());
    let begun = Instant::now();
    let every = (length / SAMPLES).max(Duration::from_millis(500));
    let mut due = every;
    while begun.elapsed() < length {
        stage.step(begun.elapsed());
        if begun.elapsed() >= due {
            due += every;
            for (gauge, series) in gauges.iter().zip(&mut series) {
                let sample = gauge.sample(begun.elapsed());
                tell(&series.line(&sample));
                series.push(sample);
            }
        }
    }
    let totals = stage.close();
    let problems: Vec<_> = series.iter().flat_map(|series| series.problems(length)).collect();
    for series in &series {
        tell(&series.summary());
    }
    tell(&format!("soak: {:.2} h; {totals}", begun.elapsed().as_secs_f64() / 3600.0));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    tell("soak: nothing has grown");
}
