//! A runtime for a thread of its own.

use std::io;
use tokio::runtime::{Builder, Runtime};

/// A runtime whose end waits for nothing: a read of a disk that hangs must not keep the collector
/// from ending, and where a thread cannot be started, its runtime ends within another one.
pub(crate) struct ThreadRuntime(Option<Runtime>);

impl ThreadRuntime {
    /// Builds it as `builder` says.
    ///
    /// # Errors
    ///
    /// When the system refuses a descriptor.
    pub(crate) fn new(builder: &mut Builder) -> io::Result<Self> {
        Ok(Self(Some(builder.build()?)))
    }

    /// The runtime.
    pub(crate) fn get(&self) -> &Runtime {
        self.0.as_ref().expect("it is taken only at its end")
    }
}

impl Drop for ThreadRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As when the thread that it was built for cannot be started.
    #[tokio::test]
    async fn it_ends_within_another_runtime_without_a_panic() {
        let runtime = ThreadRuntime::new(Builder::new_current_thread().enable_all()).unwrap();
        drop(move || runtime.get().block_on(std::future::pending::<()>()));
    }
}
