//! The findings in the spools of this machine.

use super::finding::{Finding, Subject, Verdict};
use super::words::bytes;
use netlog::WaitingSpool;
use std::path::Path;

const SHIP: &str =
    "deliver them with `netlog ship --to COLLECTOR`; the next start of the program does it too";
const FILLING: &str =
    "see if its collector is there and writes; records that find no room are lost, and counted";

/// Looks at the spools of this user in `directory`.
pub(super) fn findings(directory: Option<&Path>) -> Vec<Finding> {
    let at = "spools of this machine";
    let find = |verdict, message| Finding::new(verdict, at, Subject::Spool, message);
    let mut builder = netlog::builder("localhost:1902");
    if let Some(directory) = directory {
        builder = builder.spool_dir(directory);
    }
    let complaints = std::cell::RefCell::new(Vec::new());
    let complain = |complaint| complaints.borrow_mut().push(find(Verdict::Note, complaint));
    let waiting = builder.waiting(complain);
    let mut found = match waiting {
        Err(error) => {
            let words = crate::stderr::describe(&error);
            return vec![find(Verdict::Unknown, words)];
        }
        Ok(spools) if spools.is_empty() => vec![find(Verdict::Ok, "nothing waits".into())],
        Ok(spools) => spools.iter().map(|spool| finding(spool, &find)).collect(),
    };
    found.extend(complaints.into_inner());
    found
}

fn finding(spool: &WaitingSpool, find: &dyn Fn(Verdict, String) -> Finding) -> Finding {
    let WaitingSpool { app, pid, bytes: held, capacity, running, .. } = spool;
    let amount = bytes(*held);
    if !running {
        let message = format!("{amount} of {app} pid {pid}, which has ended, wait");
        return find(Verdict::Problem, message).advise(SHIP);
    }
    let percent = held * 100 / capacity.max(&1);
    let message = format!("{amount} of {app} pid {pid} wait: its spool is {percent} % full");
    // A program under load has some on their way at any moment.
    match held * 2 > *capacity {
        true => find(Verdict::Problem, message).advise(FILLING),
        false => find(Verdict::Ok, message),
    }
}
