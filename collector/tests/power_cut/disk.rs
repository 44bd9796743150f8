//! A disk with a cache: what was synced is on it, of the rest any prefix of each file and directory.

use super::trace::Step;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A change of one file or directory.
#[derive(Debug, Clone)]
enum Change {
    Write { at: Option<u64>, bytes: Vec<u8> },
    Truncate(u64),
    Add { name: String, node: usize },
    Move { from: String, to: String },
    Remove(String),
}

#[derive(Debug, Clone, Default)]
struct Node {
    directory: bool,
    changes: Vec<Change>,
    /// How many of them are on the disk for certain.
    synced: usize,
}

/// Files and directories, each with all its changes.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    base: PathBuf,
    nodes: Vec<Node>,
    /// Nodes of open descriptors.
    open: HashMap<u32, usize>,
    /// Syncs that have begun: the node and its number of changes.
    syncs: HashMap<u32, (usize, usize)>,
    /// Ledgers, and the files whose inodes they name.
    described: HashMap<usize, usize>,
}

/// How much of what was not synced is left.
pub(crate) trait Cut {
    /// Of `changes` of the node `index`: how many are left, and whether the next one is torn.
    fn left(&mut self, index: usize, changes: usize) -> (usize, bool);
}

/// What a file or directory holds after a cut.
#[derive(Default, Hash)]
struct Contents {
    bytes: Vec<u8>,
    names: BTreeMap<String, usize>,
}

impl Disk {
    /// A disk with an empty directory.
    pub(crate) fn new(base: &Path) -> Self {
        let root = Node { directory: true, ..Node::default() };
        let (open, syncs, described) = Default::default();
        Self { base: base.to_owned(), nodes: vec![root], open, syncs, described }
    }

    /// Does a step.
    pub(crate) fn apply(&mut self, step: &Step) {
        match step {
            Step::MakeDirectory(path) => drop(self.add(path, true)),
            Step::Open { fd, path, create, empty } => {
                let Some(node) = self.find(path).or_else(|| create.then(|| self.add(path, false)))
                else {
                    return;
                };
                if *empty {
                    self.nodes[node].changes.push(Change::Truncate(0));
                }
                self.open.insert(*fd, node);
            }
            Step::Write { fd, at, bytes } => {
                let Some(node) = self.open.get(fd).copied() else { return };
                self.describe(node, bytes);
                self.nodes[node].changes.push(Change::Write { at: *at, bytes: bytes.clone() });
            }
            Step::Truncate { fd, len } => {
                if let Some(node) = self.open.get(fd) {
                    self.nodes[*node].changes.push(Change::Truncate(*len));
                }
            }
            Step::Rename { from, to } => {
                let from = name(from);
                let to = (name(to), to);
                let change = Change::Move { from, to: to.0 };
                self.directory_of(to.1).changes.push(change);
            }
            Step::Unlink(path) => self.directory_of(path).changes.push(Change::Remove(name(path))),
            Step::BeginSync { thread, fd } => {
                let Some(node) = self.open.get(fd).copied() else { return };
                self.syncs.insert(*thread, (node, self.nodes[node].changes.len()));
            }
            Step::EndSync { thread } => {
                if let Some((node, changes)) = self.syncs.remove(thread) {
                    self.nodes[node].synced = self.nodes[node].synced.max(changes);
                }
            }
            Step::Ack(_) => {}
        }
    }

    /// Files and directories with changes that a cut may take.
    pub(crate) fn unsynced(&self) -> Vec<usize> {
        let unsynced = |index: &usize| self.nodes[*index].synced < self.nodes[*index].changes.len();
        (0..self.nodes.len()).filter(unsynced).collect()
    }

    /// Writes what a cut leaves into an empty directory. Returns a description of it.
    pub(crate) fn write(&self, cut: &mut impl Cut, target: &Path) -> u64 {
        let contents: Vec<Contents> =
            self.nodes.iter().enumerate().map(|(index, node)| node.after(cut, index)).collect();
        let mut made = HashMap::new();
        self.lay_out(&contents, 0, target, &mut made);
        for (node, path) in &made {
            if !self.nodes[*node].directory {
                let bytes = self.with_inode(*node, &contents[*node].bytes, &made);
                fs::write(path, bytes).unwrap();
            }
        }
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        let mut found: Vec<_> = made.iter().collect();
        found.sort();
        for (node, path) in found {
            (path.strip_prefix(target).unwrap(), &contents[*node].bytes).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn lay_out(
        &self,
        all: &[Contents],
        at: usize,
        path: &Path,
        made: &mut HashMap<usize, PathBuf>,
    ) {
        for (name, node) in &all[at].names {
            let path = path.join(name);
            if self.nodes[*node].directory {
                fs::create_dir(&path).unwrap();
                self.lay_out(all, *node, &path, made);
            } else {
                fs::write(&path, "").unwrap();
            }
            made.insert(*node, path);
        }
    }

    /// The first line of a ledger names the inode of the file that it is about: here it has another.
    fn with_inode(&self, node: usize, bytes: &[u8], made: &HashMap<usize, PathBuf>) -> Vec<u8> {
        let Some(file) = self.described.get(&node).and_then(|file| made.get(file)) else {
            return bytes.to_vec();
        };
        let text = String::from_utf8_lossy(bytes);
        let parts = text.split_once('\n').and_then(|(head, rest)| Some((named(head)?, rest)));
        let Some(((before, after), rest)) = parts else { return bytes.to_vec() };
        let file = fs::metadata(file).unwrap();
        let after = after.rsplit_once(' ').map_or("", |(after, _checksum)| after);
        let line = format!("{before}\"inode\":[{},{}]{after}", file.dev(), file.ino());
        format!("{line} {:08x}\n{rest}", crc32fast::hash(line.as_bytes())).into_bytes()
    }

    /// A ledger that begins names the inode of the file that is at its path now.
    fn describe(&mut self, ledger: usize, bytes: &[u8]) {
        let head = String::from_utf8_lossy(bytes).into_owned();
        if named(&head).is_none() || head.contains("\"inode\":[0,0]") {
            return;
        }
        let live = self.paths().into_iter().find(|(_, node)| *node == ledger);
        let path = live.map(|(path, _)| path.to_string_lossy().into_owned()).unwrap_or_default();
        let file = path.trim_end_matches(".new").trim_end_matches(".ledger");
        if let Some(file) = self.find(Path::new(file)) {
            self.described.insert(ledger, file);
        }
    }

    /// All paths as the collector sees them.
    fn paths(&self) -> Vec<(PathBuf, usize)> {
        let mut found = vec![(self.base.clone(), 0)];
        let mut next = 0;
        while let Some((path, node)) = found.get(next).cloned() {
            if self.nodes[node].directory {
                let names = self.nodes[node].all().names;
                found.extend(names.into_iter().map(|(name, node)| (path.join(name), node)));
            }
            next += 1;
        }
        found
    }

    fn find(&self, path: &Path) -> Option<usize> {
        let mut node = 0;
        for name in path.strip_prefix(&self.base).ok()? {
            node = *self.nodes[node].all().names.get(name.to_str()?)?;
        }
        Some(node)
    }

    fn add(&mut self, path: &Path, directory: bool) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node { directory, ..Node::default() });
        self.directory_of(path).changes.push(Change::Add { name: name(path), node });
        node
    }

    fn directory_of(&mut self, path: &Path) -> &mut Node {
        let parent = self.find(path.parent().unwrap()).expect("its directory was made");
        &mut self.nodes[parent]
    }
}

impl Node {
    fn all(&self) -> Contents {
        self.contents(self.changes.len(), false)
    }

    fn after(&self, cut: &mut impl Cut, index: usize) -> Contents {
        let (left, torn) = cut.left(index, self.changes.len() - self.synced);
        self.contents(self.synced + left, torn)
    }

    /// What the first `count` changes leave, and half of the next write if it is torn.
    fn contents(&self, count: usize, torn: bool) -> Contents {
        let mut contents = Contents::default();
        for change in &self.changes[..count] {
            contents.change(change);
        }
        if let (true, Some(Change::Write { at, bytes })) = (torn, self.changes.get(count)) {
            let half = bytes[..bytes.len() / 2].to_vec();
            contents.change(&Change::Write { at: *at, bytes: half });
        }
        contents
    }
}

impl Contents {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Write { at, bytes } => {
                let at = at.map_or(self.bytes.len(), |at| at as usize);
                self.bytes.resize(self.bytes.len().max(at + bytes.len()), 0);
                self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
            }
            Change::Truncate(len) => self.bytes.resize(*len as usize, 0),
            Change::Add { name, node } => drop(self.names.insert(name.clone(), *node)),
            Change::Move { from, to } => {
                if let Some(node) = self.names.remove(from) {
                    self.names.insert(to.clone(), node);
                }
            }
            Change::Remove(name) => drop(self.names.remove(name)),
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// What stands before and after the inode in the first line of a ledger.
fn named(head: &str) -> Option<(&str, &str)> {
    let (before, rest) =
        head.split_once("\"inode\":[").filter(|_| head.starts_with("{\"ledger\""))?;
    Some((before, rest.split_once(']')?.1))
}
