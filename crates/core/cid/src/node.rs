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

use crate::{Cid, Codec};

/// What a parent must know about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) cid: Cid,
    /// Bytes of all blocks below and including this one; `Tsize` on the wire.
    pub(crate) weight: u64,
    /// Bytes of the file below this block.
    pub(crate) size: u64,
}

/// A chunk as a block of its own, unwrapped.
pub(crate) fn raw_leaf(chunk: &[u8]) -> Link {
    let size = chunk.len() as u64;
    Link {
        cid: Cid::v1(Codec::Raw, Sha256::digest(chunk).into()),
        weight: size,
        size,
    }
}

/// A chunk wrapped in a file entry. `name` makes the identifier of the version wanted.
pub(crate) fn wrapped_leaf(chunk: &[u8], name: fn([u8; 32]) -> Cid) -> Link {
    let size = chunk.len() as u64;
    let mut before = vec![0x08, 0x02];
    // No chunk is an absent field, not an empty one.
    if size > 0 {
        before.push(0x12);
        push_varint(&mut before, size);
    }
    let mut after = vec![0x18];
    push_varint(&mut after, size);
    let mut head = vec![0x0a];
    push_varint(&mut head, before.len() as u64 + size + after.len() as u64);
    head.extend(before);

    // The chunk is hashed where it lies rather than copied into a block.
    let digest = Sha256::new()
        .chain_update(&head)
        .chain_update(chunk)
        .chain_update(&after)
        .finalize();
    Link {
        cid: name(digest.into()),
        weight: head.len() as u64 + size + after.len() as u64,
        size,
    }
}

/// The node above `links`.
pub(crate) fn parent(links: &[Link], name: fn([u8; 32]) -> Cid) -> Link {
    let size = links.iter().map(|link| link.size).sum();
    let mut block = Vec::with_capacity(links.len() * 64);
    for link in links {
        let cid = link.cid.to_bytes();
        let mut entry = vec![0x0a, cid.len() as u8];
        entry.extend(cid);
        entry.extend([0x12, 0x00, 0x18]);
        push_varint(&mut entry, link.weight);
        block.extend([0x12, entry.len() as u8]);
        block.extend(entry);
    }
    let mut entry = vec![0x08, 0x02, 0x18];
    push_varint(&mut entry, size);
    for link in links {
        entry.push(0x20);
        push_varint(&mut entry, link.size);
    }
    block.push(0x0a);
    push_varint(&mut block, entry.len() as u64);
    block.extend(entry);

    let below: u64 = links.iter().map(|link| link.weight).sum();
    Link {
        cid: name(Sha256::digest(&block).into()),
        weight: block.len() as u64 + below,
        size,
    }
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
