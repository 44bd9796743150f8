//! The wall clock of everybody who takes part: libfaketime reads how far it is off from a file.

use super::Scene;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

/// Where distributions keep the library.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// A clock that can be set.
pub(crate) struct Clock {
    library: &'static str,
    file: PathBuf,
}

impl Clock {
    /// `Err` says that there is no library to step it by.
    pub(crate) fn find(scene: &Scene) -> io::Result<Self> {
        let found = LIBRARIES.into_iter().find(|path| Path::new(path).exists());
        let library = found.ok_or_else(|| io::Error::other("libfaketime is not installed"))?;
        let clock = Self { library, file: scene.path("clock") };
        clock.set(0);
        Ok(clock)
    }

    /// From now on, or within a second, it is `seconds` ahead of the system's, or behind it.
    pub(crate) fn set(&self, seconds: i64) {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n")).expect("the scene has room");
        fs::rename(&new, &self.file).expect("the scene is ours");
    }

    /// Has a program live by it. The monotonic clock stays as it is: no system lets that step.
    pub(crate) fn govern(&self, command: &mut Command) {
        command.env("LD_PRELOAD", self.library).env("FAKETIME_TIMESTAMP_FILE", &self.file);
        for flag in ["FAKETIME_CACHE_DURATION", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"] {
            command.env(flag, "1");
        }
        command.env("FAKETIME_DISABLE_SHM", "1");
    }
}
