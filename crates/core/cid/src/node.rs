//! The bytes of blocks: dag-pb nodes holding UnixFS file entries.
//!
//! Both formats are protocol buffers with few fields, written here by hand because the bytes are
//! hashed: field order and the presence of empty fields are part of the name.
//!
//! ```text
//! node  = link* , 0A len(entry) entry            links come first, against their field numbers
//! link  = 12 len(..) [ 0A len(cid) cid , 12 00 , 18 varint(weight) ]        the name is empty
//! entry = 08 02 , [ 12 len(chunk) chunk ] , 18 varint(size) , ( 20 varint(size of child) )*
//! ```

use sha2::{Digest, Sha256};

use crate::{Cid, Codec, varint};

/// What a parent must know about a block; for the root, what there is to know about the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subtree {
    /// The name of the block.
    pub cid: Cid,
    /// Bytes of all blocks below and including this one, each as often as it is linked: `Tsize` in
    /// a link, `CumulativeSize` to clients.
    pub weight: u64,
    /// Bytes of the file below this block.
    pub size: u64,
}

/// A block that was just built. Its bytes lie in pieces so that a chunk need not be copied.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    cid: Cid,
    pieces: [&'a [u8]; 3],
    is_leaf: bool,
}

impl<'a> Block<'a> {
    /// A block whose bytes are in one piece. The caller vouches for the name.
    pub fn new(cid: Cid, bytes: &'a [u8]) -> Self {
        Self {
            cid,
            pieces: [bytes, &[], &[]],
            is_leaf: false,
        }
    }

    /// The name of the block.
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// The bytes of the block, in order; pieces may be empty.
    pub fn pieces(&self) -> [&'a [u8]; 3] {
        self.pieces
    }

    /// Whether it holds a chunk of a file. Such a block is made again by building a file of the
    /// chunk alone, so who keeps the file as it is needs to keep only the others.
    pub fn is_leaf(&self) -> bool {
        self.is_leaf
    }

    /// The number of bytes.
    pub fn size(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }

    /// The bytes in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

/// A chunk as a block of its own, unwrapped.
pub(crate) fn raw_leaf(chunk: &[u8], sink: &mut impl FnMut(&Block<'_>)) -> Subtree {
    let size = chunk.len() as u64;
    let cid = Cid::v1(Codec::Raw, Sha256::digest(chunk).into());
    sink(&Block {
        is_leaf: true,
        ..Block::new(cid, chunk)
    });
    Subtree {
        cid,
        weight: size,
        size,
    }
}

/// A chunk wrapped in a file entry. `name` makes the identifier of the version wanted.
pub(crate) fn wrapped_leaf(
    chunk: &[u8],
    name: fn([u8; 32]) -> Cid,
    sink: &mut impl FnMut(&Block<'_>),
) -> Subtree {
    let size = chunk.len() as u64;
    let mut before = vec![0x08, 0x02];
    // No chunk is an absent field, not an empty one.
    if size > 0 {
        before.push(0x12);
        varint::push(&mut before, size);
    }
    let mut after = vec![0x18];
    varint::push(&mut after, size);
    let mut head = vec![0x0a];
    varint::push(&mut head, before.len() as u64 + size + after.len() as u64);
    head.extend(before);

    // The chunk is hashed where it lies rather than copied into a block.
    let digest = Sha256::new()
        .chain_update(&head)
        .chain_update(chunk)
        .chain_update(&after)
        .finalize();
    let block = Block {
        cid: name(digest.into()),
        pieces: [&head, chunk, &after],
        is_leaf: true,
    };
    sink(&block);
    Subtree {
        cid: block.cid,
        weight: block.size() as u64,
        size,
    }
}

/// The node above `children`.
pub(crate) fn parent(
    children: &[Subtree],
    name: fn([u8; 32]) -> Cid,
    sink: &mut impl FnMut(&Block<'_>),
) -> Subtree {
    let size = children.iter().map(|child| child.size).sum();
    let mut block = Vec::with_capacity(children.len() * 64);
    for child in children {
        let cid = child.cid.to_bytes();
        let mut link = vec![0x0a, cid.len() as u8];
        link.extend(cid);
        link.extend([0x12, 0x00, 0x18]);
        varint::push(&mut link, child.weight);
        block.extend([0x12, link.len() as u8]);
        block.extend(link);
    }
    let mut entry = vec![0x08, 0x02, 0x18];
    varint::push(&mut entry, size);
    for child in children {
        entry.push(0x20);
        varint::push(&mut entry, child.size);
    }
    block.push(0x0a);
    varint::push(&mut block, entry.len() as u64);
    block.extend(entry);

    let cid = name(Sha256::digest(&block).into());
    sink(&Block::new(cid, &block));
    let below: u64 = children.iter().map(|child| child.weight).sum();
    Subtree {
        cid,
        weight: block.len() as u64 + below,
        size,
    }
}
