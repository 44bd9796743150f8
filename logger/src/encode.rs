//! Encoding of a record as one line of JSON, in a buffer that each thread keeps.

use crate::machine::thread_name;
#[cfg(feature = "tracing")]
use crate::span_context::SpanContext;
use log::kv::{self, VisitSource, VisitValue};
use netlog_wire::{Escaped, Level, TIME_LEN, escape_from, format_utc, push_json};
use std::fmt::{self, Write as _};

/// Bytes of a line reserved for keys, names, and the first of the values.
pub(crate) const ROOM_FOR_VALUES: usize = 1024;

/// Longest name of a target, file or thread.
const MAX_NAME: usize = 256;

/// Encoder of one thread, with its buffer and the parts that records have in common.
pub(crate) struct LineEncoder {
    line: Vec<u8>,
    /// Time of the last record, as text; within the same second only its end is rewritten.
    time: [u8; TIME_LEN],
    second: i64,
    /// `,"thread":"main"`
    thread: Vec<u8>,
    /// The spans around the record that is encoded next.
    #[cfg(feature = "tracing")]
    pub(crate) spans: SpanContext,
}

/// The part of a record before its message.
pub(crate) struct Head<'a> {
    pub(crate) level: Level,
    pub(crate) target: &'a str,
    pub(crate) file: Option<&'a str>,
    pub(crate) line: Option<u32>,
}

impl LineEncoder {
    pub(crate) fn new() -> Self {
        let mut thread = Vec::new();
        if let Some(name) = thread_name() {
            push_text(&mut thread, ",\"thread\":\"", &name);
        }
        Self {
            line: Vec::with_capacity(1024),
            time: format_utc(0),
            second: 0,
            thread,
            #[cfg(feature = "tracing")]
            spans: SpanContext::default(),
        }
    }

    /// Encodes `record` as a canonical line of at most `limit` bytes. The message and then the values
    /// are cut to fit, and the bytes cut are counted in `truncated`.
    pub(crate) fn encode(&mut self, record: &log::Record<'_>, now: i64, limit: usize) -> &[u8] {
        let head = Head {
            level: level(record.level()),
            target: record.target(),
            file: record.file(),
            line: record.line(),
        };
        self.begin(&head, now);
        #[cfg(feature = "tracing")]
        let limit = limit.saturating_sub(self.spans.len());
        let out = &mut self.line;
        let mut cut = push_message(out, record.args(), limit.saturating_sub(ROOM_FOR_VALUES));
        out.push(b'"');
        cut += push_values(out, record.key_values(), limit);
        self.end(cut)
    }

    /// Begins a line: everything up to and with the opening quote of the message.
    #[inline]
    pub(crate) fn begin(&mut self, head: &Head<'_>, now: i64) {
        self.set_time(now);
        let out = &mut self.line;
        out.clear();
        out.extend_from_slice(b"{\"time\":\"");
        out.extend_from_slice(&self.time);
        out.extend_from_slice(b"\",\"level\":\"");
        out.extend_from_slice(head.level.as_str().as_bytes());
        push_text(out, "\",\"target\":\"", head.target);
        if let Some(file) = head.file {
            push_text(out, ",\"file\":\"", file);
        }
        if let Some(line) = head.line {
            out.extend_from_slice(b",\"line\":");
            push_number(out, u64::from(line));
        }
        out.extend_from_slice(&self.thread);
        out.extend_from_slice(b",\"msg\":\"");
    }

    /// Ends a line whose values are closed, and of which `cut` bytes were left out.
    #[inline]
    pub(crate) fn end(&mut self, cut: u64) -> &[u8] {
        let out = &mut self.line;
        #[cfg(feature = "tracing")]
        self.spans.push(out);
        #[cfg(feature = "tracing")]
        let cut = cut + self.spans.cut as u64;
        if cut > 0 {
            out.extend_from_slice(b",\"truncated\":");
            push_number(out, cut);
        }
        out.push(b'}');
        out
    }

    /// The line that is being written, and the spans that it will name.
    #[cfg(feature = "tracing")]
    pub(crate) fn parts(&mut self) -> (&mut Vec<u8>, &mut SpanContext) {
        (&mut self.line, &mut self.spans)
    }

    fn set_time(&mut self, now: i64) {
        let second = now.div_euclid(1_000_000);
        if second != self.second {
            (self.second, self.time) = (second, format_utc(now));
            return;
        }
        let mut micros = now.rem_euclid(1_000_000);
        for digit in self.time[20..26].iter_mut().rev() {
            *digit = b'0' + (micros % 10) as u8;
            micros /= 10;
        }
    }
}

/// Converts a level of `log` to one of the wire.
pub(crate) fn level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warn,
        log::Level::Info => Level::Info,
        log::Level::Debug => Level::Debug,
        log::Level::Trace => Level::Trace,
    }
}

fn push_text(out: &mut Vec<u8>, key: &str, text: &str) {
    out.extend_from_slice(key.as_bytes());
    push_json(out, &text[..text.floor_char_boundary(MAX_NAME)]);
    out.push(b'"');
}

pub(crate) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

/// Appends the message up to `limit` bytes of line and returns the number of bytes cut from it.
pub(crate) fn push_message(out: &mut Vec<u8>, args: &fmt::Arguments<'_>, limit: usize) -> u64 {
    let from = out.len();
    let mut message = MessageWriter { out, limit, cut: 0 };
    // A Display that fails says nothing more; what it said until then stays.
    let _ = message.write_fmt(*args);
    message.cut + escape_from(message.out, from, limit) as u64
}

/// Takes a message unescaped, up to a limit: escaped it can only be longer.
struct MessageWriter<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
    cut: u64,
}

impl fmt::Write for MessageWriter<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.limit.saturating_sub(self.out.len());
        if self.cut == 0 && text.len() <= room {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            let kept = if self.cut == 0 { text.floor_char_boundary(room) } else { 0 };
            self.out.extend_from_slice(&text.as_bytes()[..kept]);
            self.cut += (text.len() - kept) as u64;
        }
        Ok(())
    }
}

/// Appends `,"kv":{…}` with as many values as fit, and returns the bytes of the others.
fn push_values(out: &mut Vec<u8>, values: &dyn kv::Source, limit: usize) -> u64 {
    /// Room for `},"truncated":18446744073709551615}`.
    const REST: usize = 40;
    let start = out.len();
    let mut members = ValuesWriter { out, start, limit: limit.saturating_sub(REST), cut: 0 };
    let _ = values.visit(&mut members);
    let cut = members.cut;
    if out.len() > start {
        out.push(b'}');
    }
    cut
}

struct ValuesWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    limit: usize,
    cut: u64,
}

impl<'kvs> VisitSource<'kvs> for ValuesWriter<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        let before = self.out.len();
        let open: &[u8] = if before == self.start { b",\"kv\":{\"" } else { b",\"" };
        self.out.extend_from_slice(open);
        push_json(self.out, key.as_str());
        self.out.extend_from_slice(b"\":");
        value.visit(ValueWriter(self.out))?;
        if self.out.len() > self.limit {
            self.cut += (self.out.len() - before) as u64;
            self.out.truncate(before);
        }
        Ok(())
    }
}

/// One value, in its own type.
struct ValueWriter<'a>(&'a mut Vec<u8>);

impl ValueWriter<'_> {
    fn bare(self, value: impl fmt::Display) -> Result<(), kv::Error> {
        let _ = write!(Escaped(self.0), "{value}");
        Ok(())
    }

    fn quoted(self, value: impl fmt::Display) -> Result<(), kv::Error> {
        self.0.push(b'"');
        let _ = write!(Escaped(self.0), "{value}");
        self.0.push(b'"');
        Ok(())
    }
}

impl<'v> VisitValue<'v> for ValueWriter<'_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        ValueWriter(self.0).quoted(value)
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        ValueWriter(self.0).bare("null")
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        push_number(self.0, value);
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        ValueWriter(self.0).bare(value)
    }

    fn visit_u128(&mut self, value: u128) -> Result<(), kv::Error> {
        ValueWriter(self.0).bare(value)
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), kv::Error> {
        ValueWriter(self.0).bare(value)
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        // JSON has no word for these (RFC 8259, section 6).
        if value.is_finite() {
            ValueWriter(self.0).bare(value)
        } else {
            ValueWriter(self.0).quoted(value)
        }
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        ValueWriter(self.0).bare(value)
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        ValueWriter(self.0).quoted(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::Line;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_372_943_123_456;

    fn line(args: fmt::Arguments<'_>, values: &dyn kv::Source, limit: usize) -> String {
        let record = log::Record::builder()
            .level(log::Level::Info)
            .target("orders::fill")
            .file(Some("src/fill.rs"))
            .line(Some(142))
            .key_values(&values)
            .args(args)
            .build();
        let mut encoder = LineEncoder::new();
        encoder.thread = b",\"thread\":\"main\"".to_vec();
        let line = String::from_utf8(encoder.encode(&record, NOW, limit).to_vec()).unwrap();
        assert!(Line::parse(line.as_bytes()).is_some(), "{line}");
        line
    }

    const NONE: [(&str, u32); 0] = [];

    #[test]
    fn a_record_costs_no_allocation() {
        let mut encoder = LineEncoder::new();
        let values = [("client", 7), ("us", 31)];
        let mut encode = |number: i64| {
            let name = "acme\n";
            let values: &dyn kv::Source = &values;
            let mut record = log::Record::builder();
            record.key_values(&values);
            let args = format_args!("order {number} filled for \"{name}\" at {:.2}", 1.5);
            encoder.encode(&record.args(args).build(), NOW + number * 1_000_000, 4096).len()
        };
        encode(0);
        let seen =
            allocation_counter::measure(|| assert!((1..100).map(&mut encode).sum::<usize>() > 0));
        assert_eq!(seen.count_total, 0);
    }

    #[test]
    fn a_record_is_the_line_of_the_design() {
        let values = [("client", kv::Value::from("acme")), ("us", kv::Value::from(31))];
        assert_eq!(
            line(format_args!("order {} filled", 7), &values, 4096),
            r#"{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","target":"orders::fill","file":"src/fill.rs","line":142,"thread":"main","msg":"order 7 filled","kv":{"client":"acme","us":31}}"#
        );
    }

    #[test]
    fn values_keep_their_types() {
        let values = [
            ("u", kv::Value::from(u64::MAX)),
            ("i", kv::Value::from(-7)),
            ("f", kv::Value::from(0.5)),
            ("nan", kv::Value::from(f64::NAN)),
            ("b", kv::Value::from(true)),
            ("c", kv::Value::from('"')),
            ("null", kv::Value::null()),
            ("debug", kv::Value::from_debug(&"x\n")),
        ];
        let line = line(format_args!(""), &values, 4096);
        let expected = r#""kv":{"u":18446744073709551615,"i":-7,"f":0.5,"nan":"NaN","b":true,"c":"\"","null":null,"debug":"\"x\\n\""}}"#;
        assert!(line.ends_with(expected), "{line}");
    }

    #[test]
    fn a_message_of_a_mebibyte_is_cut_and_says_by_how_much() {
        let text = "é".repeat(1 << 19);
        let line = line(format_args!("{text}"), &NONE, 65_536);
        let read = Line::parse(line.as_bytes()).unwrap();
        let kept = read.msg.text().len();
        assert_eq!(kept as u64 + read.truncated.unwrap(), 1 << 20);
        assert!((60_000..65_536).contains(&kept));
    }

    #[test]
    fn values_too_long_are_left_out_and_counted() {
        let long = "x".repeat(5000);
        let values = [("a", "1"), ("long", long.as_str()), ("b", "2")];
        let line = line(format_args!("m"), &values, 4096);
        assert!(line.ends_with(r#""kv":{"a":"1","b":"2"},"truncated":5010}"#), "{line}");
    }

    #[test]
    fn the_clock_goes_on_within_a_second_and_beyond() {
        let mut encoder = LineEncoder::new();
        let record = log::Record::builder().args(format_args!("")).build();
        for step in [0, 1, 876_543, 876_544, 5_000_000, -90_000_000_000] {
            let line = encoder.encode(&record, NOW + step, 4096).to_vec();
            assert_eq!(Line::parse(&line).unwrap().time, NOW + step);
        }
    }

    proptest! {
        #[test]
        fn any_record_within_any_limit_is_canonical(
            msg in any::<String>(), key in any::<String>(), value in any::<String>(),
            limit in 2048_usize..4096, repeat in 1_usize..200,
        ) {
            let long = msg.repeat(repeat);
            let values = [(key.as_str(), value.as_str())];
            let line = line(format_args!("{long}{value}"), &values, limit);
            prop_assert!(line.len() <= limit);
            let read = Line::parse(line.as_bytes()).unwrap();
            let whole = format!("{long}{value}");
            prop_assert!(whole.starts_with(&*read.msg.text()));
        }
    }
}
