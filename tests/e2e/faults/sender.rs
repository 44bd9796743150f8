//! A sender that begins anew whenever its connection breaks, as netlog's own does.

use crate::harness::pause;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const SENDER: &str = "0123456789abcdef0123456789abcdef";

/// Shown to every collector, whether it asks for one or not.
pub(super) const TOKEN: &str = "a-token-of-these-tests";

/// Time after which a collector that acknowledges nothing counts as one that hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// Sends records until `last` is acknowledged, or the collector is gone. Returns the highest number
/// that was.
pub(super) fn deliver(address: &str, last: u64, mut alive: impl FnMut() -> bool) -> u64 {
    let until = Instant::now() + LIMIT;
    let mut acked = 0;
    while acked < last && Instant::now() < until && alive() {
        // An error ends this connection, and the next resumes.
        let _ = converse(address, last, &mut acked);
        pause(Duration::from_millis(20));
    }
    acked
}

fn converse(address: &str, last: u64, acked: &mut u64) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(
        format!("{{\"netlog\":1,\"sender\":\"{SENDER}\",\"app\":\"faults\",\"host\":\"h\",\"pid\":1,\"next\":1,\"token\":\"{TOKEN}\"}}\n")
            .as_bytes(),
    )?;
    let mut answers = BufReader::new(stream.try_clone()?);
    *acked = ack(&mut answers)?.max(*acked);
    stream.write_all(format!("{{\"next\":{}}}\n", *acked + 1).as_bytes())?;
    let mut next = *acked + 1;
    while *acked < last {
        let end = (next + 4).min(last);
        for number in next..=end {
            let record = format!(
                "{{\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"INFO\",\"msg\":\"number {number}\"}}\n"
            );
            stream.write_all(record.as_bytes())?;
        }
        while *acked < end {
            *acked = ack(&mut answers)?.max(*acked);
        }
        next = end + 1;
    }
    Ok(())
}

fn ack(answers: &mut impl BufRead) -> io::Result<u64> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    let number = line.split_once("\"ack\":").and_then(|(_, rest)| rest.split('}').next());
    number.and_then(|number| number.parse().ok()).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
