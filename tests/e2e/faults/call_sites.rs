//! The places in a program that make system calls, by the stacks that `strace -k` prints.

use std::collections::HashMap;

/// A system call that a program made.
#[derive(Debug, Default)]
pub(super) struct TracedCall<'a> {
    pub(super) thread: &'a str,
    pub(super) name: &'a str,
    /// The innermost function of netlog on the stack, or else of a library; empty without stacks.
    pub(super) site: String,
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
                see(call, frame);
            }
            continue;
        }
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        let injected = call.contains("(INJECTED)");
        if call.starts_with("<... ") {
            current = pending.get(thread).copied();
        } else if let Some((name, _)) = call.split_once('(') {
            calls.push(TracedCall { thread, name, ..TracedCall::default() });
            pending.insert(thread, calls.len() - 1);
            current = Some(calls.len() - 1);
        }
        if let Some(call) = current.and_then(|at| calls.get_mut(at)) {
            call.injected |= injected;
        }
    }
    calls
}

/// Takes the frame for the call's site, if it is nearer to netlog than what was seen so far.
fn see(call: &mut TracedCall<'_>, frame: &str) {
    let Some((_, symbol)) = frame.split_once('(') else { return };
    let Some((name, _)) = symbol.rsplit_once("+0x") else { return };
    let name = match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 => name,
        _ => name,
    };
    let is_ours = |name: &str| name.contains("netlog") || name.contains("subject");
    let of_library =
        name.contains("::") && !["std::", "core::", "alloc::"].iter().any(|std| name.contains(std));
    if call.site.is_empty() && of_library || is_ours(name) && !is_ours(&call.site) {
        call.site = name.to_owned();
    }
}

#[test]
fn a_call_has_the_site_of_its_innermost_function_of_netlog() {
    let trace = "7 openat(AT_FDCWD, \"x\", O_RDONLY <unfinished ...>\n\
                 8 write(3, \"\", 1) = -1 EIO (Input/output error) (INJECTED)\n\
                 \x20> /lib/libc.so(write+0x1) [0x2]\n\
                 \x20> /netlog(<std::fs::File as std::io::Write>::write+0x3) [0x4]\n\
                 \x20> /netlog(netlog_collector::sink::append::h0123456789abcdef+0x3) [0x4]\n\
                 \x20> /netlog(netlog_collector::hub::run+0x3) [0x4]\n\
                 7 <... openat resumed>) = 3\n\
                 \x20> /netlog(mio::poll+0x3) [0x4]\n";
    let calls = calls(trace);
    let shown: Vec<_> = calls.iter().map(|c| (c.name, &*c.site, c.injected)).collect();
    let expected =
        [("openat", "mio::poll", false), ("write", "netlog_collector::sink::append", true)];
    assert_eq!(shown, expected);
}
