//! A spool whose file is removed.

use super::*;
use crate::identity::SenderIdentity;
use crate::spool::Directory;
use netlog_wire::Level;

#[test]
fn a_removed_spool_is_closed_to_log_calls_before_it_is_copied_and_still_reports_its_losses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spool");
    let directory = Directory::open_or_create(&path).unwrap();
    let spool = directory.create(SenderIdentity::current("app", "host", 64 << 10)).unwrap();
    spool.append(Level::Info, b"{}").unwrap();
    spool.lose(Level::Info, 3);
    let watch = SpoolWatch::new(|| true);
    watch.next_check.set(Instant::now());
    let status = WorkerStatus::default();
    watch.check(&spool, &status);
    assert!(spool.append(Level::Info, b"{}").is_ok(), "the file is there");
    std::fs::remove_dir_all(&path).unwrap();
    watch.next_check.set(Instant::now());
    watch.check(&spool, &status);
    assert!(watch.has_successor() && status.ending.load(Ordering::Acquire));
    assert!(spool.append(Level::Error, b"{}").is_err());
    let copied = watch.copy.borrow();
    assert_eq!(copied.as_ref().unwrap().ring.held(), spool.ring.held());
    spool.report_losses();
    assert_eq!(spool.unreported(), 0);
    spool.notice("for the reader of the stream");
    assert_eq!(spool.lost().iter().sum::<u64>(), 3);
}
