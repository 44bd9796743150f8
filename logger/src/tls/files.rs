//! Certificates and keys in PEM files.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

pub(super) fn read_certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let bytes = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let all = all.map_err(|error| malformed(path, &error))?;
    if all.is_empty() {
        return Err(invalid(format!("{} contains no certificate in PEM", path.display())));
    }
    Ok(all)
}

pub(super) fn read_key(path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            invalid(format!("{} contains no unencrypted private key in PEM", path.display()))
        }
        error => malformed(path, &error),
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => "no such file or directory".to_owned(),
            ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        io::Error::new(error.kind(), format!("failed to read {}: {why}", path.display()))
    })
}

fn malformed(path: &Path, error: &pem::Error) -> io::Error {
    invalid(format!("{} is malformed: {error}", path.display()))
}

pub(super) fn invalid(words: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, words)
}
