//! What is measured with: the processor's tick counter, CPU time, and the settings of a run.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// The processor's own counter, with nothing moved across its reading. It costs a tenth of what
/// the system's clock does, and a log call takes only a few times as long as that.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    use std::arch::x86_64::{_mm_lfence, _rdtsc};
    // SAFETY: every x86-64 has these instructions; they touch no memory.
    unsafe {
        _mm_lfence();
        let now = _rdtsc();
        _mm_lfence();
        now
    }
}

/// Elsewhere: nanoseconds of the system's clock.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn ticks() -> u64 {
    use std::sync::OnceLock;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// How long a tick is.
pub(crate) fn nanos_per_tick() -> f64 {
    let (time, tick) = (Instant::now(), ticks());
    while time.elapsed() < Duration::from_millis(50) {}
    let (nanos, ticks) = (time.elapsed().as_nanos(), ticks() - tick);
    nanos as f64 / ticks as f64
}

/// The CPU time all threads of this process have used, in seconds.
pub(crate) fn own_cpu() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 * 1e-9
}

/// The number in environment variable `name`, or `default`.
pub(crate) fn setting(name: &str, default: f64) -> f64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    }
}

/// Builds the collector as users run it, where this bench was built, and answers its path.
pub(crate) fn build_collector() -> Option<PathBuf> {
    if !std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("collector").is_dir() {
        return None;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", "netlog-collector"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(build.is_ok_and(|status| status.success()), "the collector could not be built");
    let bench = std::env::current_exe().expect("a bench has a path");
    let target = bench.ancestors().nth(2).expect("a bench lies in target/release/deps");
    Some(target.join("netlog-collector"))
}

/// The machine the figures come from, for the head of a table.
pub(crate) fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("?");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    format!("{cores} x {model}, Linux {kernel}")
}
