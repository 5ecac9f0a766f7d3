//! Protocol buffers, as far as bitswap uses them.

use bytes::Bytes;

use super::BitswapError;

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(u64),
    Bytes(Bytes),
    /// Four or eight bytes; only fields that are skipped have them.
    Fixed,
}

/// The fields of a message, in their order.
pub(super) struct Fields(pub(super) Bytes);

impl Fields {
    /// The next field: its number and value.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Value)>, BitswapError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = self.number()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(BitswapError::Malformed("unknown wire type")),
        };
        Ok(Some((tag >> 3, value)))
    }

    /// A number. Longer encodings than needed are read, as everybody reads them.
    fn number(&mut self) -> Result<u64, BitswapError> {
        let mut value = 0;
        for (at, &byte) in self.0.iter().take(10).enumerate() {
            if at == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                let _ = self.0.split_to(at + 1);
                return Ok(value);
            }
        }
        Err(BitswapError::Malformed("number does not end"))
    }

    fn take(&mut self, length: u64) -> Result<Bytes, BitswapError> {
        match usize::try_from(length) {
            Ok(length) if length <= self.0.len() => Ok(self.0.split_to(length)),
            _ => Err(BitswapError::Malformed("field is cut off")),
        }
    }
}
