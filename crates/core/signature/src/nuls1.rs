//! The first NULS format: a DER signature beside the key.
//!
//! The network verifies these signatures over a *printed form* of the text, not over its bytes;
//! see [`signed_digest`].

use alephd_message::Envelope;
use secp256k1::{PublicKey, ecdsa::Signature};
use sha2::{Digest, Sha256};

use crate::{
    SignatureError, encoding, nuls,
    secp::{self, HighS},
};

pub(crate) fn verify(envelope: &Envelope, signature: &str) -> Result<(), SignatureError> {
    let bytes = hex::decode(signature).map_err(|_| SignatureError::Malformed("not hexadecimal"))?;
    let (key_bytes, signature) =
        split(&bytes).ok_or(SignatureError::Malformed("key and signature are cut short"))?;

    // The sender says which chain it is of; rebuilding the address checks everything else.
    let sender = encoding::base58::<24>(&envelope.sender).map_err(|_| SignatureError::Mismatch)?;
    if nuls::base58_address([sender[0], sender[1]], key_bytes) != envelope.sender {
        return Err(SignatureError::Mismatch);
    }
    let key =
        PublicKey::from_slice(key_bytes).map_err(|_| SignatureError::Malformed("not a key of the curve"))?;
    let signature = Signature::from_der(signature).map_err(|_| SignatureError::Malformed("not DER"))?;
    let digest = signed_digest(&envelope.signed_buffer());
    if secp::verify(digest, signature, &key, HighS::Refuse) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// Key and DER signature; the byte between them names the algorithm and is not looked at, nor is
/// anything that follows.
fn split(mut bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let key = nuls::take_prefixed(&mut bytes)?;
    let (_algorithm, mut bytes) = bytes.split_first()?;
    Some((key, nuls::take_prefixed(&mut bytes)?))
}

/// SHA-256 of the signed text.
///
/// After its first line comes the Python notation of the length and the buffer, quotes included,
/// because that is what the reference node hashes. Signatures over the raw bytes, which the
/// original wallets made, are refused by the network and therefore here.
fn signed_digest(buffer: &[u8]) -> [u8; 32] {
    let mut text = Vec::with_capacity(buffer.len() + 9);
    nuls::push_varint(&mut text, buffer.len());
    text.extend_from_slice(buffer);
    Sha256::new()
        .chain_update(nuls::SIGNED_PREFIX)
        .chain_update(bytes_literal(&text))
        .finalize()
        .into()
}

/// The literal by which Python prints bytes.
fn bytes_literal(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut literal = String::with_capacity(bytes.len() * 2);
    literal.push('b');
    literal.push(quote);
    for &byte in bytes {
        match char::from(byte) {
            '\t' => literal.push_str("\\t"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            character if character == quote || character == '\\' => {
                literal.push('\\');
                literal.push(character);
            }
            character @ ' '..='~' => literal.push(character),
            _ => literal.push_str(&format!("\\x{byte:02x}")),
        }
    }
    literal.push(quote);
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_print_as_python_prints_them() {
        for (bytes, literal) in [
            (&b"plain\n\t\r"[..], r"b'plain\n\t\r'"),
            (b"\x00\x1f\x7f\xff\\", r"b'\x00\x1f\x7f\xff\\'"),
            (b"it's", r#"b"it's""#),
            (b"\"it's\"", r#"b'"it\'s"'"#),
            (b"\"", r#"b'"'"#),
        ] {
            assert_eq!(bytes_literal(bytes), literal);
        }
    }
}
