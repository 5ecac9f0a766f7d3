//! Text of strangers: no panic, bounded work, the right code.

use alephd_message::{Chain, ErrorCode};
use alephd_signature::{MAX_SENDER_LEN, MAX_SIGNATURE_LEN, SignatureError, verify};
use proptest::prelude::*;
use serde_json::json;

use super::unsigned;

fn verdict(chain: Chain, sender: &str, signature: Option<String>) -> Result<(), SignatureError> {
    let mut envelope = unsigned(chain, sender);
    envelope.signature = signature;
    verify(&envelope)
}

/// Text that gets past the first decoder of some family, now and then.
fn signature_text() -> impl Strategy<Value = String> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..120),
        prop::collection::vec(any::<u8>(), 64..=69),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(|tail| [&[33][..], &[2; 33], &[0], &tail].concat()),
    ];
    let encoded = (bytes, 0..5).prop_map(|(bytes, form)| match form {
        0 => hex::encode(bytes),
        1 => format!("0x{}", hex::encode(bytes)),
        2 => bs58::encode(bytes).into_string(),
        3 => bs58::encode(bytes).with_check().into_string(),
        _ => "+/9z".repeat(bytes.len() / 3),
    });
    let text = prop_oneof![".*", encoded];
    let curve = prop_oneof![Just("sr25519".to_owned()), ".*"];
    let kind = prop_oneof![Just("raw".to_owned()), Just("micheline".to_owned())];
    let object = (text.clone(), text.clone(), curve, kind).prop_map(|(signature, key, curve, kind)| {
        let pub_key = json!({"type": "tendermint/PubKeySecp256k1", "value": &key});
        json!({"signature": &signature, "data": &signature, "publicKey": &key, "pub_key": pub_key,
            "curve": curve, "signingType": kind})
        .to_string()
    });
    prop_oneof![text, object]
}

/// Senders that look like addresses of some family.
fn sender_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".*",
        "0x[0-9a-f]{40}",
        "[XPC]-avax1[a-z0-9]{38}",
        "(cosmos|Osmo|é)1[a-z0-9]{0,40}",
        "t?NULS[de][1-9A-HJ-NP-Za-km-z]{30,34}",
        "[1-9A-HJ-NP-Za-km-z]{30,50}",
        "tz[123][1-9A-HJ-NP-Za-km-z]{33}",
    ]
}

proptest! {
    #[test]
    fn noise_is_refused_with_the_right_code(sender in sender_text(), signature in signature_text()) {
        for &chain in Chain::ALL {
            let error = verdict(chain, &sender, Some(signature.clone()));
            let expected = match chain {
                Chain::Aurora | Chain::Somnia => ErrorCode::InvalidFormat,
                _ => ErrorCode::InvalidSignature,
            };
            prop_assert_eq!(error.map_err(|error| error.code()), Err(expected), "{}", chain);
        }
    }
}

#[test]
fn a_missing_signature_is_refused() {
    for &chain in Chain::ALL {
        let expected = match chain.signature_family() {
            Some(_) => SignatureError::Missing,
            None => SignatureError::NoVerifier(chain),
        };
        assert_eq!(verdict(chain, "sender", None), Err(expected));
        assert_eq!(verdict(chain, "sender", Some(String::new())), Err(expected));
    }
}

#[test]
fn long_text_is_refused_before_it_is_decoded() {
    for &chain in Chain::ALL
        .iter()
        .filter(|chain| chain.signature_family().is_some())
    {
        let long = "1".repeat(MAX_SIGNATURE_LEN + 1);
        assert_eq!(
            verdict(chain, "sender", Some(long)),
            Err(SignatureError::Malformed("too long"))
        );
        let sender = "1".repeat(MAX_SENDER_LEN + 1);
        assert_eq!(
            verdict(chain, &sender, Some("1".into())),
            Err(SignatureError::Mismatch)
        );
        for text in ["1", "z", "[", "{\"a\":", "+"] {
            let text = text.repeat(MAX_SIGNATURE_LEN / text.len());
            assert_eq!(
                verdict(chain, "sender", Some(text)).map_err(|error| error.code()),
                Err(ErrorCode::InvalidSignature)
            );
        }
    }
}
