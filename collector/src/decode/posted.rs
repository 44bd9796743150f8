//! Records of bodies and messages: each is written as a line of its own as soon as it is read, so that
//! nothing of it is kept in between.

use super::draft::{Draft, Text, TimeText};
use super::origin::Origin;
use super::post_defaults::Defaults;
use super::record_limits::{may_be_long, shorten};
use crate::hub::line_run::{LineRun, Source};
use crate::senders::grant::{Grant, Scope};
use netlog_wire::{Identity, Record};
use std::mem::{replace, take};

/// A record that was written, or the fault of a part that is no record.
pub(crate) type Posted = Result<(), Fault>;

/// The reason why a part of a body or message is not a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Those behind it are read.
    Rejected(String),
    /// The token may not send it.
    Forbidden(String),
    /// Nothing behind it can be read.
    Malformed(String),
}

/// The records of a body or a message, one by one.
pub(crate) trait RecordSource {
    /// Writes the next record; `None` behind the last.
    fn next(&mut self, out: &mut RecordWriter<'_>) -> Option<Posted>;
}

/// All records of a body.
pub(crate) type PostedRecords<'a> = Box<dyn RecordSource + Send + 'a>;

/// Everything that holds for all records of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriteTerms<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) defaults: &'a Defaults,
    /// Rights of the token that came with the body, where tokens are required.
    pub(crate) grant: Option<&'a Grant>,
    /// The most bytes of a line.
    pub(crate) max_line: usize,
}

/// The place that records are written to.
pub(crate) struct RecordWriter<'a> {
    terms: WriteTerms<'a>,
    run: &'a mut LineRun,
}

impl<'a> RecordWriter<'a> {
    pub(crate) fn new(terms: WriteTerms<'a>, run: &'a mut LineRun) -> Self {
        Self { terms, run }
    }

    /// The most bytes of a line.
    pub(crate) fn max_line(&self) -> usize {
        self.terms.max_line
    }

    /// Writes a record.
    pub(crate) fn record(&mut self, mut record: Record<'_>) -> Posted {
        self.terms.defaults.fill(&mut record);
        self.filled(record)
    }

    /// Writes a record that the defaults are in.
    fn filled(&mut self, mut record: Record<'_>) -> Posted {
        let WriteTerms { origin, grant, max_line, .. } = self.terms;
        shorten(&mut record, max_line);
        let identity = origin.identity(take(&mut record.claims));
        if let Some(grant) = grant {
            grant.check_sending(&identity).map_err(Fault::Forbidden)?;
        }
        self.run.record(&record, &identity);
        Ok(())
    }

    /// Writes a record that is still in pieces.
    pub(super) fn draft(&mut self, draft: &mut Draft<'_>, clock: &mut TimeText) -> Posted {
        let WriteTerms { origin, defaults, grant, max_line } = self.terms;
        defaults.fill_draft(draft);
        if may_be_long(draft, max_line) {
            return self.filled(replace(draft, Draft::new(0)).into_record());
        }
        if let Some(grant) = grant.filter(|grant| grant.send != Scope::Everything) {
            let app = draft.app.as_ref().map(Text::meant);
            let host = draft.host.as_ref().map(Text::meant);
            let claims = Identity { app, host, ..Identity::default() };
            grant.check_sending(&origin.identity(claims)).map_err(Fault::Forbidden)?;
        }
        self.run.write(draft.meta(), |out| draft.encode(origin, clock, out));
        Ok(())
    }
}

/// The records of parts that follow one another; `write` writes that of one.
pub(crate) fn each<'a, P, I, F>(parts: I, write: F) -> PostedRecords<'a>
where
    I: Iterator<Item = P> + Send + 'a,
    F: FnMut(P, &mut RecordWriter<'_>) -> Posted + Send + 'a,
{
    Box::new(EachPart { parts, write })
}

struct EachPart<I, F> {
    parts: I,
    write: F,
}

impl<I: Iterator, F: FnMut(I::Item, &mut RecordWriter<'_>) -> Posted> RecordSource
    for EachPart<I, F>
{
    fn next(&mut self, out: &mut RecordWriter<'_>) -> Option<Posted> {
        Some((self.write)(self.parts.next()?, out))
    }
}

/// At most so many of the records of a compressed body, which could become very many; the others
/// are one fault.
pub(crate) fn at_most(records: PostedRecords<'_>, most: usize) -> PostedRecords<'_> {
    match most {
        usize::MAX => records,
        most => Box::new(AtMost { records, taken: 0, most }),
    }
}

struct AtMost<'a> {
    records: PostedRecords<'a>,
    taken: usize,
    most: usize,
}

impl RecordSource for AtMost<'_> {
    fn next(&mut self, out: &mut RecordWriter<'_>) -> Option<Posted> {
        if self.taken > self.most {
            return None;
        }
        self.taken += 1;
        if self.taken <= self.most {
            return self.records.next(out);
        }
        let mut spare = LineRun::new(Source::Plain, 1, 0);
        let _ = self.records.next(&mut RecordWriter::new(out.terms, &mut spare))?;
        let most = self.most;
        let words =
            format!("so few compressed bytes hold more than {most} records; no more were taken");
        Some(Err(Fault::Malformed(words)))
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod written;
