//! Programs whose stacks `strace -k` can unwind, and the functions at the addresses that it prints.

use crate::harness::relinked;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// libunwind finds the tables of a program only if each of its segments begins on a page of the
/// file, as no linker but the oldest has it by default.
const FLAGS: [&str; 4] = ["-C", "strip=none", "-C", "link-arg=-Wl,-z,separate-loadable-segments"];

/// Directories of the programs without symbols, which make strace slow, and of those with them.
const BARE: &str = "bare";
const WHOLE: &str = "whole";

/// Directory of both, below that of the programs under test.
const DIRECTORY: &str = "unwindable";

/// The collector, or the tests' subject.
pub(super) fn unwindable(name: &str) -> PathBuf {
    static LINKED: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut linked = LINKED.lock().unwrap_or_else(PoisonError::into_inner);
    let linked = linked.get_or_insert_default();
    linked.entry(name.to_owned()).or_insert_with(|| link(name)).clone()
}

fn link(name: &str) -> PathBuf {
    let program = match name {
        "subject" => relinked("netlog-subject", "--example", name, &FLAGS),
        _ => relinked(name, "--bin", name, &FLAGS),
    };
    let place = program.with_file_name(DIRECTORY);
    for directory in [BARE, WHOLE] {
        std::fs::create_dir_all(place.join(directory)).expect("there is room");
    }
    let bare = place.join(BARE).join(name);
    // Another run of the tests may use those that are there.
    let new = place.join("new");
    std::fs::copy(&program, &new).expect("there is room");
    std::fs::rename(&new, place.join(WHOLE).join(name)).expect("it is ours");
    let strip = Command::new("strip").arg("-o").arg(&new).arg(program).status();
    assert!(strip.is_ok_and(|status| status.success()), "strip (of binutils) failed");
    std::fs::rename(&new, &bare).expect("it is ours");
    bare
}

/// Names of functions, the innermost first, by the address of an instruction.
pub(super) type Functions = HashMap<u64, Vec<String>>;

/// The functions at `addresses` of a program from [`unwindable`], each with its line or offset.
pub(super) fn functions(bare: &Path, addresses: &BTreeSet<u64>) -> Functions {
    static KNOWN: Mutex<Option<HashMap<PathBuf, Functions>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default().entry(bare.to_owned()).or_default();
    let unknown: Vec<_> = addresses.iter().filter(|it| !known.contains_key(it)).copied().collect();
    if !unknown.is_empty() {
        known.extend(resolve(bare, &unknown));
    }
    let found = |address: &u64| Some((*address, known.get(address)?.clone()));
    addresses.iter().filter_map(found).collect()
}

fn resolve(bare: &Path, addresses: &[u64]) -> Functions {
    let place = bare.parent().expect("it has a directory").with_file_name(WHOLE);
    let whole = place.join(bare.file_name().expect("it has a name"));
    let mut addr2line = Command::new("addr2line");
    addr2line.args(["-a", "-i", "-f", "-C", "-e"]).arg(whole);
    // The call is before the address to which it returns.
    addr2line.args(addresses.iter().map(|address| format!("{:x}", address - 1)));
    let output = addr2line.output().expect("addr2line (of binutils) runs");
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// Reads what addr2line prints: an address, and two lines for each function.
fn parse(text: &str) -> Functions {
    let mut functions = Functions::new();
    let mut address = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(hex) = line.strip_prefix("0x") {
            address = u64::from_str_radix(hex, 16).map_or(0, |call| call + 1);
            continue;
        }
        let mut name = line.to_owned();
        let line = lines.next().unwrap_or_default();
        let _ = match line.rsplit_once('/').unwrap_or(("", line)).1.split_once(".rs:") {
            Some((file, line)) => {
                let line = line.split(' ').next().unwrap_or_default();
                write!(name, " {file}.rs:{line}")
            }
            None => write!(name, " at {address:#x}"),
        };
        functions.entry(address).or_default().push(name);
    }
    functions
}

#[test]
fn functions_are_named_with_their_line_or_address() {
    let text = "0x0000000000000010\nnetlog_collector::hub::run\n/src/hub.rs:7 (discriminator 2)\n\
                tokio::poll\n/tokio/poll.rs:8\n0x0000000000000020\nnetlog::x::{{closure}}\nabc:?\n";
    let functions = parse(text);
    assert_eq!(functions[&0x11], ["netlog_collector::hub::run hub.rs:7", "tokio::poll poll.rs:8"]);
    assert_eq!(functions[&0x21], ["netlog::x::{{closure}} at 0x21"]);
}
