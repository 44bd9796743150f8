//! Collectors that forward to collectors: each record arrives once, with its sender.

mod loss;

use crate::bench::{Bench, HELLO, STAMP, hello, message, record, records, wait_for, whole_lines};
use netlog_collector::{Compress, Options, Size};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The options of a collector that others may forward to.
fn central() -> Options {
    Options { relay_from: vec!["unix".parse().unwrap()], ..Options::default() }
}

/// The options of one that forwards to the collector in `dir`.
fn site(dir: &Path) -> Options {
    let to = format!("unix://{}", dir.join("netlog.sock").display());
    Options { forward_to: Some(to.parse().unwrap()), ..Options::default() }
}

fn temp() -> Arc<TempDir> {
    Arc::new(TempDir::new().unwrap())
}

/// The name that relays of this machine go by.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn read_text(path: &PathBuf) -> io::Result<String> {
    match path.extension().is_some_and(|end| end == "zst") {
        true => io::read_to_string(zstd::Decoder::new(fs::File::open(path)?)?),
        false => fs::read_to_string(path),
    }
}

/// All files of the log in `dir`, in the order in which they were written.
fn log_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let rotated = name.starts_with("app.log.2") && !name.ends_with(".ledger");
        let packed = path.with_file_name(format!("{name}.zst")).exists();
        name == "app.log" || (rotated && !name.ends_with(".new") && !packed)
    });
    let generation = |path: &Path| {
        let name = path.to_str().unwrap();
        let number = name.rsplit_once("Z-").map(|(_, number)| number.trim_end_matches(".zst"));
        number.map_or(u64::MAX, |number| number.parse().unwrap())
    };
    files.sort_by_key(|path| generation(path));
    files
}

/// Messages in them.
fn messages(dir: &Path) -> Vec<String> {
    let files = log_files(dir);
    // One that is not there any more is rotated or compressed just now.
    let Ok(texts) = files.iter().map(read_text).collect::<io::Result<Vec<_>>>() else {
        return messages(dir);
    };
    whole_lines(&texts.concat()).map(|line| message(line).to_owned()).collect()
}

/// Over a relay, app, host, pid and peer of a record stay those of its sender.
#[test]
fn what_a_site_received_is_at_the_centre_with_its_senders() {
    let central = Bench::start_unix(temp(), central());
    let site = Bench::start_in(temp(), site(central.dir().path()));
    let mut sender = site.sender();
    sender.send(&format!("{HELLO}{}{}", record("a"), record("b")));
    sender.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":8}\n");
    let lines = central.wait_for_lines(2);
    let stamp = STAMP.replace("PEER", &format!("{} via {}", sender.address(), host()));
    assert_eq!(lines[0], record("a").replacen('{', &stamp, 1).trim_end());
    let mut plain = site.connect();
    plain.write_all(b"one\n{\"app\":\"x\",\"msg\":\"two\"}\nthree\n").unwrap();
    plain.shutdown(Shutdown::Write).unwrap();
    let lines = central.wait_for_lines(5);
    let site_lines = site.wait_for_lines(5);
    for (there, here) in lines.iter().zip(&site_lines) {
        assert_eq!(there.replace(&format!(" via {}\"", host()), "\""), *here);
    }
    assert_eq!((site.end(), central.end()), (5, 5));
}

/// A record that reaches a collector by two ways is kept once.
#[test]
fn what_came_by_another_way_is_dropped_by_its_number() {
    let central = Bench::start_unix(temp(), central());
    let site = Bench::start_in(temp(), site(central.dir().path()));
    let mut direct = central.sender();
    direct.send(&format!("{}{}", hello(1), records(1, 3)));
    direct.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":3}\n");
    let mut moved = site.sender();
    moved.send(&format!("{}{}", hello(2), records(2, 4)));
    moved.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":5}\n");
    // Its marks are known before it answers the site, but after its file has the records.
    wait_for(|| site.stats.records_forwarded.get() == 4);
    // And back: the centre knows what came over the relay.
    let mut back = central.sender();
    back.send(&format!("{}{}", hello(4), records(4, 3)));
    back.expect("{\"netlog\":1,\"ack\":5}\n{\"ack\":6}\n");
    assert_eq!(messages(central.dir().path()), ["1", "2", "3", "4", "5", "6"]);
}

/// A sender moved on to the centre before the site that had its first records could forward them.
#[test]
fn earlier_records_that_come_later_are_no_repeats_also_after_a_restart() {
    let dir = temp();
    let site = Bench::start_in(temp(), site(dir.path()));
    let mut sender = site.sender();
    sender.send(&format!("{}{}", hello(1), records(1, 3)));
    sender.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":3}\n");
    // The first one without relays, so that what comes later does.
    let first = Bench::start_unix(dir.clone(), Options::default());
    let mut moved = first.sender();
    moved.send(&format!("{}{}", hello(4), records(4, 2)));
    moved.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":5}\n");
    first.end();
    let second = Bench::start_unix(dir.clone(), central());
    wait_for(|| site.stats.records_forwarded.get() == 3);
    assert_eq!(messages(dir.path()), ["4", "5", "1", "2", "3"]);
    let mut back = second.sender();
    back.send(&format!("{}{}", hello(1), records(1, 6)));
    back.expect("{\"netlog\":1,\"ack\":5}\n{\"ack\":6}\n");
    second.wait_for_lines(6);
}

/// Only a collector that `--relay-from` allows may speak for others.
#[test]
fn a_relay_that_is_not_allowed_is_refused_and_goes_on_trying() {
    let dir = temp();
    let first = Bench::start_unix(dir.clone(), Options::default());
    let site = Bench::start_in(temp(), site(dir.path()));
    let mut plain = site.connect();
    plain.write_all(b"one\n").unwrap();
    wait_for(|| first.stats.relays_refused.get() > 1);
    assert_eq!(first.end(), 0);
    let second = Bench::start_unix(dir, central());
    second.wait_for_lines(1);
    let mut liar = second.sender();
    let relay = format!("{{\"netlog\":1,\"relay\":\"{}\",\"host\":\"x\"}}\n", "ab".repeat(16));
    liar.send(&relay);
    // The same words at each attempt, which are reported once.
    liar.expect_last("{\"error\":\"no relay is accepted from 127.0.0.1: see --relay-from\"}\n");
}

#[test]
fn a_relay_shows_its_token() {
    let dir = temp();
    let tokens = dir.path().join("tokens");
    fs::write(&tokens, "sesame\n").unwrap();
    let central =
        Bench::start_unix(dir.clone(), Options { token_file: Some(tokens.clone()), ..central() });
    let stranger = Bench::start_in(temp(), site(dir.path()));
    wait_for(|| central.stats.strangers_refused.get() > 0);
    drop(stranger);
    let known = Options { forward_token_file: Some(tokens), ..site(dir.path()) };
    let site = Bench::start_in(temp(), known);
    let mut plain = site.connect();
    plain.write_all(b"one\n").unwrap();
    central.wait_for_lines(1);
}

#[test]
fn a_token_that_only_sends_does_not_forward_for_others() {
    let dir = temp();
    let tokens = dir.path().join("tokens");
    let text =
        "[shop]\ntoken = \"shop-1\"\nsend = true\n[site]\ntoken = \"site-1\"\nrelay = true\n";
    fs::write(&tokens, text).unwrap();
    let central = Bench::start_unix(dir.clone(), Options { token_file: Some(tokens), ..central() });
    let shown = |token: &str| {
        let path = dir.path().join(token);
        fs::write(&path, format!("{token}\n")).unwrap();
        Bench::start_in(temp(), Options { forward_token_file: Some(path), ..site(dir.path()) })
    };
    let sender = shown("shop-1");
    sender.connect().write_all(b"one\n").unwrap();
    wait_for(|| central.stats.relays_refused.get() > 0);
    drop(sender);
    let relay = shown("site-1");
    relay.connect().write_all(b"two\n").unwrap();
    let lines = central.wait_for_lines(1);
    assert!(lines[0].contains("\"msg\":\"two\""), "{}", lines[0]);
}

/// While the centre is away, the files are the buffer, rotated and compressed or not.
#[test]
fn what_was_written_while_the_centre_was_away_arrives_in_order_after_restarts() {
    let dir = temp();
    let site_dir = temp();
    let central = Bench::start_unix(dir.clone(), central());
    let options = |compress| Options { rotate_size: Size(4 << 10), compress, ..site(dir.path()) };
    let site = Bench::start_in(site_dir.clone(), options(Compress::Off));
    let mut sender = site.sender();
    sender.send(&format!("{}{}", hello(1), records(1, 5)));
    sender.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":5}\n");
    wait_for(|| site.stats.records_forwarded.get() == 5);
    central.end();
    for first in (6..2000).step_by(50) {
        sender.send(&records(first, 50));
        sender.expect(&format!("{{\"ack\":{}}}\n", first + 49));
        let mut plain = site.connect();
        plain.write_all(format!("plain {first}\n").as_bytes()).unwrap();
        wait_for(|| messages(site_dir.path()).contains(&format!("plain {first}")));
    }
    site.end();
    // Compressed meanwhile, with the position somewhere in the middle.
    let site = Bench::start_in(site_dir.clone(), options(Compress::Zstd));
    wait_for(|| site.stats.files_compressed.get() > 3);
    let expected = 2005 + 40;
    let central = Bench::start_unix(dir.clone(), self::central());
    wait_for(|| central.stats.records_written.get() as usize == expected - 5);
    drop(site);
    let again = Bench::start_in(site_dir, options(Compress::Zstd));
    let mut plain = again.connect();
    plain.write_all(b"last\n").unwrap();
    wait_for(|| central.stats.records_written.get() as usize == expected - 4);
    let found = messages(dir.path());
    let numbers: Vec<u64> = found.iter().filter_map(|msg| msg.parse().ok()).collect();
    assert!(numbers.iter().copied().eq(1..=2005), "{numbers:?}");
    let plain: Vec<_> = found.iter().filter_map(|msg| msg.strip_prefix("plain ")).collect();
    let expected: Vec<_> = (6..2000).step_by(50).map(|n| n.to_string()).collect();
    assert_eq!(plain, expected);
    assert_eq!(central.stats.records_repeated.get(), 0, "a clean end leaves nothing to repeat");
}

/// A relay behind a relay.
#[test]
fn records_pass_through_two_relays_with_both_names() {
    let central = Bench::start_unix(temp(), central());
    let middle_dir = temp();
    let relay_from = vec!["unix".parse().unwrap()];
    let options = Options { relay_from, ..site(central.dir().path()) };
    let middle = Bench::start_unix(middle_dir.clone(), options);
    let site = Bench::start_in(temp(), site(middle_dir.path()));
    let mut sender = site.sender();
    sender.send(&format!("{HELLO}{}", record("a")));
    let mut plain = site.connect();
    plain.write_all(b"b\n").unwrap();
    let lines = central.wait_for_lines(2);
    let via = format!(" via {} via {}\"", host(), host());
    assert!(lines.iter().all(|line| line.contains(&via)), "{lines:?}");
    drop((site, middle));
    assert_eq!(central.end(), 2);
}

/// No number of a sender stops a relay.
#[test]
fn records_with_numbers_that_no_batch_can_carry_arrive_and_so_do_those_behind_them() {
    let central = Bench::start_unix(temp(), central());
    let site = Bench::start_in(temp(), site(central.dir().path()));
    let mut sender = site.sender();
    let last = (1 << 62) - 1;
    sender.send(&format!("{}{}", hello(last), record("a")));
    sender.expect(&format!("{{\"netlog\":1,\"ack\":0}}\n{{\"ack\":{last}}}\n"));
    sender.send(&record("b"));
    sender.expect(&format!("{{\"ack\":{}}}\n", last + 1));
    let mut plain = site.connect();
    plain.write_all(b"c\n").unwrap();
    central.wait_for_lines(3);
    assert_eq!(messages(central.dir().path()), ["a", "b", "c"]);
}

/// A collector with a file for each app and host can be the centre.
#[test]
fn a_centre_with_many_files_keeps_records_of_relays_where_their_senders_belong() {
    let dir = temp();
    let options = || Options { file: Some(dir.path().join("logs/{app}/{host}.log")), ..central() };
    fs::create_dir(dir.path().join("logs")).unwrap();
    let central = Bench::start_unix(dir.clone(), options());
    let site_dir = temp();
    let site = Bench::start_in(site_dir.clone(), site(dir.path()));
    let mut sender = site.sender();
    sender.send(&format!("{HELLO}{}", record("a")));
    let mut plain = site.connect();
    let line = |app, n| format!("{{\"app\":\"{app}\",\"host\":\"h\",\"msg\":\"{n}\"}}\n");
    let lines: String = (1..=10).map(|n| line(if n % 3 == 0 { "x" } else { "y" }, n)).collect();
    plain.write_all(lines.as_bytes()).unwrap();
    wait_for(|| central.stats.records_written.get() == 11);
    // The position of the site goes back, as after a death, and so everything comes again.
    drop(site);
    let text = |path: &str| fs::read_to_string(dir.path().join("logs").join(path)).unwrap();
    let found = || ["orders/web1.log", "x/h.log", "y/h.log"].map(|path| text(path).lines().count());
    assert_eq!(found(), [1, 3, 7]);
    central.end();
    let central = Bench::start_unix(dir.clone(), options());
    let again = Bench::start_in(site_dir, self::site(dir.path()));
    let mut plain = again.connect();
    plain.write_all(line("x", 11).as_bytes()).unwrap();
    wait_for(|| central.stats.records_written.get() == 1);
    assert_eq!(found(), [1, 4, 7]);
}

/// What was sent and not acknowledged is sent again under the same senders and numbers.
#[test]
fn a_batch_is_sent_again_as_it_was() {
    let dir = temp();
    let listener = UnixListener::bind(dir.path().join("netlog.sock")).unwrap();
    let site = Bench::start_in(temp(), site(dir.path()));
    let mut sender = site.sender();
    sender.send(&format!("{}{}", hello(1), records(1, 5)));
    let mut plain = site.connect();
    plain.write_all(b"one\n").unwrap();
    let headers = || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(socket.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.starts_with("{\"netlog\":1,\"relay\":"), "{line}");
        socket.write_all(b"{\"netlog\":1,\"ack\":0}\n").unwrap();
        line.clear();
        reader.read_line(&mut line).unwrap();
        line.split_once("\"senders\":").unwrap().1.trim_end().to_owned()
    };
    // Until both are in one batch.
    let mut first = headers();
    while first.matches("[\"").count() < 2 {
        first = headers();
    }
    assert!(first.contains("9f3c00000000000000000000000000ab"), "{first}");
    assert_eq!([headers(), headers()], [first.clone(), first]);
}

#[test]
fn records_that_are_in_no_single_file_of_json_cannot_be_forwarded() {
    for change in [
        |options: &mut Options| options.file = Some("/nowhere/{app}.log".into()),
        |options: &mut Options| options.format = netlog_collector::Format::Text,
    ] {
        let mut options = Options { file: Some("/nowhere/app.log".into()), ..Options::default() };
        options.forward_to = Some("localhost:1902".parse().unwrap());
        change(&mut options);
        let error = netlog_collector::Collector::check(&options).unwrap_err().to_string();
        assert!(error.starts_with("--forward-to needs --file"), "{error}");
    }
}

#[test]
fn senders_of_a_stream_cannot_be_named_where_no_stream_is_read() {
    let only = vec!["app=orders*".parse().unwrap()];
    let options = Options { only, ..Options::default() };
    let error = netlog_collector::Collector::check(&options).unwrap_err().to_string();
    assert!(error.starts_with("--only needs --from"), "{error}");
}
