//! The archive that `--archive` asks for.

use super::open::SinkShared;
use crate::archive::{self, Archive, Archiving};
use crate::error::BindError;
use crate::options::Options;
use crate::stderr::StderrLog;
use std::path::PathBuf;
use std::sync::Arc;

/// Checks that there is something to archive, and that the store can be set up.
pub(super) fn check(options: &Options) -> Result<(), BindError> {
    let Some(target) = &options.archive else { return Ok(()) };
    if options.file.is_none() {
        return Err(BindError::ArchiveWhat);
    }
    archive::open(target).map(drop).map_err(BindError::Archive)
}

/// Everything that the archive needs to start. From here on, retention waits for it.
pub(super) fn open(options: &Options, shared: &SinkShared) -> Result<Option<Archiving>, BindError> {
    let Some(target) = &options.archive else { return Ok(None) };
    check(options)?;
    let stderr = StderrLog { verbose: options.verbose };
    let archive = Arc::new(Archive::new(target.to_string(), stderr));
    shared.retention.archive(archive.clone());
    let retention = shared.retention.clone();
    Ok(Some(Archiving {
        archive,
        store: archive::open(target).map_err(BindError::Archive)?,
        prefix: target.prefix.clone(),
        base: base(options),
        caught_up: Box::new(move || retention.wake()),
        stats: shared.stats.clone(),
        stderr,
    }))
}

/// The directory of the file, or the fixed one of a template.
fn base(options: &Options) -> PathBuf {
    let directory = || {
        let file = options.file.as_deref().and_then(|file| file.parent());
        file.unwrap_or_else(|| "".as_ref()).to_owned()
    };
    options.template().map_or_else(directory, |template| template.base)
}
