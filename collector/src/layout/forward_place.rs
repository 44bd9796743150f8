//! Places in a log.

use serde::{Deserialize, Serialize};

/// A place in a log: the generation of a file, and an offset in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ForwardPlace {
    pub(crate) generation: u64,
    pub(crate) offset: u64,
}

/// Place that the other side has reached, and the count of numbers given up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) place: ForwardPlace,
    pub(crate) numbered: u64,
}
