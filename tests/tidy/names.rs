//! How things are called.

use super::assert_none;
use super::source::{production, sources};
use std::collections::BTreeMap;
use std::path::Path;

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

/// Names that several types of one crate have.
pub(crate) fn shared() -> Vec<String> {
    let mut places = BTreeMap::<_, Vec<_>>::new();
    for source in production() {
        let name = source.path.split('/').next().unwrap_or_default();
        for (ident, line) in &source.syntax().types {
            let place = format!("{}:{line}", source.path);
            places.entry((name, ident)).or_default().push(place);
        }
    }
    places.retain(|_, places| places.len() > 1);
    places.iter().map(|((_, ident), places)| format!("{ident}: {}", places.join(", "))).collect()
}

/// How many types have a name of one word, and how many types there are.
pub(crate) fn of_one_word() -> (usize, usize) {
    let types: Vec<_> = production().flat_map(|source| &source.syntax().types).collect();
    let single = types.iter().filter(|(ident, _)| segments(ident).len() == 2);
    (single.count(), types.len())
}

#[test]
fn no_two_types_of_a_crate_have_one_name() {
    assert_none("give one of these another name", shared());
}
