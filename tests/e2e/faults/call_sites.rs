//! The places in a program that make system calls, by the stacks that `strace -k` prints.

use super::unwindable::{Functions, functions};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// A system call that a program made.
#[derive(Debug, Default)]
pub(super) struct TracedCall<'a> {
    pub(super) thread: &'a str,
    pub(super) name: &'a str,
    /// Its arguments, as far as the line has them on which it began.
    text: &'a str,
    /// Addresses in the program on the stack, the innermost first; none without stacks.
    pub(super) stack: Vec<u64>,
    pub(super) injected: bool,
}

/// The calls in a trace, in the order in which they began.
pub(super) fn calls(trace: &str) -> Vec<TracedCall<'_>> {
    let mut calls = Vec::<TracedCall<'_>>::new();
    // The call that each thread is in, and the one whose stack comes.
    let mut pending = HashMap::new();
    let mut current = None;
    for line in trace.lines() {
        if let Some(frame) = line.strip_prefix(" > ") {
            if let Some(call) = current.and_then(|at: usize| calls.get_mut(at)) {
                call.stack.extend(address(frame));
            }
            continue;
        }
        // What comes behind a signal, or the beginning of a call, is the stack of none.
        current = None;
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        let injected = call.contains("(INJECTED)");
        if call.starts_with("<... ") {
            current = pending.remove(thread);
        } else if call.starts_with("---") || call.starts_with("+++") {
            continue;
        } else if let Some((name, text)) = call.split_once('(') {
            calls.push(TracedCall { thread, name, text, ..TracedCall::default() });
            if call.ends_with("<unfinished ...>") {
                pending.insert(thread, calls.len() - 1);
            } else if !call.ends_with("= ?") {
                current = Some(calls.len() - 1);
            }
        }
        if let Some(call) = current.and_then(|at| calls.get_mut(at)) {
            call.injected |= injected;
        }
    }
    calls
}

/// The address of a frame of the program, which is the only one without symbols.
fn address(frame: &str) -> Option<u64> {
    let (_, address) = frame.split_once("() [0x")?;
    u64::from_str_radix(address.strip_suffix(']')?, 16).ok()
}

/// A call that a run has made, as far as it can be repeated.
#[derive(Debug)]
pub(super) struct SeenCall {
    pub(super) name: String,
    /// Among the calls of this name in its thread, and among those that concern its file.
    pub(super) ways: Vec<Way>,
    /// The innermost function of netlog on the stack, or else of a library; else empty.
    pub(super) site: String,
    pub(super) injected: bool,
}

/// The place of a call in another run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    /// Name of a file, if calls that concern others do not count.
    pub(super) file: Option<String>,
    pub(super) number: usize,
}

/// The calls in the trace of a program without symbols, whose files are in `directory`.
pub(super) fn seen(trace: &str, program: &Path, directory: &Path) -> Vec<SeenCall> {
    let calls = calls(trace);
    let addresses: BTreeSet<_> = calls.iter().flat_map(|call| call.stack.iter().copied()).collect();
    let functions = functions(program, &addresses);
    let mut counts = HashMap::<_, usize>::new();
    let numbered = calls.iter().map(|call| {
        let mut number = |file: Option<String>| {
            let count = counts.entry((call.thread, call.name, file.clone())).or_default();
            *count += 1;
            Way { file, number: *count }
        };
        let all = number(None);
        let count = all.number;
        let of_file = call.file(directory).map(|file| number(Some(file)));
        // The C library has no unwind table for this one.
        let site = match call.name {
            "clone3" if call.stack.is_empty() => format!("new thread {count} of its parent"),
            // No system fails this: it announces something to a thread.
            "write" if call.text.contains("[eventfd]") => String::new(),
            // std asks it in debug builds alone, of a descriptor that it is about to close.
            "fcntl" if call.text.contains("F_GETFD") => String::new(),
            _ => site(&call.stack, &functions),
        };
        let ways = [Some(all), of_file].into_iter().flatten().collect();
        SeenCall { name: call.name.to_owned(), ways, site, injected: call.injected }
    });
    numbered.collect()
}

impl TracedCall<'_> {
    /// The file in `directory` that it concerns, unless its name has the time in it.
    fn file(&self, directory: &Path) -> Option<String> {
        let (_, rest) = self.text.split_once(&directory.join("").display().to_string())?;
        let name = rest.split(['"', '>']).next()?;
        let is_plain = |c: char| c.is_ascii_alphabetic() || c == '.';
        name.chars().all(is_plain).then(|| name.to_owned())
    }
}

fn site(stack: &[u64], functions: &Functions) -> String {
    let all = || stack.iter().filter_map(|address| functions.get(address)).flatten();
    let site = all().find(|name| is_ours(name)).or_else(|| all().find(|name| of_library(name)));
    site.cloned().unwrap_or_default()
}

/// True for a function of netlog, and not of what it is a parameter of.
pub(super) fn is_ours(name: &str) -> bool {
    let path = name.split("::<").next().unwrap_or(name);
    ["netlog", "subject::"].iter().any(|ours| path.contains(ours))
}

fn of_library(name: &str) -> bool {
    name.contains("::") && !["std::", "core::", "alloc::"].iter().any(|std| name.contains(std))
}

#[test]
fn a_call_has_the_addresses_of_its_stack_and_its_innermost_function_of_netlog() {
    let trace = "7 openat(AT_FDCWD, \"x\", O_RDONLY <unfinished ...>\n\
                 \x20> /bare/netlog() [0x14]\n\
                 8 write(3, \"\", 1) = -1 EIO (Input/output error) (INJECTED)\n\
                 \x20> /lib/libc.so(write+0x1) [0x2]\n\
                 \x20> /bare/netlog() [0x10]\n\
                 \x20> /bare/netlog() [0x11]\n\
                 \x20> /bare/netlog() [0x12]\n\
                 7 <... openat resumed>) = 3\n\
                 \x20> /bare/netlog() [0x13]\n";
    let calls = calls(trace);
    let shown: Vec<_> = calls.iter().map(|c| (c.name, &*c.stack, c.injected)).collect();
    let write: &[u64] = &[0x10, 0x11, 0x12];
    assert_eq!(shown, [("openat", &[0x13][..], false), ("write", write, true)]);
    let names = [
        (0x10, "<std::fs::File as std::io::Write>::write file.rs:1"),
        (0x11, "std::thread::spawn::<netlog_collector::hub::Hub> mod.rs:2"),
        (0x12, "netlog_collector::sink::append sink.rs:3"),
        (0x13, "mio::poll poll.rs:4"),
    ];
    let functions = names.map(|(address, name)| (address, vec![name.to_owned()])).into();
    let sites: Vec<_> = calls.iter().map(|call| site(&call.stack, &functions)).collect();
    assert_eq!(sites, ["mio::poll poll.rs:4", "netlog_collector::sink::append sink.rs:3"]);
}
