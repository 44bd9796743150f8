//! The relay: follows the collector's own log and sends what is in it to another collector.
//!
//! ```text
//!  hub ──► app.log, app.log.ledger ──► follower ──► batches ──► link ──► collector `--forward-to`
//!                                         ▲                       │
//!                          app.log.forwarded ◄──── acknowledgements
//! ```
//!
//! Instead of a collector, the other side may be a stream of NATS JetStream, each batch a message.
//!
//! The log is its spool, so the hub never waits for it. It is a thread, as it reads disks and
//! compresses.
//!
//! Why each record arrives once:
//!
//! - A ledger says which sender each stretch of its file is from, and which numbers it has. Both
//!   travel with the batch, so that the receiver's marks drop what it has, by whichever way it came.
//!   Ledgers therefore keep the entries of what has not been sent.
//! - Records that have no number get one from the relay: counted on in the order of the file, under
//!   an id for each app and host, which the receiver treats like that of any sender. The count is
//!   part of the position, so that a record always gets the same number.
//! - The position moves when the receiver has acknowledged, never before. Whatever dies at any time,
//!   the relay goes on from a position that is right or too early; what is sent again is dropped.
//! - A stream is asked for the last batch that it has of this log, whenever it is connected to. If it
//!   has lost what it had acknowledged, that is published again from the file.
//! - Whoever removes a file that was not sent moves the position first, and counts. Numbers that may
//!   have been given are not given again.
//! - The receiver remembers gaps in the numbers of a sender, which may have left the missing ones in
//!   another collector.

mod follower;
mod link;
mod outgoing;
mod relay_link;
mod report;
mod socket;
mod stream_link;
mod target;
mod worker;

pub(crate) use report::report_lost;
pub use target::{ForwardTarget, UnknownTarget};
pub(crate) use worker::{ForwardEnd, Forwarding};
