//! The two sides against each other, against the crate `negentropy`, and against garbage.

mod garbage;
mod pairs;
mod reference;

use std::collections::BTreeSet;

use alephd_reconcile::{Element, Found, Id, Initiator, Known, KnownIndex, Responder, Snapshot};

/// A set of elements made from numbers: some share their time.
pub fn set(numbers: impl IntoIterator<Item = u64>) -> Snapshot {
    let mut index = KnownIndex::new();
    index.update(numbers.into_iter().map(known).collect(), Vec::new());
    index.snapshot()
}

/// The element of a number.
pub fn known(number: u64) -> Known {
    let mut id = [0; 32];
    let mut state = number;
    for part in id.as_chunks_mut::<8>().0 {
        // A step of splitmix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        *part = (bits ^ (bits >> 31)).to_be_bytes();
    }
    Known {
        time: number / 5,
        id,
        row: number as i64,
    }
}

/// What one exchange found and cost.
#[derive(Default)]
pub struct Outcome {
    /// Ids that the responder lacks, as often as they were told.
    pub have: Vec<Id>,
    /// Ids that the initiator lacks.
    pub need: Vec<Id>,
    /// Answers.
    pub rounds: usize,
    /// Bytes both ways.
    pub bytes: usize,
    /// The longest frame of each side.
    pub longest: (usize, usize),
}

impl Outcome {
    /// Notes what a step found.
    pub fn note(&mut self, set: &Snapshot, found: Found) {
        for places in found.have {
            self.have.extend(set.iter(places).map(|known| known.id));
        }
        for need in found.need {
            self.need.extend(need.ids);
        }
    }
}

/// Runs an exchange to its end.
pub fn exchange(ours: &Snapshot, theirs: &Snapshot, limits: (usize, usize)) -> Outcome {
    let mut initiator = Initiator::new(ours.clone(), limits.0);
    let responder = Responder::new(theirs.clone(), limits.1);
    let mut outcome = Outcome::default();
    let mut frame = Some(initiator.first());
    while let Some(asked) = frame {
        let answer = responder.reply(&asked).expect("an honest frame");
        outcome.rounds += 1;
        outcome.bytes += asked.len() + answer.len();
        outcome.longest.0 = outcome.longest.0.max(asked.len());
        outcome.longest.1 = outcome.longest.1.max(answer.len());
        let step = initiator.next(&answer).expect("an honest frame");
        outcome.note(ours, step.found);
        frame = step.frame;
        assert!(outcome.rounds < 100_000, "it ends");
    }
    outcome
}

/// The ids of a set.
pub fn ids(set: &Snapshot) -> BTreeSet<Id> {
    set.iter(0..set.len()).map(|known| known.id).collect()
}

/// The elements of a set.
pub fn elements(set: &Snapshot) -> BTreeSet<Element> {
    set.iter(0..set.len()).map(Known::element).collect()
}
