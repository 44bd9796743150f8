//! The machine as the system describes it.

#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod linux;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod memory_limit;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
mod portable;

#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use linux::{boot_id, host_name, random_bytes, thread_name, trusts_tsc, uptime};
#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use memory_limit::memory_limit;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
pub(crate) use portable::{
    boot_id, host_name, memory_limit, random_bytes, thread_name, trusts_tsc, uptime,
};
