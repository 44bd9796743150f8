//! The code of the logger for other systems than Linux calls nothing that only Linux, or only Unix,
//! has.

use super::assert_none;
use super::source::{Source, production};
use std::collections::BTreeMap;
use std::path::Path;

/// Paths that are not the standard library's on every system.
const OF_SOME_SYSTEMS: [&[&str]; 7] = [
    &["libc"],
    &["linux_raw_sys"],
    &["nix"],
    &["rustix"],
    &["std", "os", "fd"],
    &["std", "os", "linux"],
    &["std", "os", "unix"],
];

/// Called at exit: the C library of every system has it.
const OF_ALL_SYSTEMS: [&str; 2] = ["libc", "atexit"];

/// Systems for which a file is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Linux,
    Other,
}

/// The files of the logger that are compiled for `target`, found from `lib.rs` on.
fn compiled(target: Target) -> Vec<&'static Source> {
    let files: BTreeMap<_, _> = production().map(|source| (source.path.as_str(), source)).collect();
    let mut found = Vec::new();
    let mut open = vec!["logger/src/lib.rs".to_owned()];
    while let Some(path) = open.pop() {
        let Some(source) = files.get(path.as_str()) else { continue };
        found.push(*source);
        let folder = path.trim_end_matches("lib.rs").trim_end_matches(".rs").trim_end_matches('/');
        let file = syn::parse_file(&source.text).expect("it compiles");
        for item in &file.items {
            if let syn::Item::Mod(module) = item
                && module.content.is_none()
                && module.attrs.iter().all(|attribute| allows(attribute, target))
            {
                let child = Path::new(folder).join(format!("{}.rs", module.ident));
                open.push(child.display().to_string());
            }
        }
    }
    found
}

/// `false` if the attribute leaves a module out on `target`.
fn allows(attribute: &syn::Attribute, target: Target) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return true };
    let condition: String = list.tokens.to_string().split_whitespace().collect();
    let linux = r#"all(target_os="linux",not(netlog_portable))"#;
    match target {
        _ if !list.path.is_ident("cfg") => true,
        Target::Linux => condition != format!("not({linux})"),
        Target::Other => condition != linux,
    }
}

/// The calls in `sources` that some systems do not have.
fn special(sources: &[&'static Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let special = source.syntax().paths.iter().filter(|path| {
            let begins = |start: &[&str]| {
                path.len() >= start.len() && start.iter().zip(*path).all(|(a, b)| a == b)
            };
            OF_SOME_SYSTEMS.iter().any(|start| begins(start)) && !begins(&OF_ALL_SYSTEMS)
        });
        found.extend(special.map(|path| format!("{}: {}", source.path, path.join("::"))));
    }
    found
}

#[test]
fn the_logger_for_other_systems_calls_nothing_that_only_linux_or_unix_has() {
    let other = compiled(Target::Other);
    assert!(other.len() > 40, "only {} files were found", other.len());
    assert_none("these do not exist on every system", special(&other));
    let linux = compiled(Target::Linux);
    assert!(special(&linux).len() > 40, "the walk sees the calls that Linux has");
}
