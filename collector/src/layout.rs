//! What lies where on disk, and what it is called: writers and readers stand on it.

pub(crate) mod fingerprint;
pub(crate) mod order;
pub(crate) mod paths;
pub(crate) mod rotation;
pub(crate) mod segment_name;
pub(crate) mod template;
pub(crate) mod torn_tail;
pub(crate) mod tree;
