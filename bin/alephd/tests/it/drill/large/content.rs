//! A content of any size that nobody has to hold: each block is a random one with its number in
//! front.

use std::ops::Range;

use alephd_message::ItemHash;
use alephd_testkit::rng::Rng;
use sha2::{Digest as _, Sha256};

/// Bytes of a block.
const BLOCK: usize = 1 << 20;

/// A content.
pub(super) struct Content {
    block: Vec<u8>,
    size: u64,
    hash: ItemHash,
}

impl Content {
    pub(super) fn new(seed: u64, size: u64) -> Self {
        let mut rng = Rng::new(seed);
        let words = std::iter::repeat_with(|| rng.bits().to_le_bytes()).take(BLOCK / 8);
        Self::of(words.flatten().collect(), size)
    }

    fn of(block: Vec<u8>, size: u64) -> Self {
        let mut content = Self {
            block,
            size,
            hash: ItemHash::Sha256([0; 32]),
        };
        let mut hash = Sha256::new();
        content.each(0..size, |piece| {
            hash.update(piece);
            true
        });
        content.hash = ItemHash::Sha256(hash.finalize().into());
        content
    }

    /// The content of its first bytes.
    pub(super) fn prefix(&self, size: u64) -> Self {
        Self::of(self.block.clone(), size)
    }

    pub(super) fn hash(&self) -> &ItemHash {
        &self.hash
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Hands out a part of it, or of what would follow it, piece by piece, until somebody has enough.
    pub(super) fn each(&self, part: Range<u64>, mut take: impl FnMut(&[u8]) -> bool) {
        let mut block = self.block.clone();
        let mut at = part.start;
        while at < part.end {
            let (number, offset) = (at / BLOCK as u64, (at % BLOCK as u64) as usize);
            block[..8].copy_from_slice(&number.to_le_bytes());
            let length = (part.end - at).min((BLOCK - offset) as u64) as usize;
            if !take(&block[offset..offset + length]) {
                return;
            }
            at += length as u64;
        }
    }
}
