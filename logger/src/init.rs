//! The one line that starts a logger, for every facade there is.

use crate::builder::Builder;
use crate::init_error::InitError;
use crate::logger::Guard;

impl Builder {
    /// Starts the logger and registers it with `log`. Keep the guard until the end of `main`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), netlog::InitError> {
    /// let _guard = netlog::builder("localhost:1902").app("orders").init()?;
    /// log::info!("hello, world");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the address or the filter is invalid, the program already has a logger, or the system
    /// has no memory or thread for one. An unreachable collector is not an error: records wait in
    /// the spool.
    ///
    /// With the feature `tracing` it also becomes the program's subscriber, unless there is one.
    pub fn init(self) -> Result<Guard, InitError> {
        let guard = self.start(true)?;
        #[cfg(feature = "tracing")]
        crate::tracing::install();
        Ok(guard)
    }
}
