//! OTLP log records (OpenTelemetry protocol 1.x, `opentelemetry/proto/logs/v1/logs.proto`), as
//! protobuf and as JSON.

mod json;
mod json_value;
mod log_record;
mod protobuf;
mod resource;
mod shared_attributes;
mod value_json;

pub(crate) use json::JsonRecords;
pub(crate) use protobuf::ProtobufRecords;

#[cfg(test)]
mod tests;
