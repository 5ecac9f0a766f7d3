//! Which piece of a file to ask of whom next.
//!
//! Pieces are written in order, so those that come early wait in memory. Nothing is asked for that
//! lies further ahead of the writer than the window.
//!
//! ```text
//!   written │ ready, asked, given back ... │ not asked yet
//!           └────────── window ────────────┘
//! ```
//!
//! When there is nothing left to ask and the writer waits for a piece that one holder has been asked
//! for, it is asked of another one too: a holder that stalls then holds up nobody. The first copy
//! counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// A piece to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) index: u64,
    pub(crate) range: Range<u64>,
}

/// The pieces of one download. Holders are numbers of the caller.
#[derive(Debug)]
pub(crate) struct Plan {
    size: u64,
    piece: u64,
    window: u64,
    /// Pieces in all.
    count: u64,
    /// The first that nobody was asked for.
    next: u64,
    /// Pieces handed to the writer.
    given: u64,
    /// Whether the writer is at work on the last of them.
    writing: bool,
    /// Asked for in vain.
    back: BTreeSet<u64>,
    /// Asked for now, with those asked.
    asked: BTreeMap<u64, Vec<usize>>,
    ready: BTreeMap<u64, (usize, Vec<u8>)>,
}

impl Plan {
    /// A plan for `size` bytes in pieces of `piece`, of which `window` may be ahead of the writer.
    pub(crate) fn new(size: u64, piece: u64, window: u64) -> Self {
        let piece = piece.max(1);
        Self {
            size,
            piece,
            window: window.max(1),
            count: size.div_ceil(piece),
            next: 0,
            given: 0,
            writing: false,
            back: BTreeSet::new(),
            asked: BTreeMap::new(),
            ready: BTreeMap::new(),
        }
    }

    /// What to ask `holder` for; `None` if there is nothing to do for it now.
    pub(crate) fn take(&mut self, holder: usize) -> Option<Piece> {
        let index = self
            .back
            .pop_first()
            .or_else(|| self.take_new())
            .or_else(|| self.late(holder))?;
        self.asked.entry(index).or_default().push(holder);
        let start = index * self.piece;
        Some(Piece {
            index,
            range: start..self.size.min(start.saturating_add(self.piece)),
        })
    }

    fn take_new(&mut self) -> Option<u64> {
        let open = self.next < self.count && self.next < self.given.saturating_add(self.window);
        open.then(|| {
            self.next += 1;
            self.next - 1
        })
    }

    /// The piece that the writer waits for, if one other holder was asked for it.
    fn late(&self, holder: usize) -> Option<u64> {
        let asked = self.asked.get(&self.given)?;
        (!self.writing && asked.len() == 1 && asked[0] != holder).then_some(self.given)
    }

    /// A holder sent a piece.
    pub(crate) fn arrived(&mut self, index: u64, holder: usize, bytes: Vec<u8>) {
        // No longer asked for: somebody was quicker.
        if self.asked.remove(&index).is_some() {
            self.ready.insert(index, (holder, bytes));
        }
    }

    /// A holder will not send a piece.
    pub(crate) fn failed(&mut self, index: u64, holder: usize) {
        let Some(asked) = self.asked.get_mut(&index) else {
            return;
        };
        asked.retain(|other| *other != holder);
        if asked.is_empty() {
            self.asked.remove(&index);
            self.back.insert(index);
        }
    }

    /// The next piece to write and who sent it. The one before is written then.
    pub(crate) fn next_ready(&mut self) -> Option<(usize, Vec<u8>)> {
        self.writing = false;
        let next = self.ready.remove(&self.given)?;
        self.given += 1;
        self.writing = true;
        Some(next)
    }

    /// Whether every piece was handed to the writer.
    pub(crate) fn is_complete(&self) -> bool {
        self.given == self.count
    }

    /// Pieces that nobody was asked for yet.
    pub(crate) fn untouched(&self) -> u64 {
        self.count - self.next
    }

    /// Bytes that wait for the writer or are asked for.
    #[cfg(test)]
    fn ahead(&self) -> usize {
        self.ready.len() + self.asked.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_late_piece_is_asked_of_one_more() {
        let mut plan = Plan::new(30, 10, 2);
        let first = plan.take(1).unwrap();
        let second = plan.take(2).unwrap();
        assert_eq!((first.range.clone(), second.range), (0..10, 10..20));
        plan.arrived(1, 2, vec![2]);
        // The window ends before the third piece, and the writer waits for the first.
        assert_eq!(plan.take(1), None);
        assert_eq!(plan.take(2), Some(first));
        assert_eq!(plan.take(3), None);
        plan.arrived(0, 2, vec![1]);
        plan.arrived(0, 1, vec![9]);
        assert_eq!(plan.next_ready(), Some((2, vec![1])));
        assert_eq!(plan.take(1).unwrap().range, 20..30);
        // While the writer is busy, nobody is late.
        assert_eq!(plan.take(2), None);
        assert_eq!(plan.next_ready(), Some((2, vec![2])));
        assert_eq!(plan.next_ready(), None);
        assert_eq!(plan.take(2).unwrap().index, 2);
    }

    #[test]
    fn what_failed_is_asked_again_first() {
        let mut plan = Plan::new(100, 10, 10);
        for index in 0..3 {
            assert_eq!(plan.take(1).unwrap().index, index);
        }
        plan.failed(1, 1);
        assert_eq!(plan.take(2).unwrap().index, 1);
        assert_eq!(plan.take(2).unwrap().index, 3);
    }

    #[test]
    fn nothing_has_no_pieces() {
        let mut plan = Plan::new(0, 10, 3);
        assert!(plan.is_complete());
        assert_eq!(plan.take(0), None);
    }

    proptest! {
        /// Whatever holders do, the writer gets every piece once, in order, within the window; and as
        /// long as somebody answers, it gets there.
        #[test]
        fn every_piece_once_and_in_order(
            size in 0..2_000u64,
            piece in 1..200u64,
            window in 1..8u64,
            steps in prop::collection::vec((0..4usize, 0..6u8), 0..400),
        ) {
            let mut plan = Plan::new(size, piece, window);
            let mut open: Vec<(usize, Piece)> = Vec::new();
            let mut written = Vec::new();
            let good = |range: &Range<u64>| -> Vec<u8> { range.clone().map(|at| at as u8).collect() };
            for (holder, what) in steps {
                match what {
                    0 | 1 => open.extend(plan.take(holder).map(|piece| (holder, piece))),
                    2 | 3 => {
                        if let Some(at) = open.iter().position(|(other, _)| *other == holder) {
                            let (holder, piece) = open.remove(at);
                            plan.arrived(piece.index, holder, good(&piece.range));
                        }
                    }
                    4 => {
                        if let Some(at) = open.iter().position(|(other, _)| *other == holder) {
                            let (holder, piece) = open.remove(at);
                            plan.failed(piece.index, holder);
                        }
                    }
                    _ => written.extend(plan.next_ready().into_iter().flat_map(|(_, bytes)| bytes)),
                }
                prop_assert!(plan.ahead() as u64 <= window);
            }
            // Everybody leaves but one, who answers everything.
            for (holder, piece) in open {
                plan.failed(piece.index, holder);
            }
            while !plan.is_complete() {
                while let Some(piece) = plan.take(9) {
                    plan.arrived(piece.index, 9, good(&piece.range));
                }
                let (_, bytes) = plan.next_ready().expect("the only holder answers");
                written.extend(bytes);
            }
            prop_assert_eq!(written, good(&(0..size)));
        }
    }
}
