//! Streaming hash of a file.

use crate::{Cid, Codec, MAX_LINKS, node, tree::Tree};

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
    layout: Layout,
    chunk_size: usize,
    /// The chunk that is not full yet. Its length stands before its bytes in the block, so it
    /// cannot be hashed before it ends.
    chunk: Vec<u8>,
    tree: Tree,
}

impl FileHasher {
    /// Starts a file.
    pub fn new(layout: Layout) -> Self {
        Self::with_sizes(layout, CHUNK_SIZE, MAX_LINKS)
    }

    /// As [`FileHasher::new`]; small sizes let tests reach deep trees.
    pub(crate) fn with_sizes(layout: Layout, chunk_size: usize, width: usize) -> Self {
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
    pub fn update(&mut self, mut bytes: &[u8]) {
        if !self.chunk.is_empty() {
            let (head, rest) = bytes.split_at(bytes.len().min(self.chunk_size - self.chunk.len()));
            self.chunk.extend_from_slice(head);
            bytes = rest;
            if self.chunk.len() < self.chunk_size {
                return;
            }
            let chunk = std::mem::take(&mut self.chunk);
            self.push_leaf(&chunk);
            self.chunk = chunk;
            self.chunk.clear();
        }
        let chunks = bytes.chunks_exact(self.chunk_size);
        self.chunk.extend_from_slice(chunks.remainder());
        for chunk in chunks {
            self.push_leaf(chunk);
        }
    }

    /// Ends the file and names it.
    pub fn finish(mut self) -> Cid {
        if !self.chunk.is_empty() || self.tree.is_empty() {
            let chunk = std::mem::take(&mut self.chunk);
            self.push_leaf(&chunk);
        }
        self.tree.finish().expect("an empty file has one empty leaf")
    }

    fn push_leaf(&mut self, chunk: &[u8]) {
        self.tree.push(match self.layout {
            Layout::V0 => node::wrapped_leaf(chunk, Cid::v0),
            Layout::V1 { raw_leaves: true } => node::raw_leaf(chunk),
            Layout::V1 { raw_leaves: false } => {
                node::wrapped_leaf(chunk, |digest| Cid::v1(Codec::DagPb, digest))
            }
        });
    }
}

#[cfg(test)]
mod tests;
