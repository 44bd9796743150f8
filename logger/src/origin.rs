//! Whose ring a file is: the text at its head, and the identity it gives the records.

use crate::token::Token;
use netlog_wire::{Hello, MAX_NAME, VERSION};
use rustix::rand::{GetRandomFlags, getrandom};
use std::time::{SystemTime, UNIX_EPOCH};

/// The first line of a spool file; a later layout has another number.
const MAGIC: &str = if cfg!(target_endian = "little") {
    "netlog spool 1 little-endian"
} else {
    "netlog spool 1 big-endian"
};

/// A running program that logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) sender: String,
    pub(crate) app: String,
    pub(crate) host: String,
    pub(crate) pid: u32,
    /// When it began to log, in microseconds since 1970.
    pub(crate) started: i64,
    /// The boot of the machine it ran in.
    pub(crate) boot: String,
    /// The bytes of data its ring holds.
    pub(crate) capacity: u64,
}

impl Origin {
    /// This process, under a sender id drawn anew.
    pub(crate) fn here(app: &str, host: &str, capacity: u64) -> Self {
        Self {
            sender: hex(&random()),
            app: name(app),
            host: name(host),
            pid: std::process::id(),
            started: now(),
            boot: boot_id(),
            capacity,
        }
    }

    /// The text that stands at the head of the ring's file.
    pub(crate) fn text(&self) -> String {
        let Self { sender, app, host, pid, started, boot, capacity } = self;
        format!(
            "{MAGIC}\nsender {sender}\napp {app}\nhost {host}\npid {pid}\nstarted {started}\n\
             boot {boot}\ncapacity {capacity}\n\n"
        )
    }

    /// Reads the head of a file; `None` when it is no spool file of this layout and machine.
    pub(crate) fn parse(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head.split(|&b| b == 0).next()?).ok()?;
        let mut lines = text.strip_prefix(MAGIC)?.strip_prefix('\n')?.lines();
        let mut field = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        let origin = Self {
            sender: field("sender")?.to_owned(),
            app: field("app")?.to_owned(),
            host: field("host")?.to_owned(),
            pid: field("pid")?.parse().ok()?,
            started: field("started")?.parse().ok()?,
            boot: field("boot")?.to_owned(),
            capacity: field("capacity")?.parse().ok()?,
        };
        Hello::valid_sender(&origin.sender).then_some(origin)
    }

    /// The name of its ring's file, in which nothing of the app's name can mean a path.
    pub(crate) fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let app: String = self.app.chars().take(64).map(plain).collect();
        format!("{app}.{}.ring", self.sender)
    }

    /// What this sender says first on a connection whose first record is number `next`; or what is
    /// said for it, when it did not come to its own end.
    pub(crate) fn hello(&self, next: u64, recovered: bool, token: &Token) -> Hello {
        Hello {
            netlog: VERSION,
            sender: self.sender.clone(),
            app: self.app.clone(),
            host: self.host.clone(),
            pid: self.pid,
            next,
            token: token.text(),
            recovered,
        }
    }

    /// The sender whose records are delivered when a ring outlived its machine's boot: the disk
    /// need not have kept pages in the order in which they were written, so that records may have
    /// other numbers than they once had, and must not be measured by the old mark.
    pub(crate) fn after_reboot(mut self) -> Self {
        if self.boot != boot_id() {
            self.sender = self.sender.chars().rev().collect();
        }
        self
    }
}

/// Microseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |t| t.as_micros() as i64)
}

/// The machine's name, as the kernel has it.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The program's file name.
pub(crate) fn app_name() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(|p| p.file_name());
    name.map_or_else(|| "unknown".into(), |n| n.to_string_lossy().into_owned())
}

fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map_or_else(|_| "unknown".into(), |id| id.trim().to_owned())
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    if getrandom(&mut bytes, GetRandomFlags::empty()) != Ok(16) {
        // Only a kernel before 3.17 has no getrandom; a pid and a time are then unique enough.
        bytes[..8].copy_from_slice(&now().to_le_bytes());
        bytes[8..12].copy_from_slice(&std::process::id().to_le_bytes());
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `text` as a name on one line.
fn name(text: &str) -> String {
    let mut name: String = text.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    name.truncate(name.floor_char_boundary(MAX_NAME));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_file_is_read_back() {
        let origin = Origin::here("or/ders\n\u{1b}", "web1", 8192);
        assert_eq!(origin.app, "or/ders__");
        let mut head = origin.text().into_bytes();
        head.resize(1024, 0);
        assert_eq!(Origin::parse(&head), Some(origin.clone()));
        assert_eq!(origin.file_name(), format!("or_ders__.{}.ring", origin.sender));
    }

    #[test]
    fn a_foreign_head_is_refused() {
        let text = Origin::here("a", "h", 8192).text();
        let foreign = [
            String::new(),
            text.replace("spool 1", "spool 2"),
            text.replace("sender ", "sender ../"),
            text.replace("capacity 8192", "capacity many"),
            text.lines().take(3).collect(),
        ];
        for head in foreign {
            assert_eq!(Origin::parse(head.as_bytes()), None, "{head}");
        }
        assert_eq!(Origin::parse(&[0xff; 1024]), None);
    }

    #[test]
    fn names_however_long_leave_room_for_the_ring() {
        let origin = Origin::here(&"é".repeat(4000), &"h".repeat(4000), u64::MAX);
        assert!(origin.text().len() < crate::ring::CONTROL_AT);
    }

    #[test]
    fn a_ring_of_another_boot_has_another_sender() {
        let here = Origin::here("a", "h", 8192);
        assert_eq!(here.clone().after_reboot(), here);
        let before = Origin { boot: "before".into(), ..here.clone() };
        assert_ne!(before.after_reboot().sender, here.sender);
    }
}
