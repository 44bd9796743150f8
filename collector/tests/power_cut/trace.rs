//! What a collector did to its files, read from the output of strace.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One call that changes files, makes changes durable, or tells a sender that its records are.
#[derive(Clone)]
pub(crate) enum Step {
    /// A directory was made.
    MakeDirectory(PathBuf),
    /// A file was opened; it was made if it did not exist, and emptied if so asked.
    Open { fd: u32, path: PathBuf, create: bool, empty: bool },
    /// Bytes were written at an offset, or at the end.
    Write { fd: u32, at: Option<u64>, bytes: Vec<u8> },
    /// A file was cut or extended.
    Truncate { fd: u32, len: u64 },
    /// A name was given to another file.
    Rename { from: PathBuf, to: PathBuf },
    /// A name was removed.
    Unlink(PathBuf),
    /// A file or directory began to be synced, by a thread.
    BeginSync { thread: u32, fd: u32 },
    /// The sync that this thread began has ended.
    EndSync { thread: u32 },
    /// A sender was told that its records up to a number are kept.
    Ack(u64),
}

impl Step {
    /// Its kind, and its paths.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::MakeDirectory(path) => format!("mkdir {}", path.display()),
            Self::Open { path, .. } => format!("open {}", path.display()),
            Self::Write { fd, bytes, .. } => format!("write of {} bytes to {fd}", bytes.len()),
            Self::Truncate { fd, len } => format!("truncate {fd} to {len}"),
            Self::Rename { from, to } => format!("rename {} to {}", from.display(), to.display()),
            Self::Unlink(path) => format!("unlink {}", path.display()),
            Self::BeginSync { fd, .. } => format!("begin of sync of {fd}"),
            Self::EndSync { .. } => "end of a sync".into(),
            Self::Ack(number) => format!("ack {number}"),
        }
    }
}

/// The system calls to record.
pub(crate) const CALLS: &str = "openat,write,writev,pwrite64,sendto,fsync,fdatasync,rename,renameat,\
    renameat2,unlink,unlinkat,mkdir,mkdirat,ftruncate";

/// The steps below `base`, in order.
pub(crate) fn steps(trace: &str, base: &Path) -> Vec<Step> {
    let mut parser = Parser { base: base.to_owned(), paths: HashMap::new(), begun: HashMap::new() };
    trace.lines().flat_map(|line| parser.line(line)).collect()
}

struct Parser {
    base: PathBuf,
    /// Paths of descriptors, by their latest mention.
    paths: HashMap<u32, PathBuf>,
    /// Calls that have begun and not ended, by thread.
    begun: HashMap<u32, String>,
}

impl Parser {
    fn line(&mut self, line: &str) -> Vec<Step> {
        let Some((thread, call)) = line.split_once(' ') else { return Vec::new() };
        let Ok(thread) = thread.parse() else { return Vec::new() };
        let call = call.trim_start();
        self.remember(call);
        if let Some(begin) = call.strip_suffix("<unfinished ...>") {
            self.begun.insert(thread, begin.to_owned());
            return self.begins(thread, begin).into_iter().collect();
        }
        if call.starts_with("<... ") {
            let Some(begin) = self.begun.remove(&thread) else { return Vec::new() };
            let result = call.split_once("resumed>").map_or("", |(_, result)| result);
            return self.ends(thread, &format!("{begin}{result}")).into_iter().collect();
        }
        let begins = self.begins(thread, call);
        begins.into_iter().chain(self.ends(thread, call)).collect()
    }

    /// Learns the paths of all descriptors that a line names.
    fn remember(&mut self, call: &str) {
        for (at, _) in call.match_indices("<\\x2f") {
            let digits = call[..at].bytes().rev().take_while(u8::is_ascii_digit).count();
            let (Ok(fd), Some(end)) = (call[at - digits..at].parse(), call[at..].find('>')) else {
                continue;
            };
            let path = unescaped(&call[at + 1..at + end]);
            self.paths.insert(fd, String::from_utf8_lossy(&path).into_owned().into());
        }
    }

    /// What happens as soon as a call begins.
    fn begins(&self, thread: u32, call: &str) -> Option<Step> {
        let (name, arguments) = call.split_once('(')?;
        let fd = || descriptor(arguments).filter(|fd| self.is_ours(*fd));
        match name {
            "write" | "writev" => {
                let bytes = strings(arguments).concat();
                Some(Step::Write { fd: fd()?, at: None, bytes })
            }
            "pwrite64" => {
                let offset = arguments.split(" = ").next()?.trim_end().trim_end_matches(')');
                let at = offset.rsplit(", ").next()?.parse().ok();
                Some(Step::Write { fd: fd()?, at, bytes: strings(arguments).concat() })
            }
            "ftruncate" => {
                let len = arguments.split_once(", ")?.1.split([')', ' ']).next()?;
                Some(Step::Truncate { fd: fd()?, len: len.parse().ok()? })
            }
            "fsync" | "fdatasync" => Some(Step::BeginSync { thread, fd: fd()? }),
            "sendto" => {
                let sent = String::from_utf8_lossy(strings(arguments).first()?).into_owned();
                let number = sent.rsplit_once("\"ack\":")?.1.split('}').next()?.parse().ok()?;
                Some(Step::Ack(number))
            }
            _ => None,
        }
    }

    /// What is known, or has happened, when a call has ended.
    fn ends(&self, thread: u32, call: &str) -> Option<Step> {
        let (name, arguments) = call.split_once('(')?;
        if call.contains(" = -1 ") {
            return None;
        }
        let paths = strings(arguments).into_iter().map(|path| self.path(arguments, &path));
        let paths: Vec<PathBuf> = paths.collect();
        let ours = |path: &&PathBuf| path.starts_with(&self.base) && **path != self.base;
        match name {
            "openat" => {
                let fd = descriptor(arguments.rsplit_once(" = ")?.1)?;
                let path = self.paths.get(&fd).filter(|path| path.starts_with(&self.base))?.clone();
                let (create, empty) =
                    (arguments.contains("O_CREAT"), arguments.contains("O_TRUNC"));
                Some(Step::Open { fd, path, create, empty })
            }
            "mkdir" | "mkdirat" => Some(Step::MakeDirectory(paths.first().filter(ours)?.clone())),
            "unlink" | "unlinkat" => Some(Step::Unlink(paths.first().filter(ours)?.clone())),
            "rename" | "renameat" | "renameat2" => {
                let from = paths.first().filter(ours)?.clone();
                Some(Step::Rename { from, to: paths.get(1)?.clone() })
            }
            "fsync" | "fdatasync" => Some(Step::EndSync { thread }),
            _ => None,
        }
    }

    fn is_ours(&self, fd: u32) -> bool {
        self.paths.get(&fd).is_some_and(|path| path.starts_with(&self.base))
    }

    /// A path as a call names it: absolute, through a descriptor, or relative to one.
    fn path(&self, arguments: &str, name: &[u8]) -> PathBuf {
        let name = String::from_utf8_lossy(name).into_owned();
        let of = |fd: &str| self.paths.get(&fd.parse().ok()?).cloned();
        if let Some((fd, rest)) =
            name.strip_prefix("/proc/self/fd/").and_then(|n| n.split_once('/'))
        {
            return of(fd).unwrap_or_default().join(rest);
        }
        let directory = arguments.split('<').next().and_then(of).unwrap_or_default();
        directory.join(name)
    }
}

fn descriptor(text: &str) -> Option<u32> {
    text.split(['<', ' ', ',', ')']).next()?.parse().ok()
}

/// The quoted strings of a call; strace was asked to write every byte as `\xNN`.
fn strings(arguments: &str) -> Vec<Vec<u8>> {
    let quoted = arguments.split('"').skip(1).step_by(2);
    quoted.map(unescaped).collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let byte = |hex: &str| u8::from_str_radix(hex.get(..2).unwrap_or_default(), 16).ok();
    text.split("\\x").skip(1).filter_map(byte).collect()
}
