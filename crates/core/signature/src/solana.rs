//! Solana and Eclipse: Ed25519 over the bare text, wrapped in a JSON object.

use alephd_message::Envelope;
use serde_json::{Value, json};

use crate::{SignatureError, ed25519, encoding};

pub(crate) fn verify(envelope: &Envelope, signature: &str) -> Result<(), SignatureError> {
    let object = encoding::json_object(signature)?;
    if object
        .get("version")
        .is_some_and(|version| version.as_f64() != Some(1.0))
    {
        return Err(SignatureError::Malformed("unknown version"));
    }
    let key_text = encoding::json_text(&object, "publicKey")?;
    let signature_text = encoding::json_text(&object, "signature")?;
    if key_text != envelope.sender {
        return Err(SignatureError::Mismatch);
    }
    let key = encoding::base58::<32>(key_text)?;
    let signature = encoding::base58::<64>(signature_text)?;
    if ed25519::verify(&key, &envelope.signed_buffer(), &signature) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// The wire form of a signature.
pub(crate) fn wire_form(address: &str, signature: &[u8; 64]) -> String {
    let signature = bs58::encode(signature).into_string();
    Value::to_string(&json!({"signature": signature, "publicKey": address, "version": 1}))
}
