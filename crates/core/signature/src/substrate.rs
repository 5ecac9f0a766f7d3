//! Substrate: sr25519 over the text, or over the text as browser extensions wrap it.

use alephd_message::Envelope;
use blake2::{Blake2b512, Digest};
use schnorrkel::{PublicKey, Signature};

use crate::{SignatureError, encoding};

/// The signing context of every Substrate chain.
const CONTEXT: &[u8] = b"substrate";

pub(crate) fn verify(envelope: &Envelope, signature: &str) -> Result<(), SignatureError> {
    let object = encoding::json_object(signature)?;
    if object.get("curve").is_some_and(|curve| curve != "sr25519") {
        return Err(SignatureError::Malformed("only sr25519 is supported"));
    }
    let digits = encoding::json_text(&object, "data")?.strip_prefix("0x");
    let digits = digits.ok_or(SignatureError::Malformed("data starts with 0x"))?;
    let mut bytes = [0; 64];
    hex::decode_to_slice(digits, &mut bytes)
        .map_err(|_| SignatureError::Malformed("64 bytes in hexadecimal are expected"))?;
    let signature =
        Signature::from_bytes(&bytes).map_err(|_| SignatureError::Malformed("not an sr25519 signature"))?;
    let key = account_key(&envelope.sender).ok_or(SignatureError::Mismatch)?;
    let key = PublicKey::from_bytes(&key).map_err(|_| SignatureError::Mismatch)?;

    let buffer = envelope.signed_buffer();
    if key.verify_simple(CONTEXT, &buffer, &signature).is_ok() {
        return Ok(());
    }
    let wrapped = [b"<Bytes>".as_slice(), &buffer, b"</Bytes>"].concat();
    key.verify_simple(CONTEXT, &wrapped, &signature)
        .map_err(|_| SignatureError::Mismatch)
}

/// The key inside an account name: SS58 of any network, or the key itself in hexadecimal.
fn account_key(account: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if let Some(digits) = account.strip_prefix("0x") {
        return hex::decode_to_slice(digits, &mut key).ok().map(|()| key);
    }
    // Network prefix of one or two bytes, key, checksum of two bytes.
    let mut buffer = [0; 2 + 32 + 2];
    let length = bs58::decode(account).onto(&mut buffer[..]).ok()?;
    let is_long_prefix = buffer[0] & 0x40 != 0;
    let prefix_length = if is_long_prefix { 2 } else { 1 };
    if length != prefix_length + 32 + 2 {
        return None;
    }
    // Two network numbers are set aside by the SS58 registry.
    if !is_long_prefix && matches!(buffer[0], 46 | 47) {
        return None;
    }
    let (payload, checksum) = buffer[..length].split_at(length - 2);
    let hash = Blake2b512::new()
        .chain_update(b"SS58PRE")
        .chain_update(payload)
        .finalize();
    if hash[..2] != *checksum {
        return None;
    }
    key.copy_from_slice(&payload[prefix_length..]);
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    const ALICE_KEY: &str = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";

    fn encode(prefix: &[u8]) -> String {
        let mut bytes = prefix.to_vec();
        bytes.extend(hex::decode(ALICE_KEY).unwrap());
        let hash = Blake2b512::new()
            .chain_update(b"SS58PRE")
            .chain_update(&bytes)
            .finalize();
        bytes.extend_from_slice(&hash[..2]);
        bs58::encode(bytes).into_string()
    }

    #[test]
    fn accounts_of_every_network_hold_the_same_key() {
        let key: [u8; 32] = hex::decode(ALICE_KEY).unwrap().try_into().unwrap();
        assert_eq!(account_key(ALICE), Some(key));
        assert_eq!(encode(&[42]), ALICE);
        assert_eq!(account_key(&encode(&[0])), Some(key));
        assert_eq!(account_key(&encode(&[0x41, 0x05])), Some(key));
        assert_eq!(account_key(&format!("0x{ALICE_KEY}")), Some(key));
    }

    #[test]
    fn damaged_and_reserved_accounts_hold_none() {
        let reserved = encode(&[46]);
        let wrong_length = encode(&[42, 1]);
        let damaged = ALICE.replace("QY", "QZ");
        for account in [
            "",
            "0x",
            "0x00",
            reserved.as_str(),
            &wrong_length,
            &damaged,
            &ALICE[1..],
        ] {
            assert_eq!(account_key(account), None, "{account}");
        }
    }
}
