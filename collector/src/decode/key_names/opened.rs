//! The objects within objects whose members have meanings of their own.

/// The objects whose members are read each on its own.
pub(in crate::decode) const OPENED: [&str; 21] = [
    "fields",
    "span",
    "log",
    "log.origin",
    "log.origin.file",
    "service",
    "host",
    "process",
    "process.thread",
    "source",
    "extra",
    "record",
    "record.level",
    "record.time",
    "record.file",
    "record.process",
    "record.thread",
    "t",
    "jsonPayload",
    "dd",
    "logging.googleapis.com/sourceLocation",
];

/// One more than the place in [`OPENED`] of the object `key` that stands in the object `inner`.
pub(in crate::decode) fn opened(inner: u8, key: &[u8]) -> Option<u8> {
    // The first letter rules most keys out.
    let &first = key.first()?;
    if inner == 0 {
        if !matches!(first, b'f' | b's' | b'l' | b'h' | b'p' | b'e' | b'r' | b't' | b'j' | b'd') {
            return None;
        }
        let at = OPENED.iter().position(|name| name.as_bytes() == key)?;
        return u8::try_from(at + 1).ok();
    }
    let outer = OPENED[usize::from(inner - 1)];
    let at = OPENED.iter().position(|name| {
        let rest = name.strip_prefix(outer).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| rest.as_bytes() == key)
    })?;
    u8::try_from(at + 1).ok()
}
