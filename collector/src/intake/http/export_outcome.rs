//! Outcome of a request of OTLP, as `ExportLogsServiceResponse`: records that were rejected, while the
//! others are in the sinks.

use super::refusal::HttpRefusal;
use crate::intake::submitter::SubmitOutcome;
use hyper::StatusCode;
use serde_json::{Value, json};

/// A request of which at least some records were kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ExportOutcome {
    rejected: u64,
    /// The reason for the first of them.
    words: String,
}

impl ExportOutcome {
    /// # Errors
    ///
    /// When no record was kept, or the body could not be read to its end: nobody knows how many
    /// records that would have been.
    pub(super) fn new(outcome: SubmitOutcome) -> Result<Self, HttpRefusal> {
        let SubmitOutcome { taken, faults, first, broken, .. } = outcome;
        let fault = first.unwrap_or_default();
        if broken || taken == 0 && faults > 0 {
            let words = format!("{fault}; {taken} records of the request were kept");
            return Err(HttpRefusal::new(StatusCode::BAD_REQUEST, words));
        }
        let words = match faults {
            0 => String::new(),
            1 => format!("one record was not kept: {fault}"),
            _ => format!("{faults} records were not kept, the first because: {fault}"),
        };
        Ok(Self { rejected: faults, words })
    }

    pub(super) fn json(&self) -> Value {
        match self.rejected {
            0 => json!({}),
            // 64-bit numbers are strings in the JSON of protobuf.
            rejected => json!({"partialSuccess": {
                "rejectedLogRecords": rejected.to_string(), "errorMessage": self.words,
            }}),
        }
    }

    pub(super) fn protobuf(&self) -> Vec<u8> {
        let mut response = Vec::new();
        if self.rejected > 0 {
            let mut partial = vec![1 << 3];
            push_varint(&mut partial, self.rejected);
            push_text(&mut partial, 2, &self.words);
            push_bytes(&mut response, 1, &partial);
        }
        response
    }
}

/// Appends a string of a protobuf message.
pub(super) fn push_text(out: &mut Vec<u8>, number: u8, text: &str) {
    push_bytes(out, number, text.as_bytes());
}

fn push_bytes(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(taken: u64, faults: u64, broken: bool) -> Result<ExportOutcome, HttpRefusal> {
        let first = (faults > 0).then(|| "bad".to_owned());
        ExportOutcome::new(SubmitOutcome { taken, faults, first, broken, forbidden: 0 })
    }

    #[test]
    fn records_that_were_rejected_are_counted_in_both_encodings() {
        let none = outcome(3, 0, false).unwrap();
        assert_eq!((none.json(), none.protobuf()), (json!({}), Vec::new()));
        let some = outcome(3, 2, false).unwrap();
        let words = "2 records were not kept, the first because: bad";
        let partial = json!({"rejectedLogRecords": "2", "errorMessage": words});
        assert_eq!(some.json(), json!({"partialSuccess": partial}));
        let message = [&[8, 2, 0x12, 47][..], words.as_bytes()].concat();
        assert_eq!(some.protobuf(), [&[10, 51][..], &message].concat());
    }

    #[test]
    fn a_request_of_which_nothing_was_kept_or_whose_rest_is_unknown_is_refused() {
        let refused = outcome(3, 1, true).unwrap_err();
        assert_eq!(refused.words, "bad; 3 records of the request were kept");
        assert_eq!(outcome(0, 2, false).unwrap_err().status, StatusCode::BAD_REQUEST);
    }
}
