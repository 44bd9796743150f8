//! Which value wins, and what is said of wrong ones.

use super::*;
use std::fs;
use std::path::Path;
use tempfile::{TempDir, tempdir};

fn load(line: &str) -> Result<Config, Error> {
    Config::load(format!("netlog-collector {line}").split_whitespace().map(OsString::from))
}

fn written(text: &str) -> (TempDir, String) {
    let dir = tempdir().unwrap();
    let path = dir.path().join("collector.toml");
    fs::write(&path, text).unwrap();
    (dir, path.display().to_string())
}

/// The first line of the error, with FILE for the path.
fn wrong(text: &str) -> String {
    let (_dir, path) = written(text);
    let error = load(&format!("--config {path}")).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    error.to_string().lines().next().unwrap().replace(&path, "FILE")
}

#[test]
fn the_command_line_overrides_the_file_and_the_file_the_default() {
    let (_dir, path) = written(
        "max-line = \"2KiB\"\nmax-files = 7\nsync = true\nlisten = [\"udp://[::1]:1\"]\nconsole = \"json\"\n",
    );
    let config = load(&format!("--config {path} --max-files 8 --listen tcp://[::1]:2")).unwrap();
    assert_eq!(config.options.max_line.0, 2048);
    assert_eq!(config.options.max_files, 8);
    assert!(config.options.sync);
    assert_eq!(config.options.console(), crate::Console::Json);
    assert_eq!(config.options.listen.len(), 1, "a list is replaced as a whole");
    assert_eq!(config.options.max_tails, Options::default().max_tails);
    let listen = load(&format!("--config {path}")).unwrap().options.listen;
    assert_eq!(listen[0].to_string(), "udp://[::1]:1");
}

#[test]
fn each_value_is_printed_with_its_origin_in_a_form_that_can_be_read_back() {
    let (_dir, path) = written("# mine\nmax-line = \"2KiB\"\n");
    let config = load(&format!("--config {path} --max-files 8 --print-config")).unwrap();
    let text = config.text().unwrap().unwrap();
    for line in [
        format!("max-line = \"2KiB\"  # {path}:2"),
        "max-files = 8  # command line".into(),
        "max-tails = 1000  # default".into(),
        "# token-file is not set".into(),
        "sync = false  # default".into(),
    ] {
        assert!(text.lines().any(|printed| printed == line), "{line} is not in\n{text}");
    }
    let (_dir, again) = written(&text);
    let again = load(&format!("--config {again}")).unwrap();
    assert_eq!(format!("{:?}", again.options), format!("{:?}", config.options));
}

#[test]
fn errors_name_the_line_and_the_nearest_key() {
    for (text, error) in [
        ("\nmax-lin = 7\n", "error: FILE:2: unknown key max-lin; did you mean max-line?"),
        ("zzz = 7\n", "error: FILE:1: unknown key zzz"),
        ("foo = 1\n", "error: FILE:1: unknown key foo"),
        ("lisen = 1\n", "error: FILE:1: unknown key lisen; did you mean listen?"),
        ("max_line = 7\n", "error: FILE:1: unknown key max_line; did you mean max-line?"),
        ("config = \"x\"\n", "error: FILE:1: unknown key config"),
        (
            "[limits]\nmax-line = 7\n",
            "error: FILE:1: unexpected section [limits]: all keys are at the top",
        ),
        ("sync = \"yes\"\n", "error: FILE:1: sync must be true or false"),
        ("max-files = true\n", "error: FILE:1: max-files must be a string or a whole number"),
        ("max-files = [1]\n", "error: FILE:1: max-files must be a string or a whole number"),
        ("listen = [true]\n", "error: FILE:1: listen is a list of strings"),
    ] {
        assert_eq!(wrong(text), error);
    }
    let error = wrong("\n\nmax-files = \"many\"\n");
    assert!(
        error.starts_with("error: FILE:3: invalid value 'many' for '--max-files <N>'"),
        "{error}"
    );
    assert!(error.ends_with(": expected a whole number"), "{error}");
    let error = wrong("format = \"xml\"\n");
    assert!(error.contains("[possible values: json, text]"), "{error}");
    let error = wrong("max-files = 1\nmax-files = 2\n");
    assert!(error.starts_with("error: FILE:2: "), "{error}");
    assert!(load("--config /nowhere/x.toml").unwrap_err().to_string().contains(
        "/nowhere/x.toml: failed to read the configuration file: no such file or directory"
    ));
}

#[test]
fn a_value_beyond_a_limit_is_refused_and_one_at_it_is_taken() {
    for (key, beyond, at, reason) in [
        ("max-line", "1023", "1KiB", "expected at least 1KiB"),
        ("max-in-flight", "1", "1MiB", "expected 1MiB to 2GiB"),
        ("max-in-flight", "2049MiB", "2GiB", "expected 1MiB to 2GiB"),
        ("max-marks-memory", "1023KiB", "1MiB", "expected at least 1MiB"),
        ("max-body", "100MiB", "8MiB", "expected at most 8MiB"),
        ("max-open-files", "1", "40", "expected at least 40"),
        ("nats-replicas", "2", "3", "expected 1, 3 or 5"),
        ("nats-replicas", "7", "5", "expected 1, 3 or 5"),
    ] {
        let error = wrong(&format!("{key} = \"{beyond}\"\n"));
        assert!(error.ends_with(&format!(": {reason}")), "{error}");
        let config = load(&format!("--{key} {at} --print-config")).unwrap();
        let text = config.text().unwrap().unwrap();
        let value = setting::quoted(at);
        assert!(text.contains(&format!("\n{key} = {value}  # command line\n")), "{text}");
    }
}

#[test]
fn a_changed_file_is_taken_over_as_far_as_it_can_be_and_the_rest_is_named() {
    let (_dir, path) = written("keep-files = 3\nmax-line = 2000\n");
    let mut running = load(&format!("--config {path}")).unwrap();
    fs::write(&path, "keep-files = 5\nmax-line = 3000\n").unwrap();
    let changed = running.load_again().unwrap();
    assert_eq!(running.take_over(&changed), ["max-line"]);
    assert_eq!((running.options.keep_files, running.options.max_line.0), (5, 2000));
    fs::write(&path, "keep-files = 5\nmax-line = 2000\n").unwrap();
    let changed = running.load_again().unwrap();
    assert!(running.take_over(&changed).is_empty(), "it is as it was");
}

#[test]
fn the_help_has_the_options_of_the_file_too() {
    let help = load("--help").unwrap_err();
    assert_eq!(help.exit_code(), 0);
    let help = help.to_string();
    assert!(help.starts_with("Collects the log records"), "{help}");
    assert!(help.contains("--config <FILE>") && help.contains("--max-line"), "{help}");
}

/// `NETLOG_UPDATE=1 cargo test -p netlog-collector --lib example` writes it anew.
#[test]
fn the_commented_example_is_made_from_the_options_and_valid() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/collector.toml");
    let text = example::example(&command());
    if std::env::var_os("NETLOG_UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert!(kept == text, "packaging/collector.toml is stale: run this test with NETLOG_UPDATE=1");
    assert!(text.lines().all(|line| line.chars().count() <= 100));
    // Every default, uncommented, is the default.
    let command = command();
    let defaults = text.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| {
        let arg = line.split_once(" = ").and_then(|(key, _)| keys(&command).find(|it| it.0 == key));
        arg.is_some_and(|(_, arg)| !arg.get_default_values().is_empty())
    });
    let defaults: String = defaults.map(|line| format!("{line}\n")).collect();
    assert!(defaults.lines().count() > 15, "{defaults}");
    let (_dir, path) = written(&defaults);
    let config = load(&format!("--config {path}")).unwrap();
    assert_eq!(format!("{:?}", config.options), format!("{:?}", load("").unwrap().options));
}

#[test]
fn the_manual_can_be_shown_without_a_locale() {
    let page = man().unwrap();
    let strange: Vec<_> = page.lines().filter(|line| !line.is_ascii()).collect();
    assert!(strange.is_empty(), "{strange:?}");
}
