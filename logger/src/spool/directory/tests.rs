//! The spool's directory, when others look into it at the same moment.

use super::*;

#[test]
fn a_ring_is_made_also_while_a_program_that_starts_looks_at_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new");
    let made = OwnedFd::from(std::fs::File::create(&path).unwrap());
    let looked_at = OwnedFd::from(std::fs::File::open(&path).unwrap());
    flock(&looked_at, FlockOperation::NonBlockingLockExclusive).unwrap();
    std::thread::scope(|scope| {
        let locked = scope.spawn(|| lock_new(&made));
        std::thread::sleep(Duration::from_millis(20));
        drop(looked_at);
        locked.join().unwrap().unwrap();
    });
}
