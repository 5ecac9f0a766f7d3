//! Avalanche X, P and C chains: recoverable secp256k1 in base58, bech32 addresses.

use alephd_message::Envelope;
use sha2::{Digest, Sha256};

use crate::{SignatureError, address, encoding, secp};

/// Addresses of the test networks use another human-readable part and never match.
const HUMAN_READABLE_PART: &str = "avax";

pub(crate) fn verify(envelope: &Envelope, signature: &str) -> Result<(), SignatureError> {
    // The name of the chain before the dash can be anything: nothing signs it apart from the sender.
    let (_, expected) = envelope.sender.split_once('-').ok_or(SignatureError::Mismatch)?;
    let bytes = encoding::base58::<{ 65 + 4 }>(signature)?;
    let (signature, checksum) = bytes.split_at(65);
    if Sha256::digest(signature)[28..] != *checksum {
        return Err(SignatureError::Malformed("wrong checksum"));
    }
    let digest = signed_digest(&envelope.signed_buffer());
    let key = secp::recover(digest, &signature[..64], signature[64]).ok_or(SignatureError::Mismatch)?;
    let address = address::bech32(HUMAN_READABLE_PART, &key.serialize());
    if address.as_deref() == Some(expected) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

fn signed_digest(buffer: &[u8]) -> [u8; 32] {
    // A buffer is bounded by its sender, far below 4 GiB.
    let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
    let mut hasher = Sha256::new();
    hasher.update(b"\x1aAvalanche Signed Message:\n");
    hasher.update(length.to_be_bytes());
    hasher.update(buffer);
    hasher.finalize().into()
}
