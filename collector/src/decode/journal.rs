//! Entries of systemd's journal in its export format, whose bytes come bit by bit: fields, each
//! `KEY=value` or a key, a length and so many bytes, and an empty line behind each entry.

use super::msgpack_json::push_text;
use super::owned_record::json_record;
use netlog_wire::Record;

/// The longest name of a field.
const NAME: usize = 256;
/// The most fields of an entry that are kept.
const FIELDS: usize = 1024;
/// Room for all values of an entry together, in lengths of the longest value.
const VALUES: usize = 4;

/// Bytes that are not in the export format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedJournal;

/// Place of an entry in its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JournalPosition {
    /// Id of the sequence that numbers the entries of a machine.
    pub(crate) sequence: u128,
    pub(crate) number: u64,
}

/// One entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct JournalEntry {
    fields: Vec<JournalField>,
    bytes: usize,
    /// Bytes that were left out.
    cut: u64,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct JournalField {
    name: Vec<u8>,
    value: Vec<u8>,
}

/// The part of an entry that comes next.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// A line: a field, the name of one with a length, or nothing.
    Line,
    /// The digits of a length, so many of which have come.
    Length { digits: [u8; 8], len: usize },
    /// So many bytes of a value.
    Value(u64),
    /// The line end behind a value.
    LineEnd,
}

/// Reads entries.
#[derive(Debug)]
pub(crate) struct JournalReader {
    expected: Expected,
    /// The field that has begun.
    field: JournalField,
    /// Its name is whole.
    named: bool,
    entry: JournalEntry,
    /// The longest value.
    limit: usize,
}

impl JournalReader {
    /// Reads entries whose values have at most `limit` bytes; of others the beginning.
    pub(crate) fn new(limit: usize) -> Self {
        let entry = JournalEntry::default();
        let field = JournalField::default();
        Self { expected: Expected::Line, field, named: false, entry, limit }
    }

    /// The next whole entry; takes what it reads off `bytes`.
    ///
    /// # Errors
    ///
    /// When the bytes are not in the format.
    pub(crate) fn next(
        &mut self,
        bytes: &mut &[u8],
    ) -> Result<Option<JournalEntry>, MalformedJournal> {
        while let Some((&byte, rest)) = bytes.split_first() {
            match &mut self.expected {
                Expected::Line if byte == b'\n' => {
                    *bytes = rest;
                    if let Some(entry) = self.end_line() {
                        return Ok(Some(entry));
                    }
                }
                Expected::Line if self.named => {
                    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
                    let (value, rest) = bytes.split_at(end);
                    self.keep(value);
                    *bytes = rest;
                }
                Expected::Line => {
                    *bytes = rest;
                    self.named = byte == b'=';
                    if !self.named {
                        self.field.name.push(byte);
                    }
                    if self.field.name.len() > NAME || self.field.name.is_empty() {
                        return Err(MalformedJournal);
                    }
                }
                Expected::Length { digits, len } => {
                    *bytes = rest;
                    digits[*len] = byte;
                    *len += 1;
                    if *len == digits.len() {
                        self.expected = Expected::Value(u64::from_le_bytes(*digits));
                    }
                }
                Expected::Value(0) => self.expected = Expected::LineEnd,
                Expected::Value(left) => {
                    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    let (value, rest) = bytes.split_at(len);
                    *left -= len as u64;
                    self.keep(value);
                    *bytes = rest;
                }
                Expected::LineEnd if byte == b'\n' => {
                    *bytes = rest;
                    self.end_field();
                    self.expected = Expected::Line;
                }
                Expected::LineEnd => return Err(MalformedJournal),
            }
        }
        Ok(None)
    }

    /// Takes the end of a line; gives the entry that an empty one ends.
    fn end_line(&mut self) -> Option<JournalEntry> {
        if self.named {
            self.end_field();
        } else if !self.field.name.is_empty() {
            self.expected = Expected::Length { digits: [0; 8], len: 0 };
        } else if !self.entry.fields.is_empty() {
            return Some(std::mem::take(&mut self.entry));
        }
        None
    }

    /// Keeps as much of a value as may be.
    fn keep(&mut self, value: &[u8]) {
        let all = (self.limit * VALUES).saturating_sub(self.entry.bytes);
        let room = self.limit.min(all).saturating_sub(self.field.value.len());
        let kept = value.len().min(room);
        self.field.value.extend_from_slice(&value[..kept]);
        self.entry.cut += (value.len() - kept) as u64;
    }

    fn end_field(&mut self) {
        self.named = false;
        let field = std::mem::take(&mut self.field);
        if self.entry.fields.len() < FIELDS {
            self.entry.bytes += field.name.len() + field.value.len();
            self.entry.fields.push(field);
        } else {
            self.entry.cut += (field.name.len() + field.value.len()) as u64;
        }
    }

    /// True while an entry has begun that has not ended.
    pub(crate) fn pending(&self) -> bool {
        !self.entry.fields.is_empty() || !self.field.name.is_empty()
    }
}

impl JournalEntry {
    fn value(&self, name: &[u8]) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        std::str::from_utf8(&field.value).ok()
    }

    /// Its place, as its cursor says it.
    pub(crate) fn position(&self) -> Option<JournalPosition> {
        let cursor = self.value(b"__CURSOR")?;
        let part = |key: &str| cursor.split(';').find_map(|part| part.strip_prefix(key));
        let sequence = u128::from_str_radix(part("s=")?, 16).ok()?;
        let number = u64::from_str_radix(part("i=")?, 16).ok()?;
        // Numbers beyond are no counts of entries.
        (1..1 << 62).contains(&number).then_some(JournalPosition { sequence, number })
    }

    /// The record that it is; without a time of its own it is of `received`.
    pub(crate) fn into_record(self, received: i64) -> Option<Record<'static>> {
        const ADDRESS: [&[u8]; 4] =
            [b"__CURSOR", b"__MONOTONIC_TIMESTAMP", b"__SEQNUM", b"__SEQNUM_ID"];
        let mut json = vec![b'{'];
        for field in self.fields.iter().filter(|field| !ADDRESS.contains(&&*field.name)) {
            if json.len() > 1 {
                json.push(b',');
            }
            push_text(&field.name, &mut json);
            json.push(b':');
            push_text(&field.value, &mut json);
        }
        json.push(b'}');
        let mut record = json_record(&json, received)?;
        if self.cut > 0 {
            record.truncated = Some(record.truncated.unwrap_or(0) + self.cut);
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: &[u8] = b"__CURSOR=s=0a;i=1f;b=2;m=3;t=4;x=5\n__REALTIME_TIMESTAMP=1795372943123456\nMESSAGE=late\nPRIORITY=4\nSYSLOG_IDENTIFIER=shop\n_HOSTNAME=web1\n_PID=77\n\nMESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n_HOSTNAME=web1\n\n";

    fn read(bytes: &[u8], step: usize) -> Result<Vec<JournalEntry>, MalformedJournal> {
        let mut reader = JournalReader::new(1000);
        let mut entries = Vec::new();
        for mut part in bytes.chunks(step) {
            while let Some(entry) = reader.next(&mut part)? {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    #[test]
    fn entries_are_the_same_however_they_come() {
        let whole = read(ENTRIES, ENTRIES.len()).unwrap();
        assert_eq!(read(ENTRIES, 1).unwrap(), whole);
        assert_eq!(read(ENTRIES, 7).unwrap(), whole);
        let position = JournalPosition { sequence: 10, number: 31 };
        assert_eq!(whole[0].position(), Some(position));
        assert_eq!(whole[1].position(), None);
        let records: Vec<_> =
            whole.into_iter().map(|entry| entry.into_record(0).unwrap()).collect();
        assert_eq!((&*records[0].msg, &*records[1].msg), ("late", "two\nlines"));
        assert_eq!(records[0].time, 1_795_372_943_123_456);
        assert_eq!(records[0].level, netlog_wire::Level::Warn);
        let claims = &records[0].claims;
        assert_eq!((claims.app.as_deref(), claims.host.as_deref()), (Some("shop"), Some("web1")));
    }

    #[test]
    fn lengths_that_lie_and_values_without_end_are_bounded() {
        let lie = b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffabc";
        assert_eq!(read(lie, 1), Ok(Vec::new()));
        let mut reader = JournalReader::new(1000);
        assert_eq!(reader.next(&mut &b"MESSAGE="[..]), Ok(None));
        for _ in 0..1000 {
            assert_eq!(reader.next(&mut &[b'a'; 1000][..]), Ok(None));
            assert!(reader.field.value.len() <= 1000);
        }
        let entry = reader.next(&mut &b"\n\n"[..]).unwrap().unwrap();
        assert_eq!(entry.cut, 999_000);
        assert_eq!(read(&[b'a'; 1000], 1), Err(MalformedJournal));
        assert_eq!(read(b"=x\n", 3), Err(MalformedJournal));
        assert_eq!(read(b"A\n\x01\0\0\0\0\0\0\0xy", 99), Err(MalformedJournal));
    }
}
