//! Keys of Ethereum and the chains like it.

use std::{fmt, sync::LazyLock};

use alephd_message::Chain;
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey, SignOnly};

use crate::{
    evm,
    sign::{InvalidKey, Signer},
};

static SIGNER: LazyLock<Secp256k1<SignOnly>> = LazyLock::new(Secp256k1::signing_only);

/// A secp256k1 key that signs messages of any EVM chain. Debug output shows the address only.
pub struct EvmKey {
    secret: SecretKey,
    address: String,
}

impl EvmKey {
    /// Takes the 32 bytes of a private key.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, InvalidKey> {
        let secret = SecretKey::from_byte_array(bytes).map_err(|_| InvalidKey)?;
        let address = evm::checksummed_address(&PublicKey::from_secret_key(&SIGNER, &secret));
        Ok(Self { secret, address })
    }

    /// The address in mixed case (EIP-55).
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Signs `buffer` as `personal_sign` does: `0x` and 65 bytes, the last one 27 or 28.
    pub fn sign(&self, buffer: &[u8]) -> String {
        let message = Message::from_digest(evm::personal_digest(buffer));
        let (recovery_id, compact) = SIGNER
            .sign_ecdsa_recoverable(message, &self.secret)
            .serialize_compact();
        let v = 27 + i32::from(recovery_id);
        format!("0x{}{v:02x}", hex::encode(compact))
    }
}

impl Signer for EvmKey {
    fn chain(&self) -> Chain {
        Chain::Eth
    }

    fn address(&self) -> &str {
        self.address()
    }

    fn sign(&self, buffer: &[u8]) -> String {
        self.sign(buffer)
    }
}

impl Drop for EvmKey {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl fmt::Debug for EvmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvmKey")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
