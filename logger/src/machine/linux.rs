//! The machine as Linux describes it.

use crate::ring::blocks_signals;
use rustix::rand::{GetRandomFlags, getrandom};
use rustix::time::{ClockId, clock_gettime};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// Host name, as the kernel reports it.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Id of this boot of the machine.
pub(crate) fn boot_id() -> String {
    static ID: OnceLock<String> = OnceLock::new();
    let read = || {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        id.map_or_else(|_| "unknown".into(), |id| id.trim().to_owned())
    };
    ID.get_or_init(read).clone()
}

/// Microseconds since the machine was booted.
pub(crate) fn uptime() -> i64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec * 1_000_000 + time.tv_nsec / 1000
}

/// Bytes that no other process has.
pub(crate) fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    if getrandom(&mut bytes, GetRandomFlags::empty()) != Ok(16) {
        // Only a kernel before 3.17 has no getrandom; a pid and a time are then unique enough.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        bytes[..8].copy_from_slice(&now.as_micros().to_le_bytes()[..8]);
        bytes[8..12].copy_from_slice(&std::process::id().to_le_bytes());
    }
    bytes
}

/// Name of this thread, if it has one.
///
/// In a signal handler, which may have interrupted a thread that is only just starting, it is the
/// kernel's, of up to 15 bytes: the standard library, asked so early, would abort the program.
pub(crate) fn thread_name() -> Option<String> {
    if !blocks_signals() {
        return std::thread::current().name().map(str::to_owned);
    }
    if rustix::thread::gettid() == rustix::process::getpid() {
        return Some("main".into());
    }
    let name = rustix::thread::name().ok()?;
    Some(name.to_string_lossy().into_owned())
}

/// `true` if the kernel keeps time by the counter: only the kernel can test that it runs evenly and
/// alike on all processors.
pub(crate) fn trusts_tsc() -> bool {
    const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    cfg!(target_arch = "x86_64")
        && std::fs::read_to_string(SOURCE).is_ok_and(|source| source.trim() == "tsc")
}
