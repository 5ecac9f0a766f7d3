//! Why a signature is refused.

use alephd_message::{Chain, ErrorCode};

/// Why a signature is refused. Every refusal is final: the same bytes never verify later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The message has no signature, or an empty one.
    #[error("the message carries no signature")]
    Missing,
    /// The text of the signature is not what the chain family writes.
    #[error("malformed signature: {0}")]
    Malformed(&'static str),
    /// The signature is of another key, or of another text.
    #[error("the signature is not one of the sender over this message")]
    Mismatch,
    /// The network lists the chain but gives it no verifier.
    #[error("messages of chain {0} cannot be verified")]
    NoVerifier(Chain),
}

impl SignatureError {
    /// The code that the network reports for this refusal.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Missing | Self::Malformed(_) | Self::Mismatch => ErrorCode::InvalidSignature,
            Self::NoVerifier(_) => ErrorCode::InvalidFormat,
        }
    }
}
