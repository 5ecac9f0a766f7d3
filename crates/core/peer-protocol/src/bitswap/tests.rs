use proptest::prelude::*;

use super::*;

fn cid(text: &str) -> AnyCid {
    text.parse().expect("a CID")
}

fn raw(seed: u8) -> AnyCid {
    AnyCid::v1(Multicodec::RAW, Multihash::sha2_256([seed; 32]))
}

/// Bytes that the Go implementation writes for this message, taken apart by hand.
#[test]
fn a_want_has_the_bytes_of_the_format() {
    let message = Message {
        wants: vec![Want::have(raw(7), 3), Want::cancel(raw(8))],
        ..Message::default()
    };
    let mut expected = vec![0x0a, 88, 0x0a, 44, 0x0a, 36, 1, 0x55, 0x12, 0x20];
    expected.extend([7; 32]);
    expected.extend([0x10, 3, 0x20, 1, 0x28, 1, 0x0a, 40, 0x0a, 36, 1, 0x55, 0x12, 0x20]);
    expected.extend([8; 32]);
    expected.extend([0x18, 1]);
    assert_eq!(message.encode(Version::V1_2), expected);
    assert_eq!(Message::decode(expected.into()), Ok(message));
}

#[test]
fn blocks_and_presences_have_the_bytes_of_the_format() {
    let message = Message {
        blocks: vec![Block::new(&raw(1), Bytes::from_static(b"abc"))],
        presences: vec![Presence {
            cid: raw(2),
            have: false,
        }],
        pending_bytes: 300,
        ..Message::default()
    };
    let mut expected = vec![0x1a, 11, 0x0a, 4, 1, 0x55, 0x12, 0x20, 0x12, 3];
    expected.extend(b"abc");
    expected.extend([0x22, 40, 0x0a, 36, 1, 0x55, 0x12, 0x20]);
    expected.extend([2; 32]);
    expected.extend([0x10, 1, 0x28, 0xac, 0x02]);
    assert_eq!(message.encode(Version::V1_2), expected);
    assert_eq!(Message::decode(expected.into()), Ok(message.clone()));
    assert_eq!(message.encode(Version::V1_0), [0x12, 3, b'a', b'b', b'c']);
}

#[test]
fn old_versions_say_what_they_can() {
    let message = Message {
        wants: vec![Want::have(raw(1), 1)],
        presences: vec![Presence {
            cid: raw(2),
            have: true,
        }],
        ..Message::default()
    };
    let read = Message::decode(message.encode(Version::V1_1).into()).expect("a message");
    assert_eq!(read.presences, []);
    assert_eq!(read.wants[0].want_type, WantType::Block);
    assert!(!read.wants[0].send_dont_have);
}

#[test]
fn prefixes_of_both_cid_versions_name_the_same_block() {
    let old = cid("QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH");
    let prefix = Prefix::of(&old);
    assert_eq!(prefix, Prefix::V0);
    let digest = *old.file().expect("a file").digest();
    let named = prefix.with_sha2_256(digest).expect("SHA-256");
    assert_eq!(named, old.to_v1());
    assert!(prefix.fits(&old) && prefix.fits(&old.to_v1()));
    assert!(!prefix.fits(&raw(1)));
}

#[test]
fn lists_are_cut_and_the_rest_is_counted() {
    let wants: Vec<_> = (0..MAX_ENTRIES as i32 + 5)
        .map(|at| Want::block(raw(1), at))
        .collect();
    let message = Message {
        wants,
        full: true,
        ..Message::default()
    };
    let read = Message::decode(message.encode(Version::V1_2).into()).expect("a message");
    assert_eq!(
        (read.wants.len(), read.left_out, read.full),
        (MAX_ENTRIES, 5, true)
    );
    assert_eq!(read.wants[MAX_ENTRIES - 1].priority, MAX_ENTRIES as i32 - 1);
}

#[test]
fn lengths_are_bounded() {
    assert_eq!(read_length(&[]), Ok(None));
    assert_eq!(read_length(&[0x80, 0x80]), Ok(None));
    assert_eq!(read_length(&[0xac, 0x02, 9, 9]), Ok(Some((300, 2))));
    assert_eq!(read_length(&[0]), Ok(Some((0, 1))));
    assert_eq!(read_length(&[0x80, 0x00]), Err(BitswapError::Length));
    assert_eq!(read_length(&[0x80; 4]), Err(BitswapError::Length));
    let mut longest = Vec::new();
    varint::push(&mut longest, MAX_MESSAGE_SIZE as u64);
    assert_eq!(read_length(&longest), Ok(Some((MAX_MESSAGE_SIZE, 4))));
    let mut longer = Vec::new();
    varint::push(&mut longer, MAX_MESSAGE_SIZE as u64 + 1);
    assert_eq!(
        read_length(&longer),
        Err(BitswapError::Size(MAX_MESSAGE_SIZE + 1))
    );
}

#[test]
fn malformed_messages_are_refused() {
    let refused: [&[u8]; 9] = [
        &[0x0a],                               // no length
        &[0x0a, 5, 0],                         // cut off
        &[0x08, 1],                            // a number where the wants should be
        &[0x0a, 2, 0x0a, 0],                   // a want without a CID
        &[0x0a, 5, 0x0a, 3, 0x0a, 1, 9],       // a malformed CID
        &[0x1a, 0],                            // a block without a prefix
        &[0x1a, 4, 0x0a, 2, 1, 0x55],          // half a prefix
        &[0x1a, 6, 0x0a, 4, 2, 0x55, 0x12, 1], // CID version 2
        &[0x0b],                               // an unknown wire type
    ];
    for bytes in refused {
        let read = Message::decode(Bytes::copy_from_slice(bytes));
        assert!(read.is_err(), "{bytes:?}: {read:?}");
    }
    let too_long = Bytes::from(vec![0; MAX_MESSAGE_SIZE + 1]);
    assert_eq!(
        Message::decode(too_long),
        Err(BitswapError::Size(MAX_MESSAGE_SIZE + 1))
    );
    // What later versions may add is skipped.
    let known = Message::decode(Bytes::from_static(&[0x32, 1, 9, 0x3d, 1, 2, 3, 4, 0x28, 5]));
    assert_eq!(known.map(|message| message.pending_bytes), Ok(5));
}

fn any_cid() -> impl Strategy<Value = AnyCid> {
    let codec = prop_oneof![Just(0x55_u64), Just(0x70), Just(0x71), 0..1_u64 << 40];
    let inline = (any::<Vec<u8>>(), codec.clone()).prop_map(|(mut bytes, codec)| {
        bytes.truncate(20);
        let mut cid = vec![1];
        varint::push(&mut cid, codec);
        cid.extend([0, bytes.len() as u8]);
        cid.extend(bytes);
        AnyCid::from_bytes(&cid).expect("a CID")
    });
    let hashed = (any::<[u8; 32]>(), codec)
        .prop_map(|(digest, codec)| AnyCid::v1(Multicodec(codec), Multihash::sha2_256(digest)));
    let old = any::<[u8; 32]>().prop_map(|digest| AnyCid::from(alephd_cid::Cid::v0(digest)));
    prop_oneof![inline, hashed, old]
}

prop_compose! {
    fn any_want()(cid in any_cid(), priority: i32, cancel: bool, have: bool, send_dont_have: bool) -> Want {
        let want_type = if have { WantType::Have } else { WantType::Block };
        Want { cid, priority, cancel, want_type, send_dont_have }
    }
}

prop_compose! {
    fn any_message()(
        wants in prop::collection::vec(any_want(), 0..5),
        full: bool,
        blocks in prop::collection::vec((any_cid(), any::<Vec<u8>>()), 0..4),
        presences in prop::collection::vec((any_cid(), any::<bool>()), 0..4),
        pending_bytes: i32,
    ) -> Message {
        let blocks = blocks.iter().map(|(cid, data)| Block::new(cid, data.clone().into())).collect();
        let presences = presences.into_iter().map(|(cid, have)| Presence { cid, have }).collect();
        Message { wants, full, blocks, presences, pending_bytes, left_out: 0 }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(message in any_message()) {
        let framed = message.encode_framed(Version::V1_2);
        let (length, head) = read_length(&framed).expect("a length").expect("whole");
        prop_assert_eq!(head + length, framed.len());
        prop_assert_eq!(Message::decode(framed[head..].to_vec().into()), Ok(message));
    }

    #[test]
    fn anything_is_read_or_refused(bytes: Vec<u8>) {
        if let Ok(message) = Message::decode(bytes.into()) {
            let again = message.encode(Version::V1_2);
            prop_assert_eq!(Message::decode(again.into()), Ok(message));
        }
    }

    #[test]
    fn damaged_messages_are_read_or_refused(message in any_message(), at: prop::sample::Index, byte: u8) {
        let mut bytes = message.encode(Version::V1_2);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = Message::decode(bytes.into()) {
            let again = message.encode(Version::V1_2);
            prop_assert_eq!(Message::decode(again.into()), Ok(message));
        }
    }
}
