//! Rights that a token gives: the senders it may log as, those whose records it may read, and those
//! whose filters it may set.

use crate::clock::now;
use crate::glob::glob;
use crate::senders::owner::Owner;
use netlog_wire::Identity;
use std::fmt;
use std::str::FromStr;

/// Rights of one token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grant {
    pub(crate) name: String,
    pub(crate) send: Scope,
    pub(crate) read: Scope,
    /// Programs whose filters it may set.
    pub(crate) control: Scope,
    /// True for a collector that forwards, which speaks for the senders behind it.
    pub(crate) relay: bool,
    /// True for a token of a file without names.
    pub(crate) unnamed: bool,
    /// Time from which the token is refused, in microseconds since 1970.
    pub(crate) expires: Option<i64>,
}

/// Senders that a right covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The right is not given.
    #[default]
    Nothing,
    Everything,
    /// Senders that one of the patterns matches.
    Matching(Vec<SenderPattern>),
}

/// Senders by app and host: `app=orders* host=web?`. Both have to match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SenderPattern {
    app: Option<String>,
    host: Option<String>,
}

/// Text that is no [`SenderPattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPattern(String);

impl Grant {
    /// Every right, for a token without a name of its own.
    pub(crate) fn full(name: String) -> Self {
        Self {
            name,
            send: Scope::Everything,
            read: Scope::Everything,
            control: Scope::Everything,
            relay: true,
            unnamed: true,
            expires: None,
        }
    }

    /// Owner of the sender ids that come with the token.
    pub(crate) fn owner(&self) -> Owner {
        if self.unnamed { Owner::NOBODY } else { Owner::token(&self.name) }
    }

    pub(crate) fn expired(&self) -> bool {
        self.expires.is_some_and(|time| time <= now())
    }

    /// Checks that the token may log as this sender.
    ///
    /// # Errors
    ///
    /// The reason in words for the sender.
    pub(crate) fn check_sending(&self, identity: &Identity) -> Result<(), String> {
        let app = identity.app.as_deref();
        let host = identity.host.as_deref();
        if self.send.covers(app, host) {
            return Ok(());
        }
        let name = &self.name;
        if self.send == Scope::Nothing {
            return Err(format!("token {name} may not send"));
        }
        let app = app.unwrap_or_default();
        let host = host.unwrap_or_default();
        Err(format!("token {name} may not send as app={app} host={host}"))
    }
}

impl Scope {
    /// The senders that one of `patterns` matches, or all if there are none.
    pub(crate) fn of(patterns: &[SenderPattern]) -> Self {
        if patterns.is_empty() { Self::Everything } else { Self::Matching(patterns.to_vec()) }
    }

    pub(crate) fn covers(&self, app: Option<&str>, host: Option<&str>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Matching(patterns) => patterns.iter().any(|pattern| pattern.matches(app, host)),
        }
    }
}

impl SenderPattern {
    fn matches(&self, app: Option<&str>, host: Option<&str>) -> bool {
        let same = |pattern: &Option<String>, name: Option<&str>| match pattern {
            Some(pattern) => name.is_some_and(|name| glob(pattern, name)),
            None => true,
        };
        same(&self.app, app) && same(&self.host, host)
    }
}

impl FromStr for SenderPattern {
    type Err = InvalidPattern;

    /// Reads `app=PATTERN`, `host=PATTERN`, or both with a space between them.
    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = || InvalidPattern(text.to_owned());
        let mut pattern = Self::default();
        for word in text.split_whitespace() {
            let (key, value) = word.split_once('=').ok_or_else(invalid)?;
            let part = match key {
                "app" => &mut pattern.app,
                "host" => &mut pattern.host,
                _ => return Err(invalid()),
            };
            if value.is_empty() || part.replace(value.to_owned()).is_some() {
                return Err(invalid());
            }
        }
        if pattern == Self::default() { Err(invalid()) } else { Ok(pattern) }
    }
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid senders {:?}: expected \"app=PATTERN\", \"host=PATTERN\" or both",
            self.0
        )
    }
}

impl std::error::Error for InvalidPattern {}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(texts: &[&str]) -> Scope {
        Scope::Matching(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn one_pattern_has_to_match_with_all_it_names() {
        let scope = matching(&["app=orders* host=web?", "host=db1"]);
        for (app, host, covered) in [
            (Some("orders-eu"), Some("web1"), true),
            (Some("orders"), Some("web12"), false),
            (Some("prices"), Some("web1"), false),
            (None, Some("web1"), false),
            (None, Some("db1"), true),
            (Some("orders"), None, false),
        ] {
            assert_eq!(scope.covers(app, host), covered, "{app:?} {host:?}");
        }
    }

    #[test]
    fn a_pattern_that_names_nothing_is_refused() {
        for text in ["", "orders", "app=", "app=a app=b", "level=warn"] {
            let error = text.parse::<SenderPattern>().unwrap_err().to_string();
            assert!(error.starts_with("invalid senders"), "{error}");
        }
    }

    #[test]
    fn a_refusal_names_the_token_and_the_sender() {
        let mut grant = Grant { name: "shop".into(), ..Grant::default() };
        let identity =
            Identity { app: Some("a".into()), host: Some("h".into()), ..Identity::default() };
        assert_eq!(grant.check_sending(&identity).unwrap_err(), "token shop may not send");
        grant.send = matching(&["app=b"]);
        let error = grant.check_sending(&identity).unwrap_err();
        assert_eq!(error, "token shop may not send as app=a host=h");
    }
}
