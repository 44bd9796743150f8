//! SenderNames that senders go by, to search by app and host without reading what others wrote.

use netlog_wire::Identity;
use serde::Deserialize;
use std::collections::HashMap;

/// Length of the longest name that is kept. Records under a longer one are never skipped.
const LONGEST: usize = 100;

/// Bytes of all names that one ledger keeps. Records under more are never skipped.
const MOST_BYTES: usize = 4 << 20;

/// An app and a host; empty where the sender does not say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct SenderNames {
    pub(crate) app: Box<str>,
    pub(crate) host: Box<str>,
}

/// The names in one ledger, numbered from 1.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameTable {
    names: Vec<SenderNames>,
    numbers: HashMap<SenderNames, u32>,
    bytes: usize,
}

impl SenderNames {
    /// Tells whether a sender with `identity` goes by them.
    fn match_identity(&self, identity: &Identity) -> bool {
        *self.app == *identity.app.as_deref().unwrap_or_default()
            && *self.host == *identity.host.as_deref().unwrap_or_default()
    }
}

impl NameTable {
    /// The names with `number`; `None` for 0, which stands for unknown ones.
    pub(crate) fn get(&self, number: u32) -> Option<&SenderNames> {
        self.names.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &SenderNames> {
        self.names.iter()
    }

    /// Tells whether a sender with `identity` goes by the names with `number`.
    pub(super) fn matches(&self, number: u32, identity: &Identity) -> bool {
        self.get(number).is_some_and(|names| names.match_identity(identity))
    }

    /// The number of the names of `identity`, which are added if there is room for them; otherwise 0.
    pub(super) fn number(&mut self, identity: &Identity) -> u32 {
        let name = |name: &Option<String>| name.as_deref().unwrap_or_default().into();
        let names = SenderNames { app: name(&identity.app), host: name(&identity.host) };
        if let Some(number) = self.numbers.get(&names) {
            return *number;
        }
        let fits = names.app.len().max(names.host.len()) <= LONGEST && self.bytes <= MOST_BYTES;
        if fits { self.push(names) } else { 0 }
    }

    /// Adds the next names, and returns their number.
    pub(super) fn push(&mut self, names: SenderNames) -> u32 {
        let number = self.names.len() as u32 + 1;
        self.bytes += names.app.len() + names.host.len() + size_of::<SenderNames>();
        self.numbers.insert(names.clone(), number);
        self.names.push(names);
        number
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}
