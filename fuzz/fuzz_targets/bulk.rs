//! See `netlog_collector::fuzz::bulk` for what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netlog_collector::fuzz::bulk(bytes));
