//! The machine as the standard library describes it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::SystemTime;

/// Host name, as the system reports it.
pub(crate) fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

/// Nothing: no spool here survives a boot.
pub(crate) fn boot_id() -> String {
    String::new()
}

/// Nothing, for the same reason.
pub(crate) fn uptime() -> i64 {
    0
}

/// Bytes that no other process has. The keys of `RandomState` are the system's random numbers, but
/// the same in a forked child.
pub(crate) fn random_bytes() -> [u8; 16] {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let here = (std::process::id(), now.as_nanos());
    let mut bytes = [0; 16];
    for half in bytes.chunks_exact_mut(8) {
        half.copy_from_slice(&RandomState::new().hash_one(here).to_le_bytes());
    }
    bytes
}

/// Name of this thread, if it has one.
pub(crate) fn thread_name() -> Option<String> {
    std::thread::current().name().map(str::to_owned)
}

/// Always `false`: only Linux tells whether the counter runs evenly and alike on all processors.
pub(crate) fn trusts_tsc() -> bool {
    false
}

/// Nothing: the spool is the program's own memory.
pub(crate) fn memory_limit() -> Option<u64> {
    None
}
