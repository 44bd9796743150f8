//! Fields of a message that are known from around it.

use super::draft::{Draft, Text};
use super::key_names::Field;
use super::post_line::LineText;
use super::scratch::Scratch;
use super::severity::Severity;
use super::time::Moment;
use netlog_wire::format_utc;
use std::borrow::Cow;

/// Fields of a message that are known from around it. They count more than those that the message
/// has itself, which are kept under `kv` if they differ.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) app: Option<Text<'a>>,
    pub(super) host: Option<Text<'a>>,
    pub(super) time: Option<Moment<'a>>,
    pub(super) level: Option<Severity<'a>>,
}

impl<'a> Envelope<'a> {
    /// Reads the line within into `draft`.
    pub(super) fn read(&'a self, line: LineText<'a>, draft: &mut Draft<'a>, scratch: &mut Scratch) {
        self.fill(draft);
        match self.level {
            Some(_) => _ = line.read_without_level(draft, scratch),
            None => line.read(draft, scratch),
        }
        self.correct(draft);
    }

    /// Fills the fields, so that the members of a JSON object do not.
    pub(super) fn fill(&'a self, draft: &mut Draft<'a>) {
        draft.app = self.app.as_ref().map(Text::borrowed);
        draft.host = self.host.as_ref().map(Text::borrowed);
        if let Some(time) = self.time {
            draft.set_time(time);
            draft.know(Field::Time);
        }
        if let Some(Severity { level, word }) = &self.level {
            draft.level = *level;
            draft.severity = word.as_deref().map(Cow::Borrowed);
            draft.know(Field::Level);
        }
    }

    /// Puts back the fields that the header of a syslog message replaced.
    fn correct(&'a self, draft: &mut Draft<'a>) {
        if let Some(app) = replaced(&mut draft.app, self.app.as_ref()) {
            draft.note("app", app);
        }
        if let Some(host) = replaced(&mut draft.host, self.host.as_ref()) {
            draft.note("host", host);
        }
        if let Some(time) = self.time {
            let own = draft.time;
            draft.set_time(time);
            if own != draft.time {
                let text = String::from_utf8_lossy(&format_utc(own)).into_owned();
                draft.note("time", Text::Plain(text.into()));
            }
        }
        if let (Some(Severity { level, word }), Some(priority)) = (&self.level, draft.priority) {
            let own = priority.severity.as_deref();
            if (priority.level, own) != (*level, word.as_deref()) {
                draft.note("level", Text::Json(own.unwrap_or(priority.level.as_str())));
            }
            draft.level = *level;
            draft.own_level = true;
        }
    }
}

/// The name in `place` if it is another than the `known` one, which takes its place.
fn replaced<'a>(place: &mut Option<Text<'a>>, known: Option<&'a Text<'_>>) -> Option<Text<'a>> {
    let known = known?;
    if place.as_ref().is_some_and(|own| own.as_str() == known.as_str()) {
        return None;
    }
    place.replace(known.borrowed())
}
