//! Ethereum and the chains like it: `personal_sign` with a recoverable signature.
//!
//! The numeric chain id enters nowhere; the chain code in the signed text separates chains.

use alephd_message::Envelope;
use secp256k1::PublicKey;
use sha3::{Digest, Keccak256};

use crate::{SignatureError, secp};

/// Length of `0x` and 40 digits.
const ADDRESS_LEN: usize = 42;

pub(crate) fn verify(envelope: &Envelope, signature: &str) -> Result<(), SignatureError> {
    // Nothing else can equal an address, and the check keeps huge senders from being hashed.
    if envelope.sender.len() != ADDRESS_LEN {
        return Err(SignatureError::Mismatch);
    }
    let (compact, v) = decode(signature)?;
    let recovery_id = recovery_id(v).ok_or(SignatureError::Malformed("recovery byte out of range"))?;
    let digest = personal_digest(&envelope.signed_buffer());
    let key = secp::recover(digest, &compact, recovery_id).ok_or(SignatureError::Mismatch)?;
    let mut address = [0; ADDRESS_LEN];
    write_address(&key, &mut address);
    if envelope.sender.as_bytes().eq_ignore_ascii_case(&address) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// Splits the hexadecimal text of 65 bytes, with or without `0x`, into `r || s` and `v`.
fn decode(text: &str) -> Result<([u8; 64], u8), SignatureError> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    const MALFORMED: SignatureError = SignatureError::Malformed("65 bytes in hexadecimal are expected");
    let mut padded = [b'0'; 130];
    // A missing leading zero is added, as the reference does for an odd count of digits.
    let start = 130usize
        .checked_sub(digits.len())
        .filter(|&missing| missing < 2)
        .ok_or(MALFORMED)?;
    padded[start..].copy_from_slice(digits.as_bytes());
    let mut bytes = [0; 65];
    hex::decode_to_slice(padded, &mut bytes).map_err(|_| MALFORMED)?;
    let mut compact = [0; 64];
    compact.copy_from_slice(&bytes[..64]);
    Ok((compact, bytes[64]))
}

/// Wallets write `v` in three ways: bare parity, 27 plus parity, and 35 plus twice a chain id
/// plus parity. The chain id of the last is not compared with anything.
fn recovery_id(v: u8) -> Option<u8> {
    match v {
        0 | 1 => Some(v),
        27 | 28 => Some(v - 27),
        35.. => Some((v - 35) % 2),
        _ => None,
    }
}

/// The digest that `personal_sign` signs.
pub(crate) fn personal_digest(buffer: &[u8]) -> [u8; 32] {
    let mut hasher = Keccak256::new();
    hasher.update(b"\x19Ethereum Signed Message:\n");
    hasher.update(buffer.len().to_string());
    hasher.update(buffer);
    hasher.finalize().into()
}

/// Writes the address of `key` as `0x` and lower-case digits.
fn write_address(key: &PublicKey, out: &mut [u8; ADDRESS_LEN]) {
    let hash = Keccak256::digest(&key.serialize_uncompressed()[1..]);
    out[..2].copy_from_slice(b"0x");
    hex::encode_to_slice(&hash[12..], &mut out[2..]).expect("20 bytes fill 40 digits");
}

/// The address of `key` in mixed case, where the case of the letters is a checksum (EIP-55).
pub(crate) fn checksummed_address(key: &PublicKey) -> String {
    let mut address = [0; ADDRESS_LEN];
    write_address(key, &mut address);
    let hash = Keccak256::digest(&address[2..]);
    for (index, digit) in address[2..].iter_mut().enumerate() {
        let nibble = if index % 2 == 0 {
            hash[index / 2] >> 4
        } else {
            hash[index / 2] & 0x0f
        };
        if nibble >= 8 {
            digit.make_ascii_uppercase();
        }
    }
    address.iter().map(|&byte| char::from(byte)).collect()
}
