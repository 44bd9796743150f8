//! Bytes that are not text, in text.

/// Bytes as text, with invalid ones written out as `\xff` behind this `backslash`, and the number of
/// those.
pub(super) fn shown(bytes: &[u8], backslash: &str) -> (String, usize) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() + 16);
    let mut invalid = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(backslash);
            text.push('x');
            text.extend([byte >> 4, byte & 15].map(|half| char::from(HEX[usize::from(half)])));
        }
        invalid += chunk.invalid().len();
    }
    (text, invalid)
}
