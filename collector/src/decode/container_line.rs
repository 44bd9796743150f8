//! Lines of containers as the runtimes of Kubernetes write them (CRI): `TIME STREAM TAG TEXT`, with
//! `P` for the tag of a line that goes on in the next.

use super::draft::{Draft, Pair, Text, Value};
use super::json_fields;
use super::level_guess::guess;
use super::scratch::Scratch;

/// The shortest time, and how much longer another may be: `2026-11-22T19:00:00Z`,
/// `2026-11-22T19:00:00.123456789+02:00`.
const TIME: usize = 20;
const LONGER: usize = 16;

/// True if `line` begins as one of these lines does.
#[inline]
pub(super) fn begins_one(line: &[u8]) -> bool {
    if line.get(10) != Some(&b'T') || line.len() <= TIME {
        return false;
    }
    let rest = &line[TIME..];
    let blank = match rest.first_chunk() {
        Some(window) => first_blank(window),
        None => rest.iter().take(LONGER).position(|&byte| byte == b' '),
    };
    blank.is_some_and(|at| rest[at + 1..].starts_with(b"std"))
}

/// Position of the first blank, of which nearly all lines are asked.
#[inline]
fn first_blank(window: &[u8; LONGER]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    let blanks = |word: [u8; 8]| {
        let word = u64::from_le_bytes(word) ^ (ONES * 0x20);
        word.wrapping_sub(ONES) & !word & (ONES << 7)
    };
    window.as_chunks::<8>().0.iter().zip([0, 8]).find_map(|(word, from)| {
        let found = blanks(*word);
        (found != 0).then(|| from + found.trailing_zeros() as usize / 8)
    })
}

/// Reads such a line into `draft`; `None` for any other.
pub(super) fn read<'a>(line: &'a str, draft: &mut Draft<'a>, scratch: &mut Scratch) -> Option<()> {
    let (time, rest) = line.split_once(' ')?;
    let (stream, rest) = rest.split_once(' ').filter(|(s, _)| matches!(*s, "stdout" | "stderr"))?;
    let (tags, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let partial = match tags.split(':').next()? {
        "F" => false,
        "P" => true,
        _ => return None,
    };
    draft.set_time(scratch.minutes.whole(time)?);
    draft.note("stream", Text::Plain(stream.into()));
    if partial {
        let value = Value::Json("true".into());
        draft.kv.push(Pair { prefix: "".into(), key: Text::Json("partial"), value });
    }
    let object = text.starts_with('{') && text.trim_end().ends_with('}');
    if !object || !json_fields::read(text, draft, scratch) {
        draft.msg = Text::Plain(text.into());
        draft.level = guess(text.as_bytes()).unwrap_or(draft.level);
    }
    Some(())
}
