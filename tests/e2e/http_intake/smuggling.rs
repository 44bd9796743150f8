//! Requests whose end two servers may see in different places: no second request of a connection is
//! read behind one.

use crate::harness::{Collector, SOON, Scene, messages};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A whole request that must never be served.
const SMUGGLED: &str = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nsmuggled";

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// Header lines and a body, of which nobody can say for sure where it ends.
fn shapes() -> Vec<(String, String)> {
    let none = "0\r\n\r\n";
    let length = "Content-Length: 5\r\n";
    let heads = [
        "Transfer-Encoding: chunked, identity\r\n".into(),
        "Transfer-Encoding: identity, chunked\r\n".into(),
        "Transfer-Encoding: gzip, chunked\r\n".into(),
        "Transfer-Encoding: chunked, chunked\r\n".into(),
        "Transfer-Encoding: xchunked\r\n".into(),
        "Transfer-Encoding: \x0bchunked\r\n".into(),
        "Transfer-Encoding: \"chunked\"\r\n".into(),
        format!("Transfer-Encoding: identity\r\n{length}"),
        CHUNKED.repeat(2),
        "Transfer-Encoding : chunked\r\n".into(),
        format!(" Transfer-Encoding: chunked\r\n{length}"),
        format!("X: y\r\n Transfer-Encoding: chunked\r\n{length}"),
        "Transfer-Encoding:\r\n chunked\r\n".into(),
        format!("X: y\rTransfer-Encoding: chunked\r\n{length}"),
        format!("X: \0\r\n{length}"),
        "Content-Length: 5\r\nContent-Length: 6\r\n".into(),
    ];
    let lengths = ["-5", "+5", "0x5", "5, 6", "5 5", "", "5\x0b", "99999999999999999999"];
    let chunks = [
        "-5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "10000000000000005\r\nhello\r\n",
        "ffffffffffffffffff\r\nhello\r\n",
        "5\nhello\r\n",
        "5\r\nhello\n",
        "5\r\nhello",
        "5;x=\ny\r\nhello\r\n",
        "5 5\r\nhello\r\n",
        "\r\nhello\r\n",
        "5\r\nhello, world\r\n",
    ];
    let heads = heads.into_iter().map(|head| (head, none.to_owned()));
    let lengths =
        lengths.map(|length| (format!("Content-Length: {length}\r\n"), "hello".to_owned()));
    let chunks = chunks.map(|chunk| (CHUNKED.to_owned(), format!("{chunk}{none}")));
    heads.chain(lengths).chain(chunks).collect()
}

/// The answers to everything that is sent, until the collector closes the connection.
fn answers(collector: &Collector, sent: &str) -> String {
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    stream.write_all(sent.as_bytes()).expect("the collector reads");
    let mut answers = Vec::new();
    let mut byte = [0];
    loop {
        match stream.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => answers.push(byte[0]),
            // It closed with a part unread.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the connection stays open behind {sent:?}: {error}"),
        }
    }
    String::from_utf8(answers).expect("text")
}

/// A request that two servers may read differently ends its connection.
#[test]
fn no_request_is_read_behind_one_whose_end_is_in_doubt() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let request = |head: &str, body: &str| {
        format!("POST / HTTP/1.1\r\nHost: x\r\n{head}\r\n{body}{SMUGGLED}")
    };
    for (head, body) in shapes() {
        let answers = answers(&collector, &request(&head, &body));
        let status = answers.get(9..12).unwrap_or_default();
        assert!(["400", "501"].contains(&status), "{head:?} {body:?}: {answers:?}");
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{head:?} {body:?}: {answers:?}");
    }
    // A length beside chunks does not count, and ends the connection (RFC 9112, section 6.1).
    for head in
        [format!("Content-Length: 5\r\n{CHUNKED}"), format!("{CHUNKED}Content-Length: 5\r\n")]
    {
        let answers = answers(&collector, &request(&head, "0\r\n\r\n"));
        assert_eq!(answers.get(9..12), Some("200"), "{head:?}: {answers:?}");
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{head:?}: {answers:?}");
    }
    let old = format!("POST / HTTP/1.0\r\n{CHUNKED}\r\n0\r\n\r\n{SMUGGLED}");
    assert_eq!(answers(&collector, &old).get(9..12), Some("400"));
    assert_eq!(messages(&collector.records()), Vec::<&str>::new());
}
