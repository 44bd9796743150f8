//! DatagramSocket that the kernel dropped because nobody took them in time.
//!
//! The kernel would tell with a datagram (`SO_RXQ_OVFL`), but only with one that found room after
//! the drops: of those at the end of a burst nobody would hear. Its table of sockets has the same
//! number at any time.

use std::fs;
use std::io;
use std::os::fd::AsFd;

const TABLES: [&str; 2] = ["/proc/net/udp", "/proc/net/udp6"];

/// The kernel's count for one socket.
#[derive(Debug)]
pub(crate) struct KernelDrops {
    inode: u64,
    seen: u64,
}

impl KernelDrops {
    /// Follows `socket` from now on.
    pub(crate) fn of(socket: &impl AsFd) -> io::Result<Self> {
        let inode = rustix::fs::fstat(socket)?.st_ino;
        let mut drops = Self { inode, seen: 0 };
        drops.more();
        Ok(drops)
    }

    /// Number of new ones since last time; 0 where there is no such table.
    pub(crate) fn more(&mut self) -> u64 {
        let tables = TABLES.iter().filter_map(|path| fs::read_to_string(path).ok());
        let now = tables.filter_map(|table| drops(&table, self.inode)).max();
        let more = now.map_or(0, |now| now.saturating_sub(self.seen));
        self.seen += more;
        more
    }
}

/// The last column of the line that has `inode` in its tenth.
fn drops(table: &str, inode: u64) -> Option<u64> {
    let mut lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line = lines.find(|columns| columns.get(9).is_some_and(|it| it.parse() == Ok(inode)))?;
    line.last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_stands_in_the_last_column_of_the_sockets_line() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n 1104: 0100007F:0450 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 31337 2 0000000000000000 42\n";
        assert_eq!(drops(table, 31337), Some(42));
        assert_eq!(drops(table, 1), None);
    }

    #[test]
    fn a_socket_that_is_not_read_from_drops() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut drops = KernelDrops::of(&socket).unwrap();
        assert_eq!(drops.more(), 0);
        for _ in 0..2000 {
            socket.send_to(&[b'x'; 8000], socket.local_addr().unwrap()).unwrap();
        }
        assert!(drops.more() > 0);
    }
}
