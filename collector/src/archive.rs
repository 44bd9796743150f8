//! The archive: a copy of each rotated segment in an S3 bucket, before retention removes it.
//!
//! ```text
//!  retention ──► offers segments that are ready ──► archive (a thread) ──► s3://bucket/prefix
//!      ▲                                               │ copied and compared
//!      └──────────── app.log.archived ◄────────────────┘
//! ```
//!
//! - Objects are created and never replaced, so that nothing in a bucket is overwritten. If the name
//!   is taken by other content, it gets a part of the checksum.
//! - A segment counts as archived once the object was compared with it: by length and ETag, or, if
//!   the ETag is no checksum of the content, byte by byte.
//! - Then it is listed in `app.log.archived`. Whatever dies before, the next attempt finds the object
//!   and compares it.
//!
//! It is a thread with a runtime of its own, as it reads disks. It has one part of a segment in
//! memory at a time, and nothing waits for it but the removal of what it has not copied.

mod error;
mod http_client;
mod s3;
mod segment_source;
mod state;
mod target;
#[cfg(test)]
mod tests;
mod upload;
mod worker;

pub use error::ArchiveError;
pub(crate) use s3::open;
pub(crate) use state::Archive;
pub use target::{ArchiveTarget, UnknownArchiveTarget};
pub(crate) use worker::{ArchiveEnd, Archiving};
