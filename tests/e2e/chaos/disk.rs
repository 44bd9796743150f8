//! Small file systems of our own: one for the collector's file, full when we want it to be, and one
//! for spools, as small as `/dev/shm` in a container.

use crate::harness::Dice;
use rustix::fs::statvfs;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use std::ffi::CString;
use std::path::{Path, PathBuf};

/// More than any run writes.
pub(super) const WIDE: &str = "size=8g";

/// A tmpfs. Instead of a ballast file, which would take as much memory as it fills, its limit comes
/// down to what is used.
pub(super) struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Mounts it at `path`; `Err` says why not: only root may.
    pub(super) fn mount(path: &Path, size: &str) -> Result<Self, std::io::Error> {
        std::fs::create_dir(path)?;
        let size = CString::new(size)?;
        mount("netlog-chaos", path, "tmpfs", MountFlags::empty(), size.as_c_str())?;
        Ok(Self { path: path.into() })
    }

    /// Leaves room for a few more pages. Whoever writes meanwhile may make that too little, so it
    /// is tried again; whether it came to be.
    pub(super) fn fill(&self, dice: &mut Dice) -> bool {
        (0..50).any(|_| {
            let Ok(now) = statvfs(&self.path) else { return false };
            let used = (now.f_blocks - now.f_bfree) * now.f_frsize;
            let size = used + dice.of(0..24) * now.f_frsize;
            let flags = MountFlags::empty();
            mount_remount(&self.path, flags, format!("size={}", size.max(now.f_frsize))).is_ok()
        })
    }

    pub(super) fn free(&self) {
        mount_remount(&self.path, MountFlags::empty(), WIDE).expect("a limit can be lifted");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = unmount(&self.path, UnmountFlags::DETACH);
    }
}
