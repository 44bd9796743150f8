//! The identity of a sender: the text at the head of its spool file, and its part of a hello.

pub(crate) use crate::machine::host_name;

use crate::machine::{boot_id, random_bytes, uptime};
use crate::token::Token;
use netlog_wire::{Hello, Identity, Line, MAX_NAME, Text, VERSION};
use std::time::{SystemTime, UNIX_EPOCH};

/// The first line of a spool file; a later layout has another number.
const MAGIC: &str = if cfg!(target_endian = "little") {
    "netlog spool 1 little-endian"
} else {
    "netlog spool 1 big-endian"
};

/// A program that logs or logged, as the collector sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SenderIdentity {
    pub(crate) sender: String,
    pub(crate) app: String,
    pub(crate) host: String,
    pub(crate) pid: u32,
    /// Start of logging, in microseconds since 1970.
    pub(crate) started: i64,
    /// The same by a clock that only goes forward, in microseconds since the machine was booted.
    pub(crate) uptime: i64,
    /// Boot id of the machine at that time.
    pub(crate) boot: String,
    /// Size of the ring's data in bytes.
    pub(crate) capacity: u64,
}

impl SenderIdentity {
    /// Describes this process, under a new random sender id.
    pub(crate) fn current(app: &str, host: &str, capacity: u64) -> Self {
        Self {
            sender: hex(&random_bytes()),
            app: one_line_name(app),
            host: one_line_name(host),
            pid: std::process::id(),
            started: now(),
            uptime: uptime(),
            boot: boot_id(),
            capacity,
        }
    }

    /// Text at the head of the spool file.
    pub(crate) fn header_text(&self) -> String {
        let Self { sender, app, host, pid, started, uptime, boot, capacity } = self;
        format!(
            "{MAGIC}\nsender {sender}\napp {app}\nhost {host}\npid {pid}\nstarted {started}\n\
             boot {boot}\ncapacity {capacity}\nuptime {uptime}\n\n"
        )
    }

    /// Parses the head of a file; `None` unless it is a spool file of this layout and byte order.
    pub(crate) fn parse(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head.split(|&b| b == 0).next()?).ok()?;
        let mut lines = text.strip_prefix(MAGIC)?.strip_prefix('\n')?.lines();
        let mut field = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        let identity = Self {
            sender: field("sender")?.to_owned(),
            app: field("app")?.to_owned(),
            host: field("host")?.to_owned(),
            pid: field("pid")?.parse().ok()?,
            started: field("started")?.parse().ok()?,
            boot: field("boot")?.to_owned(),
            capacity: field("capacity")?.parse().ok()?,
            uptime: field("uptime").and_then(|text| text.parse().ok()).unwrap_or(0),
        };
        Hello::valid_sender(&identity.sender).then_some(identity)
    }

    /// Sort key of spools by age. The wall clock may have been set back since, so it only orders
    /// those of earlier boots, which are older than all of this one.
    pub(crate) fn age(&self) -> impl Ord + use<> {
        let this_boot = self.boot == boot_id();
        (this_boot, if this_boot { self.uptime } else { self.started })
    }

    /// Name of the spool file. No part of the app's name can act as a path in it.
    pub(crate) fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let app: String = self.app.chars().take(64).map(plain).collect();
        format!("{app}.{}.ring", self.sender)
    }

    /// Hello of a connection whose first record is number `next`.
    pub(crate) fn hello(&self, next: u64, token: &Token) -> Hello {
        Hello {
            netlog: VERSION,
            sender: self.sender.clone(),
            app: self.app.clone(),
            host: self.host.clone(),
            pid: self.pid,
            next,
            token: token.text(),
            recovered: false,
            recovered_after: None,
            left: None,
            takes_filters: false,
        }
    }

    /// Appends the text line of one of its records, under the app's name.
    pub(crate) fn push_text(&self, line: &[u8], out: &mut Vec<u8>) {
        let app = Identity { app: Some(self.app.clone()), ..Identity::default() };
        let mut stamped = vec![b'{'];
        app.push(&mut stamped);
        stamped.extend_from_slice(line.get(1..).unwrap_or_default());
        if let Some(line) = Line::parse(&stamped) {
            Text::PLAIN.push(out, &line);
        }
    }

    /// Changes the sender id of a ring from an earlier boot. A disk need not have kept pages in the
    /// order in which they were written, so records may have other numbers than before and must
    /// not be compared with the collector's mark of the old id.
    pub(crate) fn renamed_after_reboot(mut self) -> Self {
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

/// File name of the executable.
pub(crate) fn app_name() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(|p| p.file_name());
    name.map_or_else(|| "unknown".into(), |n| n.to_string_lossy().into_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes `text` a name of one line and limited length.
fn one_line_name(text: &str) -> String {
    let mut name: String = text.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    name.truncate(name.floor_char_boundary(MAX_NAME));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_file_is_read_back() {
        let identity = SenderIdentity::current("or/ders\n\u{1b}", "web1", 8192);
        assert_eq!(identity.app, "or/ders__");
        let mut head = identity.header_text().into_bytes();
        head.resize(1024, 0);
        assert_eq!(SenderIdentity::parse(&head), Some(identity.clone()));
        assert_eq!(identity.file_name(), format!("or_ders__.{}.ring", identity.sender));
    }

    #[test]
    fn a_foreign_head_is_refused() {
        let text = SenderIdentity::current("a", "h", 8192).header_text();
        let foreign = [
            String::new(),
            text.replace("spool 1", "spool 2"),
            text.replace("sender ", "sender ../"),
            text.replace("capacity 8192", "capacity many"),
            text.lines().take(3).collect(),
        ];
        for head in foreign {
            assert_eq!(SenderIdentity::parse(head.as_bytes()), None, "{head}");
        }
        assert_eq!(SenderIdentity::parse(&[0xff; 1024]), None);
    }

    #[test]
    fn names_however_long_leave_room_for_the_ring() {
        let identity = SenderIdentity::current(&"é".repeat(4000), &"h".repeat(4000), u64::MAX);
        assert!(identity.header_text().len() < crate::ring::CONTROL_AT);
    }

    #[test]
    fn age_does_not_depend_on_a_clock_that_was_set_back() {
        let first = SenderIdentity::current("a", "h", 8192);
        let day = 86_400_000_000;
        let second = SenderIdentity {
            started: first.started - 3650 * day,
            uptime: first.uptime + 1,
            ..first.clone()
        };
        assert!(first.age() < second.age());
        let before = |days: i64| SenderIdentity {
            boot: "before".into(),
            started: first.started + days * day,
            uptime: i64::MAX,
            ..first.clone()
        };
        assert!(before(1).age() < before(2).age());
        assert!(
            before(2).age() < first.age(),
            "earlier boots are older, whatever their clock said"
        );
    }

    #[test]
    fn a_ring_of_another_boot_has_another_sender() {
        let here = SenderIdentity::current("a", "h", 8192);
        assert_eq!(here.clone().renamed_after_reboot(), here);
        let before = SenderIdentity { boot: "before".into(), ..here.clone() };
        assert_ne!(before.renamed_after_reboot().sender, here.sender);
    }
}
