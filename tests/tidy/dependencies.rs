//! What a program takes on with the logger.

use std::collections::BTreeSet;
use std::process::Command;

/// All that the logger brings along, on Linux and without features.
const OF_LOGGER: [&str; 13] = [
    "bitflags",
    "env_filter",
    "itoa",
    "libc",
    "linux-raw-sys",
    "log",
    "memchr",
    "netlog-logger",
    "netlog-wire",
    "rustix",
    "serde",
    "serde_core",
    "serde_json",
];

/// What the feature `tracing` adds.
const OF_TRACING: [&str; 7] = [
    "cfg-if",
    "lazy_static",
    "once_cell",
    "sharded-slab",
    "thread_local",
    "tracing-core",
    "tracing-subscriber",
];

/// Only where serde_json prints floats, which the logger does itself.
const OF_SERDE_JSON: &str = "zmij";

#[test]
fn without_features_the_logger_brings_no_more_crates_than_these() {
    super::assert_none("the logger depends on more", more_than(&OF_LOGGER, ""));
}

#[test]
fn with_tracing_the_logger_brings_neither_opentelemetry_nor_valuable() {
    let allowed = [&OF_LOGGER[..], &OF_TRACING].concat();
    super::assert_none("the feature adds more", more_than(&allowed, "tracing"));
}

/// What the logger brings along with `features` beyond `allowed`.
fn more_than(allowed: &[&str], features: &str) -> Vec<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "-p", "netlog-logger", "--edges", "normal", "--prefix", "none"]);
    cargo.args(["--features", features]);
    cargo.args(["--locked", "--offline", "--target", "x86_64-unknown-linux-gnu"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    let tree = String::from_utf8_lossy(&output.stdout);
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() > 5, "{}", String::from_utf8_lossy(&output.stderr));
    let allowed = BTreeSet::from_iter(allowed.iter().copied().chain([OF_SERDE_JSON]));
    names.difference(&allowed).map(ToString::to_string).collect()
}
