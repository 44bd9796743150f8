//! The house rules a machine can check. Each says where it is broken.

mod promises;
mod source;

use source::{CRATES, Source, root, sources};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

#[track_caller]
fn assert_none(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn a_file_has_at_most_400_lines_before_its_tests() {
    let lines = |source: &Source| source.body().lines().count();
    let sources = sources();
    let long = sources.iter().filter(|source| lines(source) > 400);
    let told = long.map(|source| format!("{}: {} lines", source.path, lines(source)));
    assert_none("split these files", told.collect());
}

#[test]
fn a_function_has_at_most_70_lines() {
    let mut long = Vec::new();
    for source in sources() {
        for start in source.words(&source.code, "fn") {
            let lines = function(&source.code[start..]).matches('\n').count() + 1;
            if lines > 70 {
                long.push(format!("{}: {lines} lines", source.place(start)));
            }
        }
    }
    assert_none("split these functions", long);
}

/// The text of the function that `code` begins with: up to its closing brace, or to the semicolon
/// of one without a body.
fn function(code: &str) -> &str {
    let (mut braces, mut others) = (0, 0);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        let ended = (c == '}' && braces == 0) || (c == ';' && braces == 0 && others == 0);
        if ended || braces < 0 || others < 0 {
            return &code[..at];
        }
    }
    code
}

#[test]
fn a_file_opens_with_what_it_is() {
    let sources = sources();
    let mute = sources.iter().filter(|source| !source.text.starts_with("//! "));
    assert_none("say what these are in a //! line", mute.map(|s| s.path.clone()).collect());
}

#[test]
fn nothing_is_called_what_everything_could_be_called() {
    const EMPTY: [&str; 9] =
        ["manager", "handler", "processor", "service", "util", "common", "helper", "data", "info"];
    let empty = |name: &str| {
        let parts = segments(name);
        parts.iter().any(|part| EMPTY.contains(&part.trim_end_matches('s')))
    };
    let mut found = Vec::new();
    for source in sources() {
        let stem = Path::new(&source.path).file_stem().map(|s| s.to_string_lossy().into_owned());
        if stem.is_some_and(|stem| empty(&stem)) {
            found.push(source.path.clone());
        }
        for keyword in ["mod", "struct", "enum", "trait"] {
            for at in source.words(&source.code, keyword) {
                let name = source.code[at + keyword.len()..].trim_start();
                let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
                let name = &name[..end.unwrap_or(name.len())];
                if empty(name) {
                    found.push(format!("{}: {keyword} {name}", source.place(at)));
                }
            }
        }
    }
    assert_none("find the noun for these", found);
}

/// The words of `snake_case` and `CamelCase`, in lower case.
fn segments(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c == '-' || c.is_uppercase() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().expect("there is always one").extend(c.to_lowercase());
        }
    }
    words
}

#[test]
fn no_crate_names_one_of_a_floor_above() {
    let floors: [(&str, &[&str]); 4] = [
        ("wire", &[]),
        ("logger", &["netlog-wire"]),
        ("collector", &["netlog-wire"]),
        ("cli", &["netlog", "netlog-wire"]),
    ];
    let mut found = Vec::new();
    for (name, allowed) in floors {
        let path = root().join(name).join("Cargo.toml");
        let manifest = fs::read_to_string(path).expect("every crate has a manifest");
        let mut section = "";
        for (at, line) in manifest.lines().enumerate() {
            section = line.strip_prefix('[').unwrap_or(section);
            let named = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let ours = named == "netlog" || named.starts_with("netlog-");
            if section.contains("dependencies") && ours && !allowed.contains(&named) {
                found.push(format!("{name}/Cargo.toml:{}: {named}", at + 1));
            }
        }
    }
    assert_none("these dependencies point upwards", found);
}

#[test]
fn no_module_stands_on_one_that_stands_on_it() {
    let mut found = Vec::new();
    for name in CRATES {
        let edges = edges(name);
        for from in edges.keys() {
            for to in &edges[from] {
                if from < to && reaches(&edges, to, from) && reaches(&edges, from, to) {
                    found.push(format!("{name}/src: {from} and {to} name each other"));
                }
            }
        }
    }
    assert_none("these modules go round in circles", found);
}

/// For each module at the top of a crate those it names as `crate::other`.
fn edges(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let prefix = format!("{name}/src/");
    let mut sources = sources();
    sources.retain(|source| source.production() && source.path.starts_with(&prefix));
    let module = |source: &Source| {
        let inner = source.path.strip_prefix(&prefix).expect("it was kept for that");
        inner.split(['/', '.']).next().expect("a path has a first part").to_owned()
    };
    let modules: BTreeSet<_> = sources.iter().map(module).collect();
    let mut edges = BTreeMap::<_, BTreeSet<_>>::new();
    for source in &sources {
        let from = module(source);
        for (at, _) in source.body().match_indices("crate::") {
            let named = names(&source.body()[at + "crate::".len()..]);
            let others = named.into_iter().filter(|to| modules.contains(to) && *to != from);
            edges.entry(from.clone()).or_default().extend(others);
        }
    }
    edges.retain(|from, _| from != "lib" && from != "main");
    edges
}

/// The first words of the paths behind `crate::`: one, or those in braces.
fn names(path: &str) -> Vec<String> {
    let first = |path: &str| {
        let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
        path[..end.unwrap_or(path.len())].to_owned()
    };
    let Some(list) = path.strip_prefix('{') else { return vec![first(path)] };
    let (mut depth, mut names, mut start) = (0, Vec::new(), 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(first(list[start..at].trim()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(first(list[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

fn reaches(edges: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        for next in edges.get(at).into_iter().flatten() {
            if next == to {
                return true;
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}

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
    // A program that ends in every way must end in bad ones too; a bench reads the processor's clock.
    let others = ["tests/subject.rs", "benches/ticks.rs"];
    let allowed = |path: &str| path.starts_with("logger/src/ring") || others.contains(&path);
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
