//! The conversation around the records: hello, jump, welcome, ack, refusal, order.

use crate::filter_order::FilterOrder;
use serde_json::Value;

/// The version of the conversation this crate speaks.
pub const VERSION: u32 = 1;

/// Message of a sender other than a record: one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderMessage {
    /// The first line of a connection: who sends, and the number of its first record.
    Hello(Hello),
    /// The record after this line has this number; the numbers between are in the collector already.
    Jump(u64),
}

/// Identity of a sender: `{"netlog":1,"sender":"9f3c…","app":"orders","host":"web1","pid":4242,"next":1043}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The version of the conversation, [`VERSION`].
    pub netlog: u32,
    /// The sender id: 32 lower-case hex digits, drawn anew by every run of a program.
    pub sender: String,
    /// The program's name.
    pub app: String,
    /// The machine it runs on.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// The number of the first record that follows; a sender's first record ever is number 1.
    pub next: u64,
    /// Token that lets this sender send, where the collector requires one.
    pub token: Option<String>,
    /// True if the sender died and another program delivers what it left.
    pub recovered: bool,
    /// Number of the last record that the collector had before the first of those programs delivered
    /// any, once one of them knows it.
    pub recovered_after: Option<u64>,
    /// Number of records that a dead sender left behind, if another program delivers them.
    pub left: Option<u64>,
    /// True if the sender obeys a [`FilterOrder`].
    pub takes_filters: bool,
}

/// Message of a collector to a sender that has said hello: one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CollectorMessage {
    /// Answers the hello: all records of this sender up to `ack` are in the sinks already.
    Welcome {
        /// The mark: the highest number held; 0 for a sender not seen before.
        ack: u64,
    },
    /// All records up to this number are in the sinks.
    Ack(u64),
    /// Why the collector closes the connection.
    Error(String),
    /// The filter by which the sender is to log from now on.
    Filter(FilterOrder),
}

impl SenderMessage {
    /// Reads a hello or a jump; `None` is any other line, most likely a record.
    pub fn parse(line: &[u8]) -> Option<Self> {
        if line.starts_with(b"{\"netlog\":") {
            return Hello::parse(line).map(Self::Hello);
        }
        if line.starts_with(b"{\"next\":") {
            return object(line)?["next"].as_u64().map(Self::Jump);
        }
        None
    }

    /// Appends the line, with its line end.
    pub fn push(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(hello) => hello.push(out),
            Self::Jump(next) => out.extend_from_slice(format!("{{\"next\":{next}}}\n").as_bytes()),
        }
    }
}

impl Hello {
    fn parse(line: &[u8]) -> Option<Self> {
        let said = object(line)?;
        let text = |key: &str| said[key].as_str().map(str::to_owned);
        let version = u32::try_from(said["netlog"].as_u64()?).ok()?;
        Some(Self {
            netlog: version,
            sender: text("sender")?,
            app: text("app")?,
            host: text("host")?,
            pid: u32::try_from(said["pid"].as_u64()?).ok()?,
            next: said["next"].as_u64()?,
            token: text("token"),
            recovered: said["recovered"].as_bool().unwrap_or(false),
            recovered_after: said["recovered_after"].as_u64(),
            left: said["left"].as_u64(),
            takes_filters: said["can"].as_array().is_some_and(|can| can.iter().any(is_filter)),
        })
    }

    fn push(&self, out: &mut Vec<u8>) {
        let quoted = |text: &str| Value::from(text).to_string();
        let Self { netlog, sender, app, host, pid, next, .. } = self;
        let sender = quoted(sender);
        let app = quoted(app);
        let host = quoted(host);
        let line = format!(
            "{{\"netlog\":{netlog},\"sender\":{sender},\"app\":{app},\"host\":{host},\
             \"pid\":{pid},\"next\":{next}"
        );
        out.extend_from_slice(line.as_bytes());
        if let Some(token) = &self.token {
            out.extend_from_slice(format!(",\"token\":{}", quoted(token)).as_bytes());
        }
        if self.recovered {
            out.extend_from_slice(b",\"recovered\":true");
        }
        if let Some(after) = self.recovered_after {
            out.extend_from_slice(format!(",\"recovered_after\":{after}").as_bytes());
        }
        if let Some(left) = self.left {
            out.extend_from_slice(format!(",\"left\":{left}").as_bytes());
        }
        if self.takes_filters {
            out.extend_from_slice(b",\"can\":[\"filter\"]");
        }
        out.extend_from_slice(b"}\n");
    }

    /// True if `sender` is a sender id.
    pub fn valid_sender(sender: &str) -> bool {
        sender.len() == 32 && sender.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }
}

impl CollectorMessage {
    /// Reads a collector's line; `None` when it is no reply, so that the peer is no collector.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let said = object(line)?;
        if let Some(error) = said["error"].as_str() {
            return Some(Self::Error(error.to_owned()));
        }
        if let Some(order) = FilterOrder::read(&said) {
            return Some(Self::Filter(order));
        }
        let ack = said["ack"].as_u64()?;
        Some(if said["netlog"].is_u64() { Self::Welcome { ack } } else { Self::Ack(ack) })
    }

    /// Appends the line, with its line end.
    pub fn push(&self, out: &mut Vec<u8>) {
        let line = match self {
            Self::Welcome { ack } => format!("{{\"netlog\":{VERSION},\"ack\":{ack}}}\n"),
            Self::Ack(ack) => format!("{{\"ack\":{ack}}}\n"),
            Self::Error(error) => {
                format!("{{\"error\":{}}}\n", Value::from(error.as_str()))
            }
            Self::Filter(order) => format!("{}\n", order.line()),
        };
        out.extend_from_slice(line.as_bytes());
    }
}

fn is_filter(ability: &Value) -> bool {
    ability == "filter"
}

fn object(line: &[u8]) -> Option<Value> {
    serde_json::from_slice(line).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = r#"{"netlog":1,"sender":"9f3c00000000000000000000000000ab","app":"orders","host":"web1","pid":4242,"next":1043}"#;

    fn hello() -> Hello {
        Hello {
            netlog: 1,
            sender: "9f3c00000000000000000000000000ab".into(),
            app: "orders".into(),
            host: "web1".into(),
            pid: 4242,
            next: 1043,
            token: None,
            recovered: false,
            recovered_after: None,
            left: None,
            takes_filters: false,
        }
    }

    #[test]
    fn a_sender_says_hello_and_jumps_in_these_bytes() {
        let line = |greeting: &SenderMessage| {
            let mut out = Vec::new();
            greeting.push(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(line(&SenderMessage::Hello(hello())), format!("{HELLO}\n"));
        assert_eq!(line(&SenderMessage::Jump(1051)), "{\"next\":1051}\n");
        let secret = Hello { token: Some("s3cret".into()), ..hello() };
        let expected = HELLO.replace("1043}", "1043,\"token\":\"s3cret\"}\n");
        assert_eq!(line(&SenderMessage::Hello(secret)), expected);
        let left = Hello { recovered: true, ..hello() };
        let expected = HELLO.replace("1043}", "1043,\"recovered\":true}\n");
        assert_eq!(line(&SenderMessage::Hello(left.clone())), expected);
        assert_eq!(
            SenderMessage::parse(expected.trim_end().as_bytes()),
            Some(SenderMessage::Hello(left.clone()))
        );
        let again = Hello { recovered_after: Some(1042), left: Some(57), ..left };
        let expected = HELLO
            .replace("1043}", "1043,\"recovered\":true,\"recovered_after\":1042,\"left\":57}\n");
        assert_eq!(line(&SenderMessage::Hello(again.clone())), expected);
        assert_eq!(
            SenderMessage::parse(expected.trim_end().as_bytes()),
            Some(SenderMessage::Hello(again))
        );
        let able = Hello { takes_filters: true, ..hello() };
        let expected = HELLO.replace("1043}", "1043,\"can\":[\"filter\"]}\n");
        assert_eq!(line(&SenderMessage::Hello(able.clone())), expected);
        let more = expected.replace("[\"filter\"]", "[1,\"dance\",\"filter\"]");
        for line in [expected, more] {
            let read = SenderMessage::parse(line.trim_end().as_bytes());
            assert_eq!(read, Some(SenderMessage::Hello(able.clone())));
        }
    }

    #[test]
    fn a_collector_reads_them() {
        assert_eq!(SenderMessage::parse(HELLO.as_bytes()), Some(SenderMessage::Hello(hello())));
        assert_eq!(SenderMessage::parse(b"{\"next\":1051}"), Some(SenderMessage::Jump(1051)));
        // A later version may say more.
        let more = HELLO.replace("\"app\"", "\"new\":[1],\"app\"");
        assert_eq!(SenderMessage::parse(more.as_bytes()), Some(SenderMessage::Hello(hello())));
        for other in ["", "{}", "{\"time\":", "{\"netlog\":1}", "{\"next\":-1}", "{\"next\":1", "x"]
        {
            assert_eq!(SenderMessage::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_collector_answers_in_these_bytes_and_a_sender_reads_them() {
        for (reply, bytes) in [
            (CollectorMessage::Welcome { ack: 1050 }, "{\"netlog\":1,\"ack\":1050}\n"),
            (CollectorMessage::Ack(1300), "{\"ack\":1300}\n"),
            (
                CollectorMessage::Error("bad \"token\"".into()),
                "{\"error\":\"bad \\\"token\\\"\"}\n",
            ),
            (
                CollectorMessage::Filter(FilterOrder {
                    directives: Some("info,a=debug".into()),
                    until: 1_795_374_720_000_000,
                    by: "ann".into(),
                }),
                "{\"filter\":\"info,a=debug\",\"until\":\"2026-11-22T19:12:00.000000Z\",\"by\":\"ann\"}\n",
            ),
            (
                CollectorMessage::Filter(FilterOrder { directives: None, until: 0, by: "".into() }),
                "{\"filter\":null,\"until\":\"1970-01-01T00:00:00.000000Z\",\"by\":\"\"}\n",
            ),
        ] {
            let mut out = Vec::new();
            reply.push(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), bytes);
            assert_eq!(CollectorMessage::parse(bytes.trim_end().as_bytes()), Some(reply));
        }
        let no_time = "{\"filter\":\"info\",\"until\":\"soon\"}";
        for other in ["", "hello", "{}", "{\"netlog\":1}", "{\"ack\":-1}", "[]", no_time] {
            assert_eq!(CollectorMessage::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_sender_id_is_32_hex_digits() {
        assert!(Hello::valid_sender(&hello().sender));
        for bad in
            ["", "9f3c", "9F3C00000000000000000000000000AB", "9f3c0000000000000000000000000/ab"]
        {
            assert!(!Hello::valid_sender(bad), "{bad}");
        }
    }
}
