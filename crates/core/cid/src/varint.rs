//! Unsigned LEB128 numbers, as identifiers and archives write them.

/// Appends a number.
pub fn push(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Reads the number that `bytes` begin with, and how many bytes it has.
///
/// `None` if it does not end, exceeds 63 bits or is longer than it must be: the formats allow one
/// encoding for each number, so that equal identifiers are equal bytes.
pub fn read(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let minimal = byte != 0 || at == 0;
            return minimal.then_some((value, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_encoding_for_each_number() {
        assert_eq!(read(&[0]), Some((0, 1)));
        assert_eq!(read(&[0x80, 0x01, 7]), Some((128, 2)));
        assert_eq!(read(&[0x80, 0x00]), None);
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[0x80; 9]), None);
        assert_eq!(read(&[0xff; 12]), None);
    }

    proptest! {
        #[test]
        fn round_trips(value in 0_u64..1 << 63, tail: Vec<u8>) {
            let mut bytes = Vec::new();
            push(&mut bytes, value);
            let length = bytes.len();
            bytes.extend(tail);
            prop_assert_eq!(read(&bytes), Some((value, length)));
        }
    }
}
