//! The configuration file of the collector.

use crate::harness::{Child, Collector, SOON, Scene, messages, program, speak, wait_until};
use rustix::process::Signal;
use std::fs;

fn rotated(scene: &Scene) -> usize {
    let names = fs::read_dir(scene.path("")).expect("the scene has a directory").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("app.log.") && !name.contains("ledger")).count()
}

#[test]
fn sighup_takes_over_what_it_can_of_a_changed_file_and_names_the_rest() {
    let scene = Scene::new();
    let config = scene.path("collector.toml");
    let fixed = "listen = [\"tcp://127.0.0.1:0\"]\nrotate-size = \"1KiB\"\ncompress = \"off\"\n";
    fs::write(&config, fixed).expect("the scene has room");
    let collector = scene.command(&program("netlog-collector"));
    let line = format!("--config {}", config.display());
    let mut collector = Collector::by(collector, scene.path("app.log"), &line);
    assert!(collector.listening(1), "{}", collector.process.stderr());
    let told = format!("to={} records=200", collector.authority());
    // Each program is a batch of its own at least.
    let many = wait_until(SOON, || {
        scene.subject(&told).succeed();
        rotated(&scene) > 1
    });
    assert!(many, "{} rotated files", rotated(&scene));
    let changed = format!("{fixed}keep-files = 1\nmax-line = 2000\n");
    fs::write(&config, format!("{changed}ack = \"both\"\n")).expect("the scene has room");
    collector.process.signal(Signal::HUP);
    collector.process.says("the configuration stays: --ack both needs --forward-to");
    assert!(!collector.process.stderr().contains("restart"), "{}", collector.process.stderr());
    assert!(rotated(&scene) > 1, "nothing is removed");
    fs::write(&config, changed).expect("the scene has room");
    collector.process.signal(Signal::HUP);
    collector.process.says("max-line changes with the next restart");
    assert!(wait_until(SOON, || rotated(&scene) == 1), "{} rotated files", rotated(&scene));
    fs::write(&config, "keep-file = 1\n").expect("the scene has room");
    collector.process.signal(Signal::HUP);
    collector.process.says("collector.toml:1: unknown key keep-file; did you mean keep-files?");
    assert!(collector.process.running(), "it goes on as it was");
}

#[test]
fn a_configuration_is_checked_without_starting_anything() {
    let scene = Scene::new();
    let path = scene.path("collector.toml");
    let check = || {
        let mut command = scene.command(&program("netlog-collector"));
        let mut child = Child::start(command.args(["--check-config", "--config"]).arg(&path));
        (child.end().code(), child.stderr())
    };
    fs::write(&path, "file = \"app.log\"\n").expect("the scene has room");
    assert_eq!(check(), (Some(0), "netlog-collector: the configuration is valid\n".into()));
    assert!(!scene.path("app.log").exists());
    fs::write(&path, "file = \"app.log\"\ntoken-file = \"nowhere\"\n").expect("room");
    let (code, said) = check();
    assert!(code == Some(1) && said.contains("nowhere: no such file or directory"), "{said}");
    fs::write(&path, "fil = \"app.log\"\n").expect("the scene has room");
    assert_eq!(check().0, Some(2));
}

/// The first line of stderr of a collector that does not start with `line`, which its check refuses
/// in the same words.
fn refused(scene: &Scene, line: &str) -> String {
    let run = |more: &[&str]| {
        let mut command = scene.command(&program("netlog-collector"));
        command.args(["--file", "app.log"]).args(line.split_whitespace()).args(more);
        let mut child = Child::start(&mut command);
        assert!(matches!(child.end().code(), Some(1 | 2)), "{line}: {}", child.stderr());
        child.stderr()
    };
    let checked = run(&["--check-config"]);
    assert_eq!(run(&[]), checked, "{line}");
    checked.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn tls_options_without_an_address_that_uses_them_are_refused() {
    let scene = Scene::new();
    let tls = "--tls-cert server.pem --tls-key server.key";
    for (line, option) in [
        ("--tls-client required".to_owned(), "--tls-client"),
        (format!("{tls} --tls-client-ca ca.pem"), "--tls-client-ca"),
        ("--tls-peer web1 --http 127.0.0.1:0".into(), "--tls-peer"),
        ("--tls-crl crl.pem".into(), "--tls-crl"),
        ("--tls-min 1.3 --listen tcp://127.0.0.1:0".into(), "--tls-min"),
        ("--tls-identity any --listen fd://".into(), "--tls-identity"),
        (format!("{tls} --http off"), "--tls-cert"),
        ("--tls-key server.key".into(), "--tls-key"),
    ] {
        let reason = "needs --listen tls://HOST:PORT or --http https://HOST:PORT";
        let expected = format!("netlog-collector: failed to set up TLS: {option} {reason}");
        assert_eq!(refused(&scene, &line), expected, "{line}");
    }
    let readers = format!("--listen tls://127.0.0.1:0 {tls} --tls-readers required");
    let expected = "failed to set up TLS: --tls-readers needs --http https://HOST:PORT";
    for http in ["off", "127.0.0.1:0"] {
        let said = refused(&scene, &format!("{readers} --http {http}"));
        assert_eq!(said, format!("netlog-collector: {expected}"));
    }
}

#[test]
fn a_check_refuses_what_the_start_refuses_and_names_the_file_or_option_at_fault() {
    let scene = Scene::new();
    fs::write(scene.path("empty"), "\n").expect("the scene has room");
    for (line, reason) in [
        (
            "--listen tcp://127.0.0.1:0?as=forward&key-file=/none",
            "failed to read the key file /none: no such file or directory",
        ),
        (
            "--listen tcp://127.0.0.1:0?as=forward&key-file=empty",
            "failed to read the key file empty: the key file is empty",
        ),
        (
            "--listen unix://s?owner=nobodyx",
            "failed to bind unix://s?owner=nobodyx: there is no user nobodyx",
        ),
        (
            "--listen unix://s?owner=root:nobodyx",
            "failed to bind unix://s?owner=root:nobodyx: there is no group nobodyx",
        ),
        (
            "--from nats://127.0.0.1:1/NETLOG --nats-creds /none",
            "failed to read the NATS credentials in /none: no such file or directory",
        ),
        (
            "--forward-to nats://127.0.0.1:1/NETLOG --nats-nkey /none",
            "failed to read the NATS credentials in /none: no such file or directory",
        ),
    ] {
        assert_eq!(refused(&scene, line), format!("netlog-collector: {reason}"));
    }
    let told = refused(&scene, "--from nats://127.0.0.1:1/NETLOG --nats-creds empty");
    assert!(told.contains("failed to read the NATS credentials in empty: "), "{told}");
    let few = "invalid value '39' for '--max-open-files <N>': expected at least 40";
    let told = refused(&scene, "--max-open-files 39");
    assert!(told.contains(few), "{told}");
}

#[test]
fn the_least_number_of_open_files_is_enough() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-open-files 40");
    speak(collector.authority(), b"one\n");
    assert_eq!(messages(&collector.wait_for(1)), ["one"]);
}

#[test]
fn an_error_names_the_variable_or_the_option_that_has_the_wrong_value() {
    let scene = Scene::new();
    for (variables, line, reason) in [
        (&[("NETLOG_KEEP_AGE", "foo")][..], "", "'foo' for 'NETLOG_KEEP_AGE': not a time"),
        (&[("NETLOG_FORMAT", "xml")], "", "'xml' for 'NETLOG_FORMAT'"),
        (&[("NETLOG_KEEP_AGE", "foo")], "--max-tails x", "'x' for '--max-tails <N>': expected a"),
        (&[("NETLOG_KEEP_AGE", "1d")], "--keep-age foo", "'foo' for '--keep-age <TIME>': not a"),
        (&[], "--max-connections 10k", "'10k' for '--max-connections <N>': expected a whole num"),
    ] {
        let mut command = scene.command(&program("netlog-collector"));
        command.args(line.split_whitespace()).arg("--check-config").envs(variables.to_vec());
        let mut child = Child::start(&mut command);
        assert_eq!(child.end().code(), Some(2));
        let told = child.stderr();
        assert!(told.contains(&format!("error: invalid value {reason}")), "{told}");
    }
}
