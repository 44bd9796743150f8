//! Looking at many files, one for each app and host, as if they were one.

use crate::harness::{
    Child, Collector, Port, Reader, Records, SOON, Scene, assert_each_once, by_thread, found, get,
    message, messages, metric, pause, program, speak, succeeds_once, wait_until,
};
use crate::templates::{files, read, start};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The pace of a reader whose search takes longer than anybody waits for another one.
const SLOW: Duration = Duration::from_millis(2);

/// One that can be looked at, on ports of the system's choice.
fn serve(scene: &Scene, line: &str) -> Collector {
    let collector = start(scene, &format!("--listen tcp://127.0.0.1:0 --http 127.0.0.1:0 {line}"));
    collector.process.says("serving http://127.0.0.1:");
    collector
}

/// Without what is no record.
fn records(found: Records) -> Records {
    Records(found.0.into_iter().filter(|value| value.get("notice").is_none()).collect())
}

/// A record of `app` of the minute `minute`.
fn at_minute(app: &str, minute: usize) -> String {
    let time = format!("2026-11-22T{:02}:{:02}:00.000000Z", minute / 60, minute % 60);
    format!(
        "{{\"time\":\"{time}\",\"level\":\"INFO\",\"app\":\"{app}\",\"host\":\"h\",\"msg\":\"{minute}\"}}\n"
    )
}

/// A program of each app that logs to the collector at `to` as it is `told`.
fn subjects(scene: &Scene, to: &str, apps: [&str; 3], told: &str) -> Vec<Child> {
    apps.map(|app| scene.subject(&format!("to={to} app={app} {told}"))).into()
}

#[test]
fn a_tail_begins_with_the_last_records_of_all_files_and_goes_on_with_each() {
    let scene = Scene::new();
    let first = serve(&scene, "");
    for minute in 0..30 {
        speak(first.authority(), at_minute(["a", "b", "c"][minute % 3], minute).as_bytes());
    }
    assert!(wait_until(SOON, || read(&files(&scene.path("logs"))).0.len() == 30));
    let last = |server: &str| records(found(server, "/tail?n=5&follow=false"));
    assert_eq!(messages(&last(&first.server())), ["25", "26", "27", "28", "29"]);
    first.stop();
    // Now nothing of it is in memory.
    let second = serve(&scene, "");
    let server = second.server();
    assert_eq!(messages(&last(&server)), ["25", "26", "27", "28", "29"]);
    let of_b = records(found(&server, "/tail?n=2&app=b&follow=false"));
    assert_eq!(messages(&of_b), ["25", "28"]);
    let mut tail = Reader::open(&server, "/tail?n=2");
    assert_eq!(messages(&tail.take(2)), ["28", "29"]);
    assert_eq!(tail.next().expect("a notice")["notice"], "live");
    for minute in 30..33 {
        speak(second.authority(), at_minute(["a", "b", "c"][minute % 3], minute).as_bytes());
        assert_eq!(messages(&tail.take(1)), [minute.to_string()]);
    }
    let all = records(found(&server, "/tail?n=all&follow=false"));
    let all: Vec<u64> = messages(&all).iter().map(|n| n.parse().expect("a number")).collect();
    assert_eq!(all, (0..33).collect::<Vec<_>>());
}

#[test]
fn a_search_covers_all_files_of_a_template_rotated_and_compressed_in_the_order_of_time() {
    let scene = Scene::new();
    let collector = serve(&scene, "--rotate-size 6KiB");
    let apps = ["a", "b", "c", "d"];
    let written = || {
        let bytes = |path: PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        files(&scene.path("logs")).into_iter().map(bytes).sum::<u64>()
    };
    // Later ones first, app by app: in no file are they where they belong in time.
    for app in apps.iter().rev() {
        let minutes = (0..1200).filter(|minute| apps[minute % 4] == *app);
        for chunk in minutes.collect::<Vec<_>>().chunks(50) {
            let lines: String = chunk.iter().map(|minute| at_minute(app, *minute)).collect();
            speak(collector.authority(), lines.as_bytes());
        }
    }
    let packed = || {
        let names = files(&scene.path("logs"));
        names.iter().filter(|path| path.extension().is_some_and(|end| end == "zst")).count()
    };
    let server = collector.server();
    assert!(wait_until(SOON, || packed() > 7), "{:?}", files(&scene.path("logs")));
    let search = |query: &str| {
        let found = found(&server, &format!("/search?{query}"));
        let end = found.0.last().expect("an end").clone();
        assert_eq!(end["notice"], "end");
        assert!(end["only"].is_null(), "{end}");
        let found = records(found);
        let numbers = messages(&found).iter().map(|n| n.parse().expect("a number")).collect();
        (numbers, end)
    };
    let (oldest, end): (Vec<usize>, _) = search("order=oldest");
    assert_eq!(oldest, (0..1200).collect::<Vec<_>>());
    let all = end["scanned"].as_u64().expect("a count");
    assert!(all > written(), "what is compressed counts as it was");
    assert_eq!(search("").0, (0..1200).rev().collect::<Vec<_>>());
    assert_eq!(search("n=7").0, (1193..1200).rev().collect::<Vec<_>>());
    assert_eq!(search("order=oldest&n=7").0, (0..7).collect::<Vec<_>>());
    assert_eq!(search("app=b&n=3").0, [1197, 1193, 1189]);
    let hour = "since=2026-11-22T05:00:00Z&until=2026-11-22T05:59:00Z&order=oldest";
    let (found, end) = search(hour);
    assert_eq!(found, (300..360).collect::<Vec<_>>());
    let scanned = end["scanned"].as_u64();
    let skipped = end["skipped"].as_u64().expect("a count");
    assert!(scanned < Some(all / 2) && scanned.is_some_and(|s| s + skipped == all), "{end}");
    let (none, end) = search("level=error");
    assert!(none.is_empty() && end["scanned"] == 0 && end["skipped"] == all, "{end}");
}

#[test]
fn a_tail_of_many_files_resumes_over_a_collector_killed_again_and_again_without_gap_or_repetition()
{
    let scene = Scene::new();
    let port = Port::reserve();
    let http = Port::reserve();
    let port = port.address();
    let http = http.address();
    let line = format!("--listen tcp://{port} --http {http} --rotate-size 1MiB");
    let mut collector = start(&scene, &line);
    let apps = ["alpha", "beta", "gamma"];
    let told = "threads=2 records=20000 block=600 spool=1000000 wait=1";
    let mut subjects = subjects(&scene, &port.to_string(), apps, told);
    let mut seen = Vec::new();
    let mut asked = "/tail?n=all".to_owned();
    for round in 1..=6 {
        let mut tail = Reader::open(&collector.server(), &asked);
        while seen.len() < round * 15_000 {
            let value = tail.next().expect("more");
            assert_ne!(value["notice"], "missed", "behind {} records", seen.len());
            seen.extend(value.get("msg").is_some().then_some(value));
        }
        collector.process.signal(Signal::KILL);
        // To the end: what it had sent is sent.
        while let Some(value) = tail.next() {
            seen.extend(value.get("msg").is_some().then_some(value));
        }
        drop(collector);
        asked =
            format!("/tail?after={}", seen.last().expect("a record")["at"].as_str().expect("at"));
        collector = start(&scene, &line);
    }
    let mut tail = Reader::open(&collector.server(), &asked);
    let subject = |value: &Value| value["target"] == "subject";
    let mut count = seen.iter().filter(|value| subject(value)).count();
    while count < 120_000 {
        let value = tail.next().expect("more");
        assert_ne!(value["notice"], "missed");
        count += usize::from(subject(&value));
        seen.push(value);
    }
    subjects.iter_mut().for_each(Child::succeed);
    for app in apps {
        assert_each_once(&Records(seen.clone()).of(app), 2, 20_000);
    }
}

#[test]
fn tails_of_many_files_begun_in_a_flood_have_no_gap_and_nothing_twice_and_so_have_searches() {
    let scene = Scene::new();
    let collector = serve(&scene, "--rotate-size 1MiB");
    let server = collector.server();
    let apps = ["alpha", "beta", "gamma"];
    let told = "threads=2 records=20000 block=600 spool=1000000";
    let mut subjects = subjects(&scene, collector.authority(), apps, told);
    let mut tails = Vec::new();
    let mut searched = Vec::new();
    for count in [3_000, 10_000, 20_000, 30_000, 45_000] {
        let written = || metric(&server, "records_written") >= count;
        assert!(wait_until(SOON, written), "{count} records");
        tails.push(Reader::open(&server, "/tail?n=all").gather());
        searched.push(get(&server, "/search?order=oldest&since=1h").body);
    }
    subjects.iter_mut().for_each(Child::succeed);
    for body in searched {
        let found = Records::read(&body);
        for app in apps {
            for (thread, numbers) in by_thread(&found.of(app)) {
                let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
                assert_eq!(numbers, expected, "thread {thread} of {app}");
            }
        }
    }
    for tail in tails {
        let all = tail.wait_for(120_000);
        for app in apps {
            assert_each_once(&all.of(app), 2, 20_000);
        }
        assert!(tail.notices().iter().all(|notice| notice["notice"] == "live"));
    }
}

#[test]
fn a_slow_tail_of_many_files_goes_back_to_them_and_catches_up_without_a_gap() {
    let scene = Scene::new();
    let collector = serve(&scene, "--rotate-size 1MiB");
    let server = collector.server();
    let mut slow = Reader::open(&server, "/tail?n=all");
    assert_eq!(slow.next().expect("a notice")["notice"], "live");
    // Some 35 MB that nobody reads: far more than sockets and memory hold.
    let apps = ["alpha", "beta", "gamma"];
    let mut subjects =
        subjects(&scene, collector.authority(), apps, "threads=2 records=25000 block=600");
    subjects.iter_mut().for_each(Child::succeed);
    let tail = slow.gather();
    let all = tail.wait_for(150_000);
    for app in apps {
        assert_each_once(&all.of(app), 2, 25_000);
    }
    assert!(tail.notices().is_empty(), "{:?}", tail.notices());
}

#[test]
fn a_search_of_more_files_than_may_be_open_finds_all() {
    let scene = Scene::new();
    let collector = serve(&scene, "--max-open-files 80 --rotate-size 100");
    let lines = |minutes: std::ops::Range<usize>| -> String {
        minutes.map(|minute| at_minute(&format!("app{}", minute % 150), minute)).collect()
    };
    for round in 0..2 {
        speak(collector.authority(), lines(round * 150..(round + 1) * 150).as_bytes());
    }
    let server = collector.server();
    assert!(wait_until(SOON, || metric(&server, "records_written") == 300));
    let all = records(found(&server, "/search?order=oldest"));
    let all: Vec<usize> = messages(&all).iter().map(|n| n.parse().expect("a number")).collect();
    assert_eq!(all, (0..300).collect::<Vec<_>>());
    assert_eq!(metric(&server, "pieces_unreadable"), 0);
}

#[test]
fn searches_whose_readers_are_slow_keep_no_other_waiting_and_find_all_in_the_end() {
    let scene = Scene::new();
    let collector = serve(&scene, "--rotate-size 1MiB");
    let server = collector.server();
    let apps = ["alpha", "beta", "gamma"];
    let mut subjects =
        subjects(&scene, collector.authority(), apps, "threads=1 records=40000 block=600");
    subjects.iter_mut().for_each(Child::succeed);
    // A client that reads nothing for half a minute is disconnected, which happens on a busy machine.
    assert!(succeeds_once(|_| {
        // More than may read many files at once, and each of more than sockets hold: five that take
        // a record now and then for as long as others read, and one that takes nothing meanwhile.
        let over = Arc::new(AtomicBool::new(false));
        let search = || Reader::open(&server, "/search?order=oldest");
        for _ in 0..5 {
            let mut slow = search();
            let over = over.clone();
            std::thread::spawn(move || {
                while !over.load(Ordering::Acquire) && slow.next().is_some() {
                    pause(SLOW);
                }
            });
        }
        let mut one = search();
        let last = records(found(&server, "/tail?n=2&app=beta&follow=false"));
        let all = records(found(&server, "/search?grep=number+40000$"));
        over.store(true, Ordering::Release);
        assert_eq!((last.0.len(), all.0.len()), (2, 3));
        let mut end = Value::Null;
        let found = one.until(|value| {
            end = value["notice"].clone();
            !end.is_null()
        });
        if end == "disconnected" {
            return false;
        }
        assert_eq!(found.0.len(), 120_000);
        for app in apps {
            assert_each_once(&found.of(app), 1, 40_000);
        }
        true
    }));
}

#[test]
fn a_slow_tail_is_told_that_it_missed_records_only_where_no_file_holds_them_any_more() {
    let scene = Scene::new();
    let collector = serve(&scene, "--rotate-size 1MiB --keep-files 2");
    let server = collector.server();
    let mut slow = Reader::open(&server, "/tail?n=all");
    assert_eq!(slow.next().expect("a notice")["notice"], "live");
    let told = format!("to={} app=alpha records=200000 block=600", collector.authority());
    scene.subject(&told).succeed();
    let removed = || metric(&server, "files_removed") > 10;
    assert!(wait_until(SOON, removed));
    let tail = slow.gather();
    let last = || tail.last().is_some_and(|value| message(&value).ends_with("number 200000"));
    assert!(wait_until(SOON, last), "{:?}", tail.last());
    let all = tail.all();
    let mut next = 1;
    let mut missed = false;
    for value in all.iter() {
        if value.get("notice").is_some() {
            missed |= value["notice"] == "missed";
            continue;
        }
        let number = message(value).rsplit(' ').next().and_then(|n| n.parse::<u64>().ok());
        let number = number.expect("a number");
        assert!(number == next || (missed && number > next), "{number} instead of {next}");
        (next, missed) = (number + 1, false);
    }
    assert!(all.iter().any(|value| value["notice"] == "missed"));
}

#[test]
fn where_no_file_can_be_read_back_a_search_says_that_it_finds_the_latest_records_only() {
    let scene = Scene::new();
    let collector = serve(&scene, "--format text");
    scene.subject(&format!("to={} records=3", collector.authority())).succeed();
    let mut search = scene.netlog(&format!("search --at {} -g number", collector.server()));
    search.succeed();
    let said = search.stderr();
    let only =
        "-- searched only the latest records, which are in memory: no file can be read back --";
    assert!(said.contains(only), "{said}");
    assert_eq!(search.stdout().lines().count(), 3);
}

/// As `lost+found` is in a file system of its own.
#[test]
fn a_directory_that_may_not_be_read_is_left_alone_and_keeps_no_collector_from_starting() {
    let scene = Scene::new();
    let closed = scene.path("logs/lost+found");
    fs::create_dir_all(&closed).expect("a directory");
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    mode(&closed, 0);
    let mut command = scene.command(&program("netlog-collector"));
    if rustix::process::geteuid().is_root() {
        // A copy, which may lie where nobody else may go.
        fs::copy(program("netlog-collector"), scene.path("collector")).expect("there is room");
        mode(&scene.path(""), 0o755);
        mode(&scene.path("logs"), 0o777);
        command = scene.command(Path::new("setpriv"));
        command.args(["--reuid=65534", "--clear-groups"]).arg(scene.path("collector"));
    }
    let line = "--listen tcp://127.0.0.1:0 --http 127.0.0.1:0";
    let mut collector = Collector::by(command, scene.path("logs/{app}/{host}.log"), line);
    assert!(collector.listening(1), "{}", collector.process.stderr());
    collector.process.says("may not read 1 of the directories in ");
    collector.process.says("such as lost+found: what is in them is neither found nor removed");
    speak(collector.authority(), b"{\"app\":\"orders\",\"msg\":\"one\"}\n");
    let server = collector.server();
    assert!(wait_until(SOON, || messages(&records(found(&server, "/search"))) == ["one"]));
    let unreadable = || found(&server, "/search").0.pop().expect("an end")["unreadable"].clone();
    assert_eq!(unreadable(), Value::Null);

    // What is closed later had records.
    let orders = scene.path("logs/orders");
    let was = fs::metadata(&orders).expect("it is there").permissions();
    mode(&orders, 0);
    assert_eq!(unreadable(), 1);
    fs::set_permissions(&orders, was).expect("it is ours");
    assert_eq!(unreadable(), Value::Null);
    collector.stop();
    mode(&closed, 0o700);
}
