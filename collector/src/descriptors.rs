//! Shares of the process's file descriptors: connections must not take those that the next file
//! needs.

use crate::options::{Http, Options};
use crate::read;
use crate::sink::files::FileLimits;
use crate::stderr::StderrLog;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors in use before anybody connects: standard streams, files, listening sockets, and
/// those that threads wait on.
const OWN: usize = 32;

/// Files beside those of a template: one being compressed, and those being searched.
const FEW: usize = 256;

/// Reserved shares in eighths of all descriptors.
const EIGHTHS: [usize; 3] = [SENDERS, READERS, FILES];
const SENDERS: usize = 6;
const READERS: usize = 1;
const FILES: usize = 1;

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
pub(crate) struct DescriptorShares {
    pub(crate) all: usize,
    /// For connections of senders.
    pub(crate) connections: usize,
    /// For connections of readers.
    pub(crate) readers: usize,
    /// For files.
    pub(crate) files: usize,
}

impl DescriptorShares {
    /// Shares that the options ask for.
    pub(crate) fn wanted(options: &Options) -> Self {
        let serves = options.http != Some(Http::Off);
        let readers = if serves { read::connections(options.max_tails) } else { 0 };
        let many =
            if options.template().is_some() { FileLimits::wanted(options.max_files) } else { 0 };
        let files = many.saturating_add(FEW);
        Self { all: usize::MAX, connections: options.max_connections, readers, files }
    }

    /// Shares of the descriptors that this process may have now.
    pub(crate) fn now(options: &Options) -> Self {
        let all = [getrlimit(Resource::Nofile).current, options.max_open_files];
        let all = all.into_iter().flatten().min();
        let all = all.and_then(|all| usize::try_from(all).ok()).unwrap_or(usize::MAX);
        Self::wanted(options).of(all)
    }

    /// Warns of fewer connections than the options ask for.
    pub(crate) fn warn(&self, wanted: &Self, stderr: StderrLog) {
        for (given, wanted, whose) in [
            (self.connections, wanted.connections, "connections"),
            (self.readers, wanted.readers, "connections of tails and other readers"),
        ] {
            if given < wanted {
                let all = self.all;
                stderr.log(format_args!(
                    "warning: {all} open files allow {given} {whose} instead of {wanted}"
                ));
            }
        }
    }

    /// Divides `all` descriptors. Each gets what it asks for, or at least its eighths; what one does
    /// not need goes to the others.
    fn of(self, all: usize) -> Self {
        let wanted = [self.connections, self.readers, self.files];
        let mut shares = [0; 3];
        let mut left = all.saturating_sub(OWN);
        let mut order = [0, 1, 2];
        order.sort_by_key(|&who| wanted[who] / EIGHTHS[who]);
        let mut eighths: usize = EIGHTHS.iter().sum();
        for who in order {
            // The smallest requests come first, so that what they leave goes to the others.
            let rest = left % eighths * EIGHTHS[who] / eighths;
            shares[who] = wanted[who].min(left / eighths * EIGHTHS[who] + rest);
            left -= shares[who];
            eighths -= EIGHTHS[who];
        }
        let [connections, readers, files] = shares;
        Self { all, connections, readers, files }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(all: usize, wanted: [usize; 3]) -> [usize; 3] {
        let [connections, readers, files] = wanted;
        let DescriptorShares { connections, readers, files, .. } =
            DescriptorShares { all: 0, connections, readers, files }.of(all);
        [connections, readers, files]
    }

    #[test]
    fn files_can_be_opened_however_many_are_connected() {
        for all in [0, 8, 64, 1024, 1 << 20, usize::MAX] {
            for wanted in [[10_000, 1256, 256], [usize::MAX; 3], [0, usize::MAX, 3]] {
                let [connections, readers, files] = shares(all, wanted);
                assert!(all - connections - readers - files >= OWN.min(all));
                assert!(files >= wanted[2].min(all.saturating_sub(OWN) / 8), "{all} {wanted:?}");
            }
        }
        let options = Options { max_open_files: Some(64), ..Options::default() };
        assert!(DescriptorShares::now(&options).all <= 64);
    }

    #[test]
    fn everybody_gets_what_it_wishes_for_where_there_is_enough_and_else_no_less_than_its_part() {
        let enough = [9000, 10_256, 256];
        assert_eq!(shares(20_000, enough), enough);
        assert_eq!(shares(20_000, [10_000, 10_256, 256]), [10_000, 9712, 256]);
        assert_eq!(shares(20_000, [usize::MAX, 10_256, 256]), [16_896, 2816, 256]);
        assert_eq!(shares(64, [10_000, 1256, 256]), [24, 4, 4]);
        assert_eq!(shares(1024, [10_000, 0, 256]), [851, 0, 141]);
    }
}
