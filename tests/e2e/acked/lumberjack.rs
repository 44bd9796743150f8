//! Lumberjack, as Beats and logstash-forwarder send it.

use super::{Wire, exchange, heard, outlives_kills};
use crate::harness::{Collector, SOON, Scene, messages, metric};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

fn frame(kind: &[u8; 2], numbers: &[u32], bytes: &[u8]) -> Vec<u8> {
    let numbers: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    [kind, &numbers[..], bytes].concat()
}

fn window(count: u32) -> Vec<u8> {
    frame(b"2W", &[count], b"")
}

/// An event as Filebeat sends it.
fn event(number: u32, msg: &str) -> Vec<u8> {
    let json = format!(
        r#"{{"@timestamp":"2026-11-22T18:42:23.123Z","@metadata":{{"beat":"filebeat"}},"message":"{msg}","log":{{"level":"warn"}},"host":{{"name":"web1"}}}}"#
    );
    let len = u32::try_from(json.len()).expect("it is short");
    frame(b"2J", &[number, len], json.as_bytes())
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(bytes).expect("memory does not fail");
    let packed = zlib.finish().expect("memory does not fail");
    let len = u32::try_from(packed.len()).expect("it is short");
    frame(b"2C", &[len], &packed)
}

fn ack(number: u32) -> Vec<u8> {
    frame(b"2A", &[number], b"")
}

#[test]
fn a_window_of_lumberjack_is_acknowledged_when_it_is_in_the_file() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    exchange(&mut stream, &[window(1), event(1, "late")].concat(), &ack(1));
    assert_eq!(messages(&collector.records()), ["late"]);
    let two = compressed(&[event(1, "two"), event(2, "three")].concat());
    exchange(&mut stream, &[window(2), two].concat(), &ack(2));
    assert_eq!(messages(&collector.records()), ["late", "two", "three"]);
    // A part of a window is acknowledged, so that it is not sent again.
    exchange(&mut stream, &[window(2), event(1, "four")].concat(), &ack(1));
    exchange(&mut stream, &event(2, "five"), &ack(2));
    let records = collector.records();
    let record = &records.0[0];
    assert_eq!((&record["app"], &record["host"]), (&"filebeat".into(), &"web1".into()));
    assert_eq!((&record["level"], records.0.len()), (&"WARN".into(), 5));
    assert_eq!(record["time"], "2026-11-22T18:42:23.123000Z");
    assert_eq!(metric(&collector.server(), "records_lumberjack"), 5);
}

#[test]
fn two_windows_of_lumberjack_that_come_at_once_are_both_acknowledged() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let one = |msg| [window(1), compressed(&event(1, msg))].concat();
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    exchange(&mut stream, &[one("a"), one("b")].concat(), &[ack(1), ack(1)].concat());
    assert_eq!(messages(&collector.records()), ["a", "b"]);
}

#[test]
fn a_window_of_version_1_is_acknowledged_as_a_whole() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let fields = |n: u32| {
        let line = [&4_u32.to_be_bytes()[..], b"line", &1_u32.to_be_bytes(), b"m"].concat();
        frame(b"1D", &[n, 1], &line)
    };
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    stream.write_all(&[frame(b"1W", &[2], b""), fields(8)].concat()).expect("it reads");
    collector.wait_for(1);
    exchange(&mut stream, &fields(9), &frame(b"1A", &[9], b""));
    assert_eq!(messages(&collector.records()), ["m", "m"]);
}

/// One slow, dead or hostile peer never harms the others.
#[test]
fn hostile_frames_of_lumberjack_end_their_connection_and_harm_nobody() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-body 1MiB");
    let bomb = compressed(&vec![b'2'; 64 << 20]);
    let good = event(1, "no");
    let many = frame(b"1D", &[1, u32::MAX], b"");
    for (what, bytes) in [
        ("a length beyond all", frame(b"2C", &[u32::MAX], b"x")),
        ("an event beyond all", frame(b"2J", &[1, u32::MAX], b"{")),
        ("a bomb", bomb),
        ("compressed twice", compressed(&compressed(&good))),
        ("half an event, compressed", compressed(&good[..good.len() - 1])),
        ("an event, and garbage, compressed", compressed(&[&good[..], b"x"].concat())),
        ("not zlib", frame(b"2C", &[4], b"abcd")),
        ("an unknown kind", b"2X\0\0\0\0".to_vec()),
        ("more fields than there are", many),
        ("half a frame", good[..9].to_vec()),
    ] {
        let answer = heard(collector.authority(), &[window(1), bytes].concat());
        assert_eq!(answer, "", "{what}");
    }
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    exchange(&mut stream, &[window(1), event(1, "still here")].concat(), &ack(1));
    assert_eq!(messages(&collector.records()), ["still here"]);
    let peak = collector.process.peak_memory();
    assert!(peak < 200 << 20, "{peak} bytes");
}

#[test]
fn what_lumberjack_was_told_is_kept_outlives_kills_of_the_collector() {
    outlives_kills(&Wire {
        open: (b"", b""),
        message: |n| [window(1), event(1, &format!("number {n}"))].concat(),
        answer: |_| ack(1),
    });
}

#[test]
fn a_beat_that_waits_is_told_that_the_collector_is_there() {
    let scene = Scene::new();
    // Its files cannot grow beyond a kilobyte.
    let mut limited = scene.command(Path::new("sh"));
    let program = crate::harness::program("netlog-collector");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""]).arg(program);
    let file = scene.path("small.log");
    let mut full = Collector::by(limited, file, "--listen tcp://127.0.0.1:0");
    assert!(full.listening(1), "{}", full.process.stderr());
    let mut stream = TcpStream::connect(full.authority()).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    stream.write_all(&[window(1), event(1, &"late".repeat(1000))].concat()).expect("it reads");
    for _ in 0..2 {
        let mut answer = [0; 6];
        stream.read_exact(&mut answer).expect("a sign of life");
        assert_eq!(answer, ack(0)[..], "nothing is acknowledged that is not in the file");
    }
    full.process.signal(Signal::KILL);
    full.process.end();
}

#[test]
fn a_beat_without_a_certificate_is_refused_where_tokens_are_required() {
    let scene = Scene::new();
    std::fs::write(scene.path("tokens"), "correct-horse-7f2a\n").expect("the scene has room");
    let collector = Collector::with(&scene, "--listen tcp://127.0.0.1:0 --token-file tokens");
    let answer = heard(collector.authority(), &[window(1), event(1, "no")].concat());
    assert_eq!((&answer[..], collector.stop().0.len()), ("", 0));
}
