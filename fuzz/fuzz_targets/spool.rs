//! See `netlog::fuzz::spool` for what must hold.
#![no_main]

use std::sync::LazyLock;
use tempfile::TempDir;

static HOME: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir_in("/dev/shm").expect("shared memory has a directory"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netlog::fuzz::spool(HOME.path(), bytes));
