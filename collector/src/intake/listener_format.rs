//! The format of what comes to a listener.

use super::forward::SharedKey;
use crate::BindError;
use crate::decode::Pinned;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The format of what comes to a listener.
#[derive(Debug, Clone)]
pub(crate) enum ListenerFormat {
    /// Recognised by its first bytes, within what `?as=` pins.
    Recognised(Option<Pinned>),
    /// HTTP requests only.
    Http,
    /// Fluent forward only, from clients that know the key, if there is one.
    Forward(Option<Arc<SharedKey>>),
}

impl ListenerFormat {
    /// The key that clients have to know.
    pub(super) fn key(&self) -> Option<Arc<SharedKey>> {
        match self {
            Self::Forward(key) => key.clone(),
            Self::Recognised(_) | Self::Http => None,
        }
    }

    /// The format that `?as=` pins messages to.
    pub(super) fn pin(&self) -> Option<Pinned> {
        match self {
            Self::Recognised(pin) => *pin,
            Self::Http | Self::Forward(_) => None,
        }
    }
}

/// A format as the options of an address say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WantedFormat {
    Recognised(Option<Pinned>),
    Forward { key_file: Option<PathBuf> },
}

impl WantedFormat {
    /// Checks that the key can be read.
    pub(super) fn check(&self) -> Result<(), BindError> {
        let Self::Forward { key_file: Some(path) } = self else { return Ok(()) };
        let failed = |cause| BindError::KeyFile { path: path.clone(), cause };
        SharedKey::read(path).map(drop).map_err(failed)
    }

    /// The format, with its key.
    ///
    /// # Errors
    ///
    /// When the file of the key cannot be read.
    pub(super) fn load(&self) -> io::Result<ListenerFormat> {
        let key = match self {
            Self::Recognised(pin) => return Ok(ListenerFormat::Recognised(*pin)),
            Self::Forward { key_file } => key_file.as_deref().map(SharedKey::read).transpose()?,
        };
        Ok(ListenerFormat::Forward(key.map(Arc::new)))
    }

    /// Options of an address that ask for this.
    pub(super) fn options(&self) -> Vec<String> {
        match self {
            Self::Recognised(pin) => pin.iter().map(|pin| format!("as={}", pin.name())).collect(),
            Self::Forward { key_file } => {
                let key = key_file.iter().map(|path| format!("key-file={}", path.display()));
                std::iter::once("as=forward".to_owned()).chain(key).collect()
            }
        }
    }
}
