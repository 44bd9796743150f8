//! The bound of the work that an input makes, by the bytes that are looked at.

use super::*;
use steps::steps_taken;

/// Work for each byte of the input, in one read and in many.
fn work(input: &[u8]) -> u64 {
    let each_in = |size: usize| {
        let (mut decoder, mut runs) = (decoder_of(64 << 10), Vec::new());
        steps_taken();
        // What is refused makes no work any more.
        for read in input.chunks(size) {
            if decoder.feed(read, &mut runs).is_err() {
                break;
            }
            runs.clear();
        }
        let _ = decoder.finish(&mut runs);
        steps_taken()
    };
    each_in(64 << 10).max(each_in(700)) / input.len() as u64
}

fn decoder_of(max_line: usize) -> Decoder {
    Decoder::new(Origin::new("10.0.0.7:99".parse().unwrap()), max_line, None, Arc::default())
}

fn repeated(first: &str, again: &str) -> Vec<u8> {
    let again = again.repeat((128 << 10) / again.len());
    [first.as_bytes(), again.as_bytes()].concat()
}

#[test]
fn no_input_makes_ten_times_the_work_of_plain_text() {
    let line = format!("{} request completed\n", "2026-11-22 INFO x".repeat(10));
    let plain = work(&repeated("text\n", &line));
    assert!((1..8).contains(&plain), "{plain} for plain text");
    let deep = format!("{}\n", "{\"a\":".repeat(70));
    let lines_of_object = format!("{{\n{}x\n", "\"a\":1,\n".repeat(50));
    let keys: String = (0..400).map(|n| format!("\"k{n}\":{n},")).collect();
    let contained = format!("{{\"log\":\"{}\\n\"}}\n", "{\\\"log\\\":\\\"{}\\\"}".repeat(3));
    let spaced = format!("{{\"a\":[{}1]}}\n", " 1 , ".repeat(300));
    for (name, input) in [
        ("openings that never close", repeated("x\n", &deep)),
        ("arrays that never close", repeated("x\n{\"a\":", "[")),
        ("objects that break late", repeated("x\n", &lines_of_object)),
        ("a priority in every place", repeated("<13>x", "<")),
        ("half priorities", repeated("<13>x", "<1>1 x<13>No")),
        ("counts that lie", repeated("9 <13>1 - a", "7 <13>1 - abcdefghi")),
        ("halves of counts", repeated("9 <13>1 - ax", "9 <9 <9 <1")),
        ("digits", repeated("9 <13>1 - ax", "1234567890")),
        ("a line that may be HTTP", repeated("GET ", "x")),
        ("keys that nobody knows", repeated("x\n", &format!("{{{keys}\"z\":0}}\n"))),
        ("JSON in JSON", repeated("x\n", &contained)),
        ("white space", repeated("x\n", &spaced)),
        ("a string over the limit", repeated("{\"a\":\"", "\\n")),
        ("numbers over the limit", repeated("{\"a\":[", "1,")),
        ("lines of nothing", repeated("x\n", "\n\r \0")),
        ("arrays of objects", repeated("x\n", "[{\"a\":1},{\"b\":2},1]\n")),
    ] {
        let work = work(&input);
        assert!(work <= 10 * plain, "{name}: {work}, not {plain} for each byte");
    }
}
