//! Other orders of the same messages.

use proptest::prelude::*;

use crate::rng::Rng;

/// A set of messages and one order of it that is not the one in which it was made.
pub fn arb_shuffled<T: Clone + std::fmt::Debug>(
    items: impl Strategy<Value = Vec<T>>,
) -> impl Strategy<Value = (Vec<T>, Vec<T>)> {
    items.prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle()))
}

/// The order of `items` that `seed` gives.
pub fn shuffled<T: Clone>(items: &[T], seed: u64) -> Vec<T> {
    let mut items = items.to_vec();
    Rng::new(seed).shuffle(&mut items);
    items
}

/// Both sequences merged at random, each still in its own order: two clients at once.
pub fn interleaved<T: Clone>(left: &[T], right: &[T], seed: u64) -> Vec<T> {
    let mut rng = Rng::new(seed);
    let (mut left, mut right) = (left.iter(), right.iter());
    let mut merged = Vec::with_capacity(left.len() + right.len());
    while left.len() + right.len() > 0 {
        let from_left = rng.below((left.len() + right.len()) as u64) < left.len() as u64;
        let next = if from_left { left.next() } else { right.next() };
        merged.extend(next.cloned());
    }
    merged
}

/// `items` cut into consecutive parts of random sizes up to `largest`: what is taken in between
/// two restarts, or in one batch.
pub fn parts<T: Clone>(items: &[T], largest: usize, seed: u64) -> Vec<Vec<T>> {
    let mut rng = Rng::new(seed);
    let mut rest = items;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let size = 1 + rng.below(largest.max(1) as u64) as usize;
        let (part, after) = rest.split_at(size.min(rest.len()));
        parts.push(part.to_vec());
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost() {
        let items: Vec<u32> = (0..50).collect();
        let mut other = shuffled(&items, 3);
        assert_ne!(other, items);
        other.sort_unstable();
        assert_eq!(other, items);
        assert_eq!(parts(&items, 4, 5).concat(), items);
        assert!(
            parts(&items, 4, 5)
                .iter()
                .all(|part| (1..=4).contains(&part.len()))
        );
    }

    #[test]
    fn an_interleaving_keeps_both_orders() {
        let (left, right): (Vec<u32>, Vec<u32>) = ((0..20).collect(), (100..130).collect());
        let merged = interleaved(&left, &right, 1);
        let (low, high): (Vec<u32>, Vec<u32>) = merged.iter().partition(|&&item| item < 100);
        assert_eq!((low, high), (left, right));
        assert!(!merged.is_sorted());
    }
}
