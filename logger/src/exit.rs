//! The panic hook and the exit hook.

use crate::sender::Flushed;
use log::{Level, Record};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::time::Duration;

/// Time that a panic waits for delivery: short if it unwinds, because the program may go on; longer
/// if it aborts, because that ends the worker too.
const PANIC_LIMIT: Duration =
    if cfg!(panic = "abort") { Duration::from_secs(2) } else { Duration::from_millis(100) };

/// Functions called when the program ends.
pub(crate) struct ExitHooks {
    pub(crate) write: fn(&Record<'_>),
    pub(crate) flush: fn(Duration) -> Flushed,
    pub(crate) end: fn(),
}

/// Function for C's `atexit`, which passes no arguments.
static END: OnceLock<fn()> = OnceLock::new();

/// Flushes on a panic and at exit from now on.
pub(crate) fn install(ends: ExitHooks) {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        log_panic(panic, ends.write);
        let _ = (ends.flush)(PANIC_LIMIT);
        previous(panic);
    }));
    if END.set(ends.end).is_ok() {
        at_exit();
    }
}

/// Logs the panic itself.
fn log_panic(panic: &PanicHookInfo<'_>, write: fn(&Record<'_>)) {
    let message = panic.payload_as_str().unwrap_or("(a panic without a message)");
    let backtrace = Backtrace::capture();
    let captured = backtrace.status() == BacktraceStatus::Captured;
    let backtrace = captured.then(|| backtrace.to_string());
    let values = backtrace.as_ref().map(|text| [("backtrace", text.as_str())]);
    let mut record = Record::builder();
    record.level(Level::Error).target("panic");
    if let Some(values) = &values {
        record.key_values(values);
    }
    if let Some(place) = panic.location() {
        record.file(Some(place.file())).line(Some(place.line()));
    }
    write(&record.args(format_args!("panicked: {message}")).build());
}

#[allow(unsafe_code)]
fn at_exit() {
    extern "C" fn end() {
        if let Some(end) = END.get() {
            end();
        }
    }
    // SAFETY: `end` takes nothing, cannot unwind into C (a panic in it aborts), and uses nothing
    // that the end of `main` takes away: statics that are never dropped, atomics, sleeps.
    unsafe { libc::atexit(end) };
}
