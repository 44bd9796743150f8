//! Records that are removed before they are forwarded.

use super::*;

/// Lost records that the collector in `dir` got reports of.
fn reported(dir: &Path) -> u64 {
    let text = fs::read_to_string(dir.join("app.log")).unwrap_or_default();
    let lost = whole_lines(&text).filter(|line| line.contains("\"target\":\"netlog\""));
    let lost = lost.filter_map(|line| line.rsplit_once("\"lost\":"));
    lost.map(|(_, lost)| lost.trim_end_matches('}').parse::<u64>().unwrap()).sum()
}

/// Counts and reports of the records that retention removes unsent, also of those reports.
#[test]
fn what_retention_removed_unsent_is_counted_and_reported() {
    let dir = temp();
    let options = Options { rotate_size: Size(4 << 10), keep_files: 2, ..site(dir.path()) };
    let site = Bench::start_in(temp(), options);
    let mut sender = site.sender();
    sender.send(&hello(1));
    sender.expect("{\"netlog\":1,\"ack\":0}\n");
    for first in (1..=1000).step_by(50) {
        sender.send(&records(first, 50));
        sender.expect(&format!("{{\"ack\":{}}}\n", first + 49));
        if first == 501 {
            // The first report is removed too: what it says has to be reported again.
            let is_report = |msg: &String| msg.contains(" removed before being forwarded to ");
            wait_for(|| messages(site.dir().path()).iter().any(is_report));
        }
    }
    // Nothing can be forwarded yet, so that much is removed.
    wait_for(|| log_files(site.dir().path()).len() == 3 && site.stats.files_removed.get() > 10);
    let _central = Bench::start_unix(dir.clone(), central());
    let reported = || reported(dir.path());
    let received = || messages(dir.path()).iter().filter(|msg| msg.parse::<u64>().is_ok()).count();
    wait_for(|| reported() > 0 && reported() + received() as u64 == 1000);
    assert_eq!(site.stats.records_not_forwarded.get(), reported());
    let numbers: Vec<u64> = messages(dir.path()).iter().filter_map(|m| m.parse().ok()).collect();
    assert!(numbers.is_sorted() && numbers.last() == Some(&1000));
}

/// One record for all files that somebody else removed unsent.
#[test]
fn files_that_somebody_else_removed_unsent_are_counted_as_one_record_and_reported() {
    let dir = temp();
    let size = Size(4 << 10);
    let options = Options { rotate_size: size, compress: Compress::Off, ..site(dir.path()) };
    let site = Bench::start_in(temp(), options);
    let mut sender = site.sender();
    sender.send(&hello(1));
    sender.expect("{\"netlog\":1,\"ack\":0}\n");
    for first in (1..=200).step_by(50) {
        sender.send(&records(first, 50));
        sender.expect(&format!("{{\"ack\":{}}}\n", first + 49));
    }
    let files = log_files(site.dir().path());
    assert!(files.len() > 3, "{files:?}");
    files[..2].iter().for_each(|file| fs::remove_file(file).unwrap());
    let _central = Bench::start_unix(dir.clone(), central());
    wait_for(|| reported(dir.path()) == 1);
    assert_eq!(site.stats.records_not_forwarded.get(), 1);
    let numbers: Vec<u64> = messages(dir.path()).iter().filter_map(|m| m.parse().ok()).collect();
    assert_eq!((numbers.is_sorted(), numbers.last()), (true, Some(&200)));
}
