//! Loki's push requests (`POST /loki/api/v1/push`), in JSON and in protobuf.

mod entry;
mod json;
mod labels;
mod protobuf;

pub(crate) use json::json;
pub(crate) use protobuf::protobuf;

#[cfg(test)]
mod tests;
