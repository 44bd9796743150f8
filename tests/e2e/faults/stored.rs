//! Messages in all files of a log, of which a rotated one may be there compressed and not.

use std::fs;
use std::path::Path;

/// The messages below the directory of a collector that has ended, in no order.
pub(super) fn messages(directory: &Path) -> Vec<String> {
    read(directory, |text| text)
}

/// The same while the collector may be writing, without a line that has no end yet.
pub(super) fn messages_so_far(directory: &Path) -> Vec<String> {
    read(directory, |text| &text[..text.rfind('\n').map_or(0, |end| end + 1)])
}

fn read(directory: &Path, lines: impl Fn(&str) -> &str) -> Vec<String> {
    let mut messages = Vec::new();
    for path in fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = path.to_string_lossy().into_owned();
        let compressed = Path::new(&format!("{name}.zst")).exists();
        let others = [".ledger", ".new", ".forwarded", ".archived", ".stream"];
        let other = others.iter().any(|end| name.ends_with(end));
        if !name.contains("app.log") || other || name.contains(".kept-") || compressed {
            continue;
        }
        // One that is gone was renamed since it was listed.
        let Ok(bytes) = fs::read(&path) else { continue };
        let bytes = match name.ends_with(".zst") {
            true => zstd::decode_all(&bytes[..]).expect("it is whole"),
            false => bytes,
        };
        for line in lines(&String::from_utf8_lossy(&bytes)).lines() {
            let record: serde_json::Value = serde_json::from_str(line).expect("a record a line");
            if record["target"] != "netlog" {
                messages.push(record["msg"].as_str().expect("it has a message").to_owned());
            }
        }
    }
    messages
}

/// The numbers of `first..=last` that are not there once, with their counts.
pub(super) fn not_once(
    messages: &[String],
    last: u64,
    text: impl Fn(u64) -> String,
) -> Vec<String> {
    let wrong = (1..=last).filter_map(|number| {
        let wanted = text(number);
        let count = messages.iter().filter(|message| **message == wanted).count();
        (count != 1).then(|| format!("{wanted}: {count} times"))
    });
    wrong.collect()
}
