//! A walk over all that is held, piece by piece, in either direction. Between two pieces it holds
//! nothing, so that whoever reads slowly keeps no thread waiting.

use super::cursor::Cursor;
use super::filter::Filter;
use super::query::Order;
use super::shelf::{Holding, Spot};
use super::volume::Volume;
use crate::ledger::Stretch;
use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A walk that has come so far.
pub(crate) struct Walk {
    holding: Arc<Holding>,
    filter: Arc<Filter>,
    order: Order,
    /// Nothing before it is looked at.
    from: Spot,
    /// The volumes still to be opened.
    volumes: VecDeque<usize>,
    open: Option<Open>,
    /// Bytes that were read, and that the ledger said need not be.
    pub(crate) scanned: u64,
    pub(crate) skipped: u64,
    /// Pieces, and whole volumes, that could not be read.
    pub(crate) unreadable: u64,
}

struct Open {
    number: usize,
    volume: Volume,
    print: u64,
    limit: u64,
    parts: VecDeque<(u64, u64)>,
}

/// A record that is wanted.
pub(crate) struct Found<'a> {
    /// Without its line end.
    pub(crate) line: &'a [u8],
    /// Behind it.
    pub(crate) cursor: Cursor,
    /// Where it begins.
    pub(crate) spot: Spot,
}

impl Walk {
    /// A walk over `holding`, from the place `from` to its end or the other way.
    pub(crate) fn new(
        holding: Arc<Holding>,
        filter: Arc<Filter>,
        order: Order,
        from: Spot,
    ) -> Self {
        let volumes = from.volume..holding.volumes();
        let volumes = match order {
            Order::Oldest => volumes.collect(),
            Order::Newest => volumes.rev().collect(),
        };
        let (open, scanned, skipped, unreadable) = (None, 0, 0, 0);
        Self { holding, filter, order, from, volumes, open, scanned, skipped, unreadable }
    }

    /// Reads the next piece, of so many bytes at most, and shows what is wanted of it. `Break` when
    /// that was the last one, or when `visit` wants no more.
    pub(crate) fn step(
        &mut self,
        piece: u64,
        mut visit: impl FnMut(Found<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(open) = &mut self.open else { return self.open_next() };
        let next = match self.order {
            Order::Oldest => open.parts.pop_front(),
            Order::Newest => open.parts.pop_back(),
        };
        let Some((from, to)) = next else {
            self.open = None;
            return ControlFlow::Continue(());
        };
        let part = match self.order {
            Order::Oldest => (from, to.min(from + piece)),
            Order::Newest => (from.max(to.saturating_sub(piece)), to),
        };
        match self.order {
            Order::Oldest if part.1 < to => open.parts.push_front((part.1, to)),
            Order::Newest if from < part.0 => open.parts.push_back((from, part.0)),
            _ => {}
        }
        // What cannot be read (a file that is damaged, or that others have cut) holds nothing.
        let Ok(lines) = open.volume.lines(part, open.limit) else {
            self.unreadable += 1;
            return ControlFlow::Continue(());
        };
        self.scanned += lines.bytes.len() as u64;
        let mut show = |(begin, end): (usize, usize)| {
            let line = &lines.bytes[begin..end];
            visit(Found {
                line: line.strip_suffix(b"\n").unwrap_or(line),
                cursor: Cursor { print: open.print, at: lines.at + end as u64 },
                spot: Spot { volume: open.number, at: lines.at + begin as u64 },
            })
        };
        let mut wanted = Vec::new();
        self.filter.each(&lines.bytes, |range| wanted.push(range));
        match self.order {
            Order::Oldest => wanted.into_iter().try_for_each(&mut show),
            Order::Newest => wanted.into_iter().rev().try_for_each(&mut show),
        }
    }

    fn open_next(&mut self) -> ControlFlow<()> {
        let Some(number) = self.volumes.pop_front() else { return ControlFlow::Break(()) };
        // One that was removed meanwhile holds nothing.
        let (mut volume, limit) = match self.holding.open(number) {
            Ok(open) => open,
            Err(error) => {
                self.unreadable += u64::from(error.kind() != io::ErrorKind::NotFound);
                return ControlFlow::Continue(());
            }
        };
        let from = if number == self.from.volume { self.from.at } else { 0 };
        let Some(print) = volume.print(limit).filter(|_| from < limit) else {
            return ControlFlow::Continue(());
        };
        let keep = |stretch: &Stretch<'_>| self.filter.may_hold(stretch);
        let (parts, skipped) = volume.index(limit).parts((from, limit), keep);
        self.skipped += skipped;
        self.open = Some(Open { number, volume, print, limit, parts: parts.into() });
        ControlFlow::Continue(())
    }
}
