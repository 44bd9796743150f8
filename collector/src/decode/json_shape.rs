//! Shapes of objects: which members mean what, worked out once for a sequence of keys.

use super::expected_keys::ExpectedKeys;
use super::json_index::MemberSpan;
use super::key_names::{Field, GELF, Meaning, Scale, meanings, scale};
use super::steps::step;

/// The most members that may mean something; the others are values.
pub(super) const MAX_KNOWN: usize = 256;

/// The most shapes that are remembered: a power of two.
const SHAPES: usize = 16;

/// The longest keys of a shape that is remembered, together.
const MAX_KEYS: usize = 1024;

/// A member, and a field that it may fill.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) member: u8,
    pub(super) field: Field,
    pub(super) scale: Scale,
}

/// Meanings of the members of an object, by their keys.
#[derive(Debug, Default)]
pub(super) struct JsonShape {
    /// The keys, one behind the other, and the length of each with its object's number.
    keys: Vec<u8>,
    lens: Vec<(u16, u8)>,
    /// In the order in which they are tried.
    pub(super) candidates: Vec<Candidate>,
    pub(super) gelf: bool,
    /// The same keys once more, if all of them are of the outermost object.
    expected: ExpectedKeys,
}

/// The shapes that came last.
#[derive(Debug, Default)]
pub(super) struct JsonShapes {
    shapes: Vec<JsonShape>,
    /// The one that came last.
    last: usize,
    /// For one that is not remembered.
    other: JsonShape,
}

impl JsonShapes {
    /// The keys of the object that came last.
    pub(super) fn expected(&self) -> &ExpectedKeys {
        static NONE: ExpectedKeys = ExpectedKeys::new();
        self.shapes.get(self.last).map_or(&NONE, |shape| &shape.expected)
    }

    /// The shape of the object that came last; that of the next, if its keys are as expected.
    pub(super) fn last(&self) -> Option<&JsonShape> {
        self.shapes.get(self.last)
    }

    /// The shape of the object in `json` that has these members.
    pub(super) fn of(&mut self, json: &str, members: &[MemberSpan]) -> &JsonShape {
        if self.shapes.is_empty() {
            self.shapes.resize_with(SHAPES, JsonShape::default);
        }
        let slot = signature(json, members) as usize % SHAPES;
        self.last = slot;
        if !self.shapes[slot].fits(json, members) {
            let shape = JsonShape::new(json, members);
            if shape.keys.len() > MAX_KEYS {
                self.other = shape;
                return &self.other;
            }
            self.shapes[slot] = shape;
        }
        &self.shapes[slot]
    }
}

/// A number that is the same for the same keys, and mostly another for others.
fn signature(json: &str, members: &[MemberSpan]) -> u64 {
    step(8 * members.len());
    let mut sum = members.len() as u64;
    for member in members {
        let key = member.key(json).as_bytes();
        let first = key.first().copied();
        let last = key.last().copied();
        let letters = u64::from(first.unwrap_or(0)) << 8 | u64::from(last.unwrap_or(0));
        sum = (sum.rotate_left(7) ^ letters ^ (key.len() as u64) << 16)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    sum >> 48
}

impl JsonShape {
    fn fits(&self, json: &str, members: &[MemberSpan]) -> bool {
        if self.lens.len() != members.len() {
            return false;
        }
        let mut at = 0;
        for (member, (len, inner)) in members.iter().zip(&self.lens) {
            let key = member.key(json).as_bytes();
            let end = at + usize::from(*len);
            let same = key.len() == usize::from(*len) && member.inner() == *inner;
            if !same || self.keys.get(at..end) != Some(key) {
                return false;
            }
            at = end;
        }
        // One without members fits any other without them.
        !members.is_empty()
    }

    fn new(json: &str, members: &[MemberSpan]) -> Self {
        let mut shape = Self::default();
        let mut found = Vec::<(Meaning, u8, Scale)>::new();
        let mut dialects = 0;
        let mut pid = false;
        let mut hostname = false;
        for (at, member) in members.iter().enumerate() {
            let key = member.key(json);
            // A search among all names.
            step(key.len() * 8);
            // Longer keys would not be remembered anyway.
            shape.keys.extend_from_slice(key.as_bytes());
            shape.lens.push((u16::try_from(key.len()).unwrap_or(u16::MAX), member.inner()));
            let Some(at) = u8::try_from(at).ok().filter(|at| usize::from(*at) < MAX_KNOWN) else {
                continue;
            };
            let (meanings, marks) = meanings(member.prefix(), key);
            dialects |= marks;
            let outermost = member.prefix().is_empty();
            pid |= outermost && key == "pid";
            hostname |= outermost && key == "hostname";
            found
                .extend(meanings.iter().map(|meaning| (*meaning, at, scale(key, meaning.dialect))));
        }
        found.retain(|(meaning, ..)| meaning.dialect == 0 || meaning.dialect & dialects != 0);
        found.sort_by_key(|(meaning, at, _)| (meaning.rank, *at));
        let name = if pid && hostname { Field::App } else { Field::Target };
        shape.candidates.extend(found.into_iter().map(|(meaning, member, scale)| {
            let field = if meaning.field == Field::Name { name } else { meaning.field };
            Candidate { member, field, scale }
        }));
        shape.gelf = dialects & GELF != 0;
        let mut outermost = members.iter().map(|member| {
            member.inner() == 0
                && shape.expected.push(member.written_key(json), member.key(json).len())
        });
        if !outermost.all(|fits| fits) {
            shape.expected.clear();
        }
        shape
    }
}
