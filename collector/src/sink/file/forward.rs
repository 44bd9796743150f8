//! A file that is forwarded.

use super::FileSink;
use crate::layout::forwarded::{ForwardPlace, Forwarded, random_id};
use std::io;
use std::sync::Arc;

impl FileSink {
    /// Begins to keep for a relay what it has not sent, which was asked for or begins here.
    pub(crate) fn forward(&mut self) -> io::Result<Arc<Forwarded>> {
        let end = ForwardPlace { generation: self.ledger.generation(), offset: self.end };
        let forwarded = match &self.options.forwarded {
            Some(forwarded) => forwarded.clone(),
            None => Arc::new(Forwarded::begin(&self.options.path, end, random_id()?)?),
        };
        forwarded.go_back_to(end)?;
        self.ledger.forward(forwarded.clone());
        Ok(forwarded)
    }
}
