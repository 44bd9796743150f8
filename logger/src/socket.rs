//! A non-blocking socket to a collector.

#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
mod portable;

#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use linux::{CheckedSocket as Socket, PollFlags, is_too_long, was_closed};
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
pub(crate) use portable::{PollFlags, StdSocket as Socket, is_too_long, was_closed};
