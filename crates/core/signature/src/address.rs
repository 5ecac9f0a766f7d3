//! Address forms that more than one family uses.

use bech32::{Bech32, Hrp};
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};

/// RIPEMD-160 of the SHA-256 of a public key.
pub(crate) fn key_hash(key: &[u8]) -> [u8; 20] {
    Ripemd160::digest(Sha256::digest(key)).into()
}

/// The bech32 address of a key, or `None` if `prefix` cannot be a human-readable part.
pub(crate) fn bech32(prefix: &str, key: &[u8]) -> Option<String> {
    bech32::encode::<Bech32>(Hrp::parse(prefix).ok()?, &key_hash(key)).ok()
}
