//! Delivering by hand what dead programs left behind.

use crate::acquaintance::Acquaintance;
use crate::bell::Bell;
use crate::builder::{Format, InitError};
use crate::endpoint::Endpoint;
use crate::spool::Directory;
use crate::token::Token;
use crate::worker::{Patience, Route, Status, Worker};
use std::path::Path;
use std::sync::Arc;

/// What was found in one dead program's spool, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shipped {
    /// The program's name.
    pub app: String,
    /// The machine it ran on.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// How many records it left behind.
    pub records: u64,
    /// Why they could not be delivered, if so; they are still there then.
    pub failed: Option<String>,
}

/// Delivers to `address`, which may ask for a `token` (by default `$NETLOG_TOKEN`), what dead
/// programs of this user left in `directory` (by default where programs put their spools by default), oldest first, and hands what became of each to `each`.
/// What is no spool is told to `complain` and left alone.
///
/// # Errors
///
/// When the address cannot be read, the directory cannot be opened, or the system gives no memory.
pub fn ship(
    address: &str,
    token: Option<&str>,
    directory: Option<&Path>,
    mut each: impl FnMut(Shipped),
    complain: impl Fn(String),
) -> Result<(), InitError> {
    let endpoint = Endpoint::parse(address).map_err(InitError::Address)?;
    let path = directory.map_or_else(Directory::default_path, Path::to_owned);
    let directory = Directory::open(&path).map_err(|e| InitError::System(e.into()))?;
    let acquaintance = Acquaintance::with(&endpoint, Some(&directory));
    let token = token.map_or_else(Token::of_environment, |token| Token::new(token.into()));
    let route = Arc::new(Route { endpoint, format: Format::Json, acquaintance, token });
    for spool in directory.adopt(None, complain) {
        let origin = &spool.origin;
        let mut shipped = Shipped {
            app: origin.app.clone(),
            host: origin.host.clone(),
            pid: origin.pid,
            records: spool.levels().iter().sum(),
            failed: None,
        };
        let status = Arc::new(Status::default());
        let worker = Worker {
            spool: Arc::new(spool),
            route: Arc::clone(&route),
            bell: Arc::new(Bell::new().map_err(InitError::System)?),
            status,
            patience: Patience::OneTry,
            clock: None,
        };
        shipped.failed = worker.run().err();
        each(shipped);
    }
    Ok(())
}
