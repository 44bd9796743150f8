//! `netlog tail` and `netlog search` as people and scripts use them.

use crate::harness::{
    Child, Collector, Port, Records, SOON, Scene, Terminal, assert_each_once, messages, program,
    speak, wait_until,
};
use rustix::process::Signal;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::thread::{self, JoinHandle};

/// What may stand in a log.
const RECORDS: &str = concat!(
    r#"{"time":"2026-11-22T18:42:00.000000Z","level":"INFO","app":"orders","msg":"order 7 filled","client":"acme"}"#,
    "\n",
    r#"{"time":"2026-11-22T18:43:00.000000Z","level":"ERROR","app":"prices","msg":"feed lost\nretrying"}"#,
    "\n",
);

fn filled(scene: &Scene) -> Collector {
    let collector = Collector::serving(scene, "");
    speak(collector.authority(), RECORDS.as_bytes());
    collector.wait_for(2);
    collector
}

/// The output of the tool with these words, and how it ended.
fn netlog(scene: &Scene, line: &str) -> (Option<i32>, String, String) {
    let mut child = scene.netlog(line);
    let status = child.end();
    (status.code(), child.stdout(), child.stderr())
}

/// `netlog search` exits as `grep` does: 0 after matches, 1 without any, 2 after an error.
#[test]
fn a_search_exits_as_grep_does() {
    let scene = Scene::new();
    let collector = filled(&scene);
    let at = format!("--at {}", collector.server());
    let (code, out, err) = netlog(&scene, &format!("search {at} -g FILLED -g filled --utc"));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, "2026-11-22 18:42:00.000000 INFO  [orders] order 7 filled client=acme\n");
    assert_eq!(
        netlog(&scene, &format!("search {at} -g nothing")),
        (Some(1), String::new(), String::new())
    );
    let (code, out, err) = netlog(&scene, &format!("search {at} -g ("));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("unclosed group"), "{err}");
    let (code, _, err) = netlog(&scene, "search --at http://127.0.0.1:1");
    assert!(code == Some(2) && err.contains("failed to read from http://127.0.0.1:1"), "{err}");
    assert_eq!(netlog(&scene, &format!("search {at} --since soon")).0, Some(2));
    assert_eq!(netlog(&scene, "tail --at http://127.0.0.1:1").0, Some(1));
    let senders = collector.address().replace("tcp://", "http://");
    let (code, _, err) = netlog(&scene, &format!("search --at {senders}"));
    assert_eq!(code, Some(2));
    assert!(err.contains("this is an address of senders: readers use that of --http"), "{err}");
}

#[test]
fn an_expression_is_searched_in_the_message_and_the_values_behind_it_as_one_text() {
    let scene = Scene::new();
    let collector = filled(&scene);
    let found = |expression: &str| {
        let line = format!("search -o raw --at {} -g {expression}", collector.server());
        netlog(&scene, &line).1
    };
    for expression in ["^order", "acme$", "client", "filled.client=acme$", "^o.*e$"] {
        assert_eq!(found(expression), "order 7 filled\n", "{expression}");
    }
    for expression in ["filled$", "^client", "^retrying"] {
        assert_eq!(found(expression), "", "{expression}");
    }
    assert_eq!(found("(?m)^retrying"), "feed lost\nretrying\n");
}

#[test]
fn the_output_is_text_json_or_the_message_alone() {
    let scene = Scene::new();
    let collector = filled(&scene);
    let tail = format!("tail --no-follow --at {}", collector.server());
    let (code, text, _) = netlog(&scene, &format!("{tail} --utc"));
    let expected = "2026-11-22 18:42:00.000000 INFO  [orders] order 7 filled client=acme\n2026-11-22 18:43:00.000000 ERROR [prices] feed lost\\nretrying\n";
    assert_eq!((code, text.as_str()), (Some(0), expected));
    let (_, raw, _) = netlog(&scene, &format!("{tail} -o raw"));
    assert_eq!(raw, "order 7 filled\nfeed lost\nretrying\n");
    let (_, json, err) = netlog(&scene, &format!("{tail} -o json -l error"));
    let json = Records::read(&json);
    assert_eq!((json.0.len(), messages(&json), err.as_str()), (1, vec!["feed lost\nretrying"], ""));
    let (_, coloured, _) = netlog(&scene, &format!("{tail} --color always -g lost"));
    assert!(coloured.contains("\x1b[1;31mlost\x1b[0m"), "{coloured:?}");
    let mut command = scene.command(&program("netlog"));
    command.args(["tail", "--no-follow", "--utc", "--at", &collector.server()]);
    let mut zone = Child::start(command.env("TZ", "Asia/Tokyo"));
    zone.succeed();
    assert_eq!(zone.stdout(), expected, "UTC is UTC everywhere");
    let mut command = scene.command(&program("netlog"));
    command.args(["tail", "--no-follow", "-n", "1", "--at", &collector.server()]);
    // A zone that no database is needed for.
    let mut local = Child::start(command.env("TZ", "JST-9"));
    local.succeed();
    assert!(local.stdout().starts_with("2026-11-23 03:43:00.000000 ERROR"), "{}", local.stdout());
}

/// `netlog tail` reconnects by itself and continues after the last record it received.
#[test]
fn a_tail_survives_its_collector_and_has_every_record_once() {
    let scene = Scene::new();
    let port = Port::reserve();
    let http = Port::reserve();
    let port = port.address();
    let http = http.address();
    let line = format!("--listen tcp://{port} --http {http}");
    let mut first = Collector::with(&scene, &line);
    first.server();
    let tail = scene.netlog(&format!("tail --at http://{http} -n all -o json"));
    let mut subject = scene.subject(&format!("to={port} threads=2 records=20000 block=600 wait=1"));
    assert!(tail.prints(|text| text.matches('\n').count() > 3_000), "{}", tail.stderr());
    first.process.signal(Signal::KILL);
    first.process.end();
    assert!(tail.prints(|text| text.contains("\"notice\":\"lost\"")));
    let second = Collector::with(&scene, &line);
    second.wait_within(SOON * 2, 40_000);
    let records = || {
        let all = Records::read(&tail.stdout());
        Records(all.0.into_iter().filter(|value| value.get("notice").is_none()).collect())
    };
    assert!(wait_until(SOON * 2, || records().0.len() >= 40_000), "{}", records().0.len());
    assert_each_once(&records(), 2, 20_000);
    assert!(tail.stdout().contains("\"notice\":\"reconnected\""));
    assert_eq!(tail.stderr(), "", "in JSON notices are objects among the records");
    subject.succeed();
}

#[test]
fn notices_are_words_on_stderr_and_no_reconnect_ends_with_1() {
    let scene = Scene::new();
    let collector = filled(&scene);
    let patient = scene.netlog(&format!("tail --at {}", collector.server()));
    let mut hasty = scene.netlog(&format!("tail --no-reconnect --at {}", collector.server()));
    let whole = |tail: &Child| tail.stdout().matches('\n').count();
    let both = || whole(&patient) == 2 && whole(&hasty) == 2;
    assert!(wait_until(SOON, both), "{}", patient.stderr());
    collector.stop();
    patient.says("-- connection lost");
    assert_eq!(patient.stdout().lines().count(), 2, "{}", patient.stdout());
    assert_eq!(hasty.end().code(), Some(1));
    assert!(hasty.stderr().contains("failed to read from"), "{}", hasty.stderr());
}

#[test]
fn a_tail_up_to_a_time_that_is_over_ends_when_all_is_shown() {
    let scene = Scene::new();
    let collector = filled(&scene);
    let tail = format!("tail --since 2026-11-22 --until 2026-11-23 --at {}", collector.server());
    let (code, out, err) = netlog(&scene, &tail);
    assert_eq!((code, out.lines().count(), err.as_str()), (Some(0), 2, ""));
}

#[test]
fn a_closed_pipe_ends_a_tail_at_once_also_while_nothing_comes() {
    let scene = Scene::new();
    let collector = filled(&scene);
    let mut command = scene.command(&program("netlog"));
    command.args(["tail", "-n", "1", "--at", &collector.server()]);
    let mut tail =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    let mut reader = BufReader::new(tail.stdout.take().expect("it is piped"));
    reader.read_line(&mut line).expect("a line");
    assert!(line.contains("feed lost"), "{line}");
    drop(reader);
    let ended = wait_until(SOON, || tail.try_wait().expect("our child").is_some());
    let _ = tail.kill();
    let output = tail.wait_with_output().expect("our child");
    assert!(ended, "it did not notice");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(141), &b""[..]));
}

#[test]
fn an_interrupted_tail_dies_by_the_signal_as_shells_expect() {
    let scene = Scene::new();
    let collector = filled(&scene);
    // A shell that starts it in the background has it ignore the signal, and so whatever it starts.
    let netlog = program("netlog").display().to_string();
    let at = collector.server();
    let command = ["--default-signal=INT", &netlog, "tail", "--at", &at];
    let mut tail = scene.start(Path::new("env"), &command);
    assert!(tail.prints(|text| text.matches('\n').count() == 2), "{}", tail.stderr());
    tail.signal(Signal::INT);
    assert_eq!(tail.end().signal(), Some(2));
}

#[test]
fn records_of_several_senders_are_shown_in_the_order_of_their_times() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let record = |second: u8| {
        format!(
            "{{\"time\":\"2026-11-22T18:42:0{second}.000000Z\",\"level\":\"INFO\",\"msg\":\"{second}\"}}\n"
        )
    };
    for second in [3, 1, 2] {
        speak(collector.authority(), record(second).as_bytes());
    }
    collector.wait_for(3);
    let tail = format!("tail --no-follow -o raw --at {}", collector.server());
    assert_eq!(netlog(&scene, &tail).1, "1\n2\n3\n");
    assert_eq!(netlog(&scene, &format!("{tail} --no-merge")).1, "3\n1\n2\n");
    let search = format!("search -o raw --at {}", collector.server());
    for (more, expected) in [
        ("", "1\n2\n3\n"),
        ("--order newest", "3\n2\n1\n"),
        ("-n 2", "1\n2\n"),
        ("--no-merge", "3\n1\n2\n"),
        ("--no-merge -n 2", "1\n2\n"),
    ] {
        assert_eq!(netlog(&scene, &format!("{search} {more}")).1, expected, "{more}");
    }
}

/// What `netlog tail` shows of them on a terminal this wide.
fn tailed_on_terminal(scene: &Scene, server: &str, columns: u16, until: &str) -> String {
    let terminal = Terminal::new(columns);
    let mut command = scene.command(&program("netlog"));
    command.args(["tail", "--utc", "--color", "never", "--at", server]);
    let mut tail =
        command.stdout(terminal.end()).stderr(terminal.end()).spawn().expect("it starts");
    let came = terminal.shows(until);
    let _ = tail.kill();
    let _ = tail.wait();
    assert!(came, "{until:?} is not in {:?}", terminal.text());
    terminal.text()
}

#[test]
fn a_narrow_terminal_shows_the_time_of_day_and_names_the_day_where_it_changes() {
    let scene = Scene::new();
    let collector = filled(&scene);
    let shown = |columns| tailed_on_terminal(&scene, &collector.server(), columns, "| retrying\n");
    let wide = "2026-11-22 18:42:00.000000 INFO  [orders] order 7 filled client=acme\n\
        2026-11-22 18:43:00.000000 ERROR [prices] feed lost\n    | retrying\n";
    assert_eq!(shown(160), wide);
    let narrow = "-- 2026-11-22 --\n18:42:00.000 INFO  [orders] order 7 filled client=acme\n\
        18:43:00.000 ERROR [prices] feed lost\n    | retrying\n";
    assert_eq!(shown(70), narrow);
    let narrowest = "-- 2026-11-22 --\n18:42:00.000 INFO  [orders] order 7\n    filled client=acme\n\
        18:43:00.000 ERROR [prices] feed lost\n    | retrying\n";
    assert_eq!(shown(40), narrowest, "lines are wrapped at words");
}

#[test]
fn json_on_a_terminal_cannot_drive_it_and_means_the_same() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    speak(collector.authority(), "{\"msg\":\"a\u{9b}31m\u{7f}\u{202e}b\"}\n".as_bytes());
    collector.wait_for(1);
    let terminal = Terminal::new(160);
    let mut command = scene.command(&program("netlog"));
    command.args(["tail", "-o", "json", "--no-follow", "--at", &collector.server()]);
    let mut tail =
        command.stdout(terminal.end()).stderr(terminal.end()).spawn().expect("it starts");
    assert!(terminal.shows("\"at\":"), "{:?}", terminal.text());
    tail.wait().expect("our child");
    let shown = terminal.text();
    assert!(shown.contains(r#""msg":"a\u009b31m\u007f\u202eb""#), "{shown:?}");
    let piped = netlog(&scene, &format!("tail -o json --no-follow --at {}", collector.server())).1;
    assert!(piped.contains("a\u{9b}31m\u{7f}\u{202e}b"), "a program gets what was sent: {piped:?}");
}

/// The address of a server that gives this answer to one request, and then closes the connection.
fn answering(answer: String) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = format!("http://{}", listener.local_addr().expect("it is bound"));
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).expect("a request");
        stream.write_all(answer.as_bytes()).expect("a reader");
    });
    (at, server)
}

#[test]
fn a_search_whose_connection_is_lost_shows_what_it_found_and_names_the_collector() {
    let scene = Scene::new();
    let collector = filled(&scene);
    let found = r#"{"time":"2026-11-22T18:42:30.000000Z","level":"INFO","msg":"found","at":"0-1"}"#;
    let length = found.len() + 1;
    let broken = || {
        answering(format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{found}\n\r\n"
        ))
    };
    let lost = "the connection was lost, the search is incomplete: ";
    for words in ["", "-n 5", "--order newest", "--no-merge"] {
        let (at, server) = broken();
        let (code, out, err) = netlog(&scene, &format!("search --at {at} -o raw {words}"));
        assert_eq!((code, out.as_str()), (Some(2), "found\n"), "{words}");
        assert!(err.starts_with(&format!("-- {at}: {lost}")), "{err}");
        server.join().expect("it answers");
    }
    let (at, server) = broken();
    let both = format!("search --at {at} --at {} -o raw", collector.server());
    let (code, out, err) = netlog(&scene, &both);
    assert_eq!(out, "order 7 filled\nfound\nfeed lost\nretrying\n", "of both, by time");
    assert_eq!((code, err.lines().count()), (Some(2), 1), "{err}");
    assert!(err.starts_with(&format!("-- {at}: {lost}")), "{err}");
    server.join().expect("it answers");
    let notice = r#"{"notice":"disconnected","reason":"too slow","at":"0-1"}"#;
    let (at, server) = answering(format!("HTTP/1.1 200 OK\r\n\r\n{found}\n{notice}\n"));
    let (code, out, err) = netlog(&scene, &format!("search --at {at} -o raw"));
    assert_eq!((code, out.as_str()), (Some(2), "found\n"));
    assert_eq!(err, format!("-- {at}: {lost}too slow --\n"));
    server.join().expect("it answers");
}

#[test]
fn an_error_of_a_collector_cannot_drive_the_terminal() {
    let scene = Scene::new();
    let body = "{\"error\":\"bad \\u001b[2J\u{9b}level\"}";
    let length = body.len();
    let (at, server) =
        answering(format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {length}\r\n\r\n{body}"));
    let (code, _, err) = netlog(&scene, &format!("tail --at {at}"));
    assert_eq!(code, Some(2));
    assert_eq!(err, format!("netlog: {at}: bad \\x1b[2J\\u{{9b}}level\n"));
    server.join().expect("it answers");
}

/// A time that the change to summer time skips is its end; of a time that the change back doubles,
/// `--since` takes the first and `--until` the second.
#[test]
fn times_that_a_change_of_clocks_skips_or_doubles_hide_no_record() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let times = [
        "03-29T00:59:59",
        "03-29T01:00:00",
        "10-25T00:29:59",
        "10-25T00:30:00",
        "10-25T01:30:00",
        "10-25T01:30:01",
    ];
    for time in times {
        let record = format!("{{\"time\":\"2026-{time}.000000Z\",\"msg\":\"{time}\"}}\n");
        speak(collector.authority(), record.as_bytes());
    }
    collector.wait_for(times.len());
    let found = |since: &str, until: &str| {
        let mut command = scene.command(&program("netlog"));
        command.args(["search", "-o", "raw", "--since", since, "--until", until]);
        command.args(["--at", &collector.server()]).env("TZ", "CET-1CEST,M3.5.0,M10.5.0/3");
        let mut search = Child::start(&mut command);
        search.succeed();
        search.stdout().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found("2026-03-29 02:30", "2026-03-30"), times[1..2], "the clock skips 02:30");
    assert_eq!(found("2026-10-25 02:30", "2026-10-25 02:30"), times[3..5], "it shows 02:30 twice");
}

#[test]
fn on_a_terminal_the_end_of_a_sender_that_crashed_is_a_row_that_no_peer_can_forge() {
    let scene = Scene::new();
    let port = Port::reserve();
    scene.subject(&format!("to={} app=orders records=3 end=kill", port.address())).end();
    let collector = Collector::serving(&scene, &format!("--listen tcp://{}", port.address()));
    scene.netlog(&format!("ship --to {}", port.address())).succeed();
    // Its records, and the one that reports its end, which no ack waits for.
    collector.wait_for(4);
    speak(&port.address(), b"{\"target\":\"netlog\",\"msg\":\"web did not end cleanly\"}\n");
    let shown = tailed_on_terminal(&scene, &collector.server(), 160, "web did not end cleanly\n");
    let rows: Vec<_> = shown.lines().filter(|line| line.contains("end cleanly")).collect();
    assert_eq!(rows.len(), 2, "{shown}");
    assert!(rows[0].starts_with("-- orders pid "), "{}", rows[0]);
    assert!(rows[0].ends_with("3 records recovered --"), "{}", rows[0]);
    assert!(rows[1].contains(" INFO ") && !rows[1].contains("-- "), "{}", rows[1]);
}

#[test]
fn shells_and_man_are_told_of_every_command() {
    let scene = Scene::new();
    for line in ["completions bash", "completions zsh", "completions fish", "man"] {
        let (code, out, err) = netlog(&scene, line);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{line}");
        for command in ["tail", "search", "send", "ship"] {
            assert!(out.contains(command), "{line}: {command}");
        }
    }
}
