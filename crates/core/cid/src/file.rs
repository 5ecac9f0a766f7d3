//! A file from its bytes: its blocks one after the other, or its name only.

use crate::{Block, Cid, Codec, MAX_LINKS, Subtree, node, tree::Tree};

/// Bytes in every chunk but the last.
pub const CHUNK_SIZE: usize = 256 * 1024;

/// The choices of `ipfs add` that change the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// No options: version 0, chunks wrapped in dag-pb.
    V0,
    /// `--cid-version=1`.
    V1 {
        /// Chunks stand unwrapped. The default of `--cid-version=1`; `--raw-leaves=false` undoes it.
        raw_leaves: bool,
    },
}

/// Cuts a file into blocks while its bytes arrive, in any number of pieces.
///
/// Every block goes to the sink as soon as it is complete: leaves in the order of the file, each
/// node after the blocks below it, the root last. A sink that must wait (for a disk, say) collects
/// blocks during a call and writes them after it; a call yields no more than the bytes it was given
/// and a chunk, besides nodes.
///
/// ```
/// use alephd_cid::{FileBuilder, Layout};
///
/// let mut blocks = Vec::new();
/// let mut builder = FileBuilder::new(Layout::V1 { raw_leaves: true });
/// builder.update(&[7; 300_000], &mut |block| blocks.push((block.cid(), block.size())));
/// let root = builder.finish(&mut |block| blocks.push((block.cid(), block.size())));
/// assert_eq!(root.size, 300_000);
/// assert_eq!(blocks.len(), 3);
/// assert_eq!(blocks[2].0, root.cid);
/// ```
#[derive(Clone, Debug)]
pub struct FileBuilder {
    layout: Layout,
    chunk_size: usize,
    /// The chunk that is not full yet. Its length stands before its bytes in the block, so it
    /// cannot be hashed before it ends.
    chunk: Vec<u8>,
    tree: Tree,
}

impl FileBuilder {
    /// Starts a file.
    pub fn new(layout: Layout) -> Self {
        Self::with_sizes(layout, CHUNK_SIZE, MAX_LINKS)
    }

    /// As [`FileBuilder::new`] with other chunks and nodes than the default, for files that were
    /// named so and for tests of deep trees.
    ///
    /// # Panics
    ///
    /// If a chunk would be empty or a node would have fewer than two links.
    pub fn with_sizes(layout: Layout, chunk_size: usize, width: usize) -> Self {
        assert!(chunk_size > 0 && width > 1, "a tree must grow towards its root");
        let name = match layout {
            Layout::V0 => Cid::v0,
            Layout::V1 { .. } => |digest| Cid::v1(Codec::DagPb, digest),
        };
        Self {
            layout,
            chunk_size,
            chunk: Vec::new(),
            tree: Tree::new(width, name),
        }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, mut bytes: &[u8], sink: &mut impl FnMut(&Block<'_>)) {
        if !self.chunk.is_empty() {
            let (head, rest) = bytes.split_at(bytes.len().min(self.chunk_size - self.chunk.len()));
            self.chunk.extend_from_slice(head);
            bytes = rest;
            if self.chunk.len() < self.chunk_size {
                return;
            }
            let chunk = std::mem::take(&mut self.chunk);
            self.push_leaf(&chunk, sink);
            self.chunk = chunk;
            self.chunk.clear();
        }
        let chunks = bytes.chunks_exact(self.chunk_size);
        self.chunk.extend_from_slice(chunks.remainder());
        for chunk in chunks {
            self.push_leaf(chunk, sink);
        }
    }

    /// Ends the file.
    pub fn finish(mut self, sink: &mut impl FnMut(&Block<'_>)) -> Subtree {
        if !self.chunk.is_empty() || self.tree.is_empty() {
            let chunk = std::mem::take(&mut self.chunk);
            self.push_leaf(&chunk, sink);
        }
        self.tree.finish(sink).expect("an empty file has one empty leaf")
    }

    fn push_leaf(&mut self, chunk: &[u8], sink: &mut impl FnMut(&Block<'_>)) {
        let leaf = match self.layout {
            Layout::V0 => node::wrapped_leaf(chunk, Cid::v0, sink),
            Layout::V1 { raw_leaves: true } => node::raw_leaf(chunk, sink),
            Layout::V1 { raw_leaves: false } => {
                node::wrapped_leaf(chunk, |digest| Cid::v1(Codec::DagPb, digest), sink)
            }
        };
        self.tree.push(leaf, sink);
    }
}

/// Computes the CID of a file from its bytes, in any number of pieces.
///
/// ```
/// use alephd_cid::{FileHasher, Layout};
///
/// let mut hasher = FileHasher::new(Layout::V0);
/// hasher.update(b"hello ");
/// hasher.update(b"world\n");
/// assert_eq!(hasher.finish().to_string(), "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o");
/// ```
#[derive(Clone, Debug)]
pub struct FileHasher {
    builder: FileBuilder,
}

impl FileHasher {
    /// Starts a file.
    pub fn new(layout: Layout) -> Self {
        Self {
            builder: FileBuilder::new(layout),
        }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.builder.update(bytes, &mut |_| ());
    }

    /// Ends the file and names it.
    pub fn finish(self) -> Cid {
        self.builder.finish(&mut |_| ()).cid
    }
}

#[cfg(test)]
mod tests;
