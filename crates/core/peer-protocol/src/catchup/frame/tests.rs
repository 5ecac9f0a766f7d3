use proptest::prelude::*;

use super::*;

fn id() -> impl Strategy<Value = Id> {
    any::<[u8; 32]>()
}

fn hash() -> impl Strategy<Value = ItemHash> {
    let cid = ItemHash::parse_strict("QmW2WQi7j6c7UgJTarActp7tDNikE4B2qXtFCfLPdsgaTQ").expect("a CID");
    prop_oneof![id().prop_map(ItemHash::Sha256), Just(cid)]
}

fn frame() -> impl Strategy<Value = Frame> {
    let text = || "\\PC{0,80}";
    let element = (0..u64::MAX - 1, id()).prop_map(|(time, id)| Element { time, id });
    let elements = prop::collection::btree_set(element, 1..40).prop_map(|set| set.into_iter().collect());
    let group = (
        0..u64::MAX,
        prop::collection::vec(any::<u8>(), 0..=32),
        prop::collection::vec(id(), 1..9),
    );
    let groups = prop::collection::vec(group, 1..9).prop_map(|mut groups| {
        groups.sort();
        let bound = |time, prefix: Vec<u8>| Bound::with_prefix(time, &prefix).expect("no longer than an id");
        groups
            .into_iter()
            .map(|(time, prefix, ids)| (bound(time, prefix), ids))
            .collect()
    });
    let message = (
        hash(),
        prop::collection::vec(text(), 1..9),
        prop::option::of(text()),
    );
    prop_oneof![
        (text(), any::<u64>()).prop_map(|(network, elements)| {
            Frame::Hello(Greeting {
                network,
                interest: None,
                elements,
            })
        }),
        text().prop_map(Frame::Refuse),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Frame::Reconcile),
        groups.prop_map(Frame::Want),
        elements.prop_map(Frame::Offer),
        prop::collection::vec(any::<bool>(), 0..=BATCH).prop_map(Frame::Accept),
        message.prop_map(|(hash, copies, content)| {
            Frame::Record(Box::new(Record::Message {
                hash,
                copies,
                content,
            }))
        }),
        (hash(), text()).prop_map(|(hash, json)| Frame::Record(Box::new(Record::Tombstone { hash, json }))),
        id().prop_map(Frame::Gone),
        any::<u64>().prop_map(Frame::Taken),
        Just(Frame::Done),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(frame in frame()) {
        prop_assert_eq!(Frame::read(&frame.write()), Ok(frame));
    }

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..600), kind in 0_u8..12) {
        let _ = Frame::read(&bytes);
        let mut framed = vec![kind];
        framed.extend(bytes);
        let _ = Frame::read(&framed);
    }

    #[test]
    fn a_cut_frame_is_another_or_none(frame in frame(), cut in 0_usize..1_000) {
        let bytes = frame.write();
        let shorter = &bytes[..cut % bytes.len()];
        prop_assert_ne!(Frame::read(shorter), Ok(frame));
    }
}

#[test]
fn claims_beyond_the_bytes_are_refused() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let with = |kind: u8, head: &[u8]| {
        let bytes = [&[kind], head, &huge].concat();
        Frame::read(&bytes)
    };
    assert!(with(WANT, &[1, 0]).is_err(), "so many ids");
    assert!(with(ACCEPT, &[]).is_err(), "so many bits");
    assert!(with(MESSAGE, &[]).is_err(), "so long a name");
    let name = [&[64][..], &[b'a'; 64]].concat();
    assert!(with(MESSAGE, &name).is_err(), "so many copies");
    assert!(
        with(MESSAGE, &[&name[..], &[1]].concat()).is_err(),
        "so long a copy"
    );
    assert!(Frame::read(&[WANT]).is_err(), "nothing wanted");
    assert!(Frame::read(&[OFFER]).is_err(), "nothing offered");
    assert!(Frame::read(&[DONE, 0]).is_err(), "something left over");
    assert!(Frame::read(&[]).is_err());
    assert!(Frame::read(&vec![RECONCILE; MAX_FRAME + 1]).is_err());
    assert!(Frame::read(&[HELLO; MAX_TEXT + 2]).is_err());
}

#[test]
fn the_bytes_stay_as_they_are() {
    // Nodes of different versions talk to each other: these bytes are the protocol.
    let id = [0xab; 32];
    let hex = "ab".repeat(32);
    let written = |frame: Frame| {
        frame
            .write()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let after = Bound::with_prefix(300, &[7]).expect("short");
    assert_eq!(
        written(Frame::Want(vec![(after, vec![id])])),
        format!("03822d010701{hex}")
    );
    let later = Element { time: 302, id };
    let offer = vec![Element { time: 300, id }, later];
    assert_eq!(written(Frame::Offer(offer)), format!("04822d20{hex}0320{hex}"));
    let mut which = vec![true, false, true];
    which.extend([false; 5]);
    which.push(true);
    assert_eq!(written(Frame::Accept(which)), "05090501");
    let (hash, json) = (ItemHash::Sha256(id), "{}".to_owned());
    let name: String = hex.bytes().map(|byte| format!("{byte:02x}")).collect();
    let tombstone = Record::Tombstone {
        hash: hash.clone(),
        json: json.clone(),
    };
    assert_eq!(
        written(Frame::Record(Box::new(tombstone))),
        format!("0740{name}7b7d")
    );
    let (copies, content) = (vec![json], Some("x".to_owned()));
    let message = Record::Message {
        hash,
        copies,
        content,
    };
    assert_eq!(
        written(Frame::Record(Box::new(message))),
        format!("0640{name}01027b7d0178")
    );
    assert_eq!(written(Frame::Gone(id)), format!("08{hex}"));
    assert_eq!(written(Frame::Taken(128)), "098100");
    assert_eq!(written(Frame::Done), "0a");
    let greeting = Greeting {
        network: "n".into(),
        interest: None,
        elements: 2,
    };
    assert_eq!(
        Frame::Hello(greeting).write(),
        b"\0{\"network\":\"n\",\"interest\":null,\"elements\":2}"
    );
}
