//! How many files and sockets there may be, and who gets how many of them: whoever connects must
//! not take what the next file is opened with.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the process needs before anybody connects: its streams, its files, what it listens at and
/// what its threads wait on.
const OWN: usize = 32;

/// Lets this process have as many descriptors as the system allows, or at most `most`: a
/// connection needs one, and many systems grant a thousand unless asked for more.
pub fn allow_descriptors(most: Option<u64>) {
    let limit = getrlimit(Resource::Nofile);
    let current = [limit.maximum, most].into_iter().flatten().min();
    // Without, there are as many as before.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
}

/// The parts of all descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) all: usize,
    /// For connections of senders.
    pub(crate) connections: usize,
    /// For connections of readers.
    pub(crate) readers: usize,
    /// For files.
    pub(crate) files: usize,
}

impl Shares {
    /// Of what this process may have now, at most `most`.
    pub(crate) fn now(most: Option<u64>) -> Self {
        let all = [getrlimit(Resource::Nofile).current, most].into_iter().flatten().min();
        Self::of(all.and_then(|all| usize::try_from(all).ok()).unwrap_or(usize::MAX))
    }

    fn of(all: usize) -> Self {
        let rest = all.saturating_sub(OWN);
        Self { all, connections: rest / 4 * 3, readers: rest / 8, files: rest / 8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_can_be_opened_however_many_are_connected() {
        for all in [0, 8, 64, 1024, 1 << 20, usize::MAX] {
            let Shares { connections, readers, files, .. } = Shares::of(all);
            assert!(all - connections - readers - files >= OWN.min(all));
        }
        assert!(Shares::now(Some(64)).all <= 64);
    }
}
