//! Journals that are uploaded: each entry is kept once, and belongs to the token it came with.

use super::post;
use crate::harness::{Collector, Scene, assert_each_once};
use rustix::process::Signal;
use serde_json::json;

/// So many entries of a journal, with numbers from `first`.
fn journal(first: u64, count: u64) -> Vec<u8> {
    let entry = |n: u64| {
        let cursor = format!("s=0123456789abcdef0123456789abcdef;i={n:x};b=1;m=2;t=3;x=4");
        let fields = "PRIORITY=4\nSYSLOG_IDENTIFIER=shop\n_HOSTNAME=web1\n_PID=77";
        format!(
            "__CURSOR={cursor}\n__REALTIME_TIMESTAMP=1795372943123456\nMESSAGE=thread 1 number {n}\n{fields}\n\n"
        )
    };
    (first..first + count).map(entry).collect::<String>().into_bytes()
}

const JOURNAL: &str = "Content-Type: application/vnd.fdo.journal\r\n";

/// A journal that is uploaded again is kept once, also by a collector that was killed.
#[test]
fn entries_of_a_journal_are_kept_once_however_often_they_are_uploaded() {
    let scene = Scene::new();
    let mut collector = Collector::start(&scene);
    assert_eq!(post(&collector, "/upload", JOURNAL, &journal(1, 1500)), (202, "OK.".into()));
    assert_eq!(post(&collector, "/upload", JOURNAL, &journal(1000, 1000)).0, 202);
    collector.process.signal(Signal::KILL);
    collector.process.end();
    let collector = Collector::start(&scene);
    assert_eq!(post(&collector, "/upload", JOURNAL, &journal(1, 2500)).0, 202);
    let packed = zstd::encode_all(&journal(2000, 1001)[..], 3).expect("memory does not fail");
    let headers = format!("{JOURNAL}Content-Encoding: zstd\r\n");
    assert_eq!(post(&collector, "/upload", &headers, &packed).0, 202);
    let records = collector.records();
    assert_each_once(&records, 1, 3000);
    let record = &records.0[0];
    assert_eq!((&record["app"], &record["host"]), (&json!("shop"), &json!("web1")));
    assert_eq!((&record["level"], &record["pid"]), (&json!("WARN"), &json!(77)));
    let bomb = [&b"MESSAGE="[..], &vec![b'a'; 64 << 20]].concat();
    let bomb = zstd::encode_all(&bomb[..], 3).expect("memory does not fail");
    assert_eq!(post(&collector, "/upload", &headers, &bomb).0, 413);
    assert_eq!(post(&collector, "/upload", JOURNAL, b"=x\n").0, 400);
    assert_eq!(post(&collector, "/upload", JOURNAL, b"MESSAGE=half").0, 400);
    assert_eq!(collector.stop().0.len(), 3000);
}

#[test]
fn a_journal_belongs_to_the_token_it_first_came_with() {
    let scene = Scene::new();
    let tokens = "[a]\ntoken = \"a-1\"\nsend = true\n[b]\ntoken = \"b-1\"\nsend = true\n";
    std::fs::write(scene.path("tokens"), tokens).expect("the scene has room");
    let collector = Collector::serving(&scene, "--token-file tokens");
    let upload = |token: &str, first: u64| {
        let headers = format!("{JOURNAL}Authorization: Bearer {token}\r\n");
        post(&collector, "/upload", &headers, &journal(first, 10)).0
    };
    assert_eq!([upload("a-1", 1), upload("b-1", 11), upload("a-1", 11)], [202, 403, 202]);
    assert_eq!(collector.text().lines().count(), 20);
}
