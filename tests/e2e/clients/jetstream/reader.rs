//! A collector that reads a stream: `--from`.

use super::server::{NatsServer, versions};
use super::{publisher, send, wait_for_all};
use crate::harness::{Collector, SOON, Scene, assert_each_once, metric, pause, wait_until};
use rustix::process::Signal;
use std::fs;
use std::time::Duration;

/// A collector that reads what is published at `server` into one file.
fn reader(scene: &Scene, server: &NatsServer) -> Collector {
    Collector::with(scene, &format!("--listen tcp://127.0.0.1:0 --from {}", server.url()))
}

/// What a line says: the reader adds the name of the collector to its peer.
fn said(line: &str) -> Option<&str> {
    let plain = line.split_once("\"msg\":\"plain ")?.1;
    plain.split('"').next()
}

/// Waits until the reader has these numbers, and checks that it has nothing twice.
fn has_each_once(reader: &Collector, numbers: std::ops::Range<usize>) {
    let mut found = Vec::new();
    let came = wait_until(SOON, || {
        let text = reader.text();
        found = text.lines().filter_map(said).map(str::to_owned).collect();
        found.len() >= numbers.len()
    });
    let expected: Vec<_> = numbers.map(|number| number.to_string()).collect();
    assert!(came && found == expected, "{found:?}\n{}", reader.process.stderr());
}

/// Kills the collector, as `kill -9` does.
fn kill(mut collector: Collector) {
    collector.process.signal(Signal::KILL);
    collector.process.end();
}

/// > A reader has each record of the stream once, whoever is killed.
#[test]
#[ignore = "needs tests/clients/get"]
fn a_reader_that_is_killed_goes_on_and_one_that_comes_later_has_everything() {
    for version in versions() {
        let mut server = NatsServer::start(&version);
        let site = Scene::new();
        let first = Scene::new();
        let second = Scene::new();
        let collector = publisher(&site, &server);
        send(&collector, 0..50);
        let mut early = reader(&first, &server);
        has_each_once(&early, 0..50);
        let record = &early.records().0[0];
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let peer = record["peer"].as_str().expect("it has a peer");
        assert!(peer.ends_with(&format!(" via {host}")), "{record}");
        kill(early);
        send(&collector, 50..100);
        early = reader(&first, &server);
        has_each_once(&early, 0..100);
        let position = first.path("app.log.stream");
        assert!(wait_until(SOON, || position.exists()));
        // Without its position, it begins with the first message, and its marks drop all of it.
        kill(early);
        fs::remove_file(position).expect("it was written");
        early = reader(&first, &server);
        server.kill();
        server.go_on();
        send(&collector, 100..150);
        has_each_once(&early, 0..150);
        let late = reader(&second, &server);
        has_each_once(&late, 0..150);
        early.stop();
        late.stop();
        collector.stop();
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn what_is_published_again_after_a_stream_went_back_is_read_once() {
    for version in versions() {
        let mut server = NatsServer::start(&version);
        let site = Scene::new();
        let central = Scene::new();
        let collector = publisher(&site, &server);
        let reader = reader(&central, &server);
        send(&collector, 0..50);
        has_each_once(&reader, 0..50);
        let copied = site.path("copied");
        server.copy_store(&copied);
        send(&collector, 50..100);
        has_each_once(&reader, 0..100);
        server.go_back_to(&copied);
        send(&collector, 100..150);
        has_each_once(&reader, 0..150);
        wait_for_all(&collector, &server);
        reader.process.says("has lost messages that were read");
        server.ask(async |context| context.delete_stream("NETLOG").await.expect("it is there"));
        send(&collector, 150..200);
        has_each_once(&reader, 0..200);
        reader.stop();
        collector.stop();
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn a_stream_that_is_made_anew_and_empty_is_reported_once() {
    let server = NatsServer::start(&versions()[0]);
    let site = Scene::new();
    let central = Scene::new();
    let collector = publisher(&site, &server);
    let reader = reader(&central, &server);
    send(&collector, 0..50);
    has_each_once(&reader, 0..50);
    collector.stop();
    server.ask(async |context| {
        let mut stream = context.get_stream("NETLOG").await.expect("it is there");
        let config = stream.info().await.expect("it answers").config.clone();
        context.delete_stream("NETLOG").await.expect("it is there");
        context.create_stream(config).await.expect("it is new");
    });
    let words = "has lost messages that were read";
    reader.process.says(words);
    // The stream is checked every ten seconds.
    pause(Duration::from_secs(12));
    let stderr = reader.process.stderr();
    assert_eq!(stderr.matches(words).count(), 1, "{stderr}");
    let collector = publisher(&site, &server);
    send(&collector, 50..100);
    has_each_once(&reader, 0..100);
    reader.stop();
    collector.stop();
}

/// > A message that is not as it was published is skipped, counted and reported.
#[test]
#[ignore = "needs tests/clients/get"]
fn a_flipped_bit_in_a_message_is_found() {
    let server = NatsServer::start(&versions()[0]);
    let site = Scene::new();
    let central = Scene::new();
    let collector = publisher(&site, &server);
    send(&collector, 0..50);
    wait_for_all(&collector, &server);
    let message = server.messages().remove(0);
    let mut payload = message.payload.to_vec();
    payload[20] ^= 1;
    server.ask(async |context| {
        let mut headers = message.headers.clone();
        headers.insert("Nats-Expected-Stream", "NETLOG");
        let subject = format!("netlog.b.{}", "0".repeat(32));
        let sent = context.publish_with_headers(subject, headers, payload.into()).await;
        sent.expect("it is sent").await.expect("it is stored");
    });
    send(&collector, 50..100);
    let reader = reader(&central, &server);
    reader.process.says("is damaged and was skipped");
    let came = wait_until(SOON, || reader.text().contains("\"plain 99\""));
    assert!(came, "{}", reader.text());
    let lost = reader.records().0.into_iter().filter(|record| record["lost"] == 1);
    assert_eq!(lost.count(), 1);
    // What the message cannot give back is where it came from.
    assert_eq!(collector.records().0.len(), 100);
    reader.stop();
    collector.stop();
}

/// Servers find it themselves: some then leave out the message, some forget all that came after it.
#[test]
#[ignore = "needs tests/clients/get"]
fn a_flipped_bit_on_the_servers_disk_is_mended_from_the_file_or_reported() {
    for version in versions() {
        let mut server = NatsServer::start(&version);
        let site = Scene::new();
        let central = Scene::new();
        let collector = publisher(&site, &server);
        for begin in [0, 50, 100, 150] {
            send(&collector, begin..begin + 50);
            wait_for_all(&collector, &server);
        }
        let payload = server.messages().remove(1).payload;
        server.kill();
        assert!(server.flip_bit_of(&payload), "{version}");
        server.go_on();
        let reader = reader(&central, &server);
        let mut whole = false;
        let mut reported = false;
        let settled = wait_until(SOON, || {
            let text = reader.text();
            let found: Vec<_> = text.lines().filter_map(said).collect();
            whole = (0..200).all(|number| found.contains(&number.to_string().as_str()));
            let stderr = reader.process.stderr();
            let words = ["damaged and was skipped", "are missing in", "cannot be read"];
            reported = words.iter().any(|words| stderr.contains(words));
            assert!(found.len() <= 200, "{version}: something came twice");
            whole || reported
        });
        assert!(settled, "{version}: {}", reader.text());
        assert_eq!(collector.records().0.len(), 200, "{version}");
        reader.stop();
        collector.stop();
    }
}

/// > With `--only`, a reader keeps each record of the senders it names once, and no others.
#[test]
#[ignore = "needs tests/clients/get"]
fn a_reader_of_some_senders_has_theirs_once_over_restarts_and_changes_of_its_pattern() {
    let server = NatsServer::start(&versions()[0]);
    let site = Scene::new();
    let central = Scene::new();
    let collector = publisher(&site, &server);
    let log = |app: &str, records: u64| {
        let told = format!("to={} app={app} records={records}", collector.authority());
        site.subject(&told).succeed();
    };
    let start = |only: &str| {
        let line = format!("--from {} --only {only}", server.url());
        Collector::serving(&central, &line)
    };
    let left_out = |reader: &Collector| metric(&reader.server(), "records_left_out");
    log("orders-eu", 40);
    log("prices", 30);
    let reader = start("app=orders*");
    let read = || wait_until(SOON, || left_out(&reader) == 30);
    assert!(read(), "{}", reader.process.stderr());
    assert_each_once(&reader.wait_for(40), 1, 40);
    kill(reader);
    log("orders-us", 20);
    log("prices", 10);
    let reader = start("app=orders*");
    assert_each_once(&reader.wait_for(60).of("orders-us"), 1, 20);
    // The position is on the disk, so that the next one passes over nothing again.
    let last = format!("\"sequence\":{},", server.messages().len());
    let position = || fs::read_to_string(central.path("app.log.stream")).unwrap_or_default();
    assert!(wait_until(SOON, || position().contains(&last)), "{last} {}", position());
    assert_eq!(reader.stop().0.len(), 60);
    // From its position on, and then from the first message.
    let reader = start("app=prices");
    log("prices", 5);
    assert_each_once(&reader.wait_for(65).of("prices"), 1, 5);
    assert_eq!(reader.stop().0.len(), 65);
    fs::remove_file(central.path("app.log.stream")).expect("it was written");
    let reader = start("app=prices");
    assert!(wait_until(SOON, || left_out(&reader) == 60));
    let records = reader.wait_for(105);
    assert_each_once(&records.of("orders-eu"), 1, 40);
    assert_eq!((records.of("prices").0.len(), reader.stop().0.len()), (45, 105));
    collector.stop();
}

#[test]
#[ignore = "needs tests/clients/get"]
fn a_reader_keeps_the_records_of_each_app_and_host_in_their_files() {
    let server = NatsServer::start(&versions()[0]);
    let site = Scene::new();
    let central = Scene::new();
    let collector = publisher(&site, &server);
    let mut program = site.subject(&format!("to={} app=orders records=40", collector.authority()));
    program.succeed();
    let template = central.path("{app}/{host}.log");
    let line = format!("--listen tcp://127.0.0.1:0 --from {}", server.url());
    let reader = Collector::launch(&central, template, &line);
    let file = || fs::read_dir(central.path("orders")).into_iter().flatten().flatten();
    let lines = || {
        let logs = file().map(|entry| entry.path());
        let mut logs = logs.filter(|path| path.extension().is_some_and(|end| end == "log"));
        let text = logs.next().map(|path| fs::read_to_string(path).unwrap_or_default());
        text.map_or(0, |text| text.matches('\n').count())
    };
    assert!(wait_until(SOON, || lines() >= 40), "{}", reader.process.stderr());
    assert_eq!(lines(), 40);
    assert!(wait_until(SOON, || central.path(".stream").exists()));
    reader.stop();
    collector.stop();
}
