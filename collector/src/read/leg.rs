//! One row of files on its way through a [merge](super::merge): what was found of it and is not
//! shown yet, and where it goes on. What it holds can be dropped at any time, and is read again.

use super::cursor::Cursor;
use super::filter::Filter;
use super::find::{Head, found, gather, keep, ordered};
use super::query::Order;
use super::shelves::{Book, Opened, Stock};
use super::volume::Volume;
use crate::ledger::{Extent, Share, Stretch};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// The most parts of a file that are remembered at once.
const SHARES: usize = 64;

/// The most that is read at once: what a frame of a packed file holds.
const MOST: u64 = 256 << 10;

/// By what records of several rows are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By their times.
    Time,
    /// As the hub wrote them. What has no place in the stream is older than all that has, and among
    /// itself in the order of its times.
    Place,
}

/// What is asked of all rows alike.
pub(crate) struct Quest {
    pub(crate) stock: Arc<Stock>,
    pub(crate) filter: Arc<Filter>,
    pub(crate) order: Order,
    pub(crate) by: By,
    pub(crate) extent: Extent,
    /// How much a leg may hold.
    pub(crate) budget: u64,
}

/// Where a record, or all that is still to come of a leg, stands among those of others.
pub(super) type Key = (u8, u64);

const FIRST: Key = (0, 0);
const LAST: Key = (u8::MAX, u64::MAX);

/// A record to be shown.
pub(super) struct Shown<'a> {
    pub(super) line: &'a [u8],
    pub(super) cursor: Cursor,
    pub(super) place: Option<u64>,
}

/// The file that is being read.
struct Open {
    book: Book,
    inode: (u64, u64),
    limit: u64,
    print: u64,
    shares: VecDeque<Share>,
    /// The times of what is beyond these, if there is more.
    rest: Option<(i64, i64)>,
    /// Up to where it is done with, from its beginning or from its end.
    edge: Option<u64>,
}

/// A file still to be opened, and the times of its records as far as they are known.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    book: Book,
    times: (i64, i64),
}

/// What a leg came to in passing.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Passed {
    /// Bytes that were read, and that the ledger said need not be.
    pub(crate) scanned: u64,
    pub(crate) skipped: u64,
    /// Pieces and files that could not be read, and files that were not there any more.
    pub(crate) unreadable: u64,
    pub(crate) gone: u64,
}

/// A row, as far as it has come.
#[derive(Default)]
pub(super) struct Leg {
    row: usize,
    /// The files still to be opened; none is known before the first is.
    books: Option<VecDeque<Waiting>>,
    /// Whether it is known of which times they are.
    weighed: bool,
    open: Option<Open>,
    heads: VecDeque<Head>,
    text: Vec<u8>,
    /// How much is read next.
    piece: u64,
    /// Kept open from one piece to the next, if there is room for it.
    volume: Option<Volume>,
}

impl Leg {
    pub(super) fn new(row: usize, budget: u64) -> Self {
        Self { row, piece: budget, ..Self::default() }
    }

    /// Where what comes next of it stands; `None` when nothing does.
    pub(super) fn key(&self, quest: &Quest) -> Option<Key> {
        let newest = quest.order == Order::Newest;
        if let Some(head) = if newest { self.heads.back() } else { self.heads.front() } {
            return Some(head.key);
        }
        let unknown = if newest { LAST } else { FIRST };
        let Some(waiting) = &self.books else { return Some(unknown) };
        let shares = self.open.iter().flat_map(|open| &open.shares);
        let rest = self.open.as_ref().and_then(|open| open.rest);
        if quest.by == By::Place {
            let mut shares = shares;
            let next = if newest { shares.next_back() } else { shares.next() };
            let Some(next) = next.filter(|next| next.is_placed()) else {
                let more = next.is_some() || rest.is_some() || !waiting.is_empty();
                return more.then_some(unknown);
            };
            let at = if newest { next.to.saturating_sub(1) } else { next.from };
            return Some((1, next.place(at).unwrap_or_default()));
        }
        let waiting = waiting.iter().map(|waiting| waiting.times);
        let times = shares.map(|share| share.times).chain(rest).chain(waiting);
        let bound = if newest { times.map(|t| t.1).max() } else { times.map(|t| t.0).min() };
        bound.map(|time| (0, ordered(time)))
    }

    /// Whether a record of it is at hand.
    pub(super) fn is_ready(&self) -> bool {
        !self.heads.is_empty()
    }

    /// The next record at hand, and what comes of `show`.
    pub(super) fn show<T>(&mut self, order: Order, show: impl FnOnce(Shown<'_>) -> T) -> Option<T> {
        let head = match order {
            Order::Newest => self.heads.pop_back(),
            Order::Oldest => self.heads.pop_front(),
        }?;
        let line = &self.text[head.begin..head.end];
        let shown = show(Shown { line, cursor: head.cursor, place: head.place });
        if self.heads.is_empty() {
            self.text = Vec::new();
        }
        Some(shown)
    }

    /// Lets go of all that can be read again.
    pub(super) fn forget(&mut self, order: Order) {
        self.volume = None;
        let Some(open) = &mut self.open else { return };
        let edge = match order {
            Order::Newest => {
                self.heads.back().map(|head| head.at + (head.end - head.begin) as u64 + 1)
            }
            Order::Oldest => self.heads.front().map(|head| head.at),
        };
        if edge.is_some() || !open.shares.is_empty() {
            let next = match order {
                Order::Newest => open.shares.back().map(|share| share.to),
                Order::Oldest => open.shares.front().map(|share| share.from),
            };
            open.edge = edge.or(next);
            open.rest = Some((i64::MIN, i64::MAX));
            open.shares = VecDeque::new();
        }
        (self.heads, self.text) = (VecDeque::new(), Vec::new());
    }

    /// Closes the file until it is read again.
    pub(super) fn close(&mut self) {
        self.volume = None;
    }

    pub(super) fn is_open(&self) -> bool {
        self.volume.is_some()
    }

    /// Finds the first file of the row that the extent has a part in, and says how much of the
    /// stream the row has.
    pub(super) fn survey(&mut self, quest: &Quest) -> u64 {
        let row = &quest.stock.rows[self.row];
        let (mut books, mut needed, mut covered) = (row.books(), VecDeque::new(), 0);
        while let Some(book) = books.pop_back() {
            // What is not there leaves a gap, which is noticed.
            let Ok(opened) = row.open(book, quest.extent) else { continue };
            let shares = opened.index.shares(opened.len, quest.extent, |_| true);
            covered += shares.covered;
            needed.push_front(Waiting::new(opened.book));
            if shares.earlier {
                break;
            }
        }
        self.books = Some(needed);
        covered
    }

    /// Takes one step: opens the next file, or reads the next piece.
    pub(super) fn fill(&mut self, quest: &Quest, passed: &mut Passed) {
        let outcome = match &self.open {
            None if quest.by == By::Time && self.books.is_some() && !self.weighed => {
                self.weigh(quest, passed);
                Ok(())
            }
            None => self.open_next(quest, passed),
            Some(open) if !open.shares.is_empty() => self.read(quest, passed),
            Some(open) if open.rest.is_some() => {
                let (book, edge) = (open.book, open.edge);
                self.load(book, edge, quest, passed)
            }
            Some(_) => {
                (self.open, self.volume) = (None, None);
                Ok(())
            }
        };
        if let Err(error) = outcome {
            passed.count(&error);
            (self.open, self.volume) = (None, None);
        }
    }

    fn open_next(&mut self, quest: &Quest, passed: &mut Passed) -> io::Result<()> {
        let row = &quest.stock.rows[self.row];
        let all = || row.books().into_iter().map(Waiting::new).collect();
        let books = self.books.get_or_insert_with(all);
        let next = match quest.order {
            Order::Newest => books.pop_back(),
            Order::Oldest => books.pop_front(),
        };
        next.map_or(Ok(()), |waiting| self.load(waiting.book, None, quest, passed))
    }

    /// Once nothing was found in the first file, reads of which times the others are, and leaves out
    /// those in which there is nothing to be found: another row may be known to come first then.
    fn weigh(&mut self, quest: &Quest, passed: &mut Passed) {
        self.weighed = true;
        let row = &quest.stock.rows[self.row];
        let weigh = |waiting: Waiting| {
            let Ok(opened) = row.open(waiting.book, quest.extent) else { return Some(waiting) };
            let keep = |stretch: &Stretch<'_>| quest.filter.may_hold(stretch);
            let found = opened.index.shares(opened.len, quest.extent, keep);
            let times = found.shares.iter().map(|share| share.times).reduce(around);
            passed.skipped += if times.is_none() { found.skipped } else { 0 };
            times.map(|times| Waiting { book: opened.book, times })
        };
        self.books = self.books.take().map(|books| books.into_iter().filter_map(weigh).collect());
    }

    /// Reads what the ledger says of a book that is done with up to `edge`.
    fn load(
        &mut self,
        book: Book,
        edge: Option<u64>,
        quest: &Quest,
        passed: &mut Passed,
    ) -> io::Result<()> {
        let opened = quest.stock.rows[self.row].open(book, quest.extent)?;
        let Opened { book, mut volume, len, index } = opened;
        let limit = self.open.as_ref().map_or(len, |open| open.limit.min(len));
        let keep = |stretch: &Stretch<'_>| quest.filter.may_hold(stretch);
        let found = index.shares(limit, quest.extent, keep);
        passed.skipped += if edge.is_none() { found.skipped } else { 0 };
        let mut shares: VecDeque<_> = found.shares.into();
        trim(&mut shares, quest.order, edge);
        let rest = thin(&mut shares, quest);
        let print = volume.print(limit).unwrap_or_default();
        self.open = Some(Open { book, inode: volume.inode(), limit, print, shares, rest, edge });
        self.volume = Some(volume);
        Ok(())
    }

    fn read(&mut self, quest: &Quest, passed: &mut Passed) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let newest = quest.order == Order::Newest;
        let share = if newest { open.shares.pop_back() } else { open.shares.pop_front() };
        let Some(mut share) = share else { return Ok(()) };
        let (from, to) = match newest {
            false => (share.from, share.to.min(share.from + self.piece)),
            true => (share.from.max(share.to.saturating_sub(self.piece)), share.to),
        };
        let volume = match self.volume.take() {
            Some(volume) => volume,
            None => {
                let known = (open.inode, open.print);
                quest.stock.rows[self.row].reopen(open.book, known, open.limit)?
            }
        };
        let lines = volume.lines((from, to), open.limit);
        self.volume = Some(volume);
        // Wherever a line ends that begins in it, there it is done with; a line that begins before
        // it is of the piece before.
        let (mut done, mut heads) = (if newest { from } else { to }, VecDeque::new());
        match lines {
            Ok(lines) => {
                heads = found(&lines, (quest, &share, open.print));
                let (all, over) = (lines.bytes.len() as u64, keep(&mut heads, quest));
                passed.scanned += over.map_or(all, |at| match newest {
                    false => at - lines.at,
                    true => lines.at + all - at,
                });
                done = over.unwrap_or(done);
                self.text = gather(&mut heads, lines.bytes);
            }
            // What is damaged, or was cut by others, holds nothing.
            Err(_) => passed.unreadable += 1,
        }
        let found = self.text.len() as u64 * 2 > quest.budget;
        self.piece = if found { quest.budget } else { (self.piece * 2).min(MOST) };
        self.heads = heads;
        open.edge = Some(done);
        match newest {
            false if done < share.to => {
                share.from = done;
                open.shares.push_front(share);
            }
            true if share.from < done => {
                share.to = done;
                open.shares.push_back(share);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Waiting {
    fn new(book: Book) -> Self {
        Self { book, times: (i64::MIN, i64::MAX) }
    }
}

impl Passed {
    fn count(&mut self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::NotFound => self.gone += 1,
            _ => self.unreadable += 1,
        }
    }
}

/// Leaves out what is done with.
fn trim(shares: &mut VecDeque<Share>, order: Order, edge: Option<u64>) {
    let Some(edge) = edge else { return };
    for share in shares.iter_mut() {
        match order {
            Order::Oldest => share.from = share.from.max(edge),
            Order::Newest => share.to = share.to.min(edge),
        }
    }
    shares.retain(|share| share.from < share.to);
}

/// Leaves out what is too much to remember, and says of which times it is.
fn thin(shares: &mut VecDeque<Share>, quest: &Quest) -> Option<(i64, i64)> {
    let (mut size, budget) = (0, usize::try_from(quest.budget).unwrap_or(0));
    let mut fits = |share: &Share| {
        let fits = size < budget;
        size += share.size();
        fits
    };
    let count = match quest.order {
        Order::Oldest => shares.iter().take_while(|share| fits(share)).count(),
        Order::Newest => shares.iter().rev().take_while(|share| fits(share)).count(),
    };
    let count = count.min(SHARES);
    let rest: VecDeque<Share> = match quest.order {
        Order::Oldest => shares.split_off(count),
        Order::Newest => {
            let kept = shares.split_off(shares.len() - count);
            std::mem::replace(shares, kept)
        }
    };
    let times = rest.iter().map(|share| share.times);
    times.reduce(around)
}

fn around(all: (i64, i64), times: (i64, i64)) -> (i64, i64) {
    (all.0.min(times.0), all.1.max(times.1))
}
