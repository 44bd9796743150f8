//! Pushes of Loki.

use super::post;
use crate::harness::{Collector, Scene, messages};

/// A push of Loki, as tracing-loki 0.2.7 sends it: its snappy block is one literal.
const PUSH: &[u8] =
    b"\x2a\xa4\x0a\x28\x0a\x0e{level=\"warn\"}\x12\x16\x0a\x0c\x08\xf4\x85\xa7\xd8\x06\
    \x10\xc0\x85\xf5\xd4\x03\x12\x06snappy";

#[test]
fn pushes_of_loki_are_taken_whether_they_declare_their_snappy_or_not() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let protobuf = "Content-Type: application/x-protobuf\r\n";
    for encoding in ["", "Content-Encoding: snappy\r\n", "Content-Encoding: identity\r\n"] {
        let headers = format!("{protobuf}{encoding}");
        assert_eq!(post(&collector, "/loki/api/v1/push", &headers, PUSH).0, 204, "{encoding}");
    }
    let headers = format!("{protobuf}Content-Encoding: snappy\r\n");
    assert_eq!(post(&collector, "/loki/api/v1/push", &headers, b"\x2a\xa4").0, 400);
    assert_eq!(messages(&collector.records()), ["snappy"; 3]);
}
