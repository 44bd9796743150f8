//! A sealed batch: what the hub writes at once.

use super::line_run::LineRun;
use std::ops::Range;

/// The records that were there when the hub looked: none of them repeated, none of them changed
/// any more.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) runs: Vec<LineRun>,
}

impl Batch {
    /// Number of records.
    pub(crate) fn records(&self) -> u64 {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// All its lines.
    pub(crate) fn lines(&self) -> Vec<u8> {
        self.runs.iter().map(|run| run.lines.as_slice()).collect::<Vec<_>>().concat()
    }

    /// A copy of the lines numbered `lines`, from 0 on.
    pub(crate) fn part(&self, lines: Range<u64>) -> Self {
        let mut begin = 0;
        let parts = self.runs.iter().filter_map(|run| {
            let end = begin + memchr::memchr_iter(b'\n', &run.lines).count() as u64;
            let wanted = lines.start.max(begin)..lines.end.min(end);
            let first = run.first + (wanted.start - begin);
            let last = run.first + wanted.end.saturating_sub(begin + 1);
            begin = end;
            (!wanted.is_empty()).then(|| run.part(first, last))
        });
        Self { runs: parts.collect() }
    }

    /// Length of its lines in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.lines.len() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::line_run::Source;
    use super::*;

    #[test]
    fn a_part_of_a_batch_has_its_lines_with_their_numbers() {
        let run = |first: u64, lines: &[u8]| {
            let mut run = LineRun::new(Source::Plain, first, 0);
            run.lines.extend_from_slice(lines);
            run.count = memchr::memchr_iter(b'\n', lines).count() as u64;
            run
        };
        let batch = Batch { runs: vec![run(10, b"a\nb\n"), run(40, b"c\n"), run(50, b"d\ne\n")] };
        let shown = |part: &Batch| {
            let lines = String::from_utf8(part.lines()).unwrap();
            let numbers = part.runs.iter().map(|run| (run.first, run.count)).collect::<Vec<_>>();
            (lines, numbers)
        };
        for (lines, text, numbers) in [
            (0..0, "", &[][..]),
            (0..1, "a\n", &[(10, 1)]),
            (1..4, "b\nc\nd\n", &[(11, 1), (40, 1), (50, 1)]),
            (4..u64::MAX, "e\n", &[(51, 1)]),
        ] {
            assert_eq!(
                shown(&batch.part(lines.clone())),
                (text.into(), numbers.into()),
                "{lines:?}"
            );
        }
    }
}
