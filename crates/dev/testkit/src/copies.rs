//! Other copies of a message: the same item hash with other unsigned fields.
//!
//! Each function returns `None` where the message has no such copy.

use alephd_message::{Envelope, Micros, SignatureFamily};
use alephd_signature::sign::Signer;

/// The order of secp256k1, big-endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// The copy with another envelope time.
pub fn with_time(envelope: &Envelope, time: Micros) -> Envelope {
    Envelope {
        time,
        ..envelope.clone()
    }
}

/// The copy in another channel.
pub fn with_channel(envelope: &Envelope, channel: Option<&str>) -> Envelope {
    Envelope {
        channel: channel.map(str::to_owned),
        ..envelope.clone()
    }
}

/// The copy with the other of the two signatures that one EVM signature proves: the order minus
/// `s`, and the other parity. The network accepts both, and anybody can make one from the other.
pub fn with_high_s(envelope: &Envelope) -> Option<Envelope> {
    let mut bytes = evm_signature(envelope)?;
    let s: [u8; 32] = bytes[32..64].try_into().ok()?;
    bytes[32..64].copy_from_slice(&subtract(&ORDER, &s));
    bytes[64] = match bytes[64] {
        27 => 28,
        28 => 27,
        _ => return None,
    };
    Some(with_signature(envelope, format!("0x{}", hex::encode(bytes))))
}

/// The copy whose signature is the same number in another notation: parity 0 or 1 and upper-case
/// digits for EVM, the keys in another order for Solana.
pub fn with_other_notation(envelope: &Envelope) -> Option<Envelope> {
    if let Some(mut bytes) = evm_signature(envelope) {
        bytes[64] = bytes[64].checked_sub(27)?;
        return Some(with_signature(envelope, hex::encode_upper(bytes)));
    }
    if envelope.chain.signature_family() != Some(SignatureFamily::Solana) {
        return None;
    }
    let object: serde_json::Value = serde_json::from_str(envelope.signature.as_deref()?).ok()?;
    let text = format!(
        "{{ \"publicKey\": {}, \"version\": 1, \"signature\": {} }}",
        object.get("publicKey")?,
        object.get("signature")?
    );
    Some(with_signature(envelope, text))
}

/// A forged copy: the signature belongs to another text of the same signer. It must be refused
/// and must harm no honest copy.
pub fn forged(envelope: &Envelope, signer: &(impl Signer + ?Sized)) -> Envelope {
    with_signature(envelope, signer.sign(b"another text"))
}

/// The same content sent by another account. Both may be valid, if the owner of the content
/// delegated to the other account.
pub fn by_another(envelope: &Envelope, signer: &(impl Signer + ?Sized)) -> Envelope {
    let mut copy = Envelope {
        chain: signer.chain(),
        sender: signer.address().to_owned(),
        ..envelope.clone()
    };
    copy.signature = Some(signer.sign(&copy.signed_buffer()));
    copy
}

fn with_signature(envelope: &Envelope, signature: String) -> Envelope {
    Envelope {
        signature: Some(signature),
        ..envelope.clone()
    }
}

fn evm_signature(envelope: &Envelope) -> Option<[u8; 65]> {
    if envelope.chain.signature_family() != Some(SignatureFamily::Evm) {
        return None;
    }
    let digits = envelope.signature.as_deref()?.strip_prefix("0x")?;
    let mut bytes = [0; 65];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

/// `a - b` of big-endian numbers, where `a` is not less.
fn subtract(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    let mut difference = [0; 32];
    let mut borrow = false;
    for index in (0..32).rev() {
        let (first, under) = a[index].overflowing_sub(b[index]);
        let (second, under_again) = first.overflowing_sub(u8::from(borrow));
        difference[index] = second;
        borrow = under || under_again;
    }
    difference
}

#[cfg(test)]
mod tests {
    use alephd_signature::verify;
    use serde_json::json;

    use super::*;
    use crate::{builder, keys};

    #[test]
    fn honest_copies_verify_and_differ() {
        let (evm, solana) = (keys::evm("a"), keys::solana("b"));
        let original = builder::post(&evm, "chat", json!(1)).seal();
        let on_solana = builder::post(&solana, "chat", json!(1)).seal();
        let copies = [
            with_high_s(&original),
            with_other_notation(&original),
            with_other_notation(&on_solana),
        ];
        for copy in copies.map(Option::unwrap) {
            verify(&copy).unwrap();
            assert!(copy.signature != original.signature && copy.signature != on_solana.signature);
        }
        assert_eq!(with_high_s(&on_solana), None);
        assert_eq!(with_high_s(&with_high_s(&original).unwrap()).unwrap(), original);
        verify(&with_channel(&with_time(&original, Micros(1)), Some("c"))).unwrap();
    }

    #[test]
    fn a_forgery_does_not_verify_and_another_sender_does() {
        let (alice, bob) = (keys::evm("a"), keys::solana("b"));
        let original = builder::post(&alice, "chat", json!(1)).seal();
        assert!(verify(&forged(&original, &alice)).is_err());
        let other = by_another(&original, &bob);
        verify(&other).unwrap();
        assert_eq!(other.item_hash, original.item_hash);
        assert_ne!(other.sender, original.sender);
    }
}
