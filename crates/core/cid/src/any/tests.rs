use proptest::prelude::*;

use super::*;

const RAW: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

fn parse(text: &str) -> AnyCid {
    text.parse().expect("a name")
}

#[test]
fn one_name_in_every_base() {
    // The empty directory, as printed by the JavaScript `multiformats`.
    let name = parse("bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354");
    let texts = [
        (
            Base::Base16,
            "f017012205994843 9065f29619ef41280cbb932be52c56d99c5966b65e0111239f098bbef",
        ),
        (
            Base::Base32,
            "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354",
        ),
    ];
    for (base, text) in texts {
        let text = text.replace(' ', "");
        assert_eq!(name.text(base).as_deref(), Some(&*text));
        assert_eq!(parse(&text), name);
    }
    for base in [Base::Base36, Base::Base58] {
        let text = name.text(base).expect("version 1");
        assert_eq!(parse(&text), name, "{text}");
        assert!(text.len() <= 63, "a label of a domain has 63 letters");
    }
    let old = parse("QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn");
    assert_eq!(old.text(Base::Base32), None);
    assert_ne!(old, name);
    assert_eq!(old.to_v1(), name);
    assert_eq!(old.hash(), name.hash());
}

#[test]
fn names_that_are_no_files() {
    // A key from the examples of the IPNS specification, a dag-json and a dag-cbor block.
    let key = parse("k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8");
    assert_eq!(key.codec(), Multicodec::LIBP2P_KEY);
    assert_eq!(key.codec().to_string(), "libp2p-key");
    // An Ed25519 key is short enough to be its own hash.
    assert_eq!(key.inline().map(<[u8]>::len), Some(36));
    let json = parse("baguqeeraiqjw7i2vwntyuekgvulpp2det2kpwt6cd7tx5ayqybqpmhfk76fa");
    assert_eq!(json.codec(), Multicodec::DAG_JSON);
    let cbor = parse("bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua");
    assert_eq!(cbor.codec(), Multicodec::DAG_CBOR);
    for name in [key, json, cbor] {
        assert_eq!(name.file(), None);
    }
    assert_eq!(parse(RAW).file().map(|cid| cid.to_string()).as_deref(), Some(RAW));
}

#[test]
fn blocks_are_checked_with_the_function_of_the_name() {
    let block = b"hello world";
    // Printed by `b2sum -l 256` and `b3sum`.
    let names = [
        (
            "1220",
            "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
        ),
        (
            "a0e40220",
            "256c83b297114d201b30179f3f0ef0cace9783622da5974326b436178aeef610",
        ),
        (
            "1e20",
            "d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24",
        ),
        ("000b", "68656c6c6f20776f726c64"),
    ];
    for (prefix, digest) in names {
        let name = parse(&format!("f0155{prefix}{digest}"));
        assert_eq!(name.check(block), Ok(()), "{name}");
        assert_eq!(name.check(b"hello worle"), Err(HashError::Mismatch));
    }
    let sha2_512 = parse(&format!("f01551340{}", "ab".repeat(64)));
    assert_eq!(sha2_512.check(block), Err(HashError::Function(Multicodec(0x13))));
    let short = parse("f0155121cb94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ac");
    assert_eq!(short.check(block), Err(HashError::Mismatch));
}

#[test]
fn refuses_malformed_names() {
    let read = |text: &str| text.parse::<AnyCid>();
    assert_eq!(read("Qm"), Err(CidError::Length));
    assert_eq!(read("f00551220"), Err(CidError::Version));
    assert_eq!(read("f0155"), Err(CidError::Varint));
    assert_eq!(read("f01558000"), Err(CidError::Varint));
    assert_eq!(read("f015512"), Err(CidError::Varint));
    assert_eq!(read("f015500028a"), Err(CidError::Length));
    assert_eq!(read("f01550001aabb"), Err(CidError::Length));
    // Version 0 behind a base letter.
    assert_eq!(read(&format!("f1220{}", "00".repeat(32))), Err(CidError::Version));
    // Inlined bytes: 128, not more.
    assert!(read(&format!("f0155008001{}", "00".repeat(128))).is_ok());
    assert_eq!(
        read(&format!("f0155008101{}", "00".repeat(129))),
        Err(CidError::Length)
    );
}

proptest! {
    #[test]
    fn forms_round_trip(codec in 0_u64..1 << 40, function in 0_u64..1 << 40, digest in prop::collection::vec(any::<u8>(), 0..=128)) {
        let mut bytes = vec![1];
        varint::push(&mut bytes, codec);
        varint::push(&mut bytes, function);
        varint::push(&mut bytes, digest.len() as u64);
        bytes.extend(&digest);
        let cid = AnyCid::from_bytes(&bytes).expect("well formed");
        prop_assert_eq!(cid.codec(), Multicodec(codec));
        prop_assert_eq!(cid.hash().function(), Multicodec(function));
        prop_assert_eq!(cid.hash().digest(), digest);
        prop_assert_eq!(&cid.to_bytes(), &bytes);
        prop_assert_eq!(&parse(&cid.to_string()), &cid);
        bytes.push(0);
        prop_assert_eq!(AnyCid::read(&bytes), Ok((cid, bytes.len() - 1)));
        prop_assert_eq!(AnyCid::from_bytes(&bytes), Err(CidError::Length));
    }

    #[test]
    fn agrees_with_the_names_of_files(text in "(Qm[1-9A-Za-z]{44}|b(afy|afk)(bei)?[a-z2-7]{52,55}|.{0,60})") {
        if let Ok(cid) = text.parse::<Cid>() {
            let any: AnyCid = cid.into();
            prop_assert_eq!(any.file(), Some(cid));
            prop_assert_eq!(any.to_string(), text.clone());
            prop_assert_eq!(text.parse::<AnyCid>(), Ok(any));
        } else if let Ok(any) = text.parse::<AnyCid>() {
            prop_assert!(any.file().is_none_or(|cid| cid.to_string() != text));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok((cid, length)) = AnyCid::read(&bytes) {
            prop_assert_eq!(cid.to_bytes(), &bytes[..length]);
        }
    }
}
