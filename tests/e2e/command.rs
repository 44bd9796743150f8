//! The collector's command line, its console and its ends.

use crate::harness::{
    Child, Collector, Records, SOON, Scene, Terminal, messages, program, speak, succeeds_once,
    wait_until,
};
use rustix::process::Signal;
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn collector(scene: &Scene, line: &str) -> Child {
    let mut command = scene.command(&program("netlog-collector"));
    Child::start(command.args(line.split_whitespace()))
}

/// Where a collector started without our `Collector` listens.
fn authority(child: &Child) -> String {
    child.says("listening on tcp://");
    assert!(wait_until(SOON, || child.stderr().contains('\n')));
    let said = child.stderr();
    let address = said.lines().find_map(|line| line.strip_prefix("listening on tcp://"));
    address.expect("it listens").to_owned()
}

#[test]
fn a_port_in_use_is_one_clear_line_and_exit_1() {
    let scene = Scene::new();
    let first = Collector::start(&scene);
    let mut second = collector(&scene, &format!("--listen {}", first.address()));
    assert_eq!(second.end().code(), Some(1));
    let expected =
        format!("netlog-collector: failed to bind {}: address already in use\n", first.address());
    assert_eq!(second.stderr(), expected);
}

#[test]
fn a_file_that_cannot_be_is_one_clear_line_and_exit_1() {
    let scene = Scene::new();
    let mut child = collector(&scene, "--listen tcp://127.0.0.1:0 --file /proc/none/app.log");
    assert_eq!(child.end().code(), Some(1));
    let said = child.stderr();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("/proc/none/app.log: no such file or directory"), "{said}");
}

#[test]
fn an_unknown_flag_or_address_is_a_usage_error() {
    let scene = Scene::new();
    for line in ["--colour", "--listen ftp://localhost:1", "--format xml", "--max-line many"] {
        let mut child = collector(&scene, line);
        assert_eq!(child.end().code(), Some(2), "{line}: {}", child.stderr());
        assert!(child.stderr().contains("--help"), "{}", child.stderr());
    }
}

#[test]
fn every_flag_has_an_environment_variable() {
    let scene = Scene::new();
    let file = scene.path("app.log");
    let mut command = scene.command(&program("netlog-collector"));
    command.env("NETLOG_LISTEN", "tcp://127.0.0.1:0").env("NETLOG_FILE", &file);
    let child = Child::start(command.env("NETLOG_FORMAT", "text"));
    speak(&authority(&child), b"one\n");
    let written = || std::fs::read_to_string(&file).unwrap_or_default();
    assert!(wait_until(SOON, || written().ends_with(" [127.0.0.1] one\n")), "{}", written());
}

#[test]
fn records_go_to_stdout_as_text_and_everything_else_to_stderr() {
    let scene = Scene::new();
    let mut child = collector(&scene, "--listen tcp://127.0.0.1:0");
    speak(&authority(&child), b"one\x1b[31m\ntwo\n");
    assert!(child.prints(|text| text.matches('\n').count() == 2), "{}", child.stdout());
    child.signal(Signal::INT);
    child.succeed();
    let shown = child.stdout();
    let lines: Vec<_> = shown.lines().map(|line| &line[26..]).collect();
    assert_eq!(lines, [r" INFO  [127.0.0.1] one\x1b[31m", " INFO  [127.0.0.1] two"]);
    assert!(!child.stderr().contains("INFO"), "{}", child.stderr());
}

#[test]
fn the_console_is_json_when_asked_and_off_beside_a_file() {
    let scene = Scene::new();
    let mut json = collector(&scene, "--listen tcp://127.0.0.1:0 --console=json");
    speak(&authority(&json), b"one\n");
    assert!(json.prints(|text| text.ends_with('\n')), "{}", json.stderr());
    assert_eq!(messages(&Records::read(&json.stdout())), ["one"]);
    json.signal(Signal::TERM);
    json.succeed();

    let mut filed = Collector::start(&scene);
    speak(filed.authority(), b"one\n");
    filed.wait_for(1);
    filed.process.signal(Signal::TERM);
    filed.process.succeed();
    assert_eq!(filed.process.stdout(), "");

    let mut both = Collector::with(&scene, "--listen tcp://127.0.0.1:0 --console");
    speak(both.authority(), b"two\n");
    both.wait_for(2);
    assert!(both.process.prints(|text| text.ends_with(" two\n")));
    both.process.signal(Signal::TERM);
    both.process.succeed();
}

#[test]
fn a_file_is_appended_to_never_begun_anew() {
    let scene = Scene::new();
    for line in ["one\n", "two\n"] {
        let collector = Collector::start(&scene);
        speak(collector.authority(), line.as_bytes());
        collector.stop();
    }
    let text = std::fs::read_to_string(scene.path("app.log")).expect("the file is there");
    assert_eq!(messages(&Records::read(&text)), ["one", "two"]);
}

/// What a collector shows on a terminal when a peer says `line`.
fn shown_on_terminal(scene: &Scene, colours: bool, line: &[u8], until: &str) -> String {
    let terminal = Terminal::new(200);
    let path = scene.path("stderr");
    let stderr = File::create(&path).expect("a file");
    let mut command = Command::new(program("netlog-collector"));
    command
        .args(["--listen", "tcp://127.0.0.1:0", "--http", "off"])
        .env("TERM", "xterm")
        .env_remove("NO_COLOR");
    if !colours {
        command.env("NO_COLOR", "1");
    }
    let mut child = command.stdin(Stdio::null()).stdout(terminal.end()).stderr(stderr).spawn();
    let child = child.as_mut().expect("the collector starts");
    let said = || std::fs::read_to_string(&path).unwrap_or_default();
    let listens = wait_until(SOON, || said().ends_with('\n'));
    let address = said().trim_end().replace("listening on tcp://", "");
    if listens {
        speak(&address, line);
    }
    let came = terminal.shows(until);
    let _ = child.kill();
    let _ = child.wait();
    assert!(came, "{until:?} is not in {:?}; stderr: {}", terminal.text(), said());
    terminal.text()
}

/// A record cannot drive your terminal. Complaints CVE-2025-58160, RUSTSEC-2025-0055.
#[test]
fn a_terminal_shows_colours_unless_no_color_is_set_and_nothing_a_peer_says_moves_its_cursor() {
    let scene = Scene::new();
    let hostile = b"one \x1b[2J\x1b[31mred\xe2\x80\xae end\n";
    let colours = shown_on_terminal(&scene, true, hostile, " end");
    assert!(colours.contains("\x1b[32mINFO \x1b[0m"), "{colours:?}");
    assert!(colours.contains(r"one \x1b[2J\x1b[31mred\u{202e} end"), "{colours:?}");
    let plain = shown_on_terminal(&scene, false, hostile, " end");
    assert!(!plain.contains('\x1b'), "{plain:?}");
}

#[test]
fn a_reader_that_closes_the_pipe_ends_the_collector_quietly() {
    let scene = Scene::new();
    let program = program("netlog-collector").display().to_string();
    let line = format!("{program} --listen tcp://127.0.0.1:0 | head -1");
    let mut shell = Child::start(scene.command("sh".as_ref()).args(["-c", &line]));
    let address = authority(&shell);
    speak(&address, b"one\n");
    assert!(shell.prints(|text| text.ends_with(" one\n")), "{}", shell.stdout());
    // The next record finds nobody who reads.
    let ended = wait_until(SOON, || {
        if let Ok(mut peer) = TcpStream::connect(&address) {
            let _ = peer.write_all(b"two\n");
        }
        !shell.running()
    });
    assert!(ended, "it goes on: {}", shell.stderr());
    assert!(!shell.stderr().contains("panicked"), "{}", shell.stderr());
}

#[test]
fn an_address_that_is_not_of_this_machine_alone_is_warned_of() {
    let scene = Scene::new();
    let collector = Collector::with(&scene, "--listen tcp://0.0.0.0:0");
    collector.process.says("warning: ");
}

#[test]
fn a_second_signal_ends_a_collector_at_once_that_cannot_write_what_it_has() {
    // Without the second one it would go on trying to write for seconds.
    assert!(succeeds_once(|_| time_of_a_second_signal() < Duration::from_secs(1)));
}

fn time_of_a_second_signal() -> Duration {
    let scene = Scene::new();
    let path = scene.path("stderr");
    let mut command = scene.command(&program("netlog-collector"));
    command
        .args(["--listen", "tcp://127.0.0.1:0", "--http", "off"])
        .stderr(File::create(&path).expect("a file"));
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the collector starts");
    let said = || std::fs::read_to_string(&path).unwrap_or_default();
    wait_until(SOON, || said().ends_with('\n'));
    // Nobody reads its stdout: a pipe takes 64 KiB, and then the collector waits.
    let address = said().trim_end().replace("listening on tcp://", "");
    let mut stream = TcpStream::connect(&address).expect("it listens");
    let lines = "a line that is to be shown\n".repeat(4000);
    stream.write_all(lines.as_bytes()).expect("the kernel takes them");
    let pid = rustix::process::Pid::from_child(&child);
    let signal = |signal| rustix::process::kill_process(pid, signal).expect("it runs");
    signal(Signal::TERM);
    let began = Instant::now();
    signal(Signal::INT);
    let ended = wait_until(SOON, || child.try_wait().expect("it is our child").is_some());
    let took = began.elapsed();
    let _ = child.kill();
    let status = child.wait().expect("it is our child");
    assert!(ended && matches!(status.code(), Some(130 | 143)), "{status} {}", said());
    took
}

#[test]
fn help_names_every_option() {
    let scene = Scene::new();
    let mut child = collector(&scene, "--help");
    child.succeed();
    for flag in [
        "--listen",
        "--file",
        "--format",
        "--console",
        "--max-line",
        "--max-connections",
        "--idle-timeout",
    ] {
        assert!(child.stdout().contains(flag), "{flag} is not in\n{}", child.stdout());
    }
}
