//! The order in which the blocks of a tree are needed.

use std::collections::HashSet;

use alephd_cid::AnyCid;
use alephd_unixfs::MAX_PENDING;

/// Levels of a tree. Hashes exclude circles, not chains; files and directories have a dozen levels.
const MAX_DEPTH: u16 = 512;

/// Walks a tree depth first. Only the links that are not followed yet are in memory; the first of them
/// tell what is needed soon.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// The next one last.
    pending: Vec<(AnyCid, u16)>,
    /// For a walk that goes to each block once.
    seen: Option<HashSet<AnyCid>>,
}

/// More links or levels than are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooDeep;

impl Walk {
    /// A walk that meets a block each time it is linked, as the bytes of a file do.
    pub(super) fn of_file(root: &AnyCid) -> Self {
        Self {
            pending: vec![(root.clone(), 0)],
            seen: None,
        }
    }

    /// A walk that meets each block once.
    pub(super) fn of_tree(root: &AnyCid) -> Self {
        Self {
            seen: Some(HashSet::from([root.to_v1()])),
            ..Self::of_file(root)
        }
    }

    /// The block that is needed next; `None` at the end.
    pub(super) fn head(&self) -> Option<&AnyCid> {
        self.pending.last().map(|(cid, _)| cid)
    }

    /// The blocks that are needed next, as far as is known.
    pub(super) fn ahead(&self) -> impl Iterator<Item = &AnyCid> {
        self.pending.iter().rev().map(|(cid, _)| cid)
    }

    /// Goes on behind the head, to these links of it first.
    pub(super) fn step(&mut self, links: Vec<AnyCid>) -> Result<(), TooDeep> {
        let Some((_, depth)) = self.pending.pop() else {
            return Ok(());
        };
        let (before, depth) = (self.pending.len(), depth + 1);
        if !links.is_empty() && depth > MAX_DEPTH {
            return Err(TooDeep);
        }
        for link in links {
            if self.seen.as_mut().is_none_or(|seen| seen.insert(link.to_v1())) {
                self.pending.push((link, depth));
            }
        }
        self.pending[before..].reverse();
        match self.pending.len() > MAX_PENDING {
            true => Err(TooDeep),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use alephd_cid::{Multicodec, Multihash};

    use super::*;

    fn cid(seed: u8) -> AnyCid {
        AnyCid::v1(Multicodec::RAW, Multihash::sha2_256([seed; 32]))
    }

    fn links(seeds: &[u8]) -> Vec<AnyCid> {
        seeds.iter().copied().map(cid).collect()
    }

    #[test]
    fn depth_first_with_a_look_ahead() {
        let mut walk = Walk::of_file(&cid(0));
        walk.step(links(&[1, 2, 2])).expect("steps");
        assert!(walk.ahead().eq(&links(&[1, 2, 2])));
        walk.step(links(&[3, 4])).expect("steps");
        assert!(walk.ahead().eq(&links(&[3, 4, 2, 2])));
        for expected in [3, 4, 2, 2] {
            assert_eq!(walk.head(), Some(&cid(expected)));
            walk.step(Vec::new()).expect("steps");
        }
        assert_eq!(walk.head(), None);
        assert_eq!(walk.step(Vec::new()), Ok(()));
    }

    #[test]
    fn a_tree_is_walked_once_and_not_for_ever() {
        let mut walk = Walk::of_tree(&cid(0));
        walk.step(links(&[1, 1, 0, 2])).expect("steps");
        assert!(walk.ahead().eq(&links(&[1, 2])));
        let mut chain = Walk::of_file(&cid(0));
        let steps = std::iter::from_fn(|| chain.step(links(&[1])).ok()).count();
        assert_eq!(steps, usize::from(MAX_DEPTH));
        let mut wide = Walk::of_file(&cid(0));
        assert_eq!(wide.step(vec![cid(1); MAX_PENDING + 1]), Err(TooDeep));
    }
}
