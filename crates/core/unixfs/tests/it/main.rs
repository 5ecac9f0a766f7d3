//! Trees against those of other implementations, and against themselves.

mod cars;
mod peers;
mod trees;
mod vectors;

use alephd_cid::{AnyCid, FileBuilder, Layout, Subtree};
use alephd_unixfs::{
    ByteRange,
    source::{self, MemoryBlocks},
};

/// The bytes of the vectors: 32-bit xorshift, little-endian words.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_u32;
    let mut bytes = vec![0; size];
    for word in bytes.chunks_mut(4) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        word.copy_from_slice(&state.to_le_bytes()[..word.len()]);
    }
    bytes
}

/// Builds a file into `blocks`.
pub(crate) fn add(blocks: &mut MemoryBlocks, mut builder: FileBuilder, bytes: &[u8]) -> Subtree {
    builder.update(bytes, &mut |block| blocks.insert(block));
    builder.finish(&mut |block| blocks.insert(block))
}

pub(crate) fn layout(version: u64) -> Layout {
    match version {
        0 => Layout::V0,
        _ => Layout::V1 { raw_leaves: true },
    }
}

pub(crate) fn read(blocks: &MemoryBlocks, root: &AnyCid, range: ByteRange) -> Vec<u8> {
    let mut bytes = Vec::new();
    source::read(blocks, root, range, |piece| bytes.extend_from_slice(piece)).expect("a whole file");
    bytes
}
