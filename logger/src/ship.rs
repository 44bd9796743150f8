//! Delivery by hand of the records that dead programs left behind.

use crate::builder::{Builder, Format};
use crate::endpoint::BadAddress;
use crate::endpoints::Endpoints;
use crate::spool::{Directory, Spool};
#[cfg(feature = "tls")]
use crate::tls::TlsSettings;
use crate::worker::{Context, Destination, RetryPolicy, Worker};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Result of shipping one dead program's spool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shipped {
    /// The program's name.
    pub app: String,
    /// Name of the machine it ran on.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// Number of records it left behind.
    pub records: u64,
    /// The reason why they could not be delivered, if so; the spool is kept then.
    pub failed: Option<String>,
}

/// Error of [`Builder::ship`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ShipError {
    /// The address is invalid.
    Address(BadAddress),
    /// The spool directory cannot be opened.
    Directory(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for ShipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            Self::Directory(error) => error.fmt(f),
        }
    }
}

impl Error for ShipError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address(_) => None,
            Self::Directory(error) => error.source(),
        }
    }
}

impl Builder {
    /// Delivers the records that dead programs of this user left behind, instead of logging.
    ///
    /// The spools in [`spool_dir`](Self::spool_dir) are sent to the collector, the oldest first, and
    /// `each` receives the result of each one. Files that are not spools are reported to `complain`
    /// and left alone. Spools of running programs are not touched.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), netlog::ShipError> {
    /// let each = |spool: netlog::Shipped| println!("{}: {} records", spool.app, spool.records);
    /// netlog::builder("localhost:1902").ship(each, |complaint| eprintln!("{complaint}"))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the address is invalid or the directory cannot be opened. A spool that cannot be
    /// delivered is not an error: see [`Shipped::failed`].
    pub fn ship(
        #[cfg_attr(not(feature = "tls"), expect(unused_mut))] mut self,
        mut each: impl FnMut(Shipped),
        complain: impl Fn(String),
    ) -> Result<(), ShipError> {
        let endpoints = Endpoints::parse(&self.address).map_err(ShipError::Address)?;
        let path = self.spool_dir.clone().unwrap_or_else(Directory::default_path);
        if self.spool_dir.is_none() && !path.exists() {
            return Ok(()); // no program of this user has logged yet
        }
        let directory = Directory::open(&path).map_err(|e| ShipError::Directory(e.into()))?;
        #[cfg(feature = "tls")]
        self.tls.complete(TlsSettings::from_environment());
        let destination = Arc::new(Destination {
            collectors: Destination::collectors(&endpoints, Some(&directory)),
            format: Format::Json,
            token: self.token,
            remote: false,
            #[cfg(feature = "tls")]
            tls: self.tls,
        });
        for entry in directory.rings(None, &complain) {
            if let Some(spool) = directory.adopt_or(&entry.name, &complain) {
                each(ship_one(spool, &destination));
            }
        }
        Ok(())
    }
}

fn ship_one(spool: Spool, destination: &Arc<Destination>) -> Shipped {
    let identity = &spool.identity;
    let mut shipped = Shipped {
        app: identity.app.clone(),
        host: identity.host.clone(),
        pid: identity.pid,
        records: spool.records(),
        failed: None,
    };
    let context = Context::new(Arc::new(spool), Arc::clone(destination), RetryPolicy::Once);
    shipped.failed = Worker { context }.run().err();
    shipped
}
