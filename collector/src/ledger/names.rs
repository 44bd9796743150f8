//! What senders call themselves, as far as a ledger keeps it: to search by app and host without
//! reading what others wrote, also after a restart.

use netlog_wire::Identity;
use serde_json::Value;

/// The longest name that is kept. What a longer one wrote is never skipped.
const LONGEST: usize = 100;

/// Of how many senders a ledger keeps the names. What others wrote is never skipped.
pub(super) const MOST_NAMED: usize = 100_000;

/// An app and a host; empty where the sender does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) app: Box<str>,
    pub(crate) host: Box<str>,
}

impl Names {
    /// Those that stand in front of each record of a sender.
    pub(crate) fn of(identity: &Identity) -> Option<Self> {
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        Self::new(&name(&identity.app), &name(&identity.host))
    }

    fn new(app: &str, host: &str) -> Option<Self> {
        let short = app.len() <= LONGEST && host.len() <= LONGEST;
        short.then(|| Self { app: app.into(), host: host.into() })
    }

    /// Whether `identity` has other names.
    pub(crate) fn differ(&self, identity: &Identity) -> bool {
        *self.app != *identity.app.as_deref().unwrap_or_default()
            || *self.host != *identity.host.as_deref().unwrap_or_default()
    }

    /// Appends them as the last members of an array.
    pub(super) fn push(&self, out: &mut String) {
        for name in [&self.app, &self.host] {
            out.push(',');
            out.push_str(&Value::from(&**name).to_string());
        }
    }

    /// Reads them back.
    pub(super) fn read(app: Option<&Value>, host: Option<&Value>) -> Option<Self> {
        Self::new(app?.as_str()?, host?.as_str()?)
    }
}
