//! A ledger as it is found when its file is opened: read, repaired, or kept aside.

use super::entry::LedgerHead;
use super::state::{LedgerReplay, LedgerState};
use super::version_one;
use crate::clock::seconds;
use crate::layout::file_id::{FileId, identify};
use crate::layout::paths::{self, own};
use crate::layout::segment_name::next_generation;
use crate::layout::torn_tail::{self, TornTail};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A ledger as it was found.
pub(crate) struct FoundLedger {
    pub(super) state: LedgerState,
    /// True if there was one at all: then half a record at the end of the file is ours to cut off.
    pub(crate) ours: bool,
    /// The part to cut off the file before anything is appended to it.
    pub(crate) cut: Option<TornTail>,
    /// The length of its whole lines, if it is sound and that of this file.
    pub(super) whole: Option<u64>,
    /// A ledger to replace it that stands alone, unless it does.
    pub(super) alone: Option<Vec<u8>>,
    /// True if some of it could not be read.
    pub(crate) damaged: bool,
    /// Warnings for the operator.
    pub(crate) notes: Vec<String>,
}

impl FoundLedger {
    /// Reads the ledger of the file at `path`, which is open as `file`.
    pub(crate) fn read(path: &Path, file: &File) -> io::Result<Self> {
        let (inode, len) = identify(file)?;
        let ledger = paths::ledger_of(path);
        let text = read(&ledger)?;
        let converted = version_one::converted(&text, next_generation(path)?);
        // One of version 1 is replaced as soon as the disk has room for the new one.
        let replaced = converted.is_some();
        let text = converted.unwrap_or(text);
        let mut found = Self {
            state: LedgerState::at(seconds()),
            whole: None,
            alone: None,
            damaged: false,
            ours: false,
            cut: None,
            notes: Vec::new(),
        };
        if text.is_empty() {
            if len > 0 {
                found.notes.push("has no ledger, beginning one: a resend may repeat".into());
            }
            return Ok(found);
        }
        let head = text.split_inclusive(|&byte| byte == b'\n').next().and_then(LedgerHead::parse);
        let Some(head) = head else {
            let kept = keep_aside(&ledger)?;
            found.damaged = true;
            found.notes.push(format!(
                "has a damaged ledger, or one of another version; it is kept as {}, and a new one \
                 is begun: a resend may repeat",
                kept.display()
            ));
            return Ok(found);
        };
        found.read_senders(path, &head)?;
        let after = head.after.as_ref();
        let introduction = after.map(|_| found.state.introduction(&head));
        let moved = (head.inode != inode && head.inode != FileId::default())
            .then(|| moved(path, head.inode))
            .transpose()?;
        let file_len = match &moved {
            None => len,
            Some(Some(moved)) => moved.metadata()?.len(),
            Some(None) => 0,
        };
        let LedgerReplay { state, cut, sound } = found.state.replay(text.as_slice(), file_len);
        found.state = state;
        found.damaged = !sound;
        if !sound {
            let kept = keep_aside(&ledger)?;
            found.notes.push(format!(
                "has a damaged ledger; it is kept as {}, and what could be read of it counts",
                kept.display()
            ));
        }
        match moved {
            Some(Some(file)) => cut.map_or(Ok(()), |cut| torn_tail::cut(&file, cut))?,
            Some(None) => {}
            None => {
                (found.ours, found.cut) = (true, cut);
                let whole = memchr::memrchr(b'\n', &text).map_or(0, |end| end as u64 + 1);
                found.whole = (sound && !replaced).then_some(whole);
                let begun = memchr::memchr(b'\n', &text).map_or(0, |end| end + 1);
                let lines = &text[begun..(whole as usize).max(begun)];
                found.alone = introduction.map(|first| [&first, lines].concat());
                found.note_unknown_end(len);
            }
        }
        Ok(found)
    }

    /// Reads the marks that are only in the ledger of the file before this one.
    fn read_senders(&mut self, path: &Path, head: &LedgerHead) -> io::Result<()> {
        let Some(name) = &head.after else { return Ok(()) };
        let text = read(&paths::ledger_of(&path.with_file_name(name)))?;
        if text.is_empty() {
            self.notes.push(format!("misses the ledger of {name}: a resend may repeat"));
        }
        let text = version_one::converted(&text, head.generation).unwrap_or(text);
        self.state = std::mem::take(&mut self.state).replay(text.as_slice(), u64::MAX).state;
        self.state.begin(LedgerHead::default());
        Ok(())
    }

    /// Notes that the file is longer than its ledger says, which a resend may repeat.
    fn note_unknown_end(&mut self, len: u64) {
        let unknown = len.saturating_sub(self.state.end());
        if self.cut.is_none() && unknown > 0 {
            self.notes.push(format!(
                "ends in {unknown} bytes that its ledger does not know: a resend may repeat them"
            ));
        }
    }
}

/// The file that was at `path` when its ledger was written, wherever it was moved to. Its end is
/// what the last entry is to be read against; if it is gone, that entry is in doubt, and what is in
/// doubt is asked for again.
fn moved(path: &Path, inode: FileId) -> io::Result<Option<File>> {
    let open = |path| own(OpenOptions::new().read(true).append(true)).open(path);
    match paths::find(path, inode).and_then(|found| found.map(open).transpose()) {
        // It is in the hands of others.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            Ok(None)
        }
        opened => opened,
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    match paths::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        text => text,
    }
}

/// Gives the ledger at `path` a second name, which no ledger will ever be written to.
fn keep_aside(path: &Path) -> io::Result<PathBuf> {
    let names = (1..).map(|number| paths::beside(path, &format!(".kept-{number}")));
    for name in names {
        match fs::hard_link(path, &name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            kept => return kept.map(|()| name),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}
