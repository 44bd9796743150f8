//! The mark that tells which of several collectors a record or notice is from.

use memchr::memmem;
use netlog_wire::parse_time;
use serde_json::Value;

/// The beginning of the mark: the last member of a line.
const MEMBER: &[u8] = b",\"collector\":\"";

/// Adds the mark of `collector` to a line of JSON.
pub(crate) fn mark(line: &mut Vec<u8>, collector: &str) {
    if line.last() == Some(&b'}') {
        line.pop();
        let name = Value::from(collector).to_string();
        line.extend_from_slice(&MEMBER[..MEMBER.len() - 1]);
        line.extend_from_slice(name.as_bytes());
        line.push(b'}');
    }
}

/// The collector in the mark of a line.
pub(crate) fn collector_of(line: &[u8]) -> Option<&str> {
    let rest = std::str::from_utf8(line).ok()?.strip_suffix("\"}")?;
    let at = memmem::rfind(rest.as_bytes(), MEMBER)?;
    rest.get(at + MEMBER.len()..).filter(|name| !name.contains('"'))
}

/// The time at which a record was logged.
pub(crate) fn record_time(line: &[u8]) -> Option<i64> {
    let at = memmem::find(line, b"\"time\":\"")? + 8;
    parse_time(line.get(at..at + netlog_wire::TIME_LEN)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_the_last_member_of_a_line() {
        let mut line = br#"{"msg":",\"collector\":\"x\"","at":"0-1"}"#.to_vec();
        assert_eq!(collector_of(&line), None);
        mark(&mut line, "http://a:1903");
        let marked = br#"{"msg":",\"collector\":\"x\"","at":"0-1","collector":"http://a:1903"}"#;
        assert_eq!(line, marked);
        assert_eq!(collector_of(&line), Some("http://a:1903"));
    }

    #[test]
    fn the_time_of_a_record_is_read_from_its_line() {
        let line = br#"{"app":"a","time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"m"}"#;
        assert_eq!(record_time(line), Some(1_795_372_943_123_456));
        assert_eq!(record_time(b"{\"msg\":\"m\"}"), None);
    }
}
