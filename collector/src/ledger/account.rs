//! What a ledger knows: the marks of all senders, and what stands where in the file. No I/O.

use super::entry::{BatchEntry, Entry, Head, IndexEntry, Known, RunEntry, Span};
use super::names::{MOST_NAMED, Names};
use super::order::Order;
use crate::hub::progress::Stream;
use crate::layout::torn_tail::Cut;
use crate::senders::identity::SenderId;
use std::collections::HashMap;
use std::sync::Arc;

/// About how much of the file one index entry covers.
const STRETCH: u64 = 256 << 10;

/// The sum of a ledger's lines.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) head: Head,
    numbers: HashMap<SenderId, u32>,
    /// In the order of their numbers, from 1.
    senders: Vec<Known>,
    /// How many of them have names.
    named: usize,
    index: Vec<IndexEntry>,
    /// What the file is a part of, and how far that has come as far as is known here.
    stream: Option<Stream>,
    /// In seconds since 1970: whose runs are counted is heard of now.
    pub(crate) now: i64,
}

/// What a replay came to.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) account: Account,
    pub(crate) cut: Option<Cut>,
    /// Whether every line was read, but for a torn last one.
    pub(crate) sound: bool,
}

impl Account {
    /// Reads a ledger against the length of its file. An entry wholly in the file counts; of one
    /// partly in it the whole runs count; none counts beyond where the next entry begins.
    pub(crate) fn replay(text: &[u8], file_len: u64, now: i64) -> Replayed {
        let mut account = Self { now, ..Self::default() };
        let mut last: Option<BatchEntry> = None;
        let whole = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
        let mut sound = true;
        for (at, line) in text[..whole].split_inclusive(|&byte| byte == b'\n').enumerate() {
            let entry = Entry::parse(line.strip_suffix(b"\n").unwrap_or(line));
            sound = match entry {
                Some(Entry::Head(head)) if at == 0 => {
                    account.stream = head.stream;
                    account.head = head;
                    true
                }
                Some(Entry::Sender(known)) if at > 0 => account.introduce(known),
                Some(Entry::Renamed(number)) if at > 0 => account.rename(number),
                Some(Entry::Index(mut index)) if at > 0 => {
                    index.order = index.order.filter(|_| account.stream.is_some());
                    account.come_to(&index);
                    account.index.push(index);
                    true
                }
                Some(Entry::Batch(batch)) if at > 0 => {
                    let before = last.replace(batch);
                    let next = last.as_ref().map_or(0, |batch| batch.span.at);
                    before.is_none_or(|before| account.count(&before, next).is_some())
                }
                _ => false,
            };
            if !sound {
                break;
            }
        }
        let counted = last.map(|last| account.count(&last, file_len));
        sound &= whole > 0 && !matches!(counted, Some(None));
        let cut = counted.flatten().flatten().filter(|_| sound);
        Replayed { account, cut, sound }
    }

    /// Adds a sender that a ledger introduces; `false` when it is out of turn.
    fn introduce(&mut self, known: Known) -> bool {
        let next = self.senders.len() as u64 + 1 == u64::from(known.number);
        let new = next && !self.numbers.contains_key(&known.id);
        if new {
            self.numbers.insert(known.id, known.number);
            self.push(known);
        }
        new
    }

    fn push(&mut self, mut known: Known) {
        known.names = known.names.filter(|_| self.named < MOST_NAMED);
        self.named += usize::from(known.names.is_some());
        self.senders.push(known);
    }

    /// Forgets the names of a sender that has others now; `false` when nobody introduced it.
    pub(crate) fn rename(&mut self, number: u32) -> bool {
        let Some(known) = self.get_mut(number) else { return false };
        let had = known.names.take().is_some();
        self.named -= usize::from(had);
        true
    }

    fn get_mut(&mut self, number: u32) -> Option<&mut Known> {
        self.senders.get_mut(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    /// Counts the runs of `batch` that end at or before `bound`, and says where to cut if a run
    /// does not; the outer `None` when it names a sender that nobody introduced.
    pub(crate) fn count(&mut self, batch: &BatchEntry, bound: u64) -> Option<Option<Cut>> {
        let mut at = batch.span.at;
        for run in &batch.runs {
            let end = at.saturating_add(run.bytes);
            if end > bound {
                self.extend_index(batch, at);
                return Some((at < bound).then_some(match run.sender {
                    0 => Cut::BehindLastLine(at),
                    _ => Cut::At(at),
                }));
            }
            self.count_run(run)?;
            at = end;
        }
        self.extend_index(batch, at);
        Some(None)
    }

    fn count_run(&mut self, run: &RunEntry) -> Option<()> {
        if run.sender == 0 {
            return Some(());
        }
        let now = self.now;
        let known = self.get_mut(run.sender)?;
        known.seen = now;
        if run.count == 0 {
            known.ended = true;
        } else {
            known.mark = known.mark.max(run.first.saturating_add(run.count - 1));
        }
        Some(())
    }

    fn extend_index(&mut self, batch: &BatchEntry, end: u64) {
        let Span { at, times, levels, .. } = batch.span;
        if end <= at {
            return;
        }
        let pos = batch.pos.filter(|_| self.stream.is_some());
        let goes_on = |last: &mut IndexEntry| {
            let near = last.span.end() == at && last.span.len < STRETCH;
            near && match (&mut last.order, pos) {
                (Some(order), Some(pos)) => order.go_on(last.span.len, pos),
                (order, pos) => order.is_none() && pos.is_none(),
            }
        };
        if !self.index.last_mut().is_some_and(goes_on) {
            let span = Span { at, len: 0, times, levels: 0 };
            let order = pos.map(Order::new);
            self.index.push(IndexEntry { span, order, senders: Vec::new() });
        }
        let Some(IndexEntry { span, order, senders }) = self.index.last_mut() else { return };
        span.len = end - span.at;
        if let (Some(order), Some(stream)) = (order, &mut self.stream) {
            stream.end = stream.end.max(order.end(span.len));
        }
        span.times = (span.times.0.min(times.0), span.times.1.max(times.1));
        span.levels |= levels;
        for run in &batch.runs {
            if let Err(place) = senders.binary_search(&run.sender) {
                senders.insert(place, run.sender);
            }
        }
    }

    fn come_to(&mut self, entry: &IndexEntry) {
        if let (Some(order), Some(stream)) = (&entry.order, &mut self.stream) {
            stream.end = stream.end.max(order.end(entry.span.len));
        }
    }

    /// What the file is a part of.
    pub(crate) fn stream(&self) -> Option<Stream> {
        self.stream
    }

    /// The file is a part of `stream` from now on. What was a part of another one has no place in
    /// it.
    pub(crate) fn join(&mut self, stream: Stream) {
        self.index.iter_mut().for_each(|entry| entry.order = None);
        self.stream = Some(stream);
    }

    /// It is a part of none.
    pub(crate) fn leave(&mut self) {
        self.stream = None;
    }

    /// How much memory the places in the stream take.
    pub(crate) fn order_size(&self) -> usize {
        self.index.iter().filter_map(|entry| entry.order.as_ref()).map(Order::size).sum()
    }

    /// The number of `id` in this ledger, and whether it has just got it, with these names.
    pub(crate) fn number(
        &mut self,
        id: SenderId,
        names: impl FnOnce() -> Option<Arc<Names>>,
    ) -> (u32, bool) {
        let next = self.senders.len() as u32 + 1;
        let number = *self.numbers.entry(id).or_insert(next);
        if number == next {
            let names = names();
            self.push(Known { number, id, mark: 0, seen: 0, ended: false, names });
        }
        (number, number == next)
    }

    /// What is known of each sender.
    pub(crate) fn senders(&self) -> &[Known] {
        &self.senders
    }

    /// The same without the senders not heard of since `since`, and not more than `most` others,
    /// the latest. In the index, what is forgotten counts among the plain peers.
    pub(crate) fn remembering(&self, since: i64, most: usize) -> Self {
        let mut seen: Vec<i64> = self.senders.iter().map(|known| known.seen).collect();
        seen.sort_unstable_by(|a, b| b.cmp(a));
        let since = seen.get(most).map_or(since, |&oldest| since.max(oldest.saturating_add(1)));
        let (head, now, stream) = (self.head.clone(), self.now, self.stream);
        let mut kept = Self { head, now, stream, ..Self::default() };
        let mut renumbered = vec![0];
        for known in &self.senders {
            renumbered.push(0);
            if known.seen >= since {
                let (number, _) = kept.number(known.id, || known.names.clone());
                let names = kept.senders[number as usize - 1].names.clone();
                kept.senders[number as usize - 1] = Known { number, names, ..known.clone() };
                renumbered[known.number as usize] = number;
            }
        }
        kept.index = self.index.clone();
        for entry in &mut kept.index {
            let old = std::mem::take(&mut entry.senders);
            let new = |&old: &u32| renumbered.get(old as usize).copied().unwrap_or(0);
            entry.senders = old.iter().map(new).collect();
            entry.senders.sort_unstable();
            entry.senders.dedup();
        }
        kept
    }

    /// Where the last stretch that is known ends.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn end(&self) -> u64 {
        self.index.last().map_or(0, |entry| entry.span.end())
    }

    /// What stands where, in the order of the file.
    pub(crate) fn index(self) -> (Vec<IndexEntry>, Vec<Known>) {
        (self.index, self.senders)
    }

    /// Forgets what stands where: the file is another one now.
    pub(crate) fn begin(&mut self, head: Head) {
        self.head = head;
        self.index.clear();
    }

    /// The ledger that says the same in as few lines as there can be.
    pub(crate) fn snapshot(&self, head: &Head) -> String {
        let mut out = String::new();
        Head { stream: self.stream, ..head.clone() }.push(&mut out);
        self.senders.iter().for_each(|known| known.push(&mut out));
        self.index.iter().for_each(|index| index.push(&mut out));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "{\"ledger\":1,\"at\":0,\"inode\":[1,2]}\n";
    const SENDER: &str = "{\"sender\":[1,\"000000000000000000000000000000ff\",0,99]}\n";

    fn batch(at: u64, runs: &str, len: u64) -> String {
        format!("{{\"at\":{at},\"len\":{len},\"times\":[1,2],\"levels\":4,\"runs\":[{runs}]}}\n")
    }

    fn mark(text: &str, file_len: u64) -> (u64, Option<Cut>, bool) {
        let replayed = Account::replay(text.as_bytes(), file_len, 99);
        let mark = replayed.account.senders().first().map_or(0, |known| known.mark);
        (mark, replayed.cut, replayed.sound)
    }

    #[test]
    fn whole_runs_count_and_a_torn_one_is_cut() {
        let text = format!("{HEAD}{SENDER}{}", batch(0, "[1,1,2,20],[0,1,2,30],[1,3,1,10]", 60));
        for (len, expected) in [
            (0, (0, None)),
            (1, (0, Some(Cut::At(0)))),
            (19, (0, Some(Cut::At(0)))),
            (20, (2, None)),
            (21, (2, Some(Cut::BehindLastLine(20)))),
            (50, (2, None)),
            (59, (2, Some(Cut::At(50)))),
            (60, (3, None)),
            (99, (3, None)),
        ] {
            assert_eq!(mark(&text, len), (expected.0, expected.1, true), "{len} bytes");
        }
    }

    #[test]
    fn senders_long_silent_and_senders_beyond_the_most_are_forgotten() {
        let (mut text, seen) = (HEAD.to_owned(), [50, 10, 70, 60]);
        for (at, seen) in seen.iter().enumerate() {
            let (number, id) = (at + 1, at + 0xa);
            text.push_str(&format!("{{\"sender\":[{number},\"{id:032x}\",{number},{seen}]}}\n"));
        }
        text.push_str(
            "{\"at\":0,\"len\":9,\"times\":[1,2],\"levels\":4,\"senders\":[1,2,3,4,77]}\n",
        );
        let account = Account::replay(text.as_bytes(), 9, 99).account;
        let kept = |since, most| {
            let kept = account.remembering(since, most);
            let senders = kept.senders().iter().map(|known| (known.number, known.mark));
            (senders.collect::<Vec<_>>(), kept.index[0].senders.clone())
        };
        assert_eq!(kept(50, 9), (vec![(1, 1), (2, 3), (3, 4)], vec![0, 1, 2, 3]));
        assert_eq!(kept(0, 2), (vec![(1, 3), (2, 4)], vec![0, 1, 2]));
        assert_eq!(kept(0, 9).0.len(), 4);
    }

    #[test]
    fn an_entry_counts_only_up_to_the_next() {
        let (cut, next) = (batch(0, "[1,1,5,50]", 50), batch(0, "[1,1,1,10]", 10));
        assert_eq!(mark(&format!("{HEAD}{SENDER}{cut}{next}"), 60), (1, None, true));
        // Only the last entry can be in doubt: a file that has shrunk was shrunk by others.
        let later = batch(50, "[1,6,1,10]", 10);
        assert_eq!(mark(&format!("{HEAD}{SENDER}{cut}{later}"), 0), (5, None, true));
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_any_other_damage_is_told() {
        let text = format!("{HEAD}{SENDER}{}", batch(0, "[1,1,2,20]", 20));
        let torn = format!("{text}{{\"at\":20,\"le");
        assert_eq!(mark(&torn, 20), (2, None, true));
        assert_eq!(mark(&format!("{text}garbage\n"), 20), (2, None, false));
        assert_eq!(mark("", 20), (0, None, false));
        assert!(!mark(&format!("{SENDER}{HEAD}"), 20).2);
        assert!(!mark(&format!("{HEAD}{}", batch(0, "[9,1,2,20]", 20)), 20).2);
        for (runs, len) in [("[1,1,2,21]", 20), ("[1,1,2,18446744073709551615],[0,1,1,21]", 20)] {
            assert_eq!(
                mark(&format!("{HEAD}{SENDER}{}", batch(0, runs, len)), 10),
                (0, None, false)
            );
        }
    }

    #[test]
    fn what_a_damaged_ledger_says_out_of_turn_does_not_damage_the_next() {
        let known =
            |number: u32, id: u32| format!("{{\"sender\":[{number},\"{id:032x}\",7,99]}}\n");
        for damage in [known(5, 0xbb), known(2, 0xff), known(0, 0xbb)] {
            let text = format!("{HEAD}{SENDER}{damage}");
            let replayed = Account::replay(text.as_bytes(), 0, 99);
            let account = replayed.account.remembering(0, 9);
            let next = account.snapshot(&account.head);
            assert!(!replayed.sound && next == format!("{HEAD}{SENDER}"), "{next}");
        }
    }

    #[test]
    fn a_snapshot_says_the_same() {
        let text = format!(
            "{HEAD}{SENDER}{}{}",
            batch(0, "[1,1,2,20],[0,1,1,5]", 25),
            batch(25, "[1,0,0,9]", 9)
        );
        let account = Account::replay(text.as_bytes(), 34, 99).account;
        let snapshot = account.snapshot(&account.head);
        let expected = format!(
            "{HEAD}{{\"sender\":[1,\"000000000000000000000000000000ff\",2,99,true]}}\n{{\"at\":0,\"len\":34,\"times\":[1,2],\"levels\":4,\"senders\":[0,1]}}\n"
        );
        assert_eq!(snapshot, expected);
        let again = Account::replay(snapshot.as_bytes(), 34, 99).account;
        assert_eq!(again.snapshot(&again.head), expected);
    }

    #[test]
    fn a_ledger_knows_the_places_of_its_file_in_the_stream_and_how_far_that_has_come() {
        let head = HEAD.replace("}", ",\"stream\":[77,500]}");
        let batch = |at, pos: u64, len| {
            let runs = format!("[0,1,1,{len}]");
            batch(at, &runs, len).replace("\"runs\"", &format!("\"pos\":{pos},\"runs\""))
        };
        let text = format!("{head}{}{}{}", batch(0, 900, 20), batch(20, 920, 5), batch(25, 960, 9));
        let replayed = |text: &str, len| {
            let account = Account::replay(text.as_bytes(), len, 99).account;
            (account.stream().map(|stream| stream.end), account.snapshot(&account.head))
        };
        let expected = |end: u64, entry: &str| {
            let head = HEAD.replace("}", &format!(",\"stream\":[77,{end}]}}"));
            (Some(end), format!("{head}{{\"at\":0,{entry},\"senders\":[0]}}\n"))
        };
        let entry = r#""len":34,"times":[1,2],"levels":4,"pos":900,"gaps":[25,35]"#;
        assert_eq!(replayed(&text, 34), expected(969, entry));
        assert_eq!(replayed(&replayed(&text, 34).1, 34), expected(969, entry));
        // What is torn has no place yet.
        let entry = r#""len":25,"times":[1,2],"levels":4,"pos":900"#;
        assert_eq!(replayed(&text, 30), expected(925, entry));
        // A file that is a part of nothing has no places, whatever is said of them.
        let (none, snapshot) = replayed(&text.replace("stream", "other"), 34);
        assert!(none.is_none() && !snapshot.contains("pos"), "{snapshot}");
        let mut account = Account::replay(text.as_bytes(), 34, 99).account;
        account.join(Stream { print: 78, end: 3 });
        let snapshot = account.snapshot(&account.head);
        assert!(snapshot.contains("[78,3]") && !snapshot.contains("pos"), "{snapshot}");
    }

    #[test]
    fn a_sender_that_goes_by_other_names_has_none_from_then_on() {
        let known = |number: u32| {
            format!("{{\"sender\":[{number},\"{number:032x}\",0,99,false,\"orders\",\"web1\"]}}\n")
        };
        let text = format!("{HEAD}{}{}{{\"renamed\":1}}\n", known(1), known(2));
        let Replayed { account, sound, .. } = Account::replay(text.as_bytes(), 0, 99);
        let named = |account: &Account| -> Vec<bool> {
            account.senders().iter().map(|known| known.names.is_some()).collect()
        };
        assert_eq!((named(&account), account.named, sound), (vec![false, true], 1, true));
        assert_eq!(named(&account.remembering(0, 9)), [false, true]);
        let again = account.snapshot(&account.head);
        assert_eq!(named(&Account::replay(again.as_bytes(), 0, 99).account), [false, true]);
        let wrong = format!("{HEAD}{}{{\"renamed\":2}}\n", known(1));
        assert!(!Account::replay(wrong.as_bytes(), 0, 99).sound);
    }
}
