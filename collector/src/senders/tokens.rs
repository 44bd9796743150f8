//! The tokens that show who may send and who may look: one a line of a file.

use super::peer_error::PeerError;
use crate::stderr::{Chain, StderrLog};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use subtle::{Choice, ConstantTimeEq};

/// The longest file read: some thousand tokens.
const LONGEST: u64 = 256 << 10;

/// Whoever shows one of these is let in.
pub(crate) struct Tokens {
    path: PathBuf,
    held: RwLock<Vec<String>>,
    stderr: StderrLog,
}

impl Tokens {
    /// Those in the file at `path`: one a line, of printable ASCII characters without spaces; empty
    /// lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has a line that is no token, or no token at all.
    pub(crate) fn read(path: &Path, stderr: StderrLog) -> io::Result<Self> {
        let held = RwLock::new(read(path)?);
        Ok(Self { path: path.to_owned(), held, stderr })
    }

    /// Reads the file again. Who has been let in stays; if it cannot be read, so do the tokens.
    pub(crate) fn read_again(&self) {
        match read(&self.path) {
            Ok(tokens) => {
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = tokens;
                self.warn();
            }
            Err(error) => {
                let (path, chain) = (self.path.display(), Chain(&error));
                self.stderr.log(format_args!("failed to read {path}, the tokens stay: {chain}"));
            }
        }
    }

    /// Says so when the file is no secret.
    pub(crate) fn warn(&self) {
        let mode = std::fs::metadata(&self.path).map_or(0, |file| file.permissions().mode());
        if mode & 0o007 != 0 {
            let path = self.path.display();
            let words = format_args!("warning: everybody on this machine has access to {path}");
            self.stderr.log(words);
        }
    }

    /// Whether `shown` is one of them. How long that takes depends on the length of `shown` and of
    /// the tokens, and not on what is in them.
    pub(crate) fn admit(&self, shown: Option<&str>) -> Result<(), PeerError> {
        let shown = shown.ok_or(PeerError::MissingToken)?.as_bytes();
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let same = held.iter().map(|token| token.as_bytes().ct_eq(shown));
        let any = same.fold(Choice::from(0), |any, same| any | same);
        if any.into() { Ok(()) } else { Err(PeerError::UnknownToken) }
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("path", &self.path).finish_non_exhaustive()
    }
}

fn read(path: &Path) -> io::Result<Vec<String>> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    let lines = text.lines().map(str::trim).enumerate();
    let tokens = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let token = |(at, line): (usize, &str)| {
        let fit = line.bytes().all(|byte| byte.is_ascii_graphic());
        fit.then(|| line.to_owned()).ok_or_else(|| wrong(format!("line {} is no token", at + 1)))
    };
    let tokens: Vec<String> = tokens.map(token).collect::<io::Result<_>>()?;
    if tokens.is_empty() {
        return Err(wrong("there is no token in it".into()));
    }
    Ok(tokens)
}

fn wrong(words: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::tempdir;

    #[test]
    fn any_token_of_the_file_is_let_in_and_nothing_like_one() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("tokens");
        fs::write(&path, "# of the shop\nfirst-7f2a\n\n  second-91bc \n").unwrap();
        let tokens = Tokens::read(&path, StderrLog::default()).unwrap();
        for good in ["first-7f2a", "second-91bc"] {
            assert_eq!(tokens.admit(Some(good)), Ok(()));
        }
        for bad in ["", "first", "first-7f2", "first-7f2b", "first-7f2a ", "# of the shop"] {
            assert_eq!(tokens.admit(Some(bad)), Err(PeerError::UnknownToken), "{bad}");
        }
        assert_eq!(tokens.admit(None), Err(PeerError::MissingToken));
    }

    #[test]
    fn a_file_that_cannot_be_read_again_leaves_the_tokens_as_they_are() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("tokens");
        fs::write(&path, "old").unwrap();
        let tokens = Tokens::read(&path, StderrLog::default()).unwrap();
        fs::write(&path, "two words").unwrap();
        tokens.read_again();
        assert_eq!(tokens.admit(Some("old")), Ok(()));
        fs::write(&path, "new").unwrap();
        tokens.read_again();
        assert_eq!(tokens.admit(Some("old")), Err(PeerError::UnknownToken));
        assert_eq!(tokens.admit(Some("new")), Ok(()));
        fs::write(&path, "# nothing\n").unwrap();
        let error = Tokens::read(&path, StderrLog::default()).unwrap_err();
        assert_eq!(error.to_string(), "there is no token in it");
    }
}
