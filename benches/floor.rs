//! The least any logger does in a log call: formats the message, with time, level and place, into
//! a buffer that its thread keeps, and hands it to nobody.

use log::{Log, Metadata, Record};
use netlog_wire::push_time;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

/// The bytes of a time down to its seconds, `2026-11-22T18:42:23.`
const TO_THE_SECOND: usize = 20;

thread_local! {
    static SHEET: RefCell<Sheet> = const { RefCell::new(Sheet::new()) };
}

pub(crate) struct Floor;

struct Sheet {
    line: String,
    /// The date and time of `second` as text; only the rest is written for each record.
    date: String,
    second: u64,
}

impl Log for Floor {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        SHEET.with_borrow_mut(|sheet| sheet.write(record));
    }

    fn flush(&self) {}
}

impl Sheet {
    const fn new() -> Self {
        Self { line: String::new(), date: String::new(), second: 0 }
    }

    fn write(&mut self, record: &Record<'_>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if now.as_secs() != self.second {
            self.second = now.as_secs();
            let mut time = Vec::new();
            push_time(&mut time, self.second as i64 * 1_000_000);
            self.date = String::from_utf8_lossy(&time[..TO_THE_SECOND]).into_owned();
        }
        self.line.clear();
        self.line.push_str(&self.date);
        push_number::<6>(&mut self.line, now.subsec_micros());
        self.line.push(' ');
        self.line.push_str(record.level().as_str());
        self.line.push(' ');
        self.line.push_str(record.file().unwrap_or_default());
        self.line.push(':');
        push_number::<1>(&mut self.line, record.line().unwrap_or_default());
        self.line.push(' ');
        let _ = self.line.write_fmt(*record.args());
        self.line.push('\n');
        black_box(&self.line);
    }
}

/// Appends `number` in at least `WIDTH` digits. `write!` would take three times as long, and a
/// slow floor flatters whatever stands on it.
fn push_number<const WIDTH: usize>(out: &mut String, mut number: u32) {
    let mut digits = [b'0'; 10];
    let mut at = digits.len();
    while number > 0 || at > digits.len() - WIDTH {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}
