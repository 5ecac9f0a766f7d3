use proptest::prelude::*;

use super::*;

const CID: &str = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o";

fn names() -> impl Strategy<Value = ItemHash> {
    prop_oneof![
        any::<[u8; 32]>().prop_map(ItemHash::Sha256),
        Just(ItemHash::parse_strict(CID).unwrap()),
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    let number = || prop_oneof![any::<u64>(), 0..20u64];
    (names(), number(), number()).prop_map(|(name, offset, length)| Request { name, offset, length })
}

/// The answer that an honest holder of `size` bytes gives.
fn honest(request: &Request, form: Form, size: u64) -> Answer {
    match request.part_of(size) {
        Some(part) => Answer::Found {
            form,
            size,
            length: part.end - part.start,
        },
        None => Answer::Beyond { form, size },
    }
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_written(request in requests()) {
        let bytes = request.encode();
        prop_assert!(bytes.len() <= MAX_REQUEST);
        prop_assert_eq!(Request::decode(&bytes), Ok(request));
    }

    #[test]
    fn an_answer_is_read_as_it_was_written(
        request in requests(),
        size in prop_oneof![any::<u64>(), 0..20u64],
        archive: bool,
        extra in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let form = if archive { Form::Archive } else { Form::File };
        for answer in [honest(&request, form, size), Answer::NotFound, Answer::Busy] {
            let mut bytes = answer.encode();
            prop_assert_eq!(Answer::decode(&bytes, &request), Ok(answer));
            bytes.extend_from_slice(&extra);
            prop_assert!(bytes.len() <= MAX_ANSWER);
            prop_assert_eq!(Answer::decode(&bytes, &request), Ok(answer));
        }
    }

    #[test]
    fn the_part_lies_within_both(request in requests(), size in prop_oneof![any::<u64>(), 0..20u64]) {
        match request.part_of(size) {
            Some(part) => {
                prop_assert!(part.start == request.offset && part.end <= size);
                let length = part.end - part.start;
                prop_assert!(length <= request.length && length <= MAX_RANGE);
                // Who asks for something gets something, unless there is nothing.
                prop_assert_eq!(length == 0, request.length == 0 || size == 0);
            }
            None => prop_assert!(request.offset > size || (request.offset == size && request.length > 0)),
        }
    }

    #[test]
    fn anything_else_is_an_error_and_no_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..90),
        request in requests(),
    ) {
        let _ = Request::decode(&bytes);
        if let Ok(Answer::Found { size, length, .. }) = Answer::decode(&bytes, &request) {
            prop_assert!(request.offset.checked_add(length).unwrap() <= size);
            prop_assert!(length <= request.length && length <= MAX_RANGE);
        }
    }
}

/// The bytes on the wire, as the protocol page has them.
#[test]
fn bytes() {
    let request = Request {
        name: ItemHash::parse_strict(CID).unwrap(),
        offset: 0x0102,
        length: 5,
    };
    let mut expected = vec![1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 5];
    expected.extend_from_slice(CID.as_bytes());
    assert_eq!(request.encode(), expected);
    let found = Answer::Found {
        form: Form::Archive,
        size: 0x0200,
        length: 5,
    };
    assert_eq!(
        found.encode(),
        [0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 5]
    );
    let beyond = Answer::Beyond {
        form: Form::File,
        size: 7,
    };
    assert_eq!(beyond.encode(), [3, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
    assert_eq!(
        (Answer::NotFound.encode(), Answer::Busy.encode()),
        (vec![1], vec![2])
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let request = Request {
        name: ItemHash::Sha256([7; 32]),
        offset: 10,
        length: 5,
    };
    let found = |size, length| Answer::Found {
        form: Form::File,
        size,
        length,
    };
    let read = |answer: Answer| Answer::decode(&answer.encode(), &request);
    assert_eq!(read(found(100, 5)), Ok(found(100, 5)));
    // Fewer than asked for, which is allowed, and the last ones.
    assert_eq!(read(found(100, 1)), Ok(found(100, 1)));
    assert_eq!(read(found(12, 2)), Ok(found(12, 2)));
    for (size, length) in [(100, 6), (12, 3), (10, 1), (9, 0), (100, 0), (u64::MAX, u64::MAX)] {
        assert_eq!(
            read(found(size, length)),
            Err(ExchangeError::Range),
            "{size} {length}"
        );
    }
    let beyond = |size| Answer::Beyond {
        form: Form::File,
        size,
    };
    assert_eq!(read(beyond(10)), Ok(beyond(10)));
    assert_eq!(read(beyond(11)), Err(ExchangeError::Range));
    assert_eq!(Answer::decode(&[0, 2], &request), Err(ExchangeError::Kind(2)));
    assert_eq!(Answer::decode(&[9], &request), Err(ExchangeError::Kind(9)));
    assert_eq!(Answer::decode(&[], &request), Err(ExchangeError::Short));
    assert_eq!(Request::decode(&[2]), Err(ExchangeError::Kind(2)));
    assert_eq!(Request::decode(&[1; 17]), Err(ExchangeError::Name));
}
