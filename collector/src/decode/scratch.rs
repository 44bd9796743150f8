//! Memory that a thread keeps from one record to the next, so that records of one kind cost no
//! allocation: a program writes the same shape again and again.

use super::draft::TimeText;
use super::json_index::MemberSpan;
use super::json_shape::JsonShapes;
use super::time::MinuteMemory;
use std::cell::RefCell;

/// The memory of a thread that decodes.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) time: TimeText,
    pub(super) shapes: JsonShapes,
    /// Room for the members of an object.
    pub(super) members: Vec<MemberSpan>,
    /// The members that were found last have the keys that were expected.
    pub(super) as_expected: bool,
    pub(super) minutes: MinuteMemory,
}

/// The most members whose room is kept.
const KEPT: usize = 1024;

impl Scratch {
    pub(super) fn new() -> Self {
        Self {
            time: TimeText::new(),
            shapes: JsonShapes::default(),
            members: Vec::new(),
            as_expected: false,
            minutes: MinuteMemory::default(),
        }
    }

    /// Takes back the room for members.
    pub(super) fn give_back(&mut self, mut members: Vec<MemberSpan>) {
        if members.capacity() <= KEPT {
            members.clear();
            self.members = members;
        }
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// Calls `work` with the memory of this thread.
pub(super) fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with_borrow_mut(work)
}
