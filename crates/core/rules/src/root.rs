//! State roots: one short value that is equal on two nodes exactly when their state is.
//!
//! The root is the multiset hash *LtHash16* over 1024 lanes with BLAKE3 as its extendable-output
//! function: every leaf is expanded to 2048 bytes and added lane by lane modulo 2^16. Addition
//! commutes and has an inverse, so the root is kept incrementally in any order, and collisions
//! are as hard as a lattice problem with these parameters (200 bits).
//!
//! # Leaves
//!
//! A leaf is a kind followed by length-prefixed parts, so that no two different leaves encode to
//! the same bytes. `docs/protocol/state.md` lists what goes into each. Left out on purpose:
//! fields that nobody signed (envelope time, channel, form of the signature), waiting and refused
//! messages, and what is local to a node (pins of uploads, reception times).

use std::fmt;

/// Lanes of the sum.
const LANES: usize = 1024;

/// The kinds of leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LeafKind {
    /// A live message.
    Message = 1,
    /// A forgotten message.
    Tombstone = 2,
    /// A post whose current revision is an amend.
    Revision = 3,
    /// First and last element of an aggregate.
    Aggregate = 4,
    /// The current value of one key of an aggregate.
    Field = 5,
    /// The current file behind a name.
    Tag = 6,
    /// A balance that an oracle reported.
    Balance = 7,
    /// One line of a credit post.
    Credit = 8,
}

/// The encoded bytes of one leaf.
#[derive(Clone, Debug)]
pub struct Leaf(blake3::Hasher);

impl Leaf {
    /// Starts a leaf.
    pub fn new(kind: LeafKind) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[kind as u8]);
        Self(hasher)
    }

    /// Appends one part.
    #[must_use]
    pub fn part(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Appends an optional part: absent and empty differ.
    #[must_use]
    pub fn option(self, bytes: Option<impl AsRef<[u8]>>) -> Self {
        match bytes {
            Some(bytes) => self.part([1]).part(bytes),
            None => self.part([0]),
        }
    }

    /// Appends a number.
    #[must_use]
    pub fn number(self, number: i64) -> Self {
        self.part(number.to_le_bytes())
    }

    fn expand(&self) -> [u8; LANES * 2] {
        let mut bytes = [0; LANES * 2];
        self.0.finalize_xof().fill(&mut bytes);
        bytes
    }
}

/// The sum over all leaves.
#[derive(Clone, PartialEq, Eq)]
pub struct StateRoot(Box<[u16; LANES]>);

impl Default for StateRoot {
    fn default() -> Self {
        Self(Box::new([0; LANES]))
    }
}

impl StateRoot {
    /// Adds a leaf.
    pub fn add(&mut self, leaf: &Leaf) {
        let bytes = leaf.expand();
        for (lane, pair) in self.0.iter_mut().zip(bytes.chunks_exact(2)) {
            *lane = lane.wrapping_add(u16::from_le_bytes([pair[0], pair[1]]));
        }
    }

    /// Removes a leaf that was added before.
    pub fn remove(&mut self, leaf: &Leaf) {
        let bytes = leaf.expand();
        for (lane, pair) in self.0.iter_mut().zip(bytes.chunks_exact(2)) {
            *lane = lane.wrapping_sub(u16::from_le_bytes([pair[0], pair[1]]));
        }
    }

    /// Adds all leaves of another sum.
    pub fn merge(&mut self, other: &Self) {
        for (lane, addend) in self.0.iter_mut().zip(other.0.iter()) {
            *lane = lane.wrapping_add(*addend);
        }
    }

    /// The whole sum, for storage.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }

    /// Reads [`StateRoot::to_bytes`]; `None` if the length is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != LANES * 2 {
            return None;
        }
        let mut root = Self::default();
        for (lane, pair) in root.0.iter_mut().zip(bytes.chunks_exact(2)) {
            *lane = u16::from_le_bytes([pair[0], pair[1]]);
        }
        Some(root)
    }

    /// The published form: BLAKE3 of the sum, in hexadecimal. The empty state has one too.
    pub fn digest(&self) -> String {
        blake3::hash(&self.to_bytes()).to_hex().to_string()
    }
}

impl fmt::Debug for StateRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateRoot({})", self.digest())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaf(parts: &[Vec<u8>]) -> Leaf {
        parts.iter().fold(Leaf::new(LeafKind::Message), Leaf::part)
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_removal_undoes(
            leaves in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..4), 1..8),
            extra in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..4),
        ) {
            let mut forward = StateRoot::default();
            leaves.iter().for_each(|parts| forward.add(&leaf(parts)));
            let mut backward = StateRoot::default();
            backward.add(&leaf(&extra));
            leaves.iter().rev().for_each(|parts| backward.add(&leaf(parts)));
            prop_assert_ne!(&forward, &backward);
            backward.remove(&leaf(&extra));
            prop_assert_eq!(&forward, &backward);
            prop_assert_eq!(StateRoot::from_bytes(&forward.to_bytes()), Some(forward));
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let mut one = StateRoot::default();
        one.add(&Leaf::new(LeafKind::Tag).part("ab").part("c"));
        let mut other = StateRoot::default();
        other.add(&Leaf::new(LeafKind::Tag).part("a").part("bc"));
        assert_ne!(one.digest(), other.digest());
        let mut absent = StateRoot::default();
        absent.add(&Leaf::new(LeafKind::Tag).option(None::<&str>));
        let mut empty = StateRoot::default();
        empty.add(&Leaf::new(LeafKind::Tag).option(Some("")));
        assert_ne!(absent, empty);
    }
}
