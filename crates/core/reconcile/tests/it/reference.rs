//! Against the crate `negentropy`, in both roles.

use std::collections::BTreeSet;

use alephd_reconcile::{Initiator, Responder, Snapshot};
use negentropy::{Id as TheirId, Negentropy, NegentropyStorageVector};
use proptest::prelude::*;

use crate::{Outcome, ids, set};

fn storage(set: &Snapshot) -> NegentropyStorageVector {
    let mut storage = NegentropyStorageVector::with_capacity(set.len());
    for known in set.iter(0..set.len()) {
        let id = TheirId::from_byte_array(known.id);
        storage.insert(known.time, id).expect("it is open");
    }
    storage.seal().expect("it is open");
    storage
}

fn check(have: Vec<[u8; 32]>, need: Vec<[u8; 32]>, ours: &Snapshot, theirs: &Snapshot) {
    let (ours, theirs) = (ids(ours), ids(theirs));
    let have: BTreeSet<_> = have.into_iter().collect();
    let need: BTreeSet<_> = need.into_iter().collect();
    assert_eq!(have, ours.difference(&theirs).copied().collect());
    assert_eq!(need, theirs.difference(&ours).copied().collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn they_understand_each_other(
        ours in prop::collection::btree_set(0_u64..3_000, 0..2_500),
        theirs in prop::collection::btree_set(0_u64..3_000, 0..2_500),
        limits in (4_096_u64..9_000, 4_096_u64..9_000),
    ) {
        let (ours, theirs) = (set(ours), set(theirs));

        let mut initiator = Initiator::new(ours.clone(), limits.0 as usize);
        let mut responder = Negentropy::owned(storage(&theirs), limits.1).expect("a good limit");
        let mut outcome = Outcome::default();
        let mut frame = Some(initiator.first());
        while let Some(asked) = frame {
            let step = initiator.next(&responder.reconcile(&asked).expect("a good frame")).expect("a good frame");
            outcome.note(&ours, step.found);
            frame = step.frame;
        }
        check(outcome.have, outcome.need, &ours, &theirs);

        let mut initiator = Negentropy::owned(storage(&ours), limits.0).expect("a good limit");
        let responder = Responder::new(theirs.clone(), limits.1 as usize);
        let (mut have, mut need) = (Vec::new(), Vec::new());
        let mut frame = Some(initiator.initiate().expect("the first"));
        while let Some(asked) = frame {
            let answer = responder.reply(&asked).expect("a good frame");
            frame = initiator.reconcile_with_ids(&answer, &mut have, &mut need).expect("a good frame");
        }
        let bytes = |ids: Vec<TheirId>| ids.into_iter().map(|id| *id).collect();
        check(bytes(have), bytes(need), &ours, &theirs);
    }

    #[test]
    fn first_frames_are_equal_byte_by_byte(numbers in prop::collection::btree_set(0_u64..3_000, 0..3_000)) {
        let set = set(numbers);
        let mut theirs = Negentropy::owned(storage(&set), 0).expect("a good limit");
        prop_assert_eq!(Initiator::new(set, 65_536).first(), theirs.initiate().expect("the first"));
    }
}
