//! The five levels of the `log` facade, most severe first.

use std::fmt;
use std::str::FromStr;

/// Severity of a record; `Error` is the least value and the most severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something may fail.
    Warn,
    /// Normal operation, as it is seen from outside.
    Info,
    /// Inner workings, for whoever looks for a fault.
    Debug,
    /// Every step.
    Trace,
}

impl Level {
    /// All levels, most severe first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The level's name as records spell it: `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }

    /// The level's bit in a set of levels: bit 0 is `ERROR`, bit 4 `TRACE`.
    pub const fn bit(self) -> u8 {
        1 << (self as u8 - 1)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLevel;

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown level: use error, warn, info, debug or trace")
    }
}

impl std::error::Error for UnknownLevel {}

impl FromStr for Level {
    type Err = UnknownLevel;

    /// Reads a level's name in any case.
    fn from_str(word: &str) -> Result<Self, UnknownLevel> {
        let found = Self::ALL.into_iter().find(|l| l.as_str().eq_ignore_ascii_case(word));
        found.ok_or(UnknownLevel)
    }
}
