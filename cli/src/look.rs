//! Looking at what a collector holds: what `netlog tail` and `netlog search` have in common.

mod at;
mod filters;
mod merge;
mod pipe;
mod print;
mod when;

pub(crate) use at::{Answer, Failure, Server};
pub(crate) use filters::{Filters, count};
pub(crate) use merge::{Merge, Moment};
pub(crate) use pipe::{end_quietly, watch_stdout};
pub(crate) use print::{Output, Printer};
