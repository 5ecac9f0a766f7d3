use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn known(number: u64, row: i64) -> Known {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let time = number / 3;
    Known { time, id, row }
}

fn check(index: &KnownIndex, model: &BTreeMap<Element, i64>) {
    let set = index.snapshot();
    let expected: Vec<Known> = model
        .iter()
        .map(|(element, row)| Known {
            time: element.time,
            id: element.id,
            row: *row,
        })
        .collect();
    let found: Vec<Known> = set.iter(0..set.len()).copied().collect();
    assert_eq!(found, expected);
    for (place, element) in expected.iter().enumerate() {
        assert_eq!(set.lower_bound(&Bound::before(element.element())), place);
        assert!(set.contains(&element.element()));
        assert_eq!(set.get(place), element);
    }
    assert_eq!(set.lower_bound(&Bound::END), expected.len());
    for (start, end) in [(0, expected.len()), (expected.len() / 3, expected.len() / 2)] {
        assert_eq!(
            set.fingerprint(start..end),
            sum_of(&expected[start..end]).fingerprint(end - start)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_is_the_set_that_was_said(
        steps in prop::collection::vec(
            (prop::collection::vec(0_u64..4_000, 0..1_500), prop::collection::vec(0_u64..4_000, 0..900)),
            1..6,
        )
    ) {
        let (mut index, mut model) = (KnownIndex::new(), BTreeMap::new());
        for (row, (add, remove)) in steps.into_iter().enumerate() {
            let before = index.snapshot();
            let (old, old_sum) = (before.len(), before.blocks.sum);
            let add: Vec<Known> = add.into_iter().map(|number| known(number, row as i64)).collect();
            let remove: Vec<Element> = remove.into_iter().map(|number| known(number, 0).element()).collect();
            for element in &remove {
                model.remove(element);
            }
            model.extend(add.iter().map(|known| (known.element(), known.row)));
            index.update(add, remove);
            check(&index, &model);
            prop_assert_eq!((before.len(), before.blocks.sum), (old, old_sum), "a snapshot stays");
        }
    }
}

#[test]
fn blocks_are_neither_small_nor_large() {
    let mut index = KnownIndex::new();
    for chunk in 0..200 {
        index.update(
            (0..97)
                .map(|n| known((n * 7_919 + chunk * 31) % 20_000, 1))
                .collect(),
            Vec::new(),
        );
    }
    index.update(Vec::new(), (0..10_000).map(|n| known(n, 0).element()).collect());
    let set = index.snapshot();
    let sizes: Vec<usize> = set.blocks.list.iter().map(|block| block.elements.len()).collect();
    let (_, all_but_last) = sizes.split_last().expect("some are left");
    assert!(
        all_but_last.iter().all(|size| (SMALL..=2 * BLOCK).contains(size)),
        "{sizes:?}"
    );
    assert!(set.memory() < set.len() * 50);
}

#[test]
fn an_element_takes_48_bytes() {
    assert_eq!(size_of::<Known>(), 48);
}

#[test]
fn no_element_is_at_the_end_of_time() {
    let mut index = KnownIndex::new();
    index.update(
        vec![Known {
            time: u64::MAX,
            id: [7; 32],
            row: 1,
        }],
        Vec::new(),
    );
    assert_eq!(index.snapshot().lower_bound(&Bound::END), 1);
}
