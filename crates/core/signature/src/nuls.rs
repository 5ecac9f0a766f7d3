//! What both NULS formats share: lengths, addresses and the first line of the signed text.

use crate::address;

/// First line of the signed text; the first byte is the length of the rest.
pub(crate) const SIGNED_PREFIX: &[u8] = b"\x18NULS Signed Message:\n";

/// Accounts held by a key, as opposed to contracts.
const KEY_ACCOUNT: u8 = 1;

/// Writes a length: one byte, or a marker and two, four or eight bytes, little endian.
pub(crate) fn push_varint(out: &mut Vec<u8>, value: usize) {
    let value = value as u64;
    match value {
        0..=0xfc => out.push(value as u8),
        0xfd..=0xffff => {
            out.push(0xfd);
            out.extend_from_slice(&(value as u16).to_le_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xfe);
            out.extend_from_slice(&(value as u32).to_le_bytes());
        }
        _ => {
            out.push(0xff);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

/// Takes bytes preceded by their length off the front of `input`.
pub(crate) fn take_prefixed<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (marker, rest) = input.split_first()?;
    let (length, rest) = match marker {
        0xfd => rest
            .split_first_chunk()
            .map(|(bytes, rest)| (u16::from_le_bytes(*bytes).into(), rest))?,
        0xfe => rest
            .split_first_chunk()
            .map(|(bytes, rest)| (u32::from_le_bytes(*bytes).into(), rest))?,
        0xff => rest
            .split_first_chunk()
            .map(|(bytes, rest)| (u64::from_le_bytes(*bytes), rest))?,
        short => (u64::from(*short), rest),
    };
    let (taken, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *input = rest;
    Some(taken)
}

/// The address of `key` on the chain with this number, without the text prefix of the second
/// format: chain, kind, key hash, and the exclusive or of these 23 bytes.
pub(crate) fn base58_address(chain_id: [u8; 2], key: &[u8]) -> String {
    let mut bytes = [0; 24];
    bytes[..2].copy_from_slice(&chain_id);
    bytes[2] = KEY_ACCOUNT;
    bytes[3..23].copy_from_slice(&address::key_hash(key));
    bytes[23] = bytes.iter().fold(0, |xor, byte| xor ^ byte);
    bs58::encode(bytes).into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_round_trip_at_every_width() {
        for (length, width) in [(0, 1), (252, 1), (253, 3), (0xffff, 3), (0x1_0000, 5)] {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, length);
            assert_eq!(bytes.len(), width);
            bytes.resize(width + length + 1, 7);
            let mut input = &bytes[..];
            assert_eq!(take_prefixed(&mut input).unwrap().len(), length);
            assert_eq!(input, [7]);
        }
    }

    #[test]
    fn lengths_beyond_the_input_are_refused() {
        for bytes in [&[][..], &[1], &[0xfd, 0], &[0xfe, 0, 0, 0], &[0xff; 9]] {
            assert_eq!(take_prefixed(&mut &bytes[..]), None, "{bytes:?}");
        }
    }
}
