//! A dead sender's ring, delivered by datagrams.

use super::*;
use crate::origin::Origin;
use crate::spool::Directory;
use netlog_wire::Level;

/// What comes of a ring left behind by a sender that did `before` it died.
fn delivered(before: impl FnOnce(&Spool)) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::open(dir.path()).unwrap();
    before(&directory.create(Origin::here("app", "host", 1 << 20)).unwrap());
    let there = UdpSocket::bind("127.0.0.1:0").unwrap();
    there.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let endpoint = Endpoint::parse(&format!("udp://{}", there.local_addr().unwrap())).unwrap();
    let (format, token) = (Format::Json, Token::default());
    for spool in left_behind(&directory) {
        let worker = Worker {
            spool: Arc::new(spool),
            route: Arc::new(Route {
                endpoint: endpoint.clone(),
                token: token.clone(),
                format,
                acquaintance: Acquaintance::with(&endpoint, None),
            }),
            bell: Arc::new(Bell::new().unwrap()),
            status: Arc::default(),
            patience: Patience::OneTry,
            clock: None,
        };
        worker.run().unwrap();
    }
    let (mut came, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    while let Ok(len) = there.recv(&mut buffer) {
        came.push(String::from_utf8(buffer[..len].to_vec()).unwrap());
    }
    came
}

/// The one ring in `directory`. A child of another test may have its lock for the moment between its
/// fork and its exec.
pub(crate) fn left_behind(directory: &Arc<Directory>) -> Vec<Spool> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let found = directory.adopt(None, |e| panic!("{e}"));
        if !found.is_empty() || Instant::now() > until {
            return found;
        }
        std::thread::sleep(BUSY);
    }
}

fn record(len: usize) -> String {
    let text = "x".repeat(len);
    format!(r#"{{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"{text}"}}"#)
}

#[test]
fn losses_that_a_dead_sender_had_no_time_to_tell_of_are_told_by_datagram_too() {
    let came = delivered(|spool| {
        spool.append(Level::Info, record(1).as_bytes()).unwrap();
        spool.lose(Level::Warn, 3);
    });
    assert_eq!(came.len(), 2, "{came:?}");
    assert!(came[1].contains("\"seq\":2,") && came[1].ends_with("\"lost\":3}"), "{}", came[1]);
}

#[test]
fn a_record_too_long_for_a_datagram_is_told_of_and_those_behind_it_come() {
    let came = delivered(|spool| {
        spool.append(Level::Info, record(65_500).as_bytes()).unwrap();
        spool.append(Level::Info, record(1).as_bytes()).unwrap();
    });
    assert_eq!(came.len(), 2, "{came:?}");
    assert!(came[0].contains("\"seq\":1,") && came[0].ends_with("\"lost\":1}"), "{}", came[0]);
    assert!(came[1].contains("\"seq\":2,"), "{}", came[1]);
}
