//! Opening of a spool beside those of dead programs.

use super::*;
use std::path::Path;

fn builder(dir: &Path) -> Builder {
    crate::builder("localhost:1902").app("app").spool_dir(dir).spool_size(64 * 1024)
}

/// Leaves the ring of a dead sender in `dir`.
fn leave(dir: &Path, before: impl FnOnce(&Spool)) {
    let directory = Directory::open_or_create(dir).unwrap();
    let identity = SenderIdentity::current("app", "host", 64 * 1024);
    before(&directory.create(identity).unwrap());
    // A child of another test may hold its lock between fork and exec.
    let rings = directory.rings(None, |e| panic!("{e}"));
    while !rings.iter().all(|ring| directory.is_of_the_dead(&ring.name)) {
        std::thread::yield_now();
    }
}

#[test]
fn the_unreported_losses_of_a_discarded_ring_are_counted_with_its_records() {
    let dir = tempfile::tempdir().unwrap();
    leave(dir.path(), |spool| {
        spool.lose(Level::Info, 3);
        spool.report_losses();
        spool.lose(Level::Info, 2);
        spool.lose(Level::Warn, 4);
    });
    let Opened { spool: heir, discarded, .. } = open(&builder(dir.path()).keep(0)).unwrap();
    assert_eq!(discarded, 2 + 4 + 3);
    let directory = Directory::open_or_create(dir.path()).unwrap();
    assert!(directory.adopt_all(None, |e| panic!("{e}")).is_empty());
    // The report is discarded too, so the three that it reports are reported anew.
    assert_eq!(heir.lost().iter().sum::<u64>(), 2 + 4 + 3);
}

#[test]
fn rings_of_dead_programs_are_found_even_by_a_program_without_room_for_its_own() {
    let dir = tempfile::tempdir().unwrap();
    leave(dir.path(), |_| {});
    let directory = Directory::open_or_create(dir.path()).unwrap();
    let recovery = Recovery::new(Arc::clone(&directory), "app");
    // Longer than a file can be.
    let identity = SenderIdentity::current("app", "host", 1 << 62);
    assert!(directory.create(identity).is_err());
    assert!(recovery.found_any());
}
