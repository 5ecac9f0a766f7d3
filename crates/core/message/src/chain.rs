//! The 33 chain codes and the signature family behind each (docs/protocol/messages.md, "Chains").

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How messages of a chain are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureFamily {
    /// Ethereum `personal_sign` with a recoverable secp256k1 signature.
    Evm,
    /// Ed25519 in a JSON object, base58.
    Solana,
    /// secp256k1 over an amino sign document.
    Cosmos,
    /// sr25519 with the `substrate` context.
    Substrate,
    /// Recoverable secp256k1, base58 with checksum, bech32 addresses.
    Avalanche,
    /// First NULS format: DER signature beside the key.
    Nuls1,
    /// Second NULS format: recoverable secp256k1 in base64.
    Nuls2,
    /// Ed25519, secp256k1 or P-256 over a Blake2b hash.
    Tezos,
}

macro_rules! chains {
    ($($variant:ident $code:literal $family:expr;)*) => {
        /// A chain whose accounts may sign messages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)] // the variants are the wire codes
        pub enum Chain { $(#[serde(rename = $code)] $variant,)* }

        impl Chain {
            /// Every chain, in the order of the wire codes.
            pub const ALL: &'static [Chain] = &[$(Chain::$variant,)*];

            /// The exact code used on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Chain::$variant => $code,)* }
            }

            /// The way this chain signs, or `None` for the two chains that the network lists
            /// but gives no verifier (their messages are refused).
            pub fn signature_family(self) -> Option<SignatureFamily> {
                use SignatureFamily::*;
                match self { $(Chain::$variant => $family,)* }
            }
        }

        impl FromStr for Chain {
            type Err = UnknownChain;
            fn from_str(text: &str) -> Result<Self, UnknownChain> {
                match text { $($code => Ok(Chain::$variant),)* _ => Err(UnknownChain) }
            }
        }
    };
}

chains! {
    Arb "ARB" Some(Evm);
    Aurora "AURORA" None;
    Avax "AVAX" Some(Avalanche);
    Base "BASE" Some(Evm);
    Blast "BLAST" Some(Evm);
    Bob "BOB" Some(Evm);
    Bsc "BSC" Some(Evm);
    Csdk "CSDK" Some(Cosmos);
    Cyber "CYBER" Some(Evm);
    Dot "DOT" Some(Substrate);
    Es "ES" Some(Solana);
    Eth "ETH" Some(Evm);
    Etherlink "ETHERLINK" Some(Evm);
    Frax "FRAX" Some(Evm);
    Hype "HYPE" Some(Evm);
    Ink "INK" Some(Evm);
    Lens "LENS" Some(Evm);
    Linea "LINEA" Some(Evm);
    Lisk "LISK" Some(Evm);
    Metis "METIS" Some(Evm);
    Mode "MODE" Some(Evm);
    Neo "NEO" Some(Evm);
    Nuls "NULS" Some(Nuls1);
    Nuls2 "NULS2" Some(Nuls2);
    Op "OP" Some(Evm);
    Pol "POL" Some(Evm);
    Sol "SOL" Some(Solana);
    Somnia "STT" None;
    Sonic "SONIC" Some(Evm);
    Tezos "TEZOS" Some(Tezos);
    Unichain "UNICHAIN" Some(Evm);
    Worldchain "WLD" Some(Evm);
    Zora "ZORA" Some(Evm);
}

/// The text is not one of the 33 chain codes.
#[derive(Debug, thiserror::Error)]
#[error("unknown chain")]
pub struct UnknownChain;

impl Chain {
    /// A small stable number for storage: the position in [`Chain::ALL`].
    pub fn index(self) -> u8 {
        self as u8
    }

    /// The chain with this [`Chain::index`].
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
