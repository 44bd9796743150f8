//! Counters: one for every way to take, lose, delay or limit something.

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
    /// Connections closed, for any reason.
    pub connections_closed: Counter,
    /// Connections closed at once because `--max-connections` were open.
    pub connections_over_limit: Counter,
    /// Connections closed at once because `--max-per-address` of their address were open.
    pub connections_over_limit_of_address: Counter,
    /// Connections closed because they sent nothing within `--first-byte-timeout`.
    pub connections_mute: Counter,
    /// Connections closed because a line did not end within `--half-line-timeout`.
    pub connections_half_line: Counter,
    /// Connections closed because they were idle for `--idle-timeout`.
    pub connections_idle: Counter,
    /// Failed accepts of connections, mostly for lack of file descriptors.
    pub accepts_failed: Counter,
    /// Senders refused with an error.
    pub refused: Counter,
    /// Senders and datagrams refused because they showed no token of `--token-file`.
    pub strangers_refused: Counter,
    /// TLS handshakes completed.
    pub tls_handshakes: Counter,
    /// TLS handshakes that took too long.
    pub tls_failed_timeout: Counter,
    /// Connections to a TLS address that do not speak TLS.
    pub tls_failed_not_tls: Counter,
    /// TLS handshakes without a common version or cipher.
    pub tls_failed_incompatible: Counter,
    /// TLS handshakes whose client showed no certificate, or one that is not accepted.
    pub tls_failed_certificate: Counter,
    /// TLS handshakes ended by the client, mostly because it does not trust the certificate.
    pub tls_failed_alert: Counter,
    /// Connections lost in the TLS handshake.
    pub tls_failed_broken: Counter,
    /// Times that the files of TLS were read again.
    pub tls_reloads: Counter,
    /// Times that the files of TLS could not be read again; the previous ones stay in use.
    pub tls_reloads_failed: Counter,
    /// Datagrams received.
    pub datagrams: Counter,
    /// Datagrams dropped by the kernel because they arrived faster than they were read.
    pub datagrams_dropped: Counter,
    /// Datagrams of netlog senders that never arrived, by their numbers.
    pub datagrams_lost: Counter,
    /// Reads that waited because `--max-in-flight` bytes were between sockets and sinks.
    pub reads_delayed: Counter,
    /// Long lines that waited because `--max-half-lines` bytes of unfinished lines were in memory.
    pub lines_delayed: Counter,
    /// Bytes read from peers.
    pub bytes_in: Counter,
    /// Records that arrived in canonical form and were kept as they were.
    pub records_canonical: Counter,
    /// Records made from other JSON objects.
    pub records_json: Counter,
    /// Records made from syslog messages.
    pub records_syslog: Counter,
    /// Records made from plain lines.
    pub records_plain: Counter,
    /// HTTP requests to the ordinary port.
    pub http_requests: Counter,
    /// HTTP requests to the ordinary port that were refused.
    pub http_requests_refused: Counter,
    /// Records taken from HTTP requests.
    pub records_http: Counter,
    /// Records taken from Fluent forward and from the MessagePack of Fluent Bit.
    pub records_forward: Counter,
    /// Chunks of Fluent forward that arrived twice; they were acknowledged and not kept again.
    pub forward_chunks_repeated: Counter,
    /// Records taken from RELP.
    pub records_relp: Counter,
    /// Records taken from Lumberjack.
    pub records_lumberjack: Counter,
    /// Records taken from uploads of systemd's journal.
    pub records_journal: Counter,
    /// Parts of messages of Fluent forward, RELP or Lumberjack that were no records.
    pub entries_malformed: Counter,
    /// Plain lines that looked like JSON or syslog and were not.
    pub records_unparsed: Counter,
    /// Messages compressed with zlib or gzip.
    pub messages_unpacked: Counter,
    /// Compressed messages lost because they were damaged or too large.
    pub messages_not_unpacked: Counter,
    /// Compressed messages that would become too much or too many: the rest is cut, or one record.
    pub messages_capped: Counter,
    /// Syslog messages without an end, completed by a silence.
    pub messages_ended_by_silence: Counter,
    /// Connections whose octet counts turned out to be wrong.
    pub counts_disbelieved: Counter,
    /// PROXY headers that were skipped, because their address has no `?proxy=on`.
    pub proxy_headers_ignored: Counter,
    /// Connections to a `?proxy=on` address closed for a missing, late or malformed PROXY header.
    pub proxy_headers_malformed: Counter,
    /// Connections to a `?proxy=on` address closed because `--proxy-from` does not list the proxy.
    pub proxies_untrusted: Counter,
    /// Connections closed and datagrams dropped because of an unsupported protocol.
    pub foreign_refused: Counter,
    /// GELF messages lost because a part never arrived.
    pub chunked_expired: Counter,
    /// GELF messages lost because too many waited for their parts.
    pub chunked_crowded_out: Counter,
    /// Malformed or contradictory parts of GELF messages.
    pub chunks_malformed: Counter,
    /// Parts of GELF messages that arrived twice.
    pub chunks_repeated: Counter,
    /// Lines cut at `--max-line`.
    pub lines_cut: Counter,
    /// Bytes cut off lines at `--max-line`.
    pub bytes_cut: Counter,
    /// Records written to all sinks.
    pub records_written: Counter,
    /// Bytes of records written to all sinks.
    pub bytes_written: Counter,
    /// Senders forgotten because the marks of all took `--max-marks-memory`.
    pub senders_forgotten: Counter,
    /// Gaps in the numbers of senders that were forgotten, one sender or all having too many; records
    /// that arrive late in them are skipped as repeated.
    pub gaps_forgotten: Counter,
    /// Records skipped because the sinks already had them.
    pub records_repeated: Counter,
    /// Records kept in the file of `other` because `--max-files` were reached.
    pub records_over_max_files: Counter,
    /// Records kept in the file of `other` because their own path was taken by something else.
    pub records_out_of_place: Counter,
    /// Bytes that others appended to files of the collector; readers get their lines as records.
    pub file_bytes_foreign: Counter,
    /// Batches written.
    pub batches: Counter,
    /// Time spent appending batches to files, syncs included.
    pub file_nanoseconds: Counter,
    /// Time spent writing ledgers, syncs included.
    pub ledger_nanoseconds: Counter,
    /// Syncs of files to the disk, with `--sync`.
    pub file_syncs: Counter,
    /// Failed writes to sinks; each is retried.
    pub writes_failed: Counter,
    /// Records dropped because a sink still failed when the collector ended.
    pub records_given_up: Counter,
    /// Connections made to the collector of `--forward-to`.
    pub forward_connections: Counter,
    /// Records that the collector of `--forward-to` has acknowledged.
    pub records_forwarded: Counter,
    /// Records forwarded as new, because their file does not agree with its ledger.
    pub records_renumbered: Counter,
    /// Batches that the collector of `--forward-to` has acknowledged.
    pub batches_forwarded: Counter,
    /// Bytes of these batches, compressed.
    pub bytes_forwarded: Counter,
    /// Records removed before they were forwarded.
    pub records_not_forwarded: Counter,
    /// Times that the stream of `--forward-to` had lost what it had acknowledged; it is published
    /// again.
    pub stream_rollbacks: Counter,
    /// Batches read from the stream of `--from`.
    pub stream_batches: Counter,
    /// Messages of the stream of `--from` that are not as they were published; their records are
    /// skipped.
    pub stream_batches_damaged: Counter,
    /// Gaps in the batches of a collector in the stream of `--from`, and times that messages were
    /// removed from it before they were read.
    pub stream_gaps: Counter,
    /// Records of the stream of `--from` that `--only` leaves out.
    pub records_left_out: Counter,
    /// Batches received from relays.
    pub relay_batches: Counter,
    /// Records in batches received from relays or the stream of `--from`.
    pub records_relayed: Counter,
    /// Relays refused because no `--relay-from` allows them.
    pub relays_refused: Counter,
    /// HTTP requests of readers.
    pub requests: Counter,
    /// HTTP requests of readers refused because they showed no token of `--token-file`.
    pub requests_refused: Counter,
    /// Filters of programs set or reset by `/filter`.
    pub filters_set: Counter,
    /// Connections of readers closed at once because too many were open.
    pub readers_over_limit: Counter,
    /// Tails started.
    pub tails: Counter,
    /// Tails refused because `--max-tails` were running.
    pub tails_over_limit: Counter,
    /// Searches started.
    pub searches: Counter,
    /// Pieces of files that readers skipped because they were unreadable.
    pub pieces_unreadable: Counter,
    /// Reads for readers that were made smaller or delayed because too much was on its way to them.
    pub pieces_delayed: Counter,
    /// Rotations of files begun.
    pub rotations_begun: Counter,
    /// Files rotated, or tried to be.
    pub files_rotated: Counter,
    /// Rotated files compressed.
    pub files_compressed: Counter,
    /// Bytes of compressed files before compression.
    pub bytes_compressed: Counter,
    /// Bytes of compressed files after compression.
    pub bytes_compressed_to: Counter,
    /// Failed compressions of rotated files; each is retried.
    pub compressions_failed: Counter,
    /// Rotated files removed by `--keep-age`, `--keep-files` or `--keep-size`.
    pub files_removed: Counter,
    /// Bytes of removed files and their ledgers.
    pub bytes_removed: Counter,
    /// Rotated files copied to the store of `--archive`, and compared.
    pub segments_archived: Counter,
    /// Bytes of these files.
    pub bytes_archived: Counter,
    /// Failed attempts to copy a file to the store of `--archive`; each is retried.
    pub archiving_failed: Counter,
    /// Rotated files removed by `--keep-size` before they were archived.
    pub segments_not_archived: Counter,
}
}
