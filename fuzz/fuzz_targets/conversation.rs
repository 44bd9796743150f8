//! See `netlog_wire::fuzz::conversation` for what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netlog_wire::fuzz::conversation(bytes));
