//! Rotation of a ledger together with its file.

use super::LedgerHead;
use crate::layout::paths::{ledger_of, next_of, own};
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Does what a rotation left undone when the collector died in the middle of it.
pub(crate) fn finish(path: &Path) -> io::Result<()> {
    let ledger = ledger_of(path);
    let next = next_of(&ledger);
    let Ok(file) = own(OpenOptions::new().read(true)).open(&next) else { return Ok(()) };
    let mut line = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut line)?;
    let after = LedgerHead::parse(&line).and_then(|head| head.after);
    let Some(rotated) = after.map(|name| path.with_file_name(name)).filter(|path| path.exists())
    else {
        return fs::remove_file(&next);
    };
    move_ledgers(path, &rotated)
}

/// Steps 3 and 4.
pub(crate) fn move_ledgers(path: &Path, rotated: &Path) -> io::Result<()> {
    let ledger = ledger_of(path);
    let kept = ledger_of(rotated);
    if ledger.exists() && !kept.exists() {
        fs::rename(&ledger, kept)?;
    }
    fs::rename(next_of(&ledger), ledger)
}
