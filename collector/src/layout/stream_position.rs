//! The position of a reader in a stream: `app.log.stream` beside its file, or `.stream` in the fixed
//! directory of a template.
//!
//! All before it is in the files. It is written after that, some time after it at most: what is read
//! again is dropped by the numbers of its records.

use crate::layout::paths::beside;
use crate::layout::state_file;
use crate::layout::template::Template;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// Version of the format.
const VERSION: u32 = 1;

/// The last message that was read, and the stream that it was in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamPosition {
    version: u32,
    pub(crate) stream: String,
    /// When the stream was made, in nanoseconds since 1970: another one may have the same name.
    pub(crate) made: i64,
    pub(crate) sequence: u64,
    /// When the message was published.
    pub(crate) time: i64,
    /// The run of the system in which this was written: in another one, the files may have lost
    /// their ends.
    boot: String,
}

/// The file with the position.
#[derive(Debug, Clone)]
pub(crate) struct StreamPositionFile {
    pub(crate) path: PathBuf,
    boot: String,
}

impl StreamPosition {
    pub(crate) fn new(stream: &str, made: i64) -> Self {
        let stream = stream.to_owned();
        Self { version: VERSION, stream, made, sequence: 0, time: 0, boot: String::new() }
    }

    /// Moves on to the message with this sequence, which was published at `time`.
    pub(crate) fn advance(&mut self, sequence: u64, time: i64) {
        self.sequence = sequence;
        self.time = time;
    }
}

impl StreamPositionFile {
    /// The one of a collector that keeps its records at `path`, or in the files of that template.
    pub(crate) fn of(path: &Path) -> Self {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let path = match Template::parse(path) {
            Ok(Some(template)) => template.base.join(".stream"),
            _ => beside(path, ".stream"),
        };
        Self { path, boot: boot.trim().to_owned() }
    }

    /// The position, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is damaged, or of another version.
    pub(crate) fn read(&self) -> io::Result<Option<StreamPosition>> {
        let position: Option<StreamPosition> = state_file::read(&self.path)?;
        match position {
            Some(position) if position.version != VERSION => Err(state_file::damaged()),
            position => Ok(position),
        }
    }

    /// True if the system has been started again since `position` was written.
    pub(crate) fn is_of_another_boot(&self, position: &StreamPosition) -> bool {
        position.boot != self.boot
    }

    /// Makes the disk have the position.
    pub(crate) fn write(&self, position: &StreamPosition) -> io::Result<()> {
        let position = StreamPosition { boot: self.boot.clone(), ..position.clone() };
        state_file::write(&self.path, &position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn a_position_is_read_back_and_a_damaged_one_is_refused() {
        let dir = tempdir().unwrap();
        let file = StreamPositionFile::of(&dir.path().join("app.log"));
        assert_eq!(file.read().unwrap(), None);
        let position = StreamPosition { sequence: 7, ..StreamPosition::new("NETLOG", 1) };
        file.write(&position).unwrap();
        let again = file.read().unwrap().unwrap();
        assert!(!file.is_of_another_boot(&again) && file.is_of_another_boot(&position));
        assert_eq!(StreamPosition { boot: String::new(), ..again }, position);
        let text = std::fs::read_to_string(dir.path().join("app.log.stream")).unwrap();
        std::fs::write(&file.path, text.replace(":7,", ":8,")).unwrap();
        assert_eq!(file.read().unwrap_err().to_string(), "damaged, or of another version");
        let template = StreamPositionFile::of(&dir.path().join("{app}.log"));
        assert_eq!(template.path, dir.path().join(".stream"));
    }
}
