//! Reading from a collector: the parts that `netlog tail` and `netlog search` share.

mod broken_pipe;
mod connection;
mod filters;
mod highlight;
mod http;
mod notice;
mod output;
mod printer;
mod query;
mod reorder;
mod source;
mod terminal;
mod times;
mod url;

pub(crate) use broken_pipe::watch_stdout;
pub(crate) use filters::{FilterOptions, parse_count};
pub(crate) use http::{CollectorClient, RequestError, ResponseLines};
pub(crate) use output::OutputFormat;
pub(crate) use printer::Printer;
pub(crate) use query::Query;
pub(crate) use reorder::{Arrival, ReorderBuffer};
pub(crate) use source::{mark, record_time};
pub(crate) use times::parse_period;
pub(crate) use url::CollectorUrl;
