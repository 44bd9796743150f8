//! The directories of a template: entered name by name from the base, so that no symbolic link
//! below it leads anywhere else.

use crate::layout::segment_name::{self, SegmentName};
use crate::layout::template::{NameTemplate, Template};
use rustix::fs::{CWD, Dir, Mode, OFlags, fsync, mkdirat, openat};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Whose files they are, and whoever is in the collector's group may read them.
const MODE: u32 = 0o750;

/// Suffixes of ledgers, finished or not.
const LEDGERS: [&str; 2] = [".ledger", ".ledger.new"];

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// The directory `place` is in, below `base`, made if need be.
pub(crate) fn enter(base: &Path, place: &Path, sync: bool) -> io::Result<OwnedFd> {
    let mut directory = openat(CWD, base, DIRECTORY, Mode::empty())?;
    for name in place.parent().into_iter().flat_map(Path::components) {
        directory = match step(&directory, name.as_os_str().as_encoded_bytes()) {
            Err(Errno::NOENT) => {
                match mkdirat(&directory, name.as_os_str(), Mode::from_raw_mode(MODE)) {
                    Err(error) if error != Errno::EXIST => return Err(error.into()),
                    _ => {}
                }
                if sync {
                    fsync(&directory)?;
                }
                step(&directory, name.as_os_str().as_encoded_bytes())?
            }
            entered => entered?,
        };
    }
    Ok(directory)
}

/// The same, of one that is there, and the path to `place` through it.
pub(crate) fn reach(base: &Path, place: &Path) -> io::Result<(OwnedFd, PathBuf)> {
    let mut directory = openat(CWD, base, DIRECTORY, Mode::empty())?;
    for name in place.parent().into_iter().flat_map(Path::components) {
        directory = step(&directory, name.as_os_str().as_encoded_bytes())?;
    }
    let path = within(&directory, place);
    Ok((directory, path))
}

/// The path to `place` through its directory: nobody can change where it leads.
pub(crate) fn within(directory: &OwnedFd, place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default();
    Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name)
}

/// The files below a base that have a ledger, and so are a collector's.
#[derive(Debug, Default)]
pub(crate) struct KeptFiles {
    pub(crate) files: BTreeSet<PathBuf>,
    /// Directories that may not be read, such as `lost+found`.
    pub(crate) closed: Vec<PathBuf>,
}

/// The files below the base of `template` that are a collector's.
pub(crate) fn kept(template: &Template) -> io::Result<KeptFiles> {
    let mut files = BTreeSet::new();
    let closed = each(template, &mut |directory, file, text| {
        let name = LEDGERS.iter().find_map(|end| text.strip_suffix(end));
        files.extend(name.filter(|name| file.matches(name)).map(|name| directory.join(name)));
    })?;
    Ok(KeptFiles { files, closed })
}

/// Files that are a collector's, with their rotated segments.
#[derive(Debug, Default)]
pub(crate) struct ListedFiles {
    /// The rotated segments of each file, the oldest first. Files of which only these are left are
    /// among them.
    pub(crate) files: BTreeMap<PathBuf, Vec<SegmentName>>,
    /// Directories that may not be read.
    pub(crate) closed: Vec<PathBuf>,
}

/// The same files with their rotated segments.
pub(crate) fn all(template: &Template) -> io::Result<ListedFiles> {
    let mut ours = BTreeSet::new();
    let mut rotated = BTreeMap::<_, Vec<_>>::new();
    let closed = each(template, &mut |directory, file, text| {
        let ledger = LEDGERS.iter().find_map(|end| text.strip_suffix(end));
        let old = segment_name::split_name(ledger.unwrap_or(text));
        let name = old.map_or(ledger, |(name, _)| Some(name)).filter(|name| file.matches(name));
        let Some(place) = name.map(|name| directory.join(name)) else { return };
        match old.filter(|_| ledger.is_none()) {
            Some((_, stamp)) => rotated.entry(place).or_default().push(stamp),
            None => drop(ours.insert(place)),
        }
    })?;
    let with_rotated = |place: PathBuf| {
        let mut stamps = rotated.remove(&place).unwrap_or_default();
        stamps.sort_unstable();
        stamps.dedup();
        (place, stamps)
    };
    Ok(ListedFiles { files: ours.into_iter().map(with_rotated).collect(), closed })
}

/// Tells `visit` of all that lies where files of `template` may lie: the directory below the base,
/// what a file there may be called, and what it is called. Returns the directories that may not be
/// read.
fn each(
    template: &Template,
    visit: &mut dyn FnMut(&Path, &NameTemplate, &str),
) -> io::Result<Vec<PathBuf>> {
    let base = openat(CWD, &template.base, DIRECTORY, Mode::empty())?;
    let mut search = TreeSearch { visit, closed: Vec::new() };
    search.gather(&base, Path::new(""), template.names())?;
    Ok(search.closed)
}

struct TreeSearch<'a> {
    visit: &'a mut dyn FnMut(&Path, &NameTemplate, &str),
    closed: Vec<PathBuf>,
}

impl TreeSearch<'_> {
    fn gather(
        &mut self,
        directory: &OwnedFd,
        place: &Path,
        names: &[NameTemplate],
    ) -> io::Result<()> {
        let Some((name, rest)) = names.split_first() else { return Ok(()) };
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            let Ok(text) = entry.file_name().to_str() else { continue };
            if rest.is_empty() {
                (self.visit)(place, name, text);
            } else if !matches!(text, "." | "..") && name.matches(text) {
                match step(directory, text.as_bytes()) {
                    Ok(directory) => self.gather(&directory, &place.join(text), rest)?,
                    Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => {}
                    Err(Errno::ACCESS) => self.closed.push(place.join(text)),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

fn step(directory: impl AsFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    openat(directory, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn directories_are_made_and_links_are_not_followed() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        enter(dir.path(), Path::new("a/b/c.log"), true).unwrap();
        assert!(dir.path().join("a/b").is_dir() && !dir.path().join("a/b/c.log").exists());
        symlink(elsewhere.path(), dir.path().join("l")).unwrap();
        for place in ["l/c.log", "l/b/c.log"] {
            let error = enter(dir.path(), Path::new(place), false).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotADirectory, "{place}");
        }
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_are_found_by_their_ledgers_and_not_through_links() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["a", "b", "c"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let files = ["a/x.log.ledger", "a/x.log", "b/y.log.ledger.new", "c/z.log", "a/x.ledger"];
        files.iter().for_each(|file| fs::write(dir.path().join(file), "").unwrap());
        fs::write(elsewhere.path().join("w.log.ledger"), "").unwrap();
        symlink(elsewhere.path(), dir.path().join("l")).unwrap();
        let template = Template::parse(&dir.path().join("{app}/{host}.log")).unwrap().unwrap();
        let kept = kept(&template).unwrap();
        assert_eq!(
            kept.files.into_iter().collect::<Vec<_>>(),
            ["a/x.log", "b/y.log"].map(PathBuf::from)
        );
    }
}
