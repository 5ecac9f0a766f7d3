//! Bytes that no honest side writes.

use alephd_reconcile::{FrameError, Initiator, Responder, wire};
use proptest::prelude::*;

use crate::set;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn garbage_is_an_error_or_harmless(mut bytes in prop::collection::vec(any::<u8>(), 0..3_000), version: bool) {
        if version && !bytes.is_empty() {
            bytes[0] = 0x61;
        }
        let set = set(0..700);
        if let Ok(step) = Initiator::new(set.clone(), 4_096).next(&bytes) {
            prop_assert!(step.frame.is_none_or(|frame| frame.len() <= 4_096));
            let places: usize = step.found.have.iter().map(ExactSizeIterator::len).sum();
            prop_assert!(places <= set.len());
            prop_assert!(step.found.need.iter().map(|need| need.ids.len()).sum::<usize>() <= bytes.len() / 32);
        }
        if let Ok(frame) = Responder::new(set, 4_096).reply(&bytes) {
            prop_assert!(frame.len() <= 4_096);
        }
    }

    #[test]
    fn numbers_are_read_as_they_were_written(number: u64) {
        let mut bytes = Vec::new();
        wire::put_varint(&mut bytes, number);
        prop_assert_eq!(wire::take_varint(&mut bytes.as_slice()), Ok(number));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn damaged_frames_are_an_error_or_harmless(at in 0_usize..100_000, to: u8, cut in 0_usize..100_000) {
        let (ours, theirs) = (set((0..300).map(|n| n * 2)), set(0..300));
        let mut initiator = Initiator::new(ours, 4_096);
        let responder = Responder::new(theirs, 4_096);
        let mut frame = initiator.first();
        for _ in 0..3 {
            let mut broken = responder.reply(&frame).expect("an honest frame");
            let place = at % broken.len();
            broken[place] = to;
            broken.truncate(broken.len() - cut % broken.len());
            let _ = initiator.next(&broken);
            let _ = responder.reply(&broken);
            match initiator.next(&responder.reply(&frame).expect("honest")).expect("honest").frame {
                Some(next) => frame = next,
                None => break,
            }
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    let responder = Responder::new(set(0..100), 4_096);
    assert_eq!(responder.reply(&[]), Err(FrameError::Version));
    assert_eq!(responder.reply(&[0x62]), Err(FrameError::Version));
    assert_eq!(responder.reply(&[0x61, 0, 0, 3]), Err(FrameError::Mode(3)));
    assert_eq!(responder.reply(&[0x61, 0, 0]), Err(FrameError::Truncated));
    assert_eq!(responder.reply(&[0x61, 0, 33]), Err(FrameError::Truncated));
    let mut long = vec![0x61, 0, 33];
    long.extend([1; 40]);
    assert_eq!(
        responder.reply(&long),
        Err(FrameError::Bounds),
        "a prefix longer than an id"
    );
    // A list that claims more ids than there are bytes in the world.
    let mut claims = vec![0x61, 0, 0, 2];
    claims.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert_eq!(responder.reply(&claims), Err(FrameError::Truncated));
    let mut endless = vec![0x61];
    endless.extend([0xff; 11]);
    assert_eq!(responder.reply(&endless), Err(FrameError::Truncated));
    // Two bounds at the same time, the prefix of the second before that of the first.
    assert_eq!(
        responder.reply(&[0x61, 9, 1, 7, 0, 1, 1, 6, 0]),
        Err(FrameError::Bounds)
    );
}
