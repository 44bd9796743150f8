//! Values of `valuable` as JSON: objects, arrays and numbers stay what they are.

use std::io;
use valuable_serde::Serializable;

/// Appends the value; what makes `out` longer than `limit` is for the caller to remove.
pub(super) fn push(out: &mut Vec<u8>, value: valuable::Value<'_>, limit: usize) {
    let start = out.len();
    if serde_json::to_writer(LimitedWriter { out, limit }, &Serializable::new(value)).is_err()
        && out.len() <= limit
    {
        // Not JSON, such as a map whose keys are structures.
        out.truncate(start);
        let text = serde_json::Value::from(format!("{value:?}"));
        out.extend_from_slice(text.to_string().as_bytes());
    }
}

/// Refuses more once it is full.
struct LimitedWriter<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl io::Write for LimitedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.out.len() > self.limit {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
