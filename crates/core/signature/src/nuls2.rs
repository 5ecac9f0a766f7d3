//! The second NULS format: a recoverable signature in base64.

use alephd_message::Envelope;
use sha2::{Digest, Sha256};

use crate::{SignatureError, encoding, nuls, secp};

/// The two networks with a text prefix: their number, and the prefix with the letter that
/// separates it from the base58 part (the letter counts the characters of the prefix).
const NETWORKS: [([u8; 2], &str); 2] = [([1, 0], "NULSd"), ([2, 0], "tNULSe")];

/// The header byte is 27 plus the recovery id.
const HEADER: u8 = 27;

pub(crate) fn verify(envelope: &Envelope, signature: &str) -> Result<(), SignatureError> {
    let network = NETWORKS
        .iter()
        .find(|(_, prefix)| envelope.sender.starts_with(prefix));
    let (chain_id, prefix) = network.ok_or(SignatureError::Mismatch)?;
    let bytes = encoding::base64(signature)?;
    let bytes: [u8; 65] = bytes
        .try_into()
        .map_err(|_| SignatureError::Malformed("65 bytes in base64 are expected"))?;
    let [header, compact @ ..] = bytes;
    let recovery_id = header.checked_sub(HEADER).filter(|&id| id < 4);
    let recovery_id = recovery_id.ok_or(SignatureError::Malformed("header out of range"))?;
    let digest = signed_digest(&envelope.signed_buffer());
    let key = secp::recover(digest, &compact, recovery_id).ok_or(SignatureError::Mismatch)?;
    let address = nuls::base58_address(*chain_id, &key.serialize());
    if envelope.sender.strip_prefix(prefix) == Some(&address) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

fn signed_digest(buffer: &[u8]) -> [u8; 32] {
    let mut length = Vec::with_capacity(9);
    nuls::push_varint(&mut length, buffer.len());
    let hasher = Sha256::new()
        .chain_update(nuls::SIGNED_PREFIX)
        .chain_update(length);
    hasher.chain_update(buffer).finalize().into()
}
