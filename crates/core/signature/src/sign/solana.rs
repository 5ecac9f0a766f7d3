//! Keys of Solana and Eclipse.

use std::fmt;

use alephd_message::Chain;
use ed25519_dalek::{Signer as _, SigningKey};

use crate::{sign::Signer, solana};

/// An Ed25519 key that signs messages of Solana and Eclipse. Debug output shows the address only.
pub struct SolanaKey {
    secret: SigningKey,
    address: String,
}

impl SolanaKey {
    /// Takes the 32-byte seed of a key, the first half of a Solana key file.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let secret = SigningKey::from_bytes(&seed);
        let address = bs58::encode(secret.verifying_key().as_bytes()).into_string();
        Self { secret, address }
    }

    /// The address: the public key in base58.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Signs `buffer` and returns the JSON text of the wire form.
    pub fn sign(&self, buffer: &[u8]) -> String {
        solana::wire_form(&self.address, &self.secret.sign(buffer).to_bytes())
    }
}

impl Signer for SolanaKey {
    fn chain(&self) -> Chain {
        Chain::Sol
    }

    fn address(&self) -> &str {
        self.address()
    }

    fn sign(&self, buffer: &[u8]) -> String {
        self.sign(buffer)
    }
}

impl fmt::Debug for SolanaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SolanaKey")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
