//! A batch, split into what belongs to each file of a template.

use crate::hub::batch::Batch;
use crate::hub::line_run::{LineRun, Source};
use crate::layout::template::Template;
use crate::senders::identity::SenderId;
use netlog_wire::Line;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;

/// The part of a batch that belongs to one file.
#[derive(Debug)]
pub(super) struct BatchPart {
    /// The file, below the base of the template.
    pub(super) place: PathBuf,
    pub(super) batch: Batch,
    /// Which run of the whole batch its last one is taken from.
    of: usize,
}

/// Splits `batch`. A sender is where its hello says, all of it: its mark stands for every record
/// up to it. A run of plain peers is split by who stands in front of each line.
pub(super) fn split(batch: &Batch, template: &Template) -> VecDeque<BatchPart> {
    let mut split = BatchSplit { template, parts: Vec::new(), places: HashMap::new() };
    let mut senders = HashMap::<SenderId, usize>::new();
    let mut heads = HashMap::new();
    for (nth, run) in batch.runs.iter().enumerate() {
        match &run.source {
            Source::Netlog(sender) | Source::Ended(sender) => {
                let app = sender.identity.app.as_deref();
                let host = sender.identity.host.as_deref();
                let at = senders.entry(sender.id).or_insert_with(|| split.part(app, host));
                split.parts[*at].take(nth, run, &run.lines, run.count);
            }
            Source::Plain => {
                for line in run.lines.split_inclusive(|&byte| byte == b'\n') {
                    let at = heads.entry(head(line)).or_insert_with(|| split.part_of(line));
                    split.parts[*at].take(nth, run, line, 1);
                }
            }
        }
    }
    split.parts.into()
}

struct BatchSplit<'a> {
    template: &'a Template,
    parts: Vec<BatchPart>,
    places: HashMap<PathBuf, usize>,
}

impl BatchSplit<'_> {
    fn part_of(&mut self, line: &[u8]) -> usize {
        let line = Line::parse(line.strip_suffix(b"\n").unwrap_or(line));
        let name = |of: fn(&Line<'_>) -> Option<String>| line.as_ref().and_then(of);
        let app = name(|line| line.app.map(|app| app.text().into_owned()));
        let host = name(|line| line.host.map(|host| host.text().into_owned()));
        self.part(app.as_deref(), host.as_deref())
    }

    fn part(&mut self, app: Option<&str>, host: Option<&str>) -> usize {
        let place = self.template.place(app, host);
        *self.places.entry(place).or_insert_with_key(|place| {
            let place = place.clone();
            let batch = Batch::default();
            self.parts.push(BatchPart { place, batch, of: 0 });
            self.parts.len() - 1
        })
    }
}

impl BatchPart {
    /// Adds `count` lines of `run`, the batch's `nth`. What it says of their times and levels holds
    /// for a part of it too.
    fn take(&mut self, nth: usize, run: &LineRun, lines: &[u8], count: u64) {
        if self.of != nth || self.batch.runs.is_empty() {
            let mut part = LineRun::new(run.source.clone(), run.first, lines.len());
            (part.times, part.levels) = (run.times, run.levels);
            self.batch.runs.push(part);
            self.of = nth;
        }
        let Some(part) = self.batch.runs.last_mut() else { return };
        part.lines.extend_from_slice(lines);
        part.count += count;
    }
}

/// The members of a line that say its app and host, as they stand there.
fn head(line: &[u8]) -> &[u8] {
    let mut at = 1;
    for key in [br#""app":""#.as_slice(), br#""host":""#] {
        let Some(rest) = line.get(at..).and_then(|rest| rest.strip_prefix(key)) else { continue };
        let mut quotes = memchr::memchr_iter(b'"', rest);
        let escaped = |&end: &usize| {
            rest[..end].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
        };
        let Some(end) = quotes.find(|end| !escaped(end)) else { continue };
        // With the quote and the comma behind it.
        at += key.len() + end + 2;
    }
    &line[..at.min(line.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::senders::identity::Sender;
    use netlog_wire::Identity;
    use std::path::Path;
    use std::sync::Arc;

    fn line(who: &str, msg: &str) -> String {
        format!(
            "{{{who}\"time\":\"2026-11-22T18:42:23.000000Z\",\"level\":\"INFO\",\"msg\":\"{msg}\"}}\n"
        )
    }

    fn run(source: Source, lines: &[String]) -> LineRun {
        let mut run = LineRun::new(source, 1, 0);
        run.lines = lines.concat().into_bytes();
        run.count = lines.len() as u64;
        run
    }

    fn parts(batch: &Batch) -> Vec<(PathBuf, Vec<(u64, String)>)> {
        let template = Template::parse(Path::new("/x/{app}/{host}.log")).unwrap().unwrap();
        let show = |run: &LineRun| (run.count, String::from_utf8(run.lines.clone()).unwrap());
        let show = |part: BatchPart| (part.place, part.batch.runs.iter().map(show).collect());
        split(batch, &template).into_iter().map(show).collect()
    }

    #[test]
    fn a_run_of_many_apps_is_split_in_order() {
        let a = |msg: &str| line(r#""app":"a","host":"h","pid":7,"#, msg);
        let odd = |msg: &str| line(r#""app":"q\"\\","host":"h","#, msg);
        let none = |msg: &str| line("", msg);
        let lines = [a("1"), odd("1"), a("2"), none("1"), odd("2"), a("3")];
        let again = [none("2"), a("4")];
        let runs = vec![run(Source::Plain, &lines), run(Source::Plain, &again)];
        let place = |place: &str| PathBuf::from(place);
        assert_eq!(
            parts(&Batch { runs }),
            [
                (place("a/h.log"), vec![(3, [a("1"), a("2"), a("3")].concat()), (1, a("4"))]),
                (place("q%22%5C/h.log"), vec![(2, [odd("1"), odd("2")].concat())]),
                (place("unknown/unknown.log"), vec![(1, none("1")), (1, none("2"))]),
            ]
        );
    }

    #[test]
    fn a_sender_is_in_one_file_whatever_another_connection_says() {
        let sender = |app: &str| {
            let identity = Identity { app: Some(app.into()), ..Identity::default() };
            Arc::new(Sender::new(SenderId(7), identity, false))
        };
        let stolen = line(r#""app":"b","#, "x");
        let runs = vec![
            run(Source::Netlog(sender("a")), std::slice::from_ref(&stolen)),
            run(Source::Netlog(sender("b")), std::slice::from_ref(&stolen)),
            run(Source::Ended(sender("b")), std::slice::from_ref(&stolen)),
        ];
        let parts = parts(&Batch { runs });
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].0, Path::new("a/unknown.log"));
        assert_eq!(parts[0].1.len(), 3);
    }
}
