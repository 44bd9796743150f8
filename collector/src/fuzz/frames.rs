//! Properties of messages that come behind their length, and of journals.

use super::{LIMIT, posted};
use crate::decode::forward::{ForwardMessage, ValueEnd};
use crate::decode::journal::{JournalReader, MalformedJournal};
use crate::decode::lumberjack::{LumberjackContent, LumberjackFrame, UnpackedEvents, UnreadFrame};
use crate::decode::posted::each;
use crate::decode::relp::{RelpFrame, RelpPart};

/// However the bytes of Fluent forward come, the end of a message is found at the same place; and
/// whatever a message is, each of its records is canonical, and they are not more than its bytes.
pub fn forward(bytes: &[u8]) {
    let end = ValueEnd::new().find(bytes);
    let mut slow = ValueEnd::new();
    let found = (0..=bytes.len()).find_map(|len| match slow.find(&bytes[..len]) {
        Ok(None) => None,
        found => Some(found),
    });
    assert_eq!(found.unwrap_or(Ok(None)), end, "bit by bit the end is elsewhere");
    let Ok(Some(end)) = end else { return };
    let Ok(message) = ForwardMessage::parse(&bytes[..end]) else { return };
    posted(message.records(None, 0), bytes.len());
}

/// However the bytes of RELP come, a frame ends at the same place, and none asks for less than it has.
pub fn relp(bytes: &[u8]) {
    let whole = RelpFrame::parse(bytes);
    for len in 0..bytes.len() {
        match (RelpFrame::parse(&bytes[..len]), whole) {
            (Ok(RelpPart::Needs(needs)), _) => assert!(needs > len, "{needs} bytes of {len}"),
            (Ok(RelpPart::Whole(frame)), Ok(RelpPart::Whole(same))) => assert_eq!(frame, same),
            (Ok(RelpPart::Whole(_)), _) => panic!("a frame that more bytes undo"),
            (Err(_), whole) => assert!(whole.is_err(), "a fault that more bytes mend"),
        }
    }
}

/// However the bytes of a journal come, the same entries are read, and their records are canonical.
pub fn journal(bytes: &[u8]) {
    let read = |step: usize| {
        let mut reader = JournalReader::new(LIMIT);
        let mut entries = Vec::new();
        for mut part in bytes.chunks(step) {
            while let Some(entry) = reader.next(&mut part)? {
                entries.push(entry);
            }
        }
        Ok::<_, MalformedJournal>(entries)
    };
    let whole = read(bytes.len().max(1));
    assert_eq!(read(1), whole, "bit by bit other entries are read");
    let records = whole.unwrap_or_default().into_iter().filter_map(|entry| entry.into_record(0));
    posted(each(records, |record, out| out.record(record)), bytes.len());
}

/// However the bytes of Lumberjack come, a frame ends at the same place, and none asks for less
/// than it has; and whatever its events are, their records are canonical.
pub fn lumberjack(bytes: &[u8]) {
    let whole = LumberjackFrame::parse(bytes);
    for len in 0..bytes.len().min(LIMIT) {
        match (LumberjackFrame::parse(&bytes[..len]), whole) {
            (Err(UnreadFrame::Needs(needs)), _) => assert!(needs > len, "{needs} bytes of {len}"),
            (Ok(frame), whole) => assert_eq!(whole, Ok(frame), "more bytes change a frame"),
            (Err(UnreadFrame::Malformed), whole) => {
                assert_eq!(whole, Err(UnreadFrame::Malformed), "a fault that more bytes mend");
            }
        }
    }
    if let Ok(LumberjackFrame { content: LumberjackContent::Event(event), .. }) = whole {
        let record = std::iter::once(event.into_record(0));
        posted(each(record, |record, out| out.record(record)), bytes.len());
    }
    let Ok(mut events) = UnpackedEvents::new(bytes.to_vec()) else { return };
    let count = events.count;
    let records = std::iter::from_fn(move || events.next().map(|event| event.into_record(0)));
    let records: Vec<_> = records.collect();
    assert_eq!(records.len(), count as usize, "as many as were counted");
    posted(each(records.into_iter(), |record, out| out.record(record)), bytes.len());
}
