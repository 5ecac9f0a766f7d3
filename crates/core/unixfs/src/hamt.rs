//! Directories over several blocks: a tree in which the hash of a name is the way to it.
//!
//! Each shard has a slot for each value of the next bits of the hash, highest bits first. A slot
//! holds an entry or, when several names fall into it, a further shard. Links are named by the slot
//! in hexadecimal, followed by the name of the entry.

use alephd_cid::AnyCid;

use crate::{Link, Malformed, entity::Data, node};

/// The number of the hash function of names, MurmurHash3 x64 of 64 bits.
const MURMUR3: u64 = 0x22;
/// Slots of a shard that is built here.
pub(crate) const FANOUT: u64 = 256;
/// Slots of a shard that is read. More would let a small block claim a huge table.
const MAX_FANOUT: u64 = 1024;

/// A block of a sharded directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard<'a> {
    /// Bits of the hash that choose a slot.
    pub bits: u32,
    /// The slots in use, ascending.
    pub links: Vec<ShardLink<'a>>,
}

/// A slot of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardLink<'a> {
    /// Its number.
    pub slot: u64,
    /// The name of the entry, empty for a further shard.
    pub name: &'a [u8],
    /// The entry or the shard.
    pub cid: AnyCid,
    /// Bytes of all blocks below, as the author says.
    pub tsize: Option<u64>,
}

impl<'a> Shard<'a> {
    pub(crate) fn of(links: Vec<Link<'a>>, entry: &Data<'a>) -> Result<Self, Malformed> {
        if entry.hash_type != Some(MURMUR3) {
            return Err(Malformed("shard has an unknown hash function"));
        }
        let fanout = entry.fanout.unwrap_or_default();
        if !fanout.is_power_of_two() || !(8..=MAX_FANOUT).contains(&fanout) {
            return Err(Malformed("shard has an impossible number of slots"));
        }
        let digits = prefix_digits(fanout);
        let mut shard = Self {
            bits: fanout.trailing_zeros(),
            links: Vec::with_capacity(links.len()),
        };
        let mut field = Bitfield::new();
        for link in links {
            let (slot, name) = link
                .name
                .split_at_checked(digits)
                .and_then(|(prefix, name)| Some((parse_slot(prefix)?, name)))
                .filter(|(slot, _)| *slot < fanout)
                .ok_or(Malformed("link of a shard has no slot"))?;
            if shard.links.last().is_some_and(|last| last.slot >= slot) {
                return Err(Malformed("slots of a shard are not in order"));
            }
            field.set(slot);
            shard.links.push(ShardLink {
                slot,
                name,
                cid: link.cid,
                tsize: link.tsize,
            });
        }
        // Readers that find links by counting bits and readers that look at names must agree.
        if field.trimmed() != trim(entry.data.unwrap_or_default()) {
            return Err(Malformed("bits of a shard are not those of its links"));
        }
        Ok(shard)
    }

    /// The link in the slot of a name whose hash is `hash`, at the given level.
    pub(crate) fn find(&self, hash: u64, level: u32) -> Result<Option<&ShardLink<'a>>, Malformed> {
        let slot = slot(hash, level, self.bits).ok_or(Malformed("shards are deeper than the hash"))?;
        let found = self.links.binary_search_by_key(&slot, |link| link.slot);
        Ok(found.ok().map(|at| &self.links[at]))
    }
}

/// The slot at a level, `None` when the hash has no more bits.
pub(crate) fn slot(hash: u64, level: u32, bits: u32) -> Option<u64> {
    let used = level.checked_mul(bits)?;
    (used + bits <= u64::BITS).then(|| hash << used >> (u64::BITS - bits))
}

/// Levels of shards that the hash can tell apart.
pub(crate) fn max_levels(bits: u32) -> u32 {
    u64::BITS / bits
}

/// Digits that a slot has in the name of a link.
fn prefix_digits(fanout: u64) -> usize {
    format!("{:X}", fanout - 1).len()
}

fn parse_slot(prefix: &[u8]) -> Option<u64> {
    prefix.iter().try_fold(0, |slot, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        Some(slot << 4 | u64::from(value))
    })
}

/// Which slots are in use: a number whose lowest bit is slot 0, highest byte first.
pub(crate) struct Bitfield([u8; MAX_FANOUT as usize / 8]);

impl Bitfield {
    pub(crate) fn new() -> Self {
        Self([0; MAX_FANOUT as usize / 8])
    }

    pub(crate) fn set(&mut self, slot: u64) {
        let byte = self.0.len() - 1 - (slot / 8) as usize;
        self.0[byte] |= 1 << (slot % 8);
    }

    /// The bytes from the first that is not zero.
    pub(crate) fn trimmed(&self) -> &[u8] {
        trim(&self.0)
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    &bytes[zeros..]
}

/// The data of a shard of [`FANOUT`] slots.
pub(crate) fn encode_data(field: &Bitfield) -> Vec<u8> {
    let mut data = vec![0x08, crate::entity::HAMT_SHARD as u8];
    node::push_bytes(&mut data, 0x12, field.trimmed());
    node::push_number(&mut data, 0x28, MURMUR3);
    node::push_number(&mut data, 0x30, FANOUT);
    data
}

/// The first half of MurmurHash3 x64 128 with seed 0.
pub(crate) fn hash(name: &[u8]) -> u64 {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let mix1 = |k: u64| k.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let mix2 = |k: u64| k.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let (mut h1, mut h2) = (0_u64, 0_u64);

    let (blocks, tail) = name.as_chunks::<16>();
    for block in blocks {
        let [k1, k2] = halves(block);
        h1 = (h1 ^ mix1(k1)).rotate_left(27).wrapping_add(h2);
        h1 = h1.wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 = (h2 ^ mix2(k2)).rotate_left(31).wrapping_add(h1);
        h2 = h2.wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    // Absent bytes count as zero, and a zero half mixes to zero.
    let mut last = [0; 16];
    last[..tail.len()].copy_from_slice(tail);
    let [k1, k2] = halves(&last);
    h1 ^= mix1(k1);
    h2 ^= mix2(k2);

    let length = name.len() as u64;
    h1 ^= length;
    h2 ^= length;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    finish(h1).wrapping_add(finish(h2))
}

fn halves(block: &[u8; 16]) -> [u64; 2] {
    let number = u128::from_le_bytes(*block);
    [number as u64, (number >> 64) as u64]
}

fn finish(mut h: u64) -> u64 {
    h = (h ^ h >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ h >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ h >> 33
}

#[cfg(test)]
mod tests;
