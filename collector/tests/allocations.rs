//! How often the collector allocates, in all its threads: for each read and each batch, and never
//! for a record. A program of its own, because it counts what the whole process does.

mod bench;

use bench::{Bench, hello, record, wait_for};
use netlog_collector::Options;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::io::Write;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const RECORDS: usize = 20_000;

/// How often the process allocates while the collector takes `lines` lines that `send` sends.
fn allocations(bench: &Bench, lines: usize, mut send: impl FnMut()) -> usize {
    let written = bench.stats.records_written.get() + lines as u64;
    let region = Region::new(COUNTED);
    send();
    wait_for(|| bench.stats.records_written.get() >= written);
    let counted = region.change();
    counted.allocations + counted.reallocations
}

/// Fails where more records are more allocations. A read takes hundreds of them, and costs some.
#[track_caller]
fn assert_none_for_each(kind: &str, few: usize, many: usize, more: usize) {
    let grown = many.saturating_sub(few);
    assert!(grown < more / 4, "{kind}: {few}, and {grown} for {more} records more");
}

// One test: another at the same time would be counted too.
#[test]
fn a_record_costs_no_allocation_between_its_socket_and_the_file() {
    let bench = Bench::start(Options::default());
    let long = "for a customer who waits ".repeat(6);
    for (kind, first, line) in [
        ("records", hello(1), record(&long)),
        ("lines", String::new(), format!("2026-11-22 18:42:23 WARN \"a\" {long}\n")),
    ] {
        let mut peer = bench.connect();
        peer.write_all(first.as_bytes()).unwrap();
        let [once, twice] = [1, 2].map(|times| line.repeat(times * RECORDS).into_bytes());
        let mut sent =
            |lines: &[u8], count| allocations(&bench, count, || peer.write_all(lines).unwrap());
        // The first time, buffers are made that stay.
        sent(&twice, 2 * RECORDS);
        let few = sent(&once, RECORDS);
        let many = sent(&twice, 2 * RECORDS);
        assert_none_for_each(kind, few, many, RECORDS);
    }
}
