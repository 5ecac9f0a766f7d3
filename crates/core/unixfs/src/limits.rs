//! What bounds the reading of blocks from strangers.

/// Bytes in a block. The largest that peers exchange; blocks made by default have 256 KiB.
pub const MAX_BLOCK_SIZE: usize = 2 << 20;

/// Links in a node. A full block has room for 55,000 links with a hash; only links that carry their
/// block inside are shorter, and they would make a node cost ten times its size in memory.
pub const MAX_NODE_LINKS: usize = 1 << 16;

/// Levels of a file. Six levels of 174 links and 256 KiB exceed every disk; trees of other builders
/// (of two links, of unequal depth) are deeper.
pub const MAX_FILE_DEPTH: u8 = 32;

/// Names in a path. Each costs a block or a few.
pub const MAX_PATH_SEGMENTS: usize = 256;

/// Links that a reader remembers for later. A sound tree needs a node's links for each level; this
/// is two nodes of the most links.
pub const MAX_PENDING: usize = 2 * MAX_NODE_LINKS;
