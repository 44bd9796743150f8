//! Requests to reopen the files, as after they were moved.

use crate::senders::tokens::Tokens;
use crate::tls::Tls;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Asks a running collector to reopen its files if they were moved, and to reload its tokens and
/// certificates.
#[derive(Debug, Clone, Default)]
pub struct Reopen {
    asked: Arc<AtomicBool>,
    tokens: Option<Arc<Tokens>>,
    tls: Option<Arc<Tls>>,
}

impl Reopen {
    pub(crate) fn new(tokens: Option<Arc<Tokens>>, tls: Option<Arc<Tls>>) -> Self {
        Self { asked: Arc::default(), tokens, tls }
    }

    /// Asks; it is done before the next batch, or within a second. The tokens are read at once.
    pub fn ask(&self) {
        self.asked.store(true, Relaxed);
        if let Some(tokens) = &self.tokens {
            tokens.read_again();
        }
        if let Some(tls) = &self.tls {
            tls.reload();
        }
    }

    pub(super) fn asked(&self) -> bool {
        self.asked.load(Relaxed) && self.asked.swap(false, Relaxed)
    }
}
