//! Findings of `netlog doctor`, as lines for people or as JSON.

use serde_json::{Value, json};

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    /// The collector, or the directory of spools.
    pub(super) at: String,
    pub(super) about: Subject,
    pub(super) message: String,
    /// Time since when records wait, or something is wrong, in RFC 3339.
    pub(super) since: Option<String>,
    pub(super) advice: Option<&'static str>,
}

/// The meaning of a finding, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Ok,
    /// Worth knowing, and nothing waits for it.
    Note,
    Problem,
    /// It could not be asked.
    Unknown,
}

/// The thing that a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Collector,
    Forwarding,
    Archive,
    Reader,
    Spool,
}

impl Finding {
    pub(super) fn new(verdict: Verdict, at: &str, about: Subject, message: String) -> Self {
        Self { verdict, at: at.to_owned(), about, message, since: None, advice: None }
    }

    pub(super) fn since(self, since: Option<&str>) -> Self {
        Self { since: since.map(str::to_owned), ..self }
    }

    pub(super) fn advise(self, advice: &'static str) -> Self {
        Self { advice: Some(advice), ..self }
    }

    /// A line, and another one with the advice.
    pub(super) fn text(&self) -> String {
        let Self { verdict, at, message, .. } = self;
        let mut text = format!("{:<8} {at}: {message}\n", verdict.word());
        if let Some(advice) = self.advice {
            text.push_str(&format!("{:8} {advice}\n", ""));
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let Self { verdict, at, about, message, since, advice } = self;
        json!({
            "verdict": verdict.word(),
            "at": at,
            "about": about.word(),
            "message": message,
            "since": since,
            "advice": advice,
        })
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
            Self::Unknown => "unknown",
        }
    }
}

impl Subject {
    fn word(self) -> &'static str {
        match self {
            Self::Collector => "collector",
            Self::Forwarding => "forwarding",
            Self::Archive => "archive",
            Self::Reader => "reader",
            Self::Spool => "spool",
        }
    }
}
