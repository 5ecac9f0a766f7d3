//! Where in an archive each block lies.
//!
//! An index is a table of fixed size behind the archive that it is of, sorted by key, so that a
//! block is found by reading a few entries of it:
//!
//! ```text
//! index = ( key[32] offset[8] size[4] )* , entries up to first key byte 0, 1, … 255 [4 each] , magic[8]
//! ```
//!
//! Numbers are little-endian. The table is derived from the archive; losing it loses nothing.

use std::ops::Range;

use alephd_cid::{AnyCid, Multicodec};
use sha2::{Digest, Sha256};

/// Bytes in a key.
pub const KEY_SIZE: usize = 32;
const ENTRY_SIZE: usize = KEY_SIZE + 8 + 4;
const MAGIC: &[u8; 8] = b"carindx1";
const TAIL_SIZE: usize = 256 * 4 + MAGIC.len();

/// The key of a block, the same for all its names: the SHA-256 if the names have it.
pub fn block_key(cid: &AnyCid) -> [u8; KEY_SIZE] {
    let hash = cid.hash();
    match (hash.function(), hash.digest().try_into()) {
        (Multicodec::SHA2_256, Ok(digest)) => digest,
        _ => {
            let name = AnyCid::v1(Multicodec::RAW, hash.clone());
            Sha256::digest(name.to_bytes()).into()
        }
    }
}

/// Collects the places of blocks.
#[derive(Clone, Debug, Default)]
pub struct IndexBuilder {
    entries: Vec<([u8; KEY_SIZE], u64, u32)>,
}

impl IndexBuilder {
    /// Adds a block of `size` bytes that begins at `offset`.
    pub fn push(&mut self, cid: &AnyCid, offset: u64, size: u32) {
        self.entries.push((block_key(cid), offset, size));
    }

    /// The bytes of the index. Of a block that is there twice the first place is kept.
    pub fn finish(mut self) -> Vec<u8> {
        self.entries.sort_unstable();
        self.entries.dedup_by_key(|entry| entry.0);
        let mut bytes = Vec::with_capacity(self.entries.len() * ENTRY_SIZE + TAIL_SIZE);
        let mut counts = [0_u32; 256];
        for (key, offset, size) in &self.entries {
            bytes.extend(key);
            bytes.extend(offset.to_le_bytes());
            bytes.extend(size.to_le_bytes());
            counts[usize::from(key[0])] += 1;
        }
        let mut sum = 0;
        for count in counts {
            sum += count;
            bytes.extend(sum.to_le_bytes());
        }
        bytes.extend(MAGIC);
        bytes
    }
}

/// The end of an index, enough to know which part of it to read for a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarIndex {
    /// Where the table begins.
    start: u64,
    /// Entries up to each first byte of a key.
    ends: Vec<u32>,
}

impl CarIndex {
    /// Bytes to read from the end of the object for [`CarIndex::open`].
    pub const TAIL_SIZE: u64 = TAIL_SIZE as u64;

    /// Reads the last [`CarIndex::TAIL_SIZE`] bytes of an object of this size.
    pub fn open(tail: &[u8], object_size: u64) -> Result<Self, IndexError> {
        let table = tail.strip_suffix(MAGIC).ok_or(IndexError)?;
        let (ends, rest) = table.as_chunks();
        let ends: Vec<u32> = ends.iter().map(|end| u32::from_le_bytes(*end)).collect();
        if !rest.is_empty() || ends.len() != 256 || !ends.is_sorted() {
            return Err(IndexError);
        }
        let size = u64::from(ends[255]) * ENTRY_SIZE as u64 + Self::TAIL_SIZE;
        let start = object_size.checked_sub(size).ok_or(IndexError)?;
        Ok(Self { start, ends })
    }

    /// Bytes of the archive before the index.
    pub fn archive_size(&self) -> u64 {
        self.start
    }

    /// The number of different blocks.
    pub fn blocks(&self) -> u32 {
        self.ends[255]
    }

    /// The part of the object that has the entry of a block if there is one. About 170 KB for a
    /// million blocks; empty if there is none.
    pub fn bucket(&self, key: &[u8; KEY_SIZE]) -> Range<u64> {
        let first = usize::from(key[0]);
        let before = first.checked_sub(1).map_or(0, |before| self.ends[before]);
        let place = |entry: u32| self.start + u64::from(entry) * ENTRY_SIZE as u64;
        place(before)..place(self.ends[first])
    }

    /// Finds a block in the bytes of its bucket: where in the object it lies.
    pub fn find(bucket: &[u8], key: &[u8; KEY_SIZE]) -> Option<Range<u64>> {
        let (entries, _) = bucket.as_chunks::<ENTRY_SIZE>();
        let at = entries
            .binary_search_by(|entry| entry[..KEY_SIZE].cmp(key))
            .ok()?;
        let place = &entries[at][KEY_SIZE..];
        let (offset, size) = place.split_first_chunk()?;
        let offset = u64::from_le_bytes(*offset);
        let size = u32::from_le_bytes(size.try_into().ok()?);
        Some(offset..offset.checked_add(u64::from(size))?)
    }
}

/// Bytes that are not the end of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an index of blocks")]
pub struct IndexError;
