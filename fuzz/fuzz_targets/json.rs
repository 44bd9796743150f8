//! See `netlog_collector::fuzz::pinned` for what must hold, of a stream of json.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netlog_collector::fuzz::pinned("json", bytes));
