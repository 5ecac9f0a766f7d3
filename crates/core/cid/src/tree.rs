//! The balanced tree over the chunks of a file, built from the left as chunks arrive.

use crate::{Block, Cid, Subtree, node};

/// Links in a node of the tree.
pub const MAX_LINKS: usize = 174;

/// The growing tree. All leaves end up at the same depth: the last, incomplete part gets as many
/// nodes above it as the others, even when each has a single link.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// Links still without a parent, leaves first; every level holds fewer than `width`.
    levels: Vec<Vec<Subtree>>,
    width: usize,
    name: fn([u8; 32]) -> Cid,
}

impl Tree {
    pub(crate) fn new(width: usize, name: fn([u8; 32]) -> Cid) -> Self {
        Self {
            levels: Vec::new(),
            width,
            name,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// Links held now.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.levels.iter().map(Vec::len).sum()
    }

    pub(crate) fn push(&mut self, leaf: Subtree, sink: &mut impl FnMut(&Block<'_>)) {
        self.push_at(0, leaf, sink);
    }

    fn push_at(&mut self, mut level: usize, mut link: Subtree, sink: &mut impl FnMut(&Block<'_>)) {
        loop {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let links = &mut self.levels[level];
            links.push(link);
            if links.len() < self.width {
                return;
            }
            link = node::parent(links, self.name, sink);
            links.clear();
            level += 1;
        }
    }

    /// The root, or `None` if there was no leaf.
    pub(crate) fn finish(mut self, sink: &mut impl FnMut(&Block<'_>)) -> Option<Subtree> {
        let mut level = 0;
        while level < self.levels.len() {
            let is_top = level + 1 == self.levels.len();
            match self.levels[level].as_slice() {
                [root] if is_top => return Some(*root),
                [] => {}
                links => {
                    let parent = node::parent(links, self.name, sink);
                    self.push_at(level + 1, parent, sink);
                }
            }
            level += 1;
        }
        None
    }
}
