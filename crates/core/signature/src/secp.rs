//! ECDSA on secp256k1, shared by six of the families.
//!
//! Everything goes through C libsecp256k1. Recovery accepts both halves of `s`; plain
//! verification refuses the upper half unless the caller normalises first.

use std::sync::LazyLock;

use secp256k1::{
    Message, PublicKey, Secp256k1, VerifyOnly,
    ecdsa::{RecoverableSignature, RecoveryId, Signature},
};

static VERIFIER: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

/// What to do with a signature whose `s` lies in the upper half of the group order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HighS {
    /// Same meaning as its lower-half twin.
    Accept,
    /// Not a signature.
    Refuse,
}

/// The key that made `compact` (`r` then `s`, either half) over `digest`.
pub(crate) fn recover(digest: [u8; 32], compact: &[u8], recovery_id: u8) -> Option<PublicKey> {
    let recovery_id = RecoveryId::try_from(i32::from(recovery_id)).ok()?;
    let signature = RecoverableSignature::from_compact(compact, recovery_id).ok()?;
    VERIFIER
        .recover_ecdsa(Message::from_digest(digest), &signature)
        .ok()
}

/// Whether `signature` is one of `key` over `digest`.
pub(crate) fn verify(digest: [u8; 32], mut signature: Signature, key: &PublicKey, high_s: HighS) -> bool {
    if high_s == HighS::Accept {
        signature.normalize_s();
    }
    VERIFIER
        .verify_ecdsa(Message::from_digest(digest), &signature, key)
        .is_ok()
}
