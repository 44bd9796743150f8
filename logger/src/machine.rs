//! The machine as the system describes it.

#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
mod portable;

#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use linux::{boot_id, host_name, random_bytes, thread_name, trusts_tsc, uptime};
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
pub(crate) use portable::{boot_id, host_name, random_bytes, thread_name, trusts_tsc, uptime};
