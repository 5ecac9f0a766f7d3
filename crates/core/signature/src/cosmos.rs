//! Cosmos: secp256k1 over an amino sign document that wraps the text.

use alephd_message::Envelope;
use secp256k1::{PublicKey, ecdsa::Signature};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    SignatureError, address, encoding,
    secp::{self, HighS},
};

const KEY_TYPE: &str = "tendermint/PubKeySecp256k1";

pub(crate) fn verify(envelope: &Envelope, signature: &str) -> Result<(), SignatureError> {
    let object = encoding::json_object(signature)?;
    let key = object.get("pub_key").and_then(Value::as_object);
    let key = key.ok_or(SignatureError::Malformed("pub_key"))?;
    if encoding::json_text(key, "type")? != KEY_TYPE {
        return Err(SignatureError::Malformed("unknown kind of key"));
    }
    let key = encoding::base64(encoding::json_text(key, "value")?)?;
    let key: [u8; 33] = key
        .try_into()
        .map_err(|_| SignatureError::Malformed("a key has 33 bytes"))?;
    let signature = encoding::base64(encoding::json_text(&object, "signature")?)?;
    let signature = Signature::from_compact(&signature)
        .map_err(|_| SignatureError::Malformed("a signature is two scalars of 32 bytes"))?;

    // Any prefix will do, so the sender says which one.
    let (prefix, _) = envelope.sender.split_once('1').ok_or(SignatureError::Mismatch)?;
    if address::bech32(prefix, &key).as_deref() != Some(&envelope.sender) {
        return Err(SignatureError::Mismatch);
    }
    let key = PublicKey::from_slice(&key).map_err(|_| SignatureError::Malformed("not a key of the curve"))?;
    let document = sign_document(&envelope.signed_buffer(), &envelope.sender);
    let digest = Sha256::digest(document).into();
    if secp::verify(digest, signature, &key, HighS::Accept) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// The canonical JSON (sorted keys, no spaces, ASCII) of the document that wallets show.
fn sign_document(buffer: &[u8], sender: &str) -> String {
    let mut json = String::with_capacity(320 + buffer.len());
    json.push_str(concat!(
        r#"{"account_number":"0","chain_id":"signed-message-v1","fee":{"amount":[],"gas":"0"},"#,
        r#""memo":"","msgs":[{"type":"signutil/MsgSignText","value":{"message":"#,
    ));
    push_ascii_json(&mut json, &String::from_utf8_lossy(buffer));
    json.push_str(r#","signer":"#);
    push_ascii_json(&mut json, sender);
    json.push_str(r#"}}],"sequence":"0"}"#);
    json
}

/// Writes a JSON string in which everything outside printable ASCII is escaped, as UTF-16.
fn push_ascii_json(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            ' '..='~' => json.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    json.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_ascii_with_sorted_keys() {
        let document = sign_document("CSDK\n\"é\\\u{1f600}\u{7f}".as_bytes(), "cosmos1x");
        assert_eq!(
            document,
            concat!(
                r#"{"account_number":"0","chain_id":"signed-message-v1","#,
                r#""fee":{"amount":[],"gas":"0"},"memo":"","#,
                r#""msgs":[{"type":"signutil/MsgSignText","#,
                r#""value":{"message":"CSDK\n\"\u00e9\\\ud83d\ude00\u007f","signer":"cosmos1x"}}],"#,
                r#""sequence":"0"}"#
            )
        );
        assert!(serde_json::from_str::<Value>(&document).is_ok());
    }
}
