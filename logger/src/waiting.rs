//! A look at the spools of this machine: those with records that no collector has acknowledged.

use crate::builder::Builder;
use crate::ship::ShipError;
use crate::spool::{Directory, WaitingSpool};

impl Builder {
    /// Lists the spools of this user, in [`spool_dir`](Self::spool_dir), in which records wait, the
    /// oldest first, and leaves them as they are. Files that are not spools are reported to
    /// `complain`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), netlog::ShipError> {
    /// let spools = netlog::builder("localhost:1902").waiting(|complaint| eprintln!("{complaint}"))?;
    /// for spool in spools {
    ///     println!("{}: {} bytes", spool.app, spool.bytes);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the directory cannot be opened.
    pub fn waiting(&self, complain: impl Fn(String)) -> Result<Vec<WaitingSpool>, ShipError> {
        let path = self.spool_dir.clone().unwrap_or_else(Directory::default_path);
        if self.spool_dir.is_none() && !path.exists() {
            return Ok(Vec::new()); // no program of this user has logged yet
        }
        let directory = Directory::open(&path).map_err(|e| ShipError::Directory(e.into()))?;
        let rings = directory.rings(None, &complain).into_iter();
        let mut found: Vec<_> =
            rings.filter_map(|entry| directory.waiting(&entry.name, &complain)).collect();
        found.retain(|spool| spool.bytes > 0);
        Ok(found)
    }
}
