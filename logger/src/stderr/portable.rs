//! Stderr as the standard library has it.

use std::io::{Write as _, stderr};

/// Does nothing: here stderr is always what the standard library takes for it.
pub(crate) fn remember() {}

/// Writes to stderr.
pub(crate) fn print(bytes: &[u8]) {
    let _ = stderr().write_all(bytes);
}
