//! Accounts with fixed keys.

use alephd_message::Chain;
use alephd_signature::sign::{EvmKey, Signer, SolanaKey};
use sha2::{Digest, Sha256};

/// What stands before the name of an account when its key is derived.
const PREFIX: &str = "alephd-testkit-";

/// The Ethereum account called `name`.
pub fn evm(name: &str) -> EvmKey {
    EvmKey::from_bytes(secret(&format!("{PREFIX}{name}"))).expect("a hash is a key but for one in 2^128")
}

/// The Solana account called `name`.
pub fn solana(name: &str) -> SolanaKey {
    SolanaKey::from_seed(secret(&format!("{PREFIX}{name}")))
}

/// The account that the `local` network profile trusts for balances and credits. Its key is
/// public, so no other profile may.
pub fn funder() -> EvmKey {
    EvmKey::from_bytes(secret("aleph-conformance-funder")).expect("a constant that is a key")
}

fn secret(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// An account of either family.
#[derive(Debug)]
pub enum Account {
    /// Of an EVM chain.
    Evm(EvmKey),
    /// Of Solana or Eclipse.
    Solana(SolanaKey),
}

impl Account {
    /// The account with this number; every tenth is one of Solana, as in real traffic.
    pub fn numbered(number: u64) -> Self {
        let name = number.to_string();
        if number % 10 == 9 {
            Self::Solana(solana(&name))
        } else {
            Self::Evm(evm(&name))
        }
    }
}

impl Signer for Account {
    fn chain(&self) -> Chain {
        match self {
            Self::Evm(key) => key.chain(),
            Self::Solana(key) => key.chain(),
        }
    }

    fn address(&self) -> &str {
        match self {
            Self::Evm(key) => key.address(),
            Self::Solana(key) => key.address(),
        }
    }

    fn sign(&self, buffer: &[u8]) -> String {
        match self {
            Self::Evm(key) => key.sign(buffer),
            Self::Solana(key) => key.sign(buffer),
        }
    }
}

impl From<EvmKey> for Account {
    fn from(key: EvmKey) -> Self {
        Self::Evm(key)
    }
}

impl From<SolanaKey> for Account {
    fn from(key: SolanaKey) -> Self {
        Self::Solana(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_funder_is_the_one_of_the_conformance_suite() {
        assert_eq!(funder().address(), "0x5840B7C427A13b791ca1DbC40ee00489a4A59b21");
    }

    #[test]
    fn accounts_are_fixed_by_their_name() {
        assert_eq!(evm("alice").address(), evm("alice").address());
        assert_ne!(evm("alice").address(), evm("bob").address());
        assert_ne!(solana("alice").address(), solana("bob").address());
        assert_eq!(Account::numbered(19).chain(), Chain::Sol);
        assert_eq!(Account::numbered(20).chain(), Chain::Eth);
    }
}
