//! What real clients send, byte for byte, and the records that come of it.

mod datagrams;
mod json;
mod syslog;

use super::*;
use crate::senders::peer::{Peer, Process};

/// 2026-11-22T19:05:00Z.
const NOW: i64 = 1_795_374_300_000_000;

/// The records of a connection that sends `stream`, without what stands in each: the peer.
pub(super) fn tcp(stream: &[u8]) -> Vec<String> {
    let origin = Origin::new("10.0.0.7:99".parse().unwrap());
    let (stats, mut runs, mut left) = (Stats::default(), Vec::new(), 1 << 20);
    let (stats, tally, max_line) = (&stats, &Tally::default(), 64 << 10);
    let (received, now, minute) = (NOW, &format_utc(NOW), &Cell::default());
    let context = DecodeContext { origin: &origin, stats, tally, received, now, minute, max_line };
    let mut framing = Framing::new(64 << 10, None);
    for mut input in [Input::Bytes(stream), Input::End] {
        while let Some(message) = framing.next(&mut input).unwrap() {
            let mut sink = RunSink { runs: &mut runs, capacity: 0 };
            take_message(message, context, &mut sink, &mut left);
        }
    }
    lines(runs)
}

/// The records of datagrams from one peer.
pub(super) fn udp(datagrams: &[&[u8]]) -> Vec<String> {
    datagrams_of("10.0.0.7:99".parse().unwrap(), datagrams)
}

/// The records of datagrams from a process of this machine.
pub(super) fn local(datagrams: &[&[u8]]) -> Vec<String> {
    let process = Process { pid: Some(7), uid: Some(0) };
    let host = Peer::Local(process).host();
    let lines = datagrams_of(Peer::Local(process), datagrams);
    let line =
        |line: String| line.replace(r#""peer":"unix:pid=7,uid=0","#, "").replace(&host, "here");
    lines.into_iter().map(line).collect()
}

fn datagrams_of(peer: Peer, datagrams: &[&[u8]]) -> Vec<String> {
    let (origin, stats) = (Origin::new(peer), Stats::default());
    let (mut chunks, mut runs) = (Chunks::new(8 << 20), Vec::new());
    let (max_line, pin, received) = (64 << 10, None, NOW);
    let (stats, tally) = (&stats, &Tally::default());
    let datagram = Datagram { origin: &origin, peer, stats, tally, max_line, pin, received };
    for bytes in datagrams {
        datagram.take(&mut bytes.to_vec(), &mut chunks, &mut runs).unwrap();
    }
    lines(runs)
}

fn lines(runs: Vec<LineRun>) -> Vec<String> {
    let bytes = runs.into_iter().flat_map(|run| run.lines).collect();
    let text = String::from_utf8(bytes).unwrap();
    let line = |line: &str| {
        assert!(Line::parse(line.as_bytes()).is_some(), "{line}");
        line.replace(r#""peer":"10.0.0.7:99","#, "")
    };
    text.lines().map(line).collect()
}

#[test]
fn every_client_on_tcp_is_understood() {
    for (name, stream, records) in syslog::SYSLOG.iter().chain(json::JSON) {
        assert_eq!(tcp(stream), *records, "{name}");
    }
}

#[test]
fn every_client_on_udp_is_understood() {
    for (name, datagrams, records) in datagrams::DATAGRAMS {
        assert_eq!(udp(datagrams), *records, "{name}");
    }
}
