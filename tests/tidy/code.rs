//! What no code may do.

use super::assert_none;
use super::source::{Source, sources};

/// Fails with every place where `words` stand in files that are `checked`.
#[track_caller]
fn forbid(rule: &str, words: &[&str], checked: impl Fn(&Source) -> bool) {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| checked(source)) {
        for word in words {
            let places = source.body().match_indices(word);
            found.extend(places.map(|(at, _)| format!("{}: {word}", source.place(at))));
        }
    }
    assert_none(rule, found);
}

#[test]
fn unsafe_code_is_in_the_ring_alone() {
    // A program that ends in every way must end in bad ones too.
    let allowed =
        |path: &str| path.starts_with("logger/src/ring") || path.starts_with("tests/subject/");
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !allowed(&source.path)) {
        found.extend(source.words(&source.code, "unsafe").map(|at| source.place(at)));
    }
    // The one call that asks the system to call us at exit.
    if let Some(at) = found.iter().position(|place| place.starts_with("logger/src/exit.rs")) {
        found.remove(at);
    }
    assert_none("these belong into the ring, or nowhere", found);
}

#[test]
fn nothing_in_production_is_unwrapped() {
    forbid("say what is expected, or pass the error on", &[".unwrap()"], Source::production);
}

#[test]
fn no_channel_is_unbounded_and_no_task_is_left_to_itself() {
    let words = ["unbounded_channel", "mpsc::channel()", "tokio::spawn(", "task::spawn("];
    forbid("bound it, or put it into a JoinSet", &words, Source::production);
}

#[test]
fn nothing_is_left_undone() {
    forbid("do it now", &["todo!(", "unimplemented!("], |_| true);
    let mut found = Vec::new();
    for source in sources() {
        for word in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")] {
            found.extend(source.words(&source.text, word).map(|at| source.place(at)));
        }
    }
    assert_none("do it now", found);
}

#[test]
fn no_test_sleeps_in_place_of_waiting_for_something() {
    let tests = |source: &Source| {
        source.path.starts_with("tests/") && !source.path.starts_with("tests/e2e/harness/")
    };
    forbid("wait for a condition with a deadline", &["sleep("], tests);
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let mut found = Vec::new();
    for source in sources() {
        for (root, inner) in [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/")] {
            let path = format!("{root}{inner}");
            found.extend(source.text.match_indices(&path).map(|(at, _)| source.place(at)));
        }
    }
    assert_none("these paths exist on one machine only", found);
}
