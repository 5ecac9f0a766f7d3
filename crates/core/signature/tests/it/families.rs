//! Signatures made here with the bare curves, for the families that the crate only verifies.
//!
//! The layouts are written out a second time on purpose: the reference vectors have no valid
//! message of NULS1 nor of the P-256 accounts of Tezos.

use alephd_message::{Chain, Envelope};
use alephd_signature::{SignatureError, verify};
use blake2::{Blake2b, Digest, digest::consts};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use ripemd::Ripemd160;
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey, ecdsa::Signature};
use serde_json::json;
use sha2::Sha256;

use super::{HASH_TEXT, unsigned};

const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// Replaces `s` by the group order minus `s`.
pub(crate) fn negate_s(s: &mut [u8]) {
    let mut borrow = 0;
    for index in (0..32).rev() {
        let difference = i16::from(ORDER[index]) - i16::from(s[index]) - borrow;
        borrow = i16::from(difference < 0);
        s[index] = difference.rem_euclid(256) as u8;
    }
}

fn secp_key() -> (SecretKey, [u8; 33]) {
    let secret = SecretKey::from_byte_array([0x21; 32]).unwrap();
    (
        secret,
        PublicKey::from_secret_key(&Secp256k1::new(), &secret).serialize(),
    )
}

fn secp_sign(secret: &SecretKey, digest: [u8; 32]) -> Signature {
    Secp256k1::new().sign_ecdsa(Message::from_digest(digest), secret)
}

fn key_hash(key: &[u8]) -> Vec<u8> {
    Ripemd160::digest(Sha256::digest(key)).to_vec()
}

fn signed(mut envelope: Envelope, signature: String) -> Envelope {
    envelope.signature = Some(signature);
    envelope
}

fn nuls1_sender(chain_id: u16, key: &[u8]) -> String {
    let mut bytes = chain_id.to_le_bytes().to_vec();
    bytes.push(1);
    bytes.extend(key_hash(key));
    bytes.push(bytes.iter().fold(0, |xor, byte| xor ^ byte));
    bs58::encode(bytes).into_string()
}

fn nuls1_wire(key: &[u8], signature: &Signature) -> String {
    let der = signature.serialize_der();
    hex::encode([&[33][..], key, &[0, der.len() as u8], &der].concat())
}

#[test]
fn nuls1_signs_the_printed_form() {
    let (secret, key) = secp_key();
    let sender = nuls1_sender(8964, &key);
    assert_eq!(
        sender.len(),
        32,
        "the printed length below is that of a 107-byte buffer, 'k'"
    );
    let printed = format!("\u{18}NULS Signed Message:\nb'kNULS\\n{sender}\\nPOST\\n{HASH_TEXT}'");
    let signature = secp_sign(&secret, Sha256::digest(printed).into());
    let wire = nuls1_wire(&key, &signature);
    let envelope = signed(unsigned(Chain::Nuls, &sender), wire.clone());
    assert_eq!(verify(&envelope), Ok(()));
    assert_eq!(verify(&signed(envelope.clone(), wire.to_uppercase())), Ok(()));
    assert_eq!(
        verify(&signed(envelope.clone(), wire.clone() + "00")),
        Ok(()),
        "trailing bytes"
    );
    assert!(verify(&signed(envelope.clone(), wire[..wire.len() - 2].to_owned())).is_err());

    let mut other = envelope.clone();
    other.sender = nuls1_sender(8965, &key);
    assert_eq!(verify(&other), Err(SignatureError::Mismatch));

    let mut compact = signature.serialize_compact();
    negate_s(&mut compact[32..]);
    let high_s = nuls1_wire(&key, &Signature::from_compact(&compact).unwrap());
    assert_eq!(verify(&signed(envelope, high_s)), Err(SignatureError::Mismatch));
}

#[test]
fn nuls1_refuses_the_raw_form() {
    let (secret, key) = secp_key();
    let envelope = unsigned(Chain::Nuls, &nuls1_sender(8964, &key));
    let text = [
        b"\x18NULS Signed Message:\nk".as_slice(),
        &envelope.signed_buffer(),
    ]
    .concat();
    let wire = nuls1_wire(&key, &secp_sign(&secret, Sha256::digest(text).into()));
    assert_eq!(verify(&signed(envelope, wire)), Err(SignatureError::Mismatch));
}

fn tezos_sender(prefix: [u8; 3], key: &[u8]) -> String {
    let hash = Blake2b::<consts::U20>::digest(key);
    bs58::encode([&prefix[..], &hash].concat())
        .with_check()
        .into_string()
}

fn tezos_text(prefix: &[u8], bytes: &[u8]) -> String {
    bs58::encode([prefix, bytes].concat()).with_check().into_string()
}

#[test]
fn tezos_p256_accounts_sign_in_both_forms() {
    let secret = p256::ecdsa::SigningKey::from_slice(&[0x33; 32]).unwrap();
    let key = secret.verifying_key().to_encoded_point(true);
    let key_text = tezos_text(&[0x03, 0xb2, 0x8b, 0x7f], key.as_bytes());
    assert!(key_text.starts_with("p2pk") && key_text.len() == 55);
    let sender = tezos_sender([0x06, 0xa1, 0xa4], key.as_bytes());
    assert!(sender.starts_with("tz3"));
    let envelope = unsigned(Chain::Tezos, &sender);

    let buffer = format!("TEZOS\n{sender}\nPOST\n{HASH_TEXT}");
    let text = format!("Tezos Signed Message: my.dapp 2023-11-14T22:13:20.250Z {buffer}");
    let packed = format!("\u{5}\u{1}\u{0}{}{text}", 2 * text.len());
    for (payload, kind) in [(&buffer, "raw"), (&packed, "micheline")] {
        let hash = Blake2b::<consts::U32>::digest(payload);
        let signature: p256::ecdsa::Signature = secret.sign_prehash(&hash).unwrap();
        // Both halves of s, in both ways to write them.
        let twin = p256::ecdsa::Signature::from_scalars(signature.r(), -*signature.s()).unwrap();
        for signature in [signature, twin] {
            for prefix in [&[0x36, 0xf0, 0x2c, 0x34][..], &[0x04, 0x82, 0x2b]] {
                let wire = json!({
                    "publicKey": key_text,
                    "signature": tezos_text(prefix, &signature.to_bytes()),
                    "signingType": kind,
                    "dAppUrl": "my.dapp",
                });
                assert_eq!(
                    verify(&signed(envelope.clone(), wire.to_string())),
                    Ok(()),
                    "{kind}"
                );
            }
            let wrong_curve = json!({
                "publicKey": key_text,
                "signature": tezos_text(&[0x0d, 0x73, 0x65, 0x13, 0x3f], &signature.to_bytes()),
                "signingType": kind,
                "dAppUrl": "my.dapp",
            });
            let verdict = verify(&signed(envelope.clone(), wrong_curve.to_string()));
            assert!(matches!(verdict, Err(SignatureError::Malformed(_))));
        }
    }
}

#[test]
fn tezos_sender_must_own_the_key() {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[0x44; 32]);
    let key = secret.verifying_key().to_bytes();
    let sign = |sender: &str| {
        let envelope = unsigned(Chain::Tezos, sender);
        let hash = Blake2b::<consts::U32>::digest(envelope.signed_buffer());
        let signature = ed25519_dalek::Signer::sign(&secret, &hash).to_bytes();
        let wire = json!({
            "publicKey": tezos_text(&[0x0d, 0x0f, 0x25, 0xd9], &key),
            "signature": tezos_text(&[0x09, 0xf5, 0xcd, 0x86, 0x12], &signature),
        });
        verify(&signed(envelope, wire.to_string()))
    };
    assert_eq!(sign(&tezos_sender([0x06, 0xa1, 0x9f], &key)), Ok(()));
    assert_eq!(
        sign(&tezos_sender([0x06, 0xa1, 0x9f], &[0; 32])),
        Err(SignatureError::Mismatch)
    );
    assert_eq!(
        sign(&tezos_sender([0x06, 0xa1, 0xa1], &key)),
        Err(SignatureError::Mismatch)
    );
}

#[test]
fn substrate_accepts_a_hexadecimal_account() {
    let pair = schnorrkel::MiniSecretKey::from_bytes(&[0x55; 32]).unwrap();
    let pair = pair.expand_to_keypair(schnorrkel::ExpansionMode::Ed25519);
    let envelope = unsigned(Chain::Dot, &format!("0x{}", hex::encode(pair.public.to_bytes())));
    let signature = pair
        .sign_simple(b"substrate", &envelope.signed_buffer())
        .to_bytes();
    let wire = json!({"curve": "sr25519", "data": format!("0x{}", hex::encode(signature))});
    assert_eq!(verify(&signed(envelope, wire.to_string())), Ok(()));
}

#[test]
fn solana_refuses_keys_of_small_order() {
    // With the neutral point as key, R = 0 and s = 0 satisfy the bare equation for any text.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let key = bs58::encode(neutral).into_string();
    let mut signature = [0; 64];
    signature[0] = 1;
    let wire = json!({"publicKey": key, "signature": bs58::encode(signature).into_string(), "version": 1});
    let envelope = signed(unsigned(Chain::Sol, &key), wire.to_string());
    assert_eq!(verify(&envelope), Err(SignatureError::Mismatch));
}
