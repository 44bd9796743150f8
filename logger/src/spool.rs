//! The spool: a ring with its file, and the directory of such files.

mod adopt;
mod create;
mod directory;
mod ring_file;

pub(crate) use adopt::RingEntry;
pub(crate) use directory::{Directory, SpoolError};
pub(crate) use ring_file::Spool;
