//! The tokens that show who may send and who may read.

use super::grant::Grant;
use super::peer_error::PeerError;
use super::token_file::{self, Token};
use crate::stderr::{Chain, StderrLog};
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// Tokens of `--token-file`. Clients that show one of them are admitted, with its rights.
pub(crate) struct Tokens {
    path: PathBuf,
    held: RwLock<Vec<Token>>,
    stderr: StderrLog,
}

impl Tokens {
    /// Reads the file at `path`: TOML, or one token a line.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is wrong somewhere, or has no token.
    pub(crate) fn read(path: &Path, stderr: StderrLog) -> io::Result<Self> {
        let held = RwLock::new(token_file::read(path)?);
        Ok(Self { path: path.to_owned(), held, stderr })
    }

    /// Reads the file again. Clients that were admitted stay; if the file cannot be read, so do the
    /// tokens.
    pub(crate) fn read_again(&self) {
        match token_file::read(&self.path) {
            Ok(tokens) => {
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = tokens;
                self.warn();
            }
            Err(error) => {
                let path = self.path.display();
                let chain = Chain(&error);
                self.stderr.log(format_args!("failed to read {path}, the tokens stay: {chain}"));
            }
        }
    }

    /// Warns when other users can read the file.
    pub(crate) fn warn(&self) {
        let mode = std::fs::metadata(&self.path).map_or(0, |file| file.permissions().mode());
        if mode & 0o007 != 0 {
            let path = self.path.display();
            let words = format_args!("warning: everybody on this machine has access to {path}");
            self.stderr.log(words);
        }
    }

    /// The rights of the token `shown`. The time this takes depends on the length of `shown` and on
    /// the number of tokens, not on their bytes.
    ///
    /// # Errors
    ///
    /// When there is no token, or it is unknown or has expired.
    pub(crate) fn admit(&self, shown: Option<&str>) -> Result<Arc<Grant>, PeerError> {
        let shown = token_file::hash(shown.ok_or(PeerError::MissingToken)?);
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = u64::MAX;
        for (number, token) in (0..).zip(held.iter()) {
            found.conditional_assign(&number, token.hash.ct_eq(&shown));
        }
        let token = usize::try_from(found).ok().and_then(|number| held.get(number));
        let grant = token.map(|token| token.grant.clone()).ok_or(PeerError::UnknownToken)?;
        if grant.expired() { Err(PeerError::ExpiredToken) } else { Ok(grant) }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::tempdir;

    fn outcome(tokens: &Tokens, shown: Option<&str>) -> Result<String, PeerError> {
        tokens.admit(shown).map(|grant| grant.name.clone())
    }

    #[test]
    fn any_token_of_the_file_is_admitted_and_nothing_like_one() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("tokens");
        fs::write(&path, "# of the shop\nfirst-7f2a\n\n  second-91bc \n").unwrap();
        let tokens = Tokens::read(&path, StderrLog::default()).unwrap();
        assert_eq!(outcome(&tokens, Some("first-7f2a")).as_deref(), Ok("of line 2"));
        assert_eq!(outcome(&tokens, Some("second-91bc")).as_deref(), Ok("of line 4"));
        for bad in ["", "first", "first-7f2", "first-7f2b", "first-7f2a ", "# of the shop"] {
            assert_eq!(outcome(&tokens, Some(bad)), Err(PeerError::UnknownToken), "{bad}");
        }
        assert_eq!(outcome(&tokens, None), Err(PeerError::MissingToken));
    }

    #[test]
    fn an_expired_token_is_refused_as_such() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("tokens");
        let table = |name: &str, date: &str| {
            format!("[{name}]\ntoken = \"{name}-1\"\nsend = true\nexpires = {date}\n")
        };
        fs::write(&path, table("old", "2020-01-01") + &table("new", "2120-01-01")).unwrap();
        let tokens = Tokens::read(&path, StderrLog::default()).unwrap();
        assert_eq!(outcome(&tokens, Some("old-1")), Err(PeerError::ExpiredToken));
        assert_eq!(outcome(&tokens, Some("new-1")).as_deref(), Ok("new"));
    }

    #[test]
    fn a_file_that_cannot_be_read_again_leaves_the_tokens_as_they_are() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("tokens");
        fs::write(&path, "old").unwrap();
        let tokens = Tokens::read(&path, StderrLog::default()).unwrap();
        fs::write(&path, "two words").unwrap();
        tokens.read_again();
        assert!(tokens.admit(Some("old")).is_ok());
        fs::write(&path, "new").unwrap();
        tokens.read_again();
        assert_eq!(outcome(&tokens, Some("old")), Err(PeerError::UnknownToken));
        assert!(tokens.admit(Some("new")).is_ok());
        fs::write(&path, "# nothing\n").unwrap();
        let error = Tokens::read(&path, StderrLog::default()).unwrap_err();
        assert_eq!(error.to_string(), "there is no token in it");
    }
}
