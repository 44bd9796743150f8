//! Which file of a crate takes names from which, and where that goes round in a circle.

use super::assert_none;
use super::source::{CRATES, Source, production};
use std::collections::{BTreeMap, BTreeSet};

/// The files of one crate by the paths of their modules.
struct Files(BTreeMap<Vec<String>, &'static Source>);

/// More than any chain of `use` is long.
const CHAIN: usize = 16;

impl Files {
    fn of(name: &str) -> Self {
        let prefix = format!("{name}/src/");
        let ours = production().filter(|source| source.path.starts_with(&prefix));
        let mut files = BTreeMap::new();
        for source in ours {
            let inner = source.path[prefix.len()..].trim_end_matches(".rs");
            let module = match inner {
                "lib" => Vec::new(),
                // Beside a library, the program is a crate of its own and stands above it.
                "main" if files.contains_key(&Vec::new()) => vec!["main".into()],
                "main" => Vec::new(),
                inner => inner.trim_end_matches("/mod").split('/').map(str::to_owned).collect(),
            };
            files.insert(module, source);
        }
        Self(files)
    }

    /// The file that defines what `path` leads to from `module`, and the name it has there.
    fn resolve(&self, module: &[String], path: &[String], left: usize) -> Option<(&str, String)> {
        let (first, rest) = path.split_first()?;
        let left = left.checked_sub(1)?;
        let child = [module, std::slice::from_ref(first)].concat();
        match first.as_str() {
            "crate" => self.walk(Vec::new(), rest, left),
            "self" => self.walk(module.to_vec(), rest, left),
            "super" => {
                let parent = &module[..module.len().checked_sub(1)?];
                match rest.first() {
                    Some(next) if next == "super" => self.resolve(parent, rest, left),
                    _ => self.walk(parent.to_vec(), rest, left),
                }
            }
            _ if self.0.contains_key(&child) => self.walk(child, rest, left),
            _ => {
                let alias = self.0.get(module)?.syntax().uses.get(first)?;
                let itself = alias.len() == 1 && alias[0] == *first;
                let path = [alias, rest].concat();
                if itself { None } else { self.resolve(module, &path, left) }
            }
        }
    }

    fn walk(
        &self,
        mut module: Vec<String>,
        path: &[String],
        left: usize,
    ) -> Option<(&str, String)> {
        let mut path = path;
        while let Some((first, rest)) = path.split_first() {
            let child = [&module[..], std::slice::from_ref(first)].concat();
            if !self.0.contains_key(&child) {
                break;
            }
            (module, path) = (child, rest);
        }
        let (name, rest) = path.split_first()?;
        let source = self.0.get(&module)?;
        match source.syntax().uses.get(name) {
            Some(alias) if !source.syntax().items.contains(name) => {
                self.resolve(&module, &[alias, rest].concat(), left)
            }
            _ => Some((&source.path, name.clone())),
        }
    }

    /// Everything that one file takes from another.
    fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for (module, source) in &self.0 {
            for path in &source.syntax().paths {
                if let Some((to, name)) = self.resolve(module, path, CHAIN)
                    && to != source.path
                {
                    let (from, to) = (source.path.clone(), to.to_owned());
                    imports.push(Import { from, to, name });
                }
            }
        }
        imports
    }
}

/// A name that one file takes from another.
struct Import {
    from: String,
    to: String,
    name: String,
}

type Edges = BTreeMap<String, BTreeSet<String>>;

/// Those of `imports` that are part of a circle, seen from where `place` puts files.
fn circular(imports: &[Import], place: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let placed: Vec<_> = imports
        .iter()
        .filter_map(|import| Some((place(&import.from)?, place(&import.to)?, import)))
        .filter(|(from, to, _)| from != to)
        .collect();
    let mut edges = Edges::new();
    for (from, to, _) in &placed {
        edges.entry(from.clone()).or_default().insert(to.clone());
    }
    let circular = placed.iter().filter(|(from, to, _)| reaches(&edges, to, from));
    let told: BTreeSet<_> = circular
        .map(|(_, _, Import { from, to, name })| format!("{from} takes {name} from {to}"))
        .collect();
    told.into_iter().collect()
}

fn reaches(edges: &Edges, from: &str, to: &str) -> bool {
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

/// Imports that make circles of files. A file and those in its own folder are one thing: what they
/// take from it makes none.
pub(crate) fn circles() -> Vec<String> {
    let outward = |import: &Import| {
        let folder = import.to.trim_end_matches(".rs").trim_end_matches("/lib");
        let folder = folder.trim_end_matches("/main");
        !import.from.starts_with(&format!("{folder}/"))
    };
    let of = |name: &&str| {
        let mut imports = Files::of(name).imports();
        imports.retain(outward);
        circular(&imports, |path| Some(path.to_owned()))
    };
    CRATES.iter().flat_map(of).collect()
}

/// Imports that make circles of the modules at the top of a crate.
pub(crate) fn module_circles() -> Vec<String> {
    let module = |path: &str| {
        let inner = path.split_once("/src/")?.1;
        let module = inner.split(['/', '.']).next()?;
        (module != "lib" && module != "main").then(|| module.to_owned())
    };
    let of = |name: &&str| circular(&Files::of(name).imports(), module);
    CRATES.iter().flat_map(of).collect()
}

#[test]
fn no_module_stands_on_one_that_stands_on_it() {
    assert_none("these modules go round in circles", module_circles());
}

#[test]
fn no_file_stands_on_one_that_stands_on_it() {
    assert_none("these files go round in circles", circles());
}
