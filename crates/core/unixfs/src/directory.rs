//! Listing a directory, block by block.

use alephd_cid::{AnyCid, Multicodec};

use crate::{Entity, Error, Kind, MAX_PENDING, Malformed, Shard, error::check, hamt};

/// A name in a directory and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name. Usually UTF-8; nothing ensures it.
    pub name: Vec<u8>,
    /// The root block of what it leads to.
    pub cid: AnyCid,
    /// Bytes of all blocks below, as the author of the directory says.
    pub tsize: Option<u64>,
}

impl Entry {
    /// What the name leads to, if that can be told without the block. [`Stat`](crate::Stat) tells
    /// it for the others.
    pub fn kind(&self) -> Option<Kind> {
        (self.cid.codec() == Multicodec::RAW).then_some(Kind::File)
    }
}

/// Lists a directory of either form.
///
/// Each block yields its entries: a plain directory all of them in their order, a sharded one those
/// of a shard, in the order of the hashes of names.
#[derive(Clone, Debug)]
pub struct DirectoryReader {
    /// Shards still to read, the next one last.
    pending: Vec<Pending>,
}

#[derive(Clone, Debug)]
struct Pending {
    cid: AnyCid,
    level: u32,
    /// The bits of hashes that lead here.
    prefix: u64,
    /// What a shard must have in common with the one above. The root has none above.
    bits: Option<u32>,
}

impl DirectoryReader {
    /// Starts to list the directory below `root`.
    pub fn new(root: AnyCid) -> Self {
        Self {
            pending: vec![Pending {
                cid: root,
                level: 0,
                prefix: 0,
                bits: None,
            }],
        }
    }

    /// The block to supply next; `None` when everything was listed.
    pub fn wanted(&self) -> Option<&AnyCid> {
        self.upcoming().next()
    }

    /// The blocks that will be wanted, as far as known, to fetch some in advance.
    pub fn upcoming(&self) -> impl Iterator<Item = &AnyCid> {
        self.pending.iter().rev().map(|pending| &pending.cid)
    }

    /// Takes the block that is wanted, and yields the entries in it.
    pub fn supply(&mut self, block: &[u8]) -> Result<Vec<Entry>, Error> {
        let next = self.pending.pop().ok_or(Error::NotWanted)?;
        check(&next.cid, block)?;
        match (Entity::decode(&next.cid, block)?, next.bits) {
            (Entity::Directory(links), None) => Ok(links
                .into_iter()
                .map(|link| Entry {
                    name: link.name.to_vec(),
                    cid: link.cid,
                    tsize: link.tsize,
                })
                .collect()),
            (Entity::Shard(shard), bits) if bits.is_none_or(|bits| bits == shard.bits) => {
                self.supply_shard(next, &shard)
            }
            (_, None) => Err(Error::NotADirectory {
                cid: next.cid,
                name: String::new(),
            }),
            (_, Some(_)) => Err(Error::Malformed {
                cid: next.cid,
                reason: Malformed("part of a sharded directory is no such part"),
            }),
        }
    }

    fn supply_shard(&mut self, at: Pending, shard: &Shard<'_>) -> Result<Vec<Entry>, Error> {
        let malformed = |reason| Error::Malformed {
            cid: at.cid.clone(),
            reason: Malformed(reason),
        };
        // An entry below each shard, and each entry where its hash says: so a few blocks that link
        // each other over and over cannot stand for an endless directory.
        if at.level > 0 && shard.links.is_empty() {
            return Err(malformed("part of a sharded directory is empty"));
        }
        let first = self.pending.len();
        let mut entries = Vec::with_capacity(shard.links.len());
        let used = (at.level + 1) * shard.bits;
        for link in &shard.links {
            let prefix = at.prefix << shard.bits | link.slot;
            if link.name.is_empty() {
                self.pending.push(Pending {
                    cid: link.cid.clone(),
                    level: at.level + 1,
                    prefix,
                    bits: Some(shard.bits),
                });
            } else if hamt::hash(link.name) >> (u64::BITS - used) == prefix {
                entries.push(Entry {
                    name: link.name.to_vec(),
                    cid: link.cid.clone(),
                    tsize: link.tsize,
                });
            } else {
                return Err(malformed("name is in a slot that is not of its hash"));
            }
        }
        let too_deep = self.pending.len() > first && at.level + 1 == hamt::max_levels(shard.bits);
        if too_deep || self.pending.len() > MAX_PENDING {
            return Err(Error::TooDeep(at.cid));
        }
        self.pending[first..].reverse();
        Ok(entries)
    }

    /// Leaves out everything below the next block.
    pub(crate) fn skip(&mut self) {
        self.pending.pop();
    }
}
