//! What the keys of this crate sign, this crate verifies.

use alephd_message::{Chain, Envelope, ItemHash, ItemType, MessageType, Micros, SignatureFamily};
use alephd_signature::{
    SignatureError,
    sign::{self, EvmKey, Signer, SolanaKey},
    verify,
};
use proptest::prelude::*;

const KEY: [u8; 32] = [0x46; 32];

fn family(family: SignatureFamily) -> Vec<Chain> {
    let chains = Chain::ALL.iter().copied();
    chains
        .filter(|chain| chain.signature_family() == Some(family))
        .collect()
}

#[test]
fn known_keys_have_known_addresses() {
    // The example key of EIP-155, and the first test key of RFC 8032.
    assert_eq!(
        EvmKey::from_bytes(KEY).unwrap().address(),
        "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"
    );
    let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
    assert_eq!(
        SolanaKey::from_seed(seed.try_into().unwrap()).address(),
        "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z"
    );
}

#[test]
fn impossible_keys_are_refused() {
    assert!(EvmKey::from_bytes([0; 32]).is_err());
    assert!(EvmKey::from_bytes([0xff; 32]).is_err());
}

#[test]
fn debug_output_shows_no_key_material() {
    let evm = EvmKey::from_bytes(KEY).unwrap();
    assert_eq!(
        format!("{evm:?}"),
        format!("EvmKey {{ address: {:?}, .. }}", evm.address())
    );
    let solana = SolanaKey::from_seed(KEY);
    assert_eq!(
        format!("{solana:?}"),
        format!("SolanaKey {{ address: {:?}, .. }}", solana.address())
    );
}

#[test]
fn a_sealed_message_survives_the_wire() {
    let evm = EvmKey::from_bytes(KEY).unwrap();
    let solana = SolanaKey::from_seed(KEY);
    let signers: [(&dyn Signer, SignatureFamily); 2] =
        [(&evm, SignatureFamily::Evm), (&solana, SignatureFamily::Solana)];
    let mut count = 0;
    for (signer, of) in signers {
        assert_eq!(signer.chain().signature_family(), Some(of));
        for chain in family(of) {
            let content = r#"{"address":"é","time":1.5}"#.to_owned();
            let time = Micros(1_700_000_000_123_456);
            let sealed = sign::seal(signer, chain, MessageType::Post, content, time, Some("A".into()));
            let received = Envelope::parse(sign::wire_json(&sealed).as_bytes()).unwrap();
            assert_eq!(received, sealed);
            assert_eq!(verify(&received), Ok(()), "{chain}");
            count += 1;
        }
    }
    assert_eq!(count, 25, "23 chains like Ethereum, 2 like Solana");
}

#[test]
fn a_sealed_hash_survives_the_wire() {
    let signer = EvmKey::from_bytes(KEY).unwrap();
    for (text, item_type) in [
        ("QmYULJoNGPDmoRq4WNWTDTUvJGJv1hosox8H6vVd1kCsY8", ItemType::Ipfs),
        (
            "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
            ItemType::Storage,
        ),
    ] {
        let hash = ItemHash::parse_strict(text).unwrap();
        let sealed = sign::seal_hash(&signer, Chain::Base, MessageType::Store, hash, Micros(0), None);
        let received = Envelope::parse(sign::wire_json(&sealed).as_bytes()).unwrap();
        assert_eq!(received, sealed);
        assert_eq!(received.item_type, item_type);
        assert_eq!(verify(&received), Ok(()));
    }
}

#[test]
fn every_way_of_writing_an_evm_signature_is_accepted() {
    let signer = EvmKey::from_bytes(KEY).unwrap();
    let mut envelope = super::unsigned(Chain::Eth, signer.address());
    let text = signer.sign(&envelope.signed_buffer());
    let (body, v) = text.split_at(2 + 128);
    let parity = u8::from_str_radix(v, 16).unwrap() - 27;
    let mut check = |text: String| {
        envelope.signature = Some(text);
        verify(&envelope)
    };
    for v in [parity, 27 + parity, 35 + parity, 37 + parity] {
        assert_eq!(check(format!("{body}{v:02x}")), Ok(()), "v = {v}");
    }
    assert_eq!(check(body[2..].to_uppercase() + v), Ok(()));
    assert_eq!(check(format!("0X{}{v}", &body[2..])), Ok(()));
    for v in [2, 3, 29, 30, 31, 34] {
        assert!(check(format!("{body}{v:02x}")).is_err(), "v = {v}");
    }
    for v in [1 - parity, 28 - parity, 36 - parity] {
        assert_eq!(
            check(format!("{body}{v:02x}")),
            Err(SignatureError::Mismatch),
            "v = {v}"
        );
    }
    for text in [
        body.to_owned(),
        format!("{text}00"),
        format!("0x{text}"),
        format!("{} {v}", &body[..129]),
    ] {
        assert!(matches!(check(text), Err(SignatureError::Malformed(_))));
    }
}

#[test]
fn an_evm_signature_may_lack_its_leading_zero() {
    let signer = EvmKey::from_bytes(KEY).unwrap();
    let envelope = (0..2000u32)
        .map(|nonce| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&nonce.to_le_bytes());
            let hash = ItemHash::Sha256(hash);
            sign::seal_hash(&signer, Chain::Eth, MessageType::Post, hash, Micros(0), None)
        })
        .find(|envelope| envelope.signature.as_deref().unwrap().starts_with("0x0"));
    let mut envelope = envelope.expect("one signature of sixteen starts with a zero digit");
    let text = envelope.signature.take().unwrap();
    envelope.signature = Some(format!("0x{}", &text[3..]));
    assert_eq!(verify(&envelope), Ok(()));
}

#[test]
fn both_halves_of_s_are_one_evm_signature() {
    let signer = EvmKey::from_bytes(KEY).unwrap();
    let mut envelope = super::unsigned(Chain::Eth, signer.address());
    let mut bytes = hex::decode(&signer.sign(&envelope.signed_buffer())[2..]).unwrap();
    super::families::negate_s(&mut bytes[32..64]);
    bytes[64] = 55 - bytes[64];
    envelope.signature = Some(hex::encode(bytes));
    assert_eq!(verify(&envelope), Ok(()));
}

#[test]
fn the_case_of_an_evm_sender_is_signed_but_not_compared() {
    let signer = EvmKey::from_bytes(KEY).unwrap();
    let lower = signer.address().to_lowercase();
    let mut envelope = super::unsigned(Chain::Eth, &lower);
    envelope.signature = Some(signer.sign(&envelope.signed_buffer()));
    assert_eq!(verify(&envelope), Ok(()));
    envelope.sender = signer.address().to_owned();
    assert_eq!(verify(&envelope), Err(SignatureError::Mismatch));
}

proptest! {
    #[test]
    fn any_key_signs_any_content(key: [u8; 32], content: String, channel: Option<String>, nth: usize) {
        let time = Micros(1_600_000_000_000_001);
        let solana = SolanaKey::from_seed(key);
        let chains = family(SignatureFamily::Solana);
        let chain = chains[nth % chains.len()];
        let sealed =
            sign::seal(&solana, chain, MessageType::Aggregate, content.clone(), time, channel.clone());
        prop_assert_eq!(verify(&sealed), Ok(()));
        prop_assert_eq!(Envelope::parse(sign::wire_json(&sealed).as_bytes()), Ok(sealed));
        if let Ok(evm) = EvmKey::from_bytes(key) {
            let chains = family(SignatureFamily::Evm);
            let chain = chains[nth % chains.len()];
            let sealed = sign::seal(&evm, chain, MessageType::Aggregate, content, time, channel);
            prop_assert_eq!(verify(&sealed), Ok(()));
            prop_assert_eq!(Envelope::parse(sign::wire_json(&sealed).as_bytes()), Ok(sealed));
        }
    }

    #[test]
    fn any_buffer_gets_a_signature_of_the_same_shape(buffer: Vec<u8>) {
        let text = EvmKey::from_bytes(KEY).unwrap().sign(&buffer);
        prop_assert_eq!(text.len(), 2 + 130);
        prop_assert!(text.starts_with("0x") && (text.ends_with("1b") || text.ends_with("1c")));
        let key = SolanaKey::from_seed(KEY);
        let object: serde_json::Value = serde_json::from_str(&key.sign(&buffer)).unwrap();
        prop_assert_eq!(object["publicKey"].as_str(), Some(key.address()));
        prop_assert_eq!(bs58::decode(object["signature"].as_str().unwrap()).into_vec().unwrap().len(), 64);
    }
}
