//! Limits on the number of files, by which descriptors are shared.

/// Descriptors of an open file: its directory, itself, its ledger.
const DESCRIPTORS: usize = 3;

/// Limits on the number of files, and of open ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileLimits {
    pub(super) all: usize,
    pub(super) open: usize,
}

impl FileLimits {
    /// Descriptors that it takes to have `all` of them open, and that of `other`.
    pub(crate) fn wanted(all: usize) -> usize {
        all.saturating_add(1).saturating_mul(DESCRIPTORS)
    }

    /// At most `all` files and that of `other`, and as many open as `descriptors` are enough for.
    pub(crate) fn new(all: usize, descriptors: usize) -> Self {
        Self { all, open: (descriptors / DESCRIPTORS).clamp(1, all.saturating_add(1)) }
    }
}
