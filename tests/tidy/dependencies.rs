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

/// Only where serde_json prints floats, which the logger does itself.
const OF_SERDE_JSON: &str = "zmij";

#[test]
fn without_features_the_logger_brings_no_more_crates_than_these() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "-p", "netlog-logger", "--edges", "normal", "--prefix", "none"]);
    cargo.args(["--locked", "--offline", "--target", "x86_64-unknown-linux-gnu"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    let tree = String::from_utf8_lossy(&output.stdout);
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() > 5, "{}", String::from_utf8_lossy(&output.stderr));
    let allowed = BTreeSet::from_iter(OF_LOGGER.into_iter().chain([OF_SERDE_JSON]));
    let more: Vec<_> = names.difference(&allowed).map(ToString::to_string).collect();
    super::assert_none("the logger depends on more", more);
}
