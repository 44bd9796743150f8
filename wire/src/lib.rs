//! The protocol between netlog's senders and collectors. No I/O, no clock, no threads.
//!
//! A **record** is one log event, and one line of JSON from the moment it is logged to the moment
//! it rests in a file. Its keys stand in one fixed order; a line in that order is *canonical*, is
//! recognised by scanning it in place ([`Line::parse`]) and never encoded again. Any other JSON
//! object is brought into that order by [`Record::from_json`].
//!
//! ```text
//!  what a sender writes       {"time":"…","level":"INFO","target":"…","file":"…","line":7,"thread":"…","msg":"…","kv":{…}}
//!  what a collector keeps     {"app":"…","host":"…","pid":7,"peer":"…","time":"…", … as above, byte for byte
//!                             └──── stamped by the collector ────┘
//! ```
//!
//! The conversation is one JSON object a line ([`SenderMessage`] from the sender, [`CollectorMessage`] from the
//! collector); between them stand the record lines, numbered by counting from the hello's `next`.
//! [`Lines`] cuts a byte stream into lines, however it was split into reads.

mod batch;
mod escape;
mod filter_order;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod hello;
mod json;
mod level;
mod line;
mod record;
mod scan;
mod smart_case;
mod text;
mod time;

pub use batch::{
    BatchHeader, BatchRun, BatchSender, MAX_BATCH, MAX_HEADER, MAX_NUMBER, MAX_RECORDS,
    RELAY_START, RelayHello,
};
pub use escape::{Escaped, JsonStr, escape_from, push_json, push_sanitized, push_sanitized_json};
pub use filter_order::{FilterOrder, MAX_DIRECTIVES};
pub use frame::{Lines, Piece};
pub use hello::{CollectorMessage, Hello, SenderMessage, VERSION};
pub use json::{JsonValue, Member, NotARecord, elements, members};
pub use level::{Level, UnknownLevel};
pub use line::{Line, LineMeta};
pub use record::{Identity, Record, TextRecord};
pub use scan::{JsonStringEnd, is_plain, number_end, object_len, string_end};
pub use smart_case::has_upper_case;
pub use text::{Columns, Newlines, Paint, Text};
pub use time::{MinuteCache, TIME_LEN, civil, days_of_date, format_utc, parse_time, push_time};

/// The port netlog's collector listens on by default.
pub const PORT: u16 = 1902;

/// The port at which what a collector holds can be looked at by default.
pub const READ_PORT: u16 = 1903;

/// The longest record line a collector takes and a sender makes by default, in bytes without the
/// line end: long enough for a backtrace, short enough to bound what a peer can make us hold.
pub const MAX_LINE: usize = 64 * 1024;

/// The longest name of an app or a host, in bytes: it stands in front of every record.
pub const MAX_NAME: usize = 128;
