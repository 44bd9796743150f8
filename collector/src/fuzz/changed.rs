//! Files of the corpora, changed at random: for machines on which no fuzzer can be built.

use super::{bodies, bulk, forward, journal, loki, lumberjack, otlp, relp};
use std::fs;
use std::io::{Write, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// The longest input.
const LONGEST: usize = 4 << 10;

/// Bytes that decoders take for more than text.
const TELLING: [&[u8]; 20] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\\ud800",
    b"\\u0000",
    b"1e999",
    b"-",
    b"99999999999999999999",
    b"\0",
    b"\xff",
    b"\x8f",
    b"\x9f",
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc4\xff",
];

/// A property that must hold for any bytes.
type Property = fn(&[u8]);

/// Numbers at random (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end.max(1)
    }
}

/// Changes a few places of `bytes`; `other` is one more file of the corpus.
fn change(bytes: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(40)).min(bytes.len());
        match numbers.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            3 => {
                let from = numbers.below(other.len() + 1);
                let to = (from + numbers.below(80)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            4 => bytes.insert(at, numbers.below(256) as u8),
            _ => {
                bytes.splice(at..at, TELLING[numbers.below(TELLING.len())].iter().copied());
            }
        }
    }
    bytes.truncate(LONGEST);
}

/// Holds a property against changed files of a corpus, and reports how many.
fn hold(name: &str, holds: Property, limit: Duration) {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus");
    let files = fs::read_dir(format!("{corpus}/{name}")).expect("there is such a corpus");
    let mut inputs: Vec<_> =
        files.flatten().map(|file| fs::read(file.path()).expect("a file")).collect();
    let seeds = inputs.len();
    let mut numbers = Numbers(u64::from(std::process::id()) << 32 | 1);
    let start = Instant::now();
    let mut runs = 0_u64;
    while start.elapsed() < limit {
        let mut input = inputs[numbers.below(inputs.len())].clone();
        let other = numbers.below(inputs.len());
        change(&mut input, &inputs[other], &mut numbers);
        let held = catch_unwind(AssertUnwindSafe(|| holds(&input)));
        assert!(held.is_ok(), "{name}: {}", input.escape_ascii());
        runs += 1;
        // Changes add up in some of them.
        match inputs.len() < 50 * seeds {
            true => inputs.push(input),
            false => {
                let place = seeds + numbers.below(inputs.len() - seeds);
                inputs[place] = input;
            }
        }
    }
    let _ = writeln!(stderr(), "{name}: {runs} inputs in {:?}", start.elapsed());
}

/// Each corpus is tried for as long as is asked for; `NETLOG_FUZZ=forward,otlp` chooses some:
/// `NETLOG_FUZZ_SECONDS=600 cargo test -p netlog-collector --lib changed -- --ignored --nocapture`.
#[test]
#[ignore = "takes as long as it is given"]
fn bodies_and_messages_that_are_changed_at_random_keep_their_properties() {
    let seconds = std::env::var("NETLOG_FUZZ_SECONDS").ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(5);
    let chosen = std::env::var("NETLOG_FUZZ").unwrap_or_default();
    let corpora: [(&str, Property); 8] = [
        ("forward", forward),
        ("otlp", otlp),
        ("loki", loki),
        ("lumberjack", lumberjack),
        ("relp", relp),
        ("journal", journal),
        ("bulk", bulk),
        ("bodies", bodies),
    ];
    for (name, holds) in corpora {
        if chosen.is_empty() || chosen.split(',').any(|chosen| chosen == name) {
            hold(name, holds, Duration::from_secs(seconds));
        }
    }
}
