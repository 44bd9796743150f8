//! Reads the collector's files and holds them against what was surely logged.

use super::foreign::Foreign;
use super::plain::Connection;
use super::senders::Life;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The most problems that are told in words; the others are counted.
const TOLD: usize = 25;

/// What was found in the file.
#[derive(Debug, Default)]
pub(super) struct Checker {
    lives: HashMap<(String, u64), Life>,
    connections: HashMap<(u64, u64), Connection>,
    threads: HashMap<(String, u64, u64), Track>,
    plain: HashMap<(u64, u64), Track>,
    /// By app and pid, as the records that tell of losses have it.
    lost: HashMap<(String, u64), u64>,
    pub(super) records: u64,
    pub(super) plain_lines: u64,
    pub(super) lost_in_all: u64,
    foreign: Foreign,
    pub(super) foreign_lines: u64,
    /// What the collector and the loggers have said about themselves.
    pub(super) words: u64,
    /// The file and the line in it.
    at: (String, u64),
    problems: Vec<String>,
    more: u64,
}

/// How far the numbers of one thread or connection have come.
#[derive(Debug, Default)]
struct Track {
    last: u64,
    missing: u64,
    first_gap: Option<(u64, u64)>,
    /// Numbers that came before those in front of them, where that may be.
    early: BTreeSet<u64>,
}

impl Checker {
    pub(super) fn new(lives: Vec<Life>, connections: Vec<Connection>, foreign: Foreign) -> Self {
        let lives = lives.into_iter().map(|life| ((life.app.clone(), life.number), life));
        let connections = connections.into_iter().map(|one| ((one.program, one.number), one));
        let lives = lives.collect();
        let connections = connections.collect();
        Self { lives, connections, foreign, ..Self::default() }
    }

    /// Reads all of `files`, one after the other; what is wrong with them is in the answer.
    pub(super) fn check(&mut self, files: &[PathBuf]) -> Result<(), String> {
        for file in files {
            self.read(file);
        }
        self.count_threads();
        self.count_connections();
        for line in std::mem::take(&mut self.foreign.lines).into_keys() {
            self.wrong(format!("a foreign line is gone: {}", String::from_utf8_lossy(&line)));
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(format!("{}\nand {} more", self.problems.join("\n"), self.more))
    }

    fn read(&mut self, file: &Path) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut reader = open(file);
        let mut line = Vec::new();
        self.at = (name, 0);
        while reader.read_until(b'\n', &mut line).expect("the file can be read") > 0 {
            self.at.1 += 1;
            let whole = line.strip_suffix(b"\n").unwrap_or_default();
            match str::from_utf8(whole).ok().and_then(|line| line.parse().ok()) {
                _ if self.foreign.lines.remove(whole).is_some() => self.foreign_lines += 1,
                Some(record) => self.take(&record),
                None => self.wrong(format!("no record: {}", String::from_utf8_lossy(&line))),
            }
            line.clear();
        }
    }

    fn wrong(&mut self, what: String) {
        if self.problems.len() < TOLD {
            let (file, line) = &self.at;
            self.problems.push(format!("{file}:{line}: {what}"));
        } else {
            self.more += 1;
        }
    }

    fn take(&mut self, record: &Value) {
        let app = record["app"].as_str().unwrap_or_default();
        let msg = record["msg"].as_str().unwrap_or_default();
        if record["target"] == "netlog" {
            self.words += 1;
            let pid = record["pid"].as_u64().unwrap_or_default();
            let lost = record["lost"].as_u64().unwrap_or_default();
            *self.lost.entry((app.to_owned(), pid)).or_default() += lost;
            self.lost_in_all += lost;
            return;
        }
        let taken = match record.get("app") {
            Some(_) => self.take_numbered(app, msg, record),
            None => self.take_plain(msg, record),
        };
        if taken.is_none() {
            self.wrong(format!("nobody has logged this: {record}"));
        }
    }

    /// `thread T number N life L pad K xxx…`, whole to the last x.
    fn take_numbered(&mut self, app: &str, msg: &str, record: &Value) -> Option<()> {
        let [thread, number, life, pad] =
            numbers(msg, ["thread ", " number ", " life ", " pad "], ' ', &['x'])?;
        let xs = msg.bytes().rev().take_while(|&byte| byte == b'x').count();
        let known = self.lives.get(&(app.to_owned(), life))?;
        if xs as u64 != pad || record["pid"] != known.pid || record["truncated"] != Value::Null {
            return None;
        }
        self.records += 1;
        let Life { drops, is_swept, .. } = *known;
        let track = self.threads.entry((app.to_owned(), life, thread)).or_default();
        let step =
            if is_swept { track.step_in_any_order(number) } else { track.step(number, drops) };
        if let Err(what) = step {
            self.wrong(format!("{app} life {life} thread {thread}: {what}"));
        }
        Some(())
    }

    /// `plain P connection C line N of M xxx….`, or what a collector that ended has left of it.
    fn take_plain(&mut self, msg: &str, record: &Value) -> Option<()> {
        let words = ["plain ", " connection ", " line ", " of "];
        let whole = numbers(msg, words, ' ', &['x', '.']).filter(|_| msg.ends_with('.'));
        let Some([program, connection, line, _]) = whole else {
            let torn = |one: &Connection| !one.whole && record["peer"] == one.peer.as_str();
            return self.connections.values().any(torn).then_some(());
        };
        self.connections.get(&(program, connection))?;
        self.plain_lines += 1;
        let track = self.plain.entry((program, connection)).or_default();
        if let Err(what) = track.step(line, false) {
            self.wrong(format!("plain {program} connection {connection}: {what}"));
        }
        Some(())
    }

    fn count_threads(&mut self) {
        let mut lives: Vec<Life> = self.lives.values().cloned().collect();
        lives.sort_by(|a, b| (&a.app, a.number).cmp(&(&b.app, b.number)));
        let mut expected = HashMap::<(String, u64), (u64, u64)>::new();
        for life in &lives {
            let (missing, in_flight) = self.count_life(life);
            // What one life leaves may be given up and counted by any later one.
            let pid = if life.shares_room { 0 } else { life.pid };
            let of_pid = expected.entry((life.app.clone(), pid)).or_default();
            *of_pid = (of_pid.0 + missing, of_pid.1 + in_flight);
        }
        for ((app, pid), (missing, in_flight)) in expected {
            let (lost, most) = match pid {
                // Records whose ack nobody lived to see count as lost when they are given up.
                0 => (self.take_lost_of(&app), u64::MAX),
                pid => (self.lost.remove(&(app.clone(), pid)).unwrap_or(0), missing + in_flight),
            };
            if lost < missing || lost > most {
                self.wrong(format!(
                    "{app} pid {pid}: {missing} to {} records are missing, and {lost} are told to be lost",
                    missing + in_flight
                ));
            }
        }
    }

    /// How many records all lives of `app` have reported as lost.
    fn take_lost_of(&mut self, app: &str) -> u64 {
        let of_app = self.lost.extract_if(|(its, _), _| its == app);
        of_app.map(|(_, lost)| lost).sum()
    }

    /// How many records of a life are missing; and how many were being logged at its end, which may
    /// be in the file, or counted as lost, or neither.
    fn count_life(&mut self, life: &Life) -> (u64, u64) {
        let mut missing = 0;
        let mut in_flight = 0;
        for (logged, thread) in life.logged().into_iter().zip(1..) {
            let key = (life.app.clone(), life.number, thread);
            let track = self.threads.remove(&key).unwrap_or_default().at_the_end();
            let Track { last, missing: gaps, first_gap, .. } = track;
            let here = gaps + logged.saturating_sub(last);
            missing += here;
            let unknown = u64::from(!life.whole);
            in_flight += if last <= logged && life.drops { unknown } else { 0 };
            let who = format!("{} life {} thread {thread}", life.app, life.number);
            if last > logged + unknown {
                self.wrong(format!("{who}: number {last} is there, {logged} were logged"));
            }
            if here > 0 && !life.drops {
                let gap = first_gap.unwrap_or((last + 1, logged));
                self.wrong(format!("{who}: {here} of {logged} are missing, first {gap:?}"));
            }
        }
        (missing, in_flight)
    }

    fn count_connections(&mut self) {
        for one in std::mem::take(&mut self.connections).into_values() {
            let track = self.plain.remove(&(one.program, one.number)).unwrap_or_default();
            let there = track.last - track.missing;
            if there > one.lines || (one.whole && there < one.lines) || track.missing > 0 {
                self.wrong(format!("{one:?}: {track:?}"));
            }
        }
    }
}

impl Track {
    /// Takes a number that may come ahead of others, but once.
    fn step_in_any_order(&mut self, number: u64) -> Result<(), String> {
        if number <= self.last || !self.early.insert(number) {
            return Err(format!("number {number} again"));
        }
        while self.early.remove(&(self.last + 1)) {
            self.last += 1;
        }
        Ok(())
    }

    /// Counts as missing what has not come in front of those that came early.
    fn at_the_end(mut self) -> Self {
        if let Some(&greatest) = self.early.last() {
            self.first_gap = Some((self.last + 1, greatest));
            self.missing += greatest - self.last - self.early.len() as u64;
            self.last = greatest;
        }
        self
    }

    fn step(&mut self, number: u64, gaps: bool) -> Result<(), String> {
        let last = self.last;
        if number <= last {
            return Err(format!("number {number} again, or late: {last} was there before"));
        }
        self.last = number;
        if number == last + 1 {
            return Ok(());
        }
        self.missing += number - last - 1;
        self.first_gap.get_or_insert((last + 1, number - 1));
        if gaps { Ok(()) } else { Err(format!("number {number} follows {last}")) }
    }
}

/// Opens a file that records are kept in, packed or not.
fn open(file: &Path) -> Box<dyn BufRead> {
    let open = File::open(file).expect("the file is there");
    match file.extension().is_some_and(|end| end == "zst") {
        true => Box::new(BufReader::new(zstd::Decoder::new(open).expect("it can be unpacked"))),
        false => Box::new(BufReader::new(open)),
    }
}

/// The numbers behind each of `words`, if `text` is made of these and an end of `fill`.
fn numbers(text: &str, words: [&str; 4], last: char, fill: &[char]) -> Option<[u64; 4]> {
    let mut numbers = [0; 4];
    let mut rest = text;
    for (number, word) in numbers.iter_mut().zip(words) {
        rest = rest.strip_prefix(word)?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        *number = rest[..end].parse().ok()?;
        rest = &rest[end..];
    }
    let rest = rest.strip_prefix(last)?;
    rest.trim_end_matches(fill).is_empty().then_some(numbers)
}
