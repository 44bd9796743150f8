//! `netlog doctor` says where records wait, since when, and what to do.

use crate::harness::{Child, Collector, Port, Records, SOON, Scene, program, speak, wait_until};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

const PATIENT: &str = "--max-wait 10m";
const IMPATIENT: &str = "--max-wait 0s";

/// The findings of the doctor, and its exit code.
fn examine(scene: &Scene, line: &str) -> (Option<i32>, Records) {
    let mut doctor = scene.netlog(&format!("doctor -o json {line}"));
    let code = doctor.end().code();
    (code, Records::read(&doctor.stdout()))
}

/// The finding about this.
fn about<'a>(findings: &'a Records, subject: &str) -> &'a Value {
    let mut found = findings.0.iter().filter(|finding| finding["about"] == subject);
    found.next().unwrap_or_else(|| panic!("nothing about {subject}: {findings:?}"))
}

fn message(finding: &Value) -> &str {
    finding["message"].as_str().expect("a finding has a message")
}

/// > `netlog doctor` names each place where records wait, with the time since when they do.
#[test]
fn records_that_wait_for_a_collector_that_is_away_are_found_and_gone_when_it_is_back() {
    let scene = Scene::new();
    let centre = Scene::new();
    let port = Port::reserve();
    let site = Collector::serving(&scene, &format!("--forward-to tcp://{}", port.address()));
    site.process.says("connection refused, will go on trying");
    speak(site.authority(), &b"a line\n".repeat(100));
    site.wait_for(100);
    let at = format!("--at {}", site.server());
    let (code, findings) = examine(&scene, &format!("{at} {PATIENT}"));
    let forwarding = about(&findings, "forwarding");
    assert_eq!((code, &forwarding["verdict"]), (Some(1), &"problem".into()), "{forwarding}");
    let bytes = site.text().len() as f64 / 1024.0;
    let waits = format!("connection refused; {bytes:.1} KiB in 1 file wait since 20");
    assert!(message(forwarding).contains(&waits), "{forwarding}");
    assert_eq!(about(&findings, "collector")["verdict"], "ok");
    let mut text = scene.netlog(&format!("doctor {at}"));
    assert_eq!(text.end().code(), Some(1));
    let said = text.stdout();
    assert!(said.contains(&format!("problem  {}: cannot forward to tcp://", site.server())));
    assert!(said.contains("\n         start it, or let this collector through"), "{said}");
    let line = format!("--listen tcp://{} --relay-from 127.0.0.1", port.address());
    let central = Collector::with(&centre, &line);
    central.wait_for(100);
    let settled = || examine(&scene, &format!("{at} {IMPATIENT}"));
    assert!(wait_until(SOON, || settled().0 == Some(0)), "{:?}", settled());
    let (_, findings) = settled();
    assert!(message(about(&findings, "forwarding")).ends_with(": nothing waits"));
    drop(central);
}

#[test]
fn records_that_a_connected_collector_does_not_take_are_a_problem_after_the_wait() {
    let scene = Scene::new();
    let centre = Scene::new();
    let central = Collector::with(&centre, "--listen tcp://127.0.0.1:0 --relay-from 127.0.0.1");
    let site = Collector::serving(&scene, &format!("--forward-to {}", central.address()));
    speak(site.authority(), b"one\n");
    central.wait_for(1);
    central.process.signal(rustix::process::Signal::STOP);
    speak(site.authority(), b"two\n");
    site.wait_for(2);
    let at = format!("--at {}", site.server());
    let (code, findings) = examine(&scene, &format!("{at} {IMPATIENT}"));
    central.process.signal(rustix::process::Signal::CONT);
    assert_eq!(code, Some(1), "{findings:?}");
    assert!(message(about(&findings, "forwarding")).contains("which is connected and slow"));
    central.wait_for(2);
}

#[test]
fn what_cannot_be_asked_is_named_and_the_others_are_asked_all_the_same() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let at = format!("--at {} --at http://127.0.0.1:1", collector.server());
    let (code, findings) = examine(&scene, &at);
    assert_eq!(code, Some(2));
    let verdicts = findings.0.iter().map(|it| [&it["at"], &it["verdict"], &it["message"]]);
    let verdicts: Vec<_> = verdicts.map(|words| words.map(|word| word.as_str().unwrap())).collect();
    assert_eq!(verdicts[0][..2], [collector.server().as_str(), "ok"]);
    let away = ["http://127.0.0.1:1", "unknown", "cannot be asked: connection refused"];
    assert_eq!(verdicts[1], away);
}

#[test]
fn a_collector_is_asked_with_a_token_that_may_read() {
    let scene = Scene::new();
    let path = scene.path("tokens");
    let text = "[ann]\ntoken = \"ann-1\"\nread = true\n[shop]\ntoken = \"shop-1\"\nsend = true\n";
    std::fs::write(&path, text).expect("the scene has room");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("it is ours");
    let collector = Collector::serving(&scene, "--token-file tokens");
    let asked = |name: &str| {
        let mut command = scene.command(&program("netlog"));
        command.args(["doctor", "--at", &collector.server()]);
        let mut doctor = Child::start(command.env("NETLOG_TOKEN", format!("{name}-1")));
        (doctor.end().code(), doctor.stdout())
    };
    assert_eq!(asked("ann").0, Some(0));
    let (code, said) = asked("shop");
    assert!(code == Some(2) && said.contains("token shop may not read"), "{said}");
    let (code, said) = asked("nobody");
    assert!(code == Some(2) && said.contains("unknown token"), "{said}");
}

#[test]
fn spools_of_this_machine_are_looked_at_and_left_as_they_are() {
    let scene = Scene::new();
    let port = Port::reserve();
    let collector = Collector::serving(&scene, "");
    let at = format!("--at {}", collector.server());
    assert_eq!(examine(&scene, &at).0, Some(0));
    let told = format!("to={} records=100", port.address());
    let mut dead = scene.subject(&format!("{told} app=orders end=kill"));
    let pid = dead.pid();
    dead.end();
    let running = scene.subject(&format!("{told} app=prices wait=1"));
    running.says("logged");
    for _ in 0..2 {
        let (code, findings) = examine(&scene, &at);
        let spools: Vec<_> = findings.0.iter().filter(|it| it["about"] == "spool").collect();
        assert_eq!((code, spools.len()), (Some(1), 2), "{findings:?}");
        let [ended, other] = spools[..] else { panic!("there are two") };
        assert_eq!([&ended["verdict"], &other["verdict"]], ["problem", "ok"]);
        assert!(message(ended).ends_with(&format!("of orders pid {pid}, which has ended, wait")));
        assert!(message(other).ends_with("wait: its spool is 0 % full"), "{other}");
    }
    let delivered = format!("ship --to {}", collector.authority());
    scene.netlog(&delivered).succeed();
    assert_eq!(collector.wait_for(100).of("orders").0.len(), 100);
    drop(running);
}

#[test]
fn findings_that_cannot_be_written_are_an_error() {
    let scene = Scene::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let mut command = scene.command(&program("netlog"));
    let doctor = command.args(["doctor", "--at", "http://127.0.0.1:1"]).stdout(full).output();
    let doctor = doctor.expect("it starts");
    let said = String::from_utf8_lossy(&doctor.stderr);
    assert_eq!(doctor.status.code(), Some(2), "{said}");
    assert_eq!(said, "netlog: failed to write to stdout: no space left on device\n");
}
