//! Layout of the files on disk, and their names: writers and readers stand on it.

pub(crate) mod file_id;
pub(crate) mod fingerprint;
pub(crate) mod forward_place;
mod forward_trail;
pub(crate) mod forwarded;
pub(crate) mod order;
pub(crate) mod order_segments;
pub(crate) mod paths;
pub(crate) mod rotation;
pub(crate) mod segment_name;
pub(crate) mod state_file;
pub(crate) mod stream_position;
pub(crate) mod template;
pub(crate) mod torn_tail;
pub(crate) mod tree;
