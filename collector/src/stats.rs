//! What the collector counts: one counter for every way to take, lose, delay or limit something.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Adds the nanoseconds that `work` takes.
    pub(crate) fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        self.add(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        done
    }
}

/// The records of one read, counted on the spot and added to the counters at once: a step of a
/// counter that all threads see takes as long as half a record.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) canonical: Cell<u64>,
    pub(crate) json: Cell<u64>,
    pub(crate) syslog: Cell<u64>,
    pub(crate) plain: Cell<u64>,
    pub(crate) unparsed: Cell<u64>,
}

impl Tally {
    /// Adds what was counted to `stats`, and begins anew.
    pub(crate) fn settle(&self, stats: &Stats) {
        for (count, counter) in [
            (&self.canonical, &stats.records_canonical),
            (&self.json, &stats.records_json),
            (&self.syslog, &stats.records_syslog),
            (&self.plain, &stats.records_plain),
            (&self.unparsed, &stats.records_unparsed),
        ] {
            if count.get() > 0 {
                counter.add(count.take());
            }
        }
    }
}

/// One more.
pub(crate) fn count(count: &Cell<u64>) {
    count.set(count.get() + 1);
}

/// Declares the counters, and lists each with its name and the words that stand above it.
macro_rules! counters {
    ($(#[$meta:meta])* pub struct $of:ident { $($(#[doc = $help:literal])+ pub $name:ident: Counter,)+ }) => {
        $(#[$meta])*
        pub struct $of { $($(#[doc = $help])+ pub $name: Counter,)+ }

        impl $of {
            /// Every counter: its name, what it counts, and its number now.
            pub(crate) fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), concat!($($help),+).trim_ascii(), self.$name.get()),)+]
            }
        }
    };
}

counters! {
/// All counters of one collector, since it was bound.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections accepted.
    pub connections_opened: Counter,
    /// Connections ended, for whatever reason.
    pub connections_closed: Counter,
    /// Connections closed at once because there were `--max-connections` already.
    pub connections_over_limit: Counter,
    /// Connections closed at once because there were `--max-per-address` from their address.
    pub connections_over_limit_of_address: Counter,
    /// Connections closed because nothing came within `--first-byte-timeout`.
    pub connections_mute: Counter,
    /// Connections closed because a line did not end within `--half-line-timeout`.
    pub connections_half_line: Counter,
    /// Connections closed because nothing came for `--idle-timeout`.
    pub connections_idle: Counter,
    /// Times that accepting a connection failed, mostly for want of file descriptors.
    pub accepts_failed: Counter,
    /// Hellos and lines after them that were refused with an error.
    pub refused: Counter,
    /// Senders refused because they showed no token of `--token-file`; datagrams cannot show one.
    pub strangers_refused: Counter,
    /// Datagrams received.
    pub datagrams: Counter,
    /// Datagrams that the kernel dropped because they came faster than they were taken.
    pub datagrams_dropped: Counter,
    /// Datagrams of netlog senders that never came, by their numbers.
    pub datagrams_lost: Counter,
    /// Times that reading waited because there were `--max-in-flight` between sockets and sinks.
    pub reads_delayed: Counter,
    /// Times that a long line waited because there were `--max-half-lines` of such already.
    pub lines_delayed: Counter,
    /// Bytes read from peers.
    pub bytes_in: Counter,
    /// Records that came in canonical form and were never encoded again.
    pub records_canonical: Counter,
    /// Records made of other JSON objects.
    pub records_json: Counter,
    /// Records made of syslog messages.
    pub records_syslog: Counter,
    /// Records made of plain lines.
    pub records_plain: Counter,
    /// Of those, lines that looked like JSON or syslog and were not.
    pub records_unparsed: Counter,
    /// Messages that came packed with zlib or gzip.
    pub messages_unpacked: Counter,
    /// Packed messages lost: broken, or larger than a line may be.
    pub messages_not_unpacked: Counter,
    /// Syslog messages without an end, taken as whole when nothing more came.
    pub messages_ended_by_silence: Counter,
    /// Connections whose octet counts turned out to be none.
    pub counts_disbelieved: Counter,
    /// PROXY headers that were skipped, and not believed.
    pub proxy_headers_ignored: Counter,
    /// Connections closed and datagrams dropped because they speak what is not taken.
    pub foreign_refused: Counter,
    /// GELF messages lost because a part of them never came.
    pub chunked_expired: Counter,
    /// GELF messages lost because too many were waiting for their parts.
    pub chunked_crowded_out: Counter,
    /// Parts of GELF messages that contradict themselves or each other.
    pub chunks_malformed: Counter,
    /// Parts of GELF messages that came twice.
    pub chunks_repeated: Counter,
    /// Lines cut at `--max-line`.
    pub lines_cut: Counter,
    /// Bytes cut off those lines.
    pub bytes_cut: Counter,
    /// Records written to all sinks.
    pub records_written: Counter,
    /// Bytes of those records.
    pub bytes_written: Counter,
    /// Records skipped because the sinks had them already.
    pub records_repeated: Counter,
    /// Records kept in the file of `other` because there were `--max-files` already.
    pub records_over_max_files: Counter,
    /// Records kept in the file of `other` because something else is where theirs should be.
    pub records_out_of_place: Counter,
    /// Batches written.
    pub batches: Counter,
    /// Time that the hub spent on appending batches to files, syncs included.
    pub file_nanoseconds: Counter,
    /// Time that the hub spent on ledgers, syncs included.
    pub ledger_nanoseconds: Counter,
    /// Writes to a sink that failed and were tried again.
    pub writes_failed: Counter,
    /// Records given up because a sink still failed when the collector had to end.
    pub records_given_up: Counter,
    /// Requests to look at what is held.
    pub requests: Counter,
    /// Requests refused because they showed no token of `--token-file`.
    pub requests_refused: Counter,
    /// Connections of readers closed at once because there were too many.
    pub readers_over_limit: Counter,
    /// Tails begun.
    pub tails: Counter,
    /// Tails refused because there were `--max-tails` already.
    pub tails_over_limit: Counter,
    /// Searches begun.
    pub searches: Counter,
    /// Pieces of files passed over because they could not be read, by those who looked.
    pub pieces_unreadable: Counter,
    /// Times that what was to be sent to who looks was read in small pieces, or later, because too
    /// much was under way.
    pub pieces_delayed: Counter,
    /// Rotated files compressed.
    pub files_compressed: Counter,
    /// Bytes of those files before.
    pub bytes_compressed: Counter,
    /// Bytes of those files after.
    pub bytes_compressed_to: Counter,
    /// Times that a rotated file could not be compressed; it stays, and is tried again.
    pub compressions_failed: Counter,
    /// Rotated files removed by `--keep-age`, `--keep-files` or `--keep-size`.
    pub files_removed: Counter,
    /// Bytes of those files, and of their ledgers.
    pub bytes_removed: Counter,
}
}
