//! One test's own place: a directory for its files and one for its spools.

use super::{Child, example, program};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub(crate) struct Scene {
    directory: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("netlog-e2e-").tempdir();
        Self { directory: directory.expect("the system has room for a directory") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.path("spool")
    }

    /// The spool files there are now.
    pub(crate) fn rings(&self) -> Vec<PathBuf> {
        Self::rings_in(&self.spool())
    }

    /// The spool files in another directory.
    pub(crate) fn rings_in(directory: &Path) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|x| x == "ring"));
        paths.sort();
        paths
    }

    /// A program of this scene: its spools are the scene's, and it trusts the scene's CA.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("NETLOG_SPOOL", self.spool()).current_dir(self.directory.path());
        if self.path("ca.pem").exists() {
            command.env("NETLOG_CA", self.path("ca.pem"));
        }
        command
    }

    pub(crate) fn start(&self, program: &Path, args: &[&str]) -> Child {
        Child::start(self.command(program).args(args))
    }

    /// The subject, told what to do as `to=… records=… end=…`.
    pub(crate) fn subject(&self, told: &str) -> Child {
        Child::start(self.command(&example("subject")).args(told.split_whitespace()))
    }

    pub(crate) fn example(&self, name: &str, address: &str) -> Child {
        self.start(&example(name), &[address])
    }

    /// The program of the tests of `tracing`.
    pub(crate) fn traced(&self, line: &str) -> Child {
        self.start(&example("traced"), &line.split(' ').collect::<Vec<_>>())
    }

    /// The command-line tool, with the words of its command line.
    pub(crate) fn netlog(&self, line: &str) -> Child {
        Child::start(self.command(&program("netlog")).args(line.split_whitespace()))
    }
}
