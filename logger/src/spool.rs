//! The spool: a ring with its file, and the directory of such files.

#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod adopt;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod create;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod directory;
mod entry;
mod error;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
mod no_directory;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
mod no_files;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod restore;
mod ring_file;
#[cfg(all(test, target_os = "linux", not(netlog_portable)))]
mod tests;

#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use directory::Directory;
pub(crate) use entry::RingEntry;
pub use entry::WaitingSpool;
pub(crate) use error::SpoolError;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
pub(crate) use no_directory::NoDirectory as Directory;
pub(crate) use ring_file::Spool;
