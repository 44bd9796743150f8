//! The two files of a certificate and its private key.

use anyhow::Context;
use rustls::pki_types::pem::PemObject;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// `NAME.pem` and `NAME.key` in a directory.
pub(super) struct PairFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// The contents of both files, and a summary of the certificate.
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) key: String,
    /// The day on which it expires.
    pub(super) end: String,
    pub(super) fingerprint: String,
}

impl PairFiles {
    pub(super) fn new(directory: &Path, name: &str) -> Self {
        let path = |kind| directory.join(format!("{name}.{kind}"));
        Self { certificate: path("pem"), key: path("key") }
    }

    /// The names of those that exist.
    pub(super) fn existing(&self) -> Vec<String> {
        let all = [&self.certificate, &self.key].into_iter();
        all.filter(|path| path.symlink_metadata().is_ok())
            .map(|path| path.display().to_string())
            .collect()
    }

    /// Writes both, each at once: a program that reads them never sees half a file. The key comes
    /// first, because a collector that finds an old certificate beside it keeps what it has.
    pub(super) fn write(&self, issued: &Issued) -> anyhow::Result<()> {
        replace(&self.key, &issued.key, 0o600)?;
        replace(&self.certificate, &issued.certificate, 0o644)
    }
}

/// Reads a certificate or list in PEM, the first one of the file.
pub(super) fn read_pem<T: PemObject>(path: &Path) -> anyhow::Result<T> {
    let failed = || format!("failed to read {}", path.display());
    let text = fs::read(path).with_context(failed)?;
    T::from_pem_slice(&text).with_context(failed)
}

/// Writes a file at once, in place of the one at `path` if there is one.
pub(super) fn replace(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let written = write_new(Path::new(&new), text, mode).and_then(|()| fs::rename(&new, path));
    written.with_context(|| format!("failed to write {}", path.display()))
}

/// The file has its permissions before it has its contents.
fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
