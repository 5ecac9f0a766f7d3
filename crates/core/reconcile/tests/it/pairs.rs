//! Two honest sides.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::{exchange, ids, known, set};

fn numbers() -> impl Strategy<Value = BTreeSet<u64>> {
    prop_oneof![
        prop::collection::btree_set(0_u64..200, 0..150),
        prop::collection::btree_set(0_u64..100_000, 0..1_500),
        // Long stretches that are there or not.
        prop::collection::vec((0_u64..5_000, 1_u64..500), 0..6).prop_map(|runs| runs
            .into_iter()
            .flat_map(|(start, length)| start..start + length)
            .collect()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn all_differences_are_found_once_and_nothing_else(
        common in numbers(),
        ours in numbers(),
        theirs in numbers(),
        limits in (4_096_usize..9_000, 4_096_usize..9_000),
    ) {
        let ours = set(ours.union(&common).copied());
        let theirs = set(theirs.union(&common).copied());
        let outcome = exchange(&ours, &theirs, limits);
        let (our_ids, their_ids) = (ids(&ours), ids(&theirs));
        let have: BTreeSet<_> = outcome.have.iter().copied().collect();
        let need: BTreeSet<_> = outcome.need.iter().copied().collect();
        prop_assert_eq!(have.len(), outcome.have.len(), "told once");
        prop_assert_eq!(need.len(), outcome.need.len(), "told once");
        prop_assert_eq!(have, our_ids.difference(&their_ids).copied().collect());
        prop_assert_eq!(need, their_ids.difference(&our_ids).copied().collect());
        prop_assert!(outcome.longest.0 <= limits.0 && outcome.longest.1 <= limits.1);
    }
}

#[test]
fn equal_sets_cost_one_round() {
    let both = set(0..50_000);
    let outcome = exchange(&both, &both, (65_536, 65_536));
    assert_eq!(
        (outcome.rounds, outcome.have.len(), outcome.need.len()),
        (1, 0, 0)
    );
    assert!(outcome.bytes < 1_000);
}

#[test]
fn few_differences_in_a_large_set_cost_little() {
    let ours = set((0..200_000).filter(|n| n % 4_001 != 0));
    let theirs = set((0..200_000).filter(|n| n % 4_003 != 5));
    let outcome = exchange(&ours, &theirs, (65_536, 65_536));
    assert_eq!((outcome.have.len(), outcome.need.len()), (50, 50));
    assert!(outcome.bytes < 300_000, "{} bytes", outcome.bytes);
    assert!(outcome.rounds <= 6, "{} rounds", outcome.rounds);
}

#[test]
fn an_empty_side_learns_everything_in_the_order_of_time() {
    let (nothing, all) = (set([]), set(0..30_000));
    let outcome = exchange(&nothing, &all, (65_536, 65_536));
    let expected: Vec<_> = all.iter(0..all.len()).map(|known| known.id).collect();
    assert_eq!(outcome.need, expected);
    let outcome = exchange(&all, &nothing, (65_536, 65_536));
    assert_eq!(outcome.have, expected);
    assert_eq!(outcome.rounds, 1, "ranges, not lists of ids");
}

#[test]
fn many_elements_of_one_instant_are_told_apart() {
    let crowd = |skip: u64| {
        let mut index = alephd_reconcile::KnownIndex::new();
        let all = (0..20_000).filter(|number| *number != skip).map(|number| {
            let mut known = known(number);
            known.time = 77;
            known
        });
        index.update(all.collect(), Vec::new());
        index.snapshot()
    };
    let outcome = exchange(&crowd(5), &crowd(19_000), (4_096, 4_096));
    assert_eq!(outcome.have, [known(19_000).id]);
    assert_eq!(outcome.need, [known(5).id]);
}
