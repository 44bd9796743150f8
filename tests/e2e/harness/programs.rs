//! The programs under test, built once for a run of the tests, in the profile of the run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A binary of the workspace: `netlog-collector`, `netlog`.
pub(crate) fn program(name: &str) -> PathBuf {
    built().join(name)
}

/// An example, or the tests' subject.
pub(crate) fn example(name: &str) -> PathBuf {
    built().join("examples").join(name)
}

/// The subject, compiled with `panic = "abort"`.
pub(crate) fn abort_subject() -> PathBuf {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        cargo_build(&["--package", "netlog-subject", "--example", "subject", "--profile", "abort"]);
    });
    target().join("abort/examples/subject")
}

/// The subject, compiled with the code of other systems than Linux.
pub(crate) fn portable_subject() -> PathBuf {
    static DONE: OnceLock<()> = OnceLock::new();
    let target = target().join("portable");
    DONE.get_or_init(|| {
        let mut cargo = cargo("build", &["--package", "netlog-subject", "--example", "subject"]);
        // As `./check` has built the dependencies.
        let flags = "--cfg netlog_portable -D warnings";
        run(cargo.env("RUSTFLAGS", flags).env("CARGO_TARGET_DIR", &target));
    });
    target.join("debug/examples/subject")
}

/// A binary or an example of a package, linked once more with other flags for rustc.
pub(crate) fn relinked(package: &str, kind: &str, name: &str, flags: &[&str]) -> PathBuf {
    built();
    let mut cargo = cargo("rustc", &["--package", package, kind, name, "--"]);
    run(cargo.args(flags).env("CARGO_TARGET_DIR", target()));
    place().join(if kind == "--example" { "examples" } else { "" }).join(name)
}

/// Where the profile of this run has its programs: `target/debug`, or what takes its place.
/// `NETLOG_PROGRAMS` is a directory with copies of them, for a run that takes hours.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(place) = std::env::var_os("NETLOG_PROGRAMS") {
            return place.into();
        }
        let place = place();
        let directory = place.file_name().expect("a profile has a directory").to_string_lossy();
        let profile = if directory == "debug" { "dev" } else { &directory };
        cargo_build(&["--workspace", "--bins", "--examples", "--profile", profile]);
        place
    })
}

/// The test itself is `target/debug/deps/e2e-…`.
fn place() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    test.ancestors().nth(2).expect("it lies in deps").to_owned()
}

fn target() -> PathBuf {
    place().parent().expect("a profile lies in the target directory").to_owned()
}

fn cargo_build(args: &[&str]) {
    run(cargo("build", args).env("CARGO_TARGET_DIR", target()));
}

fn cargo(command: &str, args: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg(command).args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    // Some dependencies are built again where these differ, and a shell has none of them.
    let of_test = ["CARGO_PKG_", "CARGO_MANIFEST_"];
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| of_test.iter().any(|of| name.starts_with(of))) {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn run(cargo: &mut Command) {
    let output = cargo.output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{cargo:?} failed:\n{said}");
}
