//! A tail that says how old each line of a trickle is when it comes out.

use crate::trickle::{SENT, micros};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};

/// A reader of a collector's tail, in a thread of its own, until the collector ends.
pub(crate) struct Tail(JoinHandle<Vec<u64>>);

impl Tail {
    /// Begins to read at `address`, from the next record on.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let _ = micros();
        let mut stream = TcpStream::connect(address).expect("the collector serves");
        let request = format!("GET /tail?n=0 HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request can be made");
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("it is answered");
        assert!(head.ends_with(b"200"), "{}", String::from_utf8_lossy(&head));
        Self(thread::spawn(move || read(stream)))
    }

    /// Once the collector has ended: the microseconds each line took to come out, in order of size.
    pub(crate) fn ages(self) -> Vec<u64> {
        let mut ages = self.0.join().expect("the tail is read");
        ages.sort_unstable();
        ages
    }
}

fn read(mut stream: TcpStream) -> Vec<u64> {
    let (mut ages, mut buffer, mut kept) = (Vec::new(), vec![0; 1 << 20], 0);
    let finder = memchr::memmem::Finder::new(SENT);
    while let Ok(count @ 1..) = stream.read(&mut buffer[kept..]) {
        let (now, text) = (micros(), &buffer[..kept + count]);
        let whole = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
        for at in finder.find_iter(&text[..whole]) {
            let digits = text[at + SENT.len()..].iter().take_while(|byte| byte.is_ascii_digit());
            let sent = digits.fold(0, |sent, digit| sent * 10 + u64::from(digit - b'0'));
            ages.push(now.saturating_sub(sent));
        }
        kept = text.len() - whole;
        buffer.copy_within(whole..whole + kept, 0);
    }
    ages
}
