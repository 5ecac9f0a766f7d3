//! Tezos: three curves over a Blake2b hash, the text bare or packed as wallets pack it.

use alephd_message::{Envelope, Micros};
use blake2::{Blake2b, Digest, digest::consts};
use p256::ecdsa::signature::hazmat::PrehashVerifier;

use crate::{
    SignatureError, ed25519, encoding,
    secp::{self, HighS},
};

type Blake2b160 = Blake2b<consts::U20>;
type Blake2b256 = Blake2b<consts::U32>;

/// Prefix of signatures that do not name their curve.
const ANY_SIGNATURE: &[u8] = &[0x04, 0x82, 0x2b];

/// Web address of the application when a packed signature names none.
const DEFAULT_DAPP: &str = "aleph.im";

/// A public key, by the kind of account it holds.
enum Key {
    /// tz1, Ed25519.
    Tz1([u8; 32]),
    /// tz2, secp256k1.
    Tz2([u8; 33]),
    /// tz3, P-256.
    Tz3([u8; 33]),
}

pub(crate) fn verify(envelope: &Envelope, signature: &str) -> Result<(), SignatureError> {
    let object = encoding::json_object(signature)?;
    let key = Key::decode(encoding::json_text(&object, "publicKey")?)
        .ok_or(SignatureError::Malformed("not a public key"))?;
    let text = encoding::json_text(&object, "signature")?;
    let signature = encoding::base58check::<64>(text, key.signature_prefix())
        .or_else(|| encoding::base58check::<64>(text, ANY_SIGNATURE))
        .ok_or(SignatureError::Malformed("not a signature of this kind of key"))?;
    let buffer = envelope.signed_buffer();
    let payload = match object.get("signingType").map(|kind| kind.as_str()) {
        None | Some(Some("raw")) => buffer,
        Some(Some("micheline")) => {
            let dapp = if object.contains_key("dAppUrl") {
                encoding::json_text(&object, "dAppUrl")?
            } else {
                DEFAULT_DAPP
            };
            pack(dapp, envelope.time, &buffer)
        }
        Some(_) => return Err(SignatureError::Malformed("unknown signingType")),
    };
    if key.address() != envelope.sender {
        return Err(SignatureError::Mismatch);
    }
    let hash = Blake2b256::digest(payload).into();
    if key.verify(hash, &signature) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

impl Key {
    fn decode(text: &str) -> Option<Self> {
        encoding::base58check(text, &[0x0d, 0x0f, 0x25, 0xd9])
            .map(Self::Tz1)
            .or_else(|| encoding::base58check(text, &[0x03, 0xfe, 0xe2, 0x56]).map(Self::Tz2))
            .or_else(|| encoding::base58check(text, &[0x03, 0xb2, 0x8b, 0x7f]).map(Self::Tz3))
    }

    fn signature_prefix(&self) -> &'static [u8] {
        match self {
            Self::Tz1(_) => &[0x09, 0xf5, 0xcd, 0x86, 0x12],
            Self::Tz2(_) => &[0x0d, 0x73, 0x65, 0x13, 0x3f],
            Self::Tz3(_) => &[0x36, 0xf0, 0x2c, 0x34],
        }
    }

    fn address(&self) -> String {
        let (prefix, hash) = match self {
            Self::Tz1(key) => ([0x06, 0xa1, 0x9f], Blake2b160::digest(key)),
            Self::Tz2(key) => ([0x06, 0xa1, 0xa1], Blake2b160::digest(key)),
            Self::Tz3(key) => ([0x06, 0xa1, 0xa4], Blake2b160::digest(key)),
        };
        let mut bytes = [0; 3 + 20];
        bytes[..3].copy_from_slice(&prefix);
        bytes[3..].copy_from_slice(&hash);
        bs58::encode(bytes).with_check().into_string()
    }

    fn verify(&self, hash: [u8; 32], signature: &[u8; 64]) -> bool {
        match self {
            Self::Tz1(key) => ed25519::verify(key, &hash, signature),
            Self::Tz2(key) => {
                let key = secp256k1::PublicKey::from_slice(key);
                let signature = secp256k1::ecdsa::Signature::from_compact(signature);
                let (Ok(key), Ok(signature)) = (key, signature) else {
                    return false;
                };
                secp::verify(hash, signature, &key, HighS::Refuse)
            }
            Self::Tz3(key) => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key);
                let signature = p256::ecdsa::Signature::from_slice(signature);
                let (Ok(key), Ok(signature)) = (key, signature) else {
                    return false;
                };
                key.verify_prehash(&hash, &signature).is_ok()
            }
        }
    }
}

/// The text as web wallets show and sign it.
///
/// A packed Micheline string would carry its length in four bytes; the network writes it as
/// decimal digits, and counts hexadecimal characters. Both are kept: they are the format.
fn pack(dapp: &str, time: Micros, buffer: &[u8]) -> Vec<u8> {
    let time = milliseconds(time);
    let text = [b"Tezos Signed Message:", dapp.as_bytes(), time.as_bytes(), buffer].join(&b' ');
    let mut bytes = vec![0x05, 0x01, 0x00];
    bytes.extend_from_slice((2 * text.len()).to_string().as_bytes());
    bytes.extend_from_slice(&text);
    bytes
}

/// The instant as JavaScript prints it: always three digits after the point, the rest cut off.
fn milliseconds(time: Micros) -> String {
    let (year, month, day, hour, minute, second, micros) = time.civil();
    let millis = micros / 1000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}
