//! A log call allocates nothing: a program of its own, because a program has one logger.

use std::time::Duration;

#[test]
fn a_log_call_allocates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens there: what is logged stays in the spool.
    let guard = netlog::builder("127.0.0.1:1")
        .level(log::LevelFilter::Info)
        .spool_dir(dir.path())
        .flush_limit(Duration::ZERO)
        .init()
        .unwrap();
    let call = |number: u64| {
        log::info!(client = "acme", us = number; "order {number} filled at {:.2}", 1.5);
        log::warn!("order {number} is \"late\"\n");
        log::debug!("order {number} is not logged");
    };
    // A thread's first call makes its buffer.
    call(0);
    let seen = allocation_counter::measure(|| (1..1000).for_each(call));
    assert_eq!(seen.count_total, 0);
    let flushed = netlog::flush(Duration::ZERO);
    assert!(flushed.pending > 0 && flushed.lost == 0, "all of it was logged: {flushed:?}");
    drop(guard);
}
