//! Labels of a stream and the metadata of its entries: what they say of a record.

use crate::decode::draft::{Draft, Pair, Text, Value};
use crate::decode::envelope::Envelope;
use crate::decode::json_fields::claim;
use crate::decode::severity;
use crate::decode::time::Moment;
use memchr::memmem;
use netlog_wire::push_json;
use std::borrow::Cow;

/// A label's name and its value.
#[derive(Debug, Clone)]
pub(super) struct Label<'a> {
    pub(super) key: Text<'a>,
    pub(super) value: Text<'a>,
}

/// The most values whose names are compared with those of labels.
const COMPARED: usize = 64;

/// A value of a record that has the name of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Namesake {
    Same,
    Other,
}

impl Label<'_> {
    /// The value of its name that `draft` has already.
    fn namesake(&self, draft: &Draft<'_>) -> Option<Namesake> {
        if !(1..COMPARED).contains(&draft.kv.len()) {
            return None;
        }
        let key = format!("\"{}\":", self.key.as_str());
        let member = || format!("{key}\"{}\"", self.value.as_str());
        let same = |same| if same { Namesake::Same } else { Namesake::Other };
        draft.kv.iter().find_map(|pair| match &pair.value {
            Value::Members(members) => {
                let has = |text: &str| memmem::find(members.as_bytes(), text.as_bytes()).is_some();
                has(&key).then(|| same(has(&member())))
            }
            Value::Text(text) if pair.is_named(&self.key) => {
                Some(same(text.as_str() == self.value.as_str()))
            }
            _ => pair.is_named(&self.key).then_some(Namesake::Other),
        })
    }
}

/// A stream's labels, or an entry's structured metadata: as many as are not too long in all.
#[derive(Debug, Default)]
pub(super) struct Labels<'a> {
    labels: Vec<Label<'a>>,
    len: usize,
    cut: usize,
}

/// The most bytes of all labels of a stream, or of an entry's metadata, several times what Loki
/// itself takes: they are written with each of its lines.
pub(super) const LABELS: usize = 16 << 10;

impl<'a> Labels<'a> {
    pub(super) fn push(&mut self, label: Label<'a>) {
        let more = label.key.len() + label.value.len() + 4;
        if self.len + more > LABELS {
            self.cut += more;
        } else {
            self.len += more;
            self.labels.push(label);
        }
    }

    /// All that were taken. One more says how many bytes were cut.
    pub(super) fn whole(&mut self) -> &[Label<'a>] {
        if self.cut > 0 {
            let value = Text::Plain(self.cut.to_string().into());
            self.labels.push(Label { key: Text::Json("labels_truncated"), value });
            self.cut = 0;
        }
        &self.labels
    }

    /// Forgets all of them, and keeps their room.
    pub(super) fn clear(&mut self) {
        self.labels.clear();
        self.len = 0;
        self.cut = 0;
    }
}

/// A field that a label may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    App,
    Host,
    Level,
}

/// The field for a label of this name, and its rank among those for the same: the better is lower.
fn role(key: &str) -> Option<(Role, u8)> {
    Some(match key {
        "service_name" => (Role::App, 0),
        "app" => (Role::App, 1),
        "application" => (Role::App, 2),
        "container" => (Role::App, 3),
        "job" => (Role::App, 4),
        "host" => (Role::Host, 0),
        "hostname" => (Role::Host, 1),
        "node_name" => (Role::Host, 2),
        "instance" => (Role::Host, 3),
        "level" => (Role::Level, 0),
        "detected_level" => (Role::Level, 1),
        "severity" => (Role::Level, 2),
        _ => return None,
    })
}

/// The best label for each field.
#[derive(Debug, Clone, Default)]
struct Chosen<'a> {
    fields: [Option<ChosenLabel<'a>>; 3],
}

#[derive(Debug, Clone)]
struct ChosenLabel<'a> {
    rank: u8,
    key: Cow<'a, str>,
    value: Text<'a>,
}

impl<'a> Chosen<'a> {
    /// Takes a label if it is better than the one before, and has a value that its field takes;
    /// `true` if it does.
    fn consider(&mut self, label: &'a Label<'_>) -> bool {
        let Some((role, rank)) = role(label.key.as_str()) else { return false };
        let field = &mut self.fields[role as usize];
        if field.as_ref().is_some_and(|chosen| chosen.rank <= rank) {
            return false;
        }
        let value = match role {
            Role::Level => severity::word(label.value.as_str()).map(|_| label.value.borrowed()),
            Role::App | Role::Host => name(&label.value),
        };
        let Some(value) = value else { return false };
        *field = Some(ChosenLabel { rank, key: label.key.as_str().into(), value });
        true
    }

    /// True for a label that fills a field, and for others of its name.
    fn has(&self, label: &Label<'_>) -> bool {
        self.fields.iter().flatten().any(|chosen| chosen.key == label.key.as_str())
    }

    /// The fields that labels fill.
    fn envelope<'b>(&'b self, time: Option<Moment<'b>>) -> Envelope<'b> {
        let [app, host, level] = &self.fields;
        let text = |chosen: &'b Option<ChosenLabel<'_>>| Some(chosen.as_ref()?.value.borrowed());
        let level = level.as_ref().and_then(|level| severity::word(level.value.as_str()));
        Envelope { app: text(app), host: text(host), time, level }
    }

    fn into_owned(self) -> Chosen<'static> {
        let own = |chosen: ChosenLabel<'_>| ChosenLabel {
            rank: chosen.rank,
            key: chosen.key.into_owned().into(),
            value: chosen.value.into_owned(),
        };
        Chosen { fields: self.fields.map(|field| field.map(own)) }
    }
}

/// The name of a program or a machine, if it is fit to be one.
fn name<'a>(value: &'a Text<'_>) -> Option<Text<'a>> {
    match value {
        Text::Json(inside) if inside.contains('\\') => {
            claim(&value.meant()).map(|name| Text::Plain(name.to_owned().into()))
        }
        Text::Json(inside) => claim(inside).map(Text::Json),
        Text::Plain(text) => claim(text).map(|name| Text::Plain(Cow::Borrowed(name))),
    }
}

/// The labels of a stream, with all that need not be worked out for each entry.
#[derive(Debug, Default)]
pub(super) struct StreamLabels {
    labels: Vec<Label<'static>>,
    chosen: Chosen<'static>,
    /// Those that are not chosen, as members of a JSON object.
    members: String,
    /// The first one that names the logger.
    logger: Option<Text<'static>>,
}

impl StreamLabels {
    pub(super) fn new(mut labels: Labels<'_>) -> Self {
        let own = |label: &Label<'_>| Label {
            key: Text::Plain(label.key.meant().into()),
            value: Text::Plain(label.value.meant().into()),
        };
        let labels: Vec<_> = labels.whole().iter().map(own).collect();
        let mut chosen = Chosen::default();
        for label in &labels {
            chosen.consider(label);
        }
        let mut members = Vec::new();
        let mut logger = None;
        for label in labels.iter().filter(|label| !chosen.has(label)) {
            if logger.is_none() && label.key.as_str() == LOGGER {
                logger = Some(label.value.clone());
                continue;
            }
            members.extend_from_slice(if members.is_empty() { b"\"" } else { b",\"" });
            push_json(&mut members, label.key.as_str());
            members.extend_from_slice(b"\":\"");
            push_json(&mut members, label.value.as_str());
            members.push(b'"');
        }
        let members = String::from_utf8(members).unwrap_or_default();
        let chosen = chosen.into_owned();
        Self { labels, chosen, members, logger }
    }

    /// True if the line has values of the names of labels.
    fn is_in(&self, draft: &Draft<'_>) -> bool {
        self.labels.iter().take(COMPARED).any(|label| label.namesake(draft).is_some())
    }

    /// The best labels of the stream and of an entry, if the entry has better ones.
    fn choose<'a>(&'a self, metadata: &'a [Label<'_>]) -> Option<Chosen<'a>> {
        metadata.iter().find(|label| role(label.key.as_str()).is_some())?;
        let mut chosen = Chosen::default();
        for label in &self.labels {
            chosen.consider(label);
        }
        let better = metadata.iter().filter(|label| chosen.consider(label)).count() > 0;
        better.then_some(chosen)
    }
}

/// The label for the target of a record.
const LOGGER: &str = "logger";

/// Labels and metadata of an entry.
pub(super) struct EntryLabels<'a> {
    stream: &'a StreamLabels,
    metadata: &'a [Label<'a>],
    /// Set if the entry has better ones than its stream.
    chosen: Option<Chosen<'a>>,
}

impl<'a> EntryLabels<'a> {
    pub(super) fn new(stream: &'a StreamLabels, metadata: &'a [Label<'a>]) -> Self {
        Self { stream, metadata, chosen: stream.choose(metadata) }
    }

    /// All that is known of the line: its time, and what labels say.
    pub(super) fn envelope(&'a self, time: Option<Moment<'a>>) -> Envelope<'a> {
        self.chosen.as_ref().unwrap_or(&self.stream.chosen).envelope(time)
    }

    /// Keeps what has no place in a record under `kv`.
    pub(super) fn keep(&'a self, draft: &mut Draft<'a>) {
        let chosen = self.chosen.as_ref().unwrap_or(&self.stream.chosen);
        if self.chosen.is_some() || self.stream.is_in(draft) {
            let left = self.stream.labels.iter().filter(|label| !chosen.has(label));
            left.for_each(|label| keep(label, draft));
        } else {
            self.keep_members(draft);
        }
        for label in self.metadata {
            if role(label.key.as_str()).is_none() || !chosen.has(label) {
                keep_metadata(label, draft);
            }
        }
    }

    fn keep_members(&self, draft: &mut Draft<'a>) {
        let StreamLabels { members, logger, .. } = self.stream;
        if let Some(logger) = logger {
            match draft.target {
                None => draft.target = Some(logger.borrowed()),
                Some(_) => draft.note(LOGGER, logger.borrowed()),
            }
        }
        if !members.is_empty() {
            let value = Value::Members(Cow::Borrowed(members));
            draft.kv.push(Pair { prefix: Cow::Borrowed(""), key: Text::Json(""), value });
        }
    }
}

/// Keeps a value of an entry: the ids of its span have their places in a record.
fn keep_metadata<'a>(label: &'a Label<'_>, draft: &mut Draft<'a>) {
    let place = match label.key.as_str() {
        "trace_id" | "traceid" | "traceId" | "traceID" => &mut draft.trace,
        "span_id" | "spanid" | "spanId" | "spanID" => &mut draft.span,
        _ => return keep(label, draft),
    };
    match place {
        None => *place = Some(label.value.borrowed()),
        Some(id) if id.as_str() == label.value.as_str() => {}
        Some(_) => keep(label, draft),
    }
}

/// Keeps a label under its name, or behind `label.` where the line has another value of that name.
fn keep<'a>(label: &'a Label<'_>, draft: &mut Draft<'a>) {
    let value = label.value.borrowed();
    if label.key.as_str() == LOGGER && draft.target.is_none() {
        draft.target = Some(value);
        return;
    }
    let prefix = match label.namesake(draft) {
        None => "",
        Some(Namesake::Same) => return,
        Some(Namesake::Other) => "label",
    };
    let key = label.key.borrowed();
    draft.kv.push(Pair { prefix: Cow::Borrowed(prefix), key, value: Value::Text(value) });
}
