//! The lots of one account.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

use alephd_message::Micros;

use super::Position;

/// Credits that were granted together and end together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// The post that made it.
    pub position: Position,
    /// Number of its row in that post.
    pub index: u32,
    /// What is left of it.
    pub remaining: u64,
    /// End of validity: at this instant it is no longer valid.
    pub expiration: Option<Micros>,
}

impl Lot {
    fn is_valid(&self, at: Micros) -> bool {
        self.remaining > 0 && self.expiration.is_none_or(|end| end > at)
    }
}

/// A part of a lot, on its way to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Credits.
    pub amount: u64,
    /// End of validity.
    pub expiration: Option<Micros>,
}

/// The lots of one account at some point of the walk.
///
/// Changes come in the order of the walk, so time never goes back between them. Hence a lot that
/// is empty or has ended is never of use again, and the lots in use form a queue: a drain looks at
/// its front only, and every lot is looked at once after its end.
#[derive(Clone, Debug, Default)]
pub struct Account {
    queue: VecDeque<Lot>,
    /// How many lots have left the queue: the lot with number `n` is at `n - gone`.
    gone: usize,
    /// Ends to come, with the number of the lot.
    ends: BinaryHeap<Reverse<(Micros, usize)>>,
    /// Sum of what remains in lots that have not ended.
    total: u128,
}

impl Account {
    /// Adds a lot.
    pub(super) fn grant(&mut self, lot: Lot) {
        if let Some(end) = lot.expiration {
            self.ends.push(Reverse((end, self.gone + self.queue.len())));
        }
        self.total += u128::from(lot.remaining);
        self.queue.push_back(lot);
    }

    /// What can be spent at an instant that the walk has reached.
    pub(super) fn available(&mut self, now: Micros) -> u128 {
        while let Some(&Reverse((end, number))) = self.ends.peek()
            && end <= now
        {
            self.ends.pop();
            let lot = number
                .checked_sub(self.gone)
                .and_then(|place| self.queue.get_mut(place));
            if let Some(lot) = lot {
                self.total -= u128::from(lot.remaining);
                lot.remaining = 0;
            }
        }
        self.total
    }

    /// Takes credits from the oldest lots, as far as there are any, and hands each part to `take`.
    pub(super) fn drain(&mut self, amount: u64, now: Micros, mut take: impl FnMut(Part)) {
        self.available(now);
        let mut missing = amount;
        while let Some(lot) = self.queue.front_mut() {
            let taken = missing.min(lot.remaining);
            if taken > 0 {
                lot.remaining -= taken;
                self.total -= u128::from(taken);
                missing -= taken;
                take(Part {
                    amount: taken,
                    expiration: lot.expiration,
                });
            }
            if lot.remaining > 0 {
                return;
            }
            self.queue.pop_front();
            self.gone += 1;
        }
    }

    /// Credits that are valid at an instant, which must not precede the last post of the account.
    pub fn balance(&self, at: Micros) -> u128 {
        self.lots(at).map(|lot| u128::from(lot.remaining)).sum()
    }

    /// The lots that are valid at an instant, in the order in which they will be drained.
    pub fn lots(&self, at: Micros) -> impl Iterator<Item = &Lot> {
        self.queue.iter().filter(move |lot| lot.is_valid(at))
    }

    /// The balance by end of validity: what never ends first, then the nearest end.
    pub fn by_expiration(&self, at: Micros) -> Vec<(Option<Micros>, u128)> {
        let mut sums = BTreeMap::new();
        for lot in self.lots(at) {
            *sums.entry(lot.expiration).or_default() += u128::from(lot.remaining);
        }
        sums.into_iter().collect()
    }

    /// When the balance next falls by itself.
    pub fn next_expiration(&self, after: Micros) -> Option<Micros> {
        self.lots(after).filter_map(|lot| lot.expiration).min()
    }
}
