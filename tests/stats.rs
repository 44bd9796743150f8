//! The logger's counters: a program of its own, because it has one logger.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant, SystemTime};

/// Takes one connection as a collector would, once `start` is done, and acks each record.
fn collect(listener: &TcpListener) {
    let (stream, _) = listener.accept().expect("the logger connects");
    let mut answers = stream.try_clone().expect("a second handle");
    let mut count = 0;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let answer = match line.starts_with("{\"netlog\"") {
            true => "{\"netlog\":1,\"ack\":0}\n".to_owned(),
            false => {
                count += 1;
                format!("{{\"ack\":{count}}}\n")
            }
        };
        if answers.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn counters_say_what_is_accepted_delivered_pending_and_lost() {
    assert_eq!(netlog::stats(), None, "there is no logger yet");
    let started = SystemTime::now() - Duration::from_secs(1);
    let dir = tempfile::tempdir().expect("a directory for the spool");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has an address").to_string();
    // Not one record is taken until `collect` runs.
    let guard = netlog::builder(&address)
        .filter("info")
        .spool_dir(dir.path())
        .spool_size(64 << 10)
        .init()
        .expect("netlog starts");
    (0..2000).for_each(|number| log::info!("order {number} filled"));
    let mut stats = netlog::stats().expect("there is a logger");
    let until = Instant::now() + Duration::from_secs(60);
    while stats.accepted + stats.lost_of(log::Level::Info) < 2000 && Instant::now() < until {
        std::thread::yield_now();
        stats = netlog::stats().expect("there is a logger");
    }
    assert_eq!(stats.accepted + stats.lost_of(log::Level::Info), 2000, "{stats:?}");
    assert_eq!((stats.pending, stats.accepted_bytes % 8), (stats.accepted, 0));
    let accepted = stats.accepted;
    assert_eq!(stats.endpoint, format!("tcp://{address}"));
    assert_eq!((stats.delivered, stats.delivered_bytes, stats.spool_size), (0, 0, 64 << 10));
    assert_eq!(stats.pending_bytes, stats.accepted_bytes);
    assert!(stats.lost_of(log::Level::Info) > 1000 && stats.lost_of(log::Level::Error) == 0);
    assert!(stats.spool_path.is_some_and(|path| path.starts_with(dir.path())));
    std::thread::spawn(move || collect(&listener));
    assert!(netlog::flush(Duration::from_secs(60)).acked);
    let mut stats = netlog::stats().expect("there is a logger");
    // One more reports the loss, once there is room for it.
    while stats.accepted == accepted && Instant::now() < until {
        std::thread::yield_now();
        stats = netlog::stats().expect("there is a logger");
    }
    assert!(netlog::flush(Duration::from_secs(60)).acked);
    let stats = netlog::stats().expect("there is a logger");
    assert!(stats.connected_since.is_some_and(|since| since > started), "{stats:?}");
    assert_eq!(stats.peer.map(|peer| peer.to_string()), Some(address));
    assert_eq!((stats.lost_discarded, stats.lost_too_long), (0, 0));
    assert_eq!((stats.delivered, stats.accepted), (accepted + 1, accepted + 1), "{stats:?}");
    assert_eq!(stats.pending, 0, "{stats:?}");
    assert!(stats.delivered_bytes > 0 && stats.pending_bytes < stats.accepted_bytes);
    drop(guard);
}
