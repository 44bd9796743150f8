//! What is wanted of a piece of a file, as it waits to be shown among what is wanted of others.

use super::cursor::Cursor;
use super::leg::{By, Key, Quest};
use super::query::Order;
use super::volume::Lines;
use crate::ledger::Share;
use netlog_wire::Line;
use std::collections::VecDeque;

/// A record that was found.
pub(super) struct Head {
    pub(super) key: Key,
    pub(super) cursor: Cursor,
    /// Where it stands: in the file, and if it has a place in the stream, there.
    pub(super) at: u64,
    pub(super) place: Option<u64>,
    /// Its line in the text, without the end.
    pub(super) begin: usize,
    pub(super) end: usize,
}

/// A time as a number that is ordered as it is.
pub(super) fn ordered(time: i64) -> u64 {
    time.cast_unsigned() ^ (1 << 63)
}

/// What is wanted of `lines`, which are of a share.
pub(super) fn found(lines: &Lines, (quest, share, print): (&Quest, &Share, u64)) -> VecDeque<Head> {
    let (mut heads, mut places) = (VecDeque::new(), share.places(lines.at).peekable());
    quest.filter.each(&lines.bytes, |(begin, end)| {
        let at = lines.at + begin as u64;
        while places.next_if(|part| part.at + part.len <= at).is_some() {}
        let place = places.peek().map(|part| part.pos + at.saturating_sub(part.at));
        let line = &lines.bytes[begin..end];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let key = match place.filter(|_| quest.by == By::Place) {
            Some(place) => (1, place),
            None => (0, ordered(Line::parse(line).map_or(0, |line| line.time))),
        };
        let behind = (end - begin) as u64;
        let cursor = match place {
            Some(place) => Cursor { print: quest.extent.print, at: place + behind },
            None => Cursor { print, at: at + behind },
        };
        heads.push_back(Head { key, cursor, at, place, begin, end: begin + line.len() });
    });
    heads
}

/// Keeps as many of `heads` as may be held, and says from where on, or in front of what, the file is
/// to be read again if those are not all.
pub(super) fn keep(heads: &mut VecDeque<Head>, quest: &Quest) -> Option<u64> {
    let mut held = 0;
    let mut fits = |head: &Head| {
        let fits = held < quest.budget;
        held += (head.end - head.begin) as u64;
        fits
    };
    let all = heads.len();
    match quest.order {
        Order::Oldest => {
            let count = heads.iter().take_while(|head| fits(head)).count();
            let next = heads.get(count).map(|head| head.at);
            heads.truncate(count);
            next
        }
        Order::Newest => {
            let count = heads.iter().rev().take_while(|head| fits(head)).count();
            heads.drain(..all - count);
            heads.front().map(|head| head.at).filter(|_| count < all)
        }
    }
}

/// The text of `heads`, which is most of `bytes` or copied out of them.
pub(super) fn gather(heads: &mut VecDeque<Head>, bytes: Vec<u8>) -> Vec<u8> {
    let held: usize = heads.iter().map(|head| head.end - head.begin).sum();
    if held * 4 > bytes.len() * 3 {
        return bytes;
    }
    let mut text = Vec::with_capacity(held);
    for head in heads {
        let begin = text.len();
        text.extend_from_slice(&bytes[head.begin..head.end]);
        (head.begin, head.end) = (begin, text.len());
    }
    text
}
