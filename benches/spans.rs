//! What an event of `tracing` costs beside a `log` call of the same text, and what each span around
//! it adds. All take turns in one program, a burst each, so that a noisy machine is as noisy to all.

use fastant::Instant as Tick;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tracing::{Span, info_span};

/// Calls of a burst, a millisecond apart.
const BURST: u64 = 20;

/// What is measured, in the order of the figures.
pub(crate) const WAYS: [&str; 8] = [
    "log::info!",
    "tracing::info!",
    "the same in 1 span",
    "in 2 spans",
    "in 4 spans",
    "in 1 span with 3 values",
    "log::info! in 1 span",
    "a span with 1 value, opened and closed",
];

/// Runs so many bursts of each way, and writes to stdout the median of each in nanoseconds, and what
/// a disabled event costs.
pub(crate) fn run(address: SocketAddr, bursts: u64) {
    let builder = netlog::builder(&address.to_string()).filter("info");
    let guard = builder.flush_limit(Duration::ZERO).init().expect("netlog starts");
    let _ = netlog::flush(Duration::from_secs(60));
    let spans: Vec<_> = (0..4).map(|depth| nested(depth + 1)).collect();
    let request = info_span!("request", id = 7, path = "/orders/7", user = "ann");
    let mut taken = WAYS.map(|_| Vec::new());
    for burst in 0..bursts + bursts / 10 {
        if burst == bursts / 10 {
            taken.iter_mut().for_each(Vec::clear);
        }
        for (way, taken) in taken.iter_mut().enumerate() {
            let _inside = around(way, &spans, &request);
            for number in 0..BURST {
                let before = Tick::now();
                call(way, burst * BURST + number);
                taken.push(Tick::now().duration_since(before).as_nanos() as u64);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let medians = taken.iter_mut().map(|taken| {
        taken.sort_unstable();
        taken[taken.len() / 2]
    });
    let figures: Vec<_> = medians.map(|nanos| nanos.to_string()).collect();
    let line = format!("{} {}", figures.join(" "), disabled());
    std::mem::forget(guard);
    io::stdout().write_all(line.as_bytes()).expect("the bench reads what its child says");
}

/// So many spans, each in the one before it; the innermost is last.
fn nested(depth: u64) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for depth in 0..depth {
        let parent = spans.last().and_then(Span::id);
        spans.push(info_span!(parent: parent, "step", depth));
    }
    spans
}

fn around<'s>(
    way: usize,
    spans: &'s [Vec<Span>],
    request: &'s Span,
) -> Option<tracing::span::Entered<'s>> {
    let innermost = |depth: usize| spans[depth - 1].last().map(Span::enter);
    match way {
        2 | 6 => innermost(1),
        3 => innermost(2),
        4 => innermost(4),
        5 => Some(request.enter()),
        _ => None,
    }
}

#[inline(always)]
fn call(way: usize, number: u64) {
    let price = 100.0 + (number % 1000) as f64 * 0.37;
    let id = 1_000_000 + number;
    match way {
        0 | 6 => log::info!("order {id} filled at {price:.2} for client acme-capital in 12 us"),
        7 => drop(info_span!("request", id)),
        _ => tracing::info!("order {id} filled at {price:.2} for client acme-capital in 12 us"),
    }
}

/// Nanoseconds of an event below the level.
fn disabled() -> f64 {
    const CALLS: u64 = 20_000_000;
    let start = Instant::now();
    for number in 0..CALLS {
        tracing::debug!("order {} is not logged", std::hint::black_box(number));
    }
    start.elapsed().as_nanos() as f64 / CALLS as f64
}
