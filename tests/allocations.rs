//! That neither an event of `tracing` nor a span allocates: a program of its own, because it has
//! one logger.

use std::time::Duration;
use tracing::{Span, info, info_span, warn};

#[test]
fn an_event_allocates_nothing_and_neither_does_a_span() {
    let dir = tempfile::tempdir().expect("a directory for the spool");
    // Nobody listens there: what is logged stays in the spool.
    let guard = netlog::builder("127.0.0.1:1")
        .filter("info")
        .spool_dir(dir.path())
        .flush_limit(Duration::ZERO)
        .init()
        .expect("netlog starts");
    let request = |number: u64| {
        let span =
            info_span!("request", id = number, path = "/orders", user = tracing::field::Empty);
        let _entered = span.enter();
        Span::current().record("user", "ann");
        info_span!("query", table = "orders").in_scope(|| {
            info!(client = "acme", us = number, "order {number} filled at {:.2}", 1.5);
            warn!(text = ?Some(number), "order {number} is \"late\"\n");
            log::info!(client = "acme"; "order {number} in log");
            tracing::debug!("order {number} is not logged");
        });
    };
    // Whatever has to grow has grown after a while.
    (0..2000).for_each(request);
    let seen = allocation_counter::measure(|| (0..1000).for_each(request));
    assert_eq!(seen.count_total, 0);
    let flushed = netlog::flush(Duration::ZERO);
    assert!(flushed.pending > 0 && flushed.lost == 0, "all of it was logged: {flushed:?}");
    drop(guard);
}
