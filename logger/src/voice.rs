//! The logger's own voice: one line on stderr, never through `log`, which would come back to it.

use std::cell::Cell;
use std::io::{self, Write};

thread_local! {
    static MUTED: Cell<bool> = const { Cell::new(false) };
}

/// Says one line on stderr.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "netlog: {line}");
}

/// From now on what this thread logs never enters the spool: it is one of the logger's own.
pub(crate) fn mute() {
    MUTED.set(true);
}

/// Whether this thread is one of the logger's own. One whose locals are gone is ending, and none
/// of those.
pub(crate) fn muted() -> bool {
    MUTED.try_with(Cell::get).unwrap_or(false)
}
