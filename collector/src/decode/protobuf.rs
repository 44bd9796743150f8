//! BodyFormat Buffers, read field by field where they lie: nothing is allocated for what a message
//! claims to hold (<https://protobuf.dev/programming-guides/encoding>).

use std::fmt;

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ProtobufField<'a> {
    pub(super) number: u64,
    pub(super) value: FieldValue<'a>,
}

/// A field's value, by its wire type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum FieldValue<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> FieldValue<'a> {
    /// A string, a message or bytes; empty for any other wire type.
    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// A number of any width; 0 for any other value.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Varint(number) | Self::Fixed64(number) => number,
            Self::Fixed32(number) => number.into(),
            Self::Bytes(_) => 0,
        }
    }
}

/// Bytes that are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedProtobuf;

impl fmt::Display for MalformedProtobuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid protobuf: a field does not end where its message does")
    }
}

/// The fields of a message, in the order in which they were sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ProtobufFields<'a>(pub(super) &'a [u8]);

impl<'a> ProtobufFields<'a> {
    /// The next field; `None` at the end of the message.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<ProtobufField<'a>>, MalformedProtobuf> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => FieldValue::Varint(self.varint()?),
            1 => FieldValue::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| MalformedProtobuf)?;
                FieldValue::Bytes(self.take(len)?)
            }
            5 => FieldValue::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(MalformedProtobuf),
        };
        Ok(Some(ProtobufField { number: key >> 3, value }))
    }

    /// The value of the first field with this number.
    pub(super) fn first(
        mut self,
        number: u64,
    ) -> Result<Option<FieldValue<'a>>, MalformedProtobuf> {
        while let Some(field) = self.next()? {
            if field.number == number {
                return Ok(Some(field.value));
            }
        }
        Ok(None)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, MalformedProtobuf> {
        // Most are a key or a length of one byte.
        match self.0.split_first() {
            Some((&byte @ ..0x80, rest)) => {
                self.0 = rest;
                Ok(byte.into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, MalformedProtobuf> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(MalformedProtobuf)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MalformedProtobuf> {
        let (array, rest) = self.0.split_first_chunk().ok_or(MalformedProtobuf)?;
        self.0 = rest;
        Ok(*array)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], MalformedProtobuf> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(MalformedProtobuf)?;
        self.0 = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_field_by_field() {
        let message = [8, 0x96, 1, 18, 2, b'h', b'i', 29, 1, 0, 0, 0, 33, 2, 0, 0, 0, 0, 0, 0, 0];
        let mut fields = ProtobufFields(&message);
        let expected = [
            (1, FieldValue::Varint(150)),
            (2, FieldValue::Bytes(b"hi")),
            (3, FieldValue::Fixed32(1)),
            (4, FieldValue::Fixed64(2)),
        ];
        for (number, value) in expected {
            assert_eq!(fields.next(), Ok(Some(ProtobufField { number, value })));
        }
        assert_eq!(fields.next(), Ok(None));
        assert_eq!(fields.first(4).map(|found| found.is_none()), Ok(true));
    }

    #[test]
    fn a_message_that_ends_early_is_malformed_and_costs_nothing() {
        let endless = [0xff; 12];
        let groups = [11, 12];
        let long = [18, 0xff, 0xff, 0xff, 0xff, 0x0f, 1];
        for bytes in [&[8][..], &[8, 0x80], &[29, 1, 2], &endless, &groups, &long] {
            assert_eq!(ProtobufFields(bytes).next(), Err(MalformedProtobuf), "{bytes:?}");
        }
    }
}
