//! The choice of a verifier by chain.

use alephd_message::{Envelope, SignatureFamily};

use crate::{SignatureError, avalanche, cosmos, evm, nuls1, nuls2, solana, substrate, tezos};

/// Longest signature text looked at, in bytes. The longest honest ones are JSON objects of a few
/// hundred bytes; base58 decoding is quadratic, so length must be bounded first.
pub const MAX_SIGNATURE_LEN: usize = 8 * 1024;

/// Longest sender looked at, in bytes: the longest address is a bech32 one with a human-readable
/// part of 83 characters.
pub const MAX_SENDER_LEN: usize = 256;

/// Checks that the sender of `envelope` signed it.
pub fn verify(envelope: &Envelope) -> Result<(), SignatureError> {
    let family = envelope
        .chain
        .signature_family()
        .ok_or(SignatureError::NoVerifier(envelope.chain))?;
    let signature = envelope.signature.as_deref().filter(|text| !text.is_empty());
    let signature = signature.ok_or(SignatureError::Missing)?;
    if signature.len() > MAX_SIGNATURE_LEN {
        return Err(SignatureError::Malformed("too long"));
    }
    if envelope.sender.len() > MAX_SENDER_LEN {
        return Err(SignatureError::Mismatch);
    }
    match family {
        SignatureFamily::Evm => evm::verify(envelope, signature),
        SignatureFamily::Solana => solana::verify(envelope, signature),
        SignatureFamily::Cosmos => cosmos::verify(envelope, signature),
        SignatureFamily::Substrate => substrate::verify(envelope, signature),
        SignatureFamily::Avalanche => avalanche::verify(envelope, signature),
        SignatureFamily::Nuls1 => nuls1::verify(envelope, signature),
        SignatureFamily::Nuls2 => nuls2::verify(envelope, signature),
        SignatureFamily::Tezos => tezos::verify(envelope, signature),
    }
}
