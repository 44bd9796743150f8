//! See `netlog_collector::fuzz::pinned` for what must hold, of a stream of text.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netlog_collector::fuzz::pinned("text", bytes));
