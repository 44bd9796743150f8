//! Rotation of a ledger together with its file.

use super::LedgerHead;
use super::compaction::write_beside;
use super::state::{LedgerReplay, LedgerState};
use crate::layout::paths::{ledger_of, next_of, own};
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Does what a rotation left undone when the collector died in the middle of it.
pub(crate) fn finish(path: &Path) -> io::Result<()> {
    let ledger = ledger_of(path);
    let next = next_of(&ledger);
    if !next.exists() {
        return Ok(());
    }
    let after = head(&next)?.and_then(|head| head.after);
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

/// Tells whether the ledger of the log at `path` does without that of its rotated segment at
/// `rotated`: it has the marks of all senders.
pub(crate) fn stands_alone(path: &Path, rotated: &Path) -> io::Result<bool> {
    let head = head(&ledger_of(path))?;
    Ok(head.is_some_and(|head| {
        let name = rotated.file_name().map(|name| name.to_string_lossy());
        head.after.as_deref() != name.as_deref()
    }))
}

/// Writes the ledger of a rotated segment anew, without its senders, whose marks the next one has.
pub(crate) fn shrink(rotated: &Path) -> io::Result<()> {
    let ledger = ledger_of(rotated);
    if head(&ledger)?.is_none_or(|head| head.index_only) {
        return Ok(());
    }
    let file = own(OpenOptions::new().read(true)).open(&ledger)?;
    let replayed = LedgerState::of_contents().replay(BufReader::new(file), u64::MAX);
    let LedgerReplay { state, sound, .. } = replayed;
    if sound {
        write_beside(&ledger, false, |out| state.index().write(out))?;
        fs::rename(next_of(&ledger), &ledger)?;
    }
    Ok(())
}

/// First line of the ledger at `path`, if there is one that can be read.
fn head(path: &Path) -> io::Result<Option<LedgerHead>> {
    let file = match own(OpenOptions::new().read(true)).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut line = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut line)?;
    Ok(LedgerHead::parse(&line))
}
