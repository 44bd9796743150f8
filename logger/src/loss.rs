//! Records that report lost records in the stream itself.

use netlog_wire::{Identity, Level, Record};

/// Reports `lost` records that found no room; `by_level` counts all of them since the start.
pub(crate) fn no_room_record(lost: u64, by_level: [u64; 5], time: i64) -> Vec<u8> {
    let parts = Level::ALL.into_iter().zip(by_level).filter(|&(_, count)| count > 0);
    let parts: Vec<String> = parts.map(|(level, count)| format!("{count} {level}")).collect();
    let parts = parts.join(", ");
    let msg =
        format!("{lost} records were lost because the spool was full (since the start: {parts})");
    line(&msg, lost, time)
}

/// Replaces a record of `bytes` bytes that is damaged in a dead sender's ring.
pub(crate) fn damaged_record(bytes: usize, time: i64) -> Vec<u8> {
    line(&format!("a record of {bytes} bytes was damaged in the spool and is lost"), 1, time)
}

/// Replaces a record of `bytes` bytes that is too long for a datagram.
pub(crate) fn too_long_record(bytes: usize, time: i64) -> Vec<u8> {
    line(&format!("a record of {bytes} bytes is too long for a datagram and is lost"), 1, time)
}

/// A record of the logger's own.
pub(crate) fn notice_record(msg: &str, time: i64) -> Vec<u8> {
    encoded(Record::new(time, Level::Info, msg))
}

fn line(msg: &str, lost: u64, time: i64) -> Vec<u8> {
    let mut record = Record::new(time, Level::Warn, msg);
    record.lost = Some(lost);
    encoded(record)
}

fn encoded(mut record: Record<'_>) -> Vec<u8> {
    record.target = Some("netlog".into());
    let mut line = Vec::new();
    record.encode(&Identity::default(), &mut line);
    line
}
