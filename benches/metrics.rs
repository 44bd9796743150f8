//! What a collector says of itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// One of its figures.
pub(crate) fn metric(http: SocketAddr, name: &str) -> f64 {
    let mut socket = TcpStream::connect(http).expect("the collector can be looked at");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("it is asked");
    let mut text = String::new();
    socket.read_to_string(&mut text).expect("it answers");
    let figure = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    figure.expect("it counts that")
}
