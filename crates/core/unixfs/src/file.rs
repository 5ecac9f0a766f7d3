//! Reading a file, or a part of one, block by block.

use std::ops::Range;

use alephd_cid::AnyCid;

use crate::{Entity, Error, MAX_FILE_DEPTH, MAX_PENDING, Malformed, error::check};

/// The part of a file that is wanted. Which bytes it is can depend on the size, known only when the
/// root block is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// These bytes, as far as the file has them.
    Bytes(Range<u64>),
    /// From the first to the last position, both included. A negative position counts from the end,
    /// no last position means the end.
    Positions(i64, Option<i64>),
}

impl ByteRange {
    /// The whole file.
    pub const ALL: Self = Self::Bytes(0..u64::MAX);

    /// Reads the parameter `entity-bytes` of a gateway: `from:to`, where `to` can be `*`.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once(':')?;
        let to = match to {
            "*" => None,
            to => Some(to.parse().ok()?),
        };
        Some(Self::Positions(from.parse().ok()?, to))
    }

    /// The bytes meant, in a file of this size; empty if it has none of them.
    pub fn within(&self, size: u64) -> Range<u64> {
        let (start, end) = match *self {
            Self::Bytes(Range { start, end }) => (start, end.min(size)),
            Self::Positions(from, to) => {
                let position = |position: i64| match position {
                    ..0 => i128::from(size) + i128::from(position),
                    _ => i128::from(position),
                };
                let end = to.map_or(i128::from(size), |to| position(to) + 1);
                let clamp = |position: i128| position.clamp(0, i128::from(size)) as u64;
                (clamp(position(from)), clamp(end))
            }
        };
        if start < end { start..end } else { 0..0 }
    }
}

/// Reads a range of a file.
///
/// The root block is always read. After it, only blocks that hold bytes of the range are wanted, and
/// each yields its bytes in their order. What is remembered between blocks are the links of the
/// nodes above the next one.
#[derive(Clone, Debug)]
pub struct FileReader {
    range: ByteRange,
    /// The bytes meant by `range`; the root tells.
    wanted: Range<u64>,
    size: Option<u64>,
    /// Blocks still to read, the next one last.
    pending: Vec<Pending>,
}

#[derive(Clone, Debug)]
struct Pending {
    cid: AnyCid,
    /// Where in the file it begins, and where it must end. The root has no end that is known.
    start: u64,
    end: Option<u64>,
    depth: u8,
}

impl FileReader {
    /// Starts to read the file below `root`.
    pub fn new(root: AnyCid, range: ByteRange) -> Self {
        Self {
            range,
            wanted: 0..0,
            size: None,
            pending: vec![Pending {
                cid: root,
                start: 0,
                end: None,
                depth: 0,
            }],
        }
    }

    /// The block to supply next; `None` when everything was read.
    pub fn wanted(&self) -> Option<&AnyCid> {
        self.upcoming().next()
    }

    /// The blocks that will be wanted, as far as known, to fetch some in advance. Those that turn
    /// out to be nodes put theirs before the rest.
    pub fn upcoming(&self) -> impl Iterator<Item = &AnyCid> {
        self.pending.iter().rev().map(|pending| &pending.cid)
    }

    /// Bytes of the whole file, once the root was supplied.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The bytes that will be yielded in all, once the root was supplied.
    pub fn range(&self) -> Option<Range<u64>> {
        self.size.map(|_| self.wanted.clone())
    }

    /// Takes the block that is wanted, and yields the bytes of the range in it.
    pub fn supply<'a>(&mut self, block: &'a [u8]) -> Result<&'a [u8], Error> {
        let next = self.pending.pop().ok_or(Error::NotWanted)?;
        check(&next.cid, block)?;
        let malformed = |reason| Error::Malformed {
            cid: next.cid.clone(),
            reason: Malformed(reason),
        };
        let Entity::File(file) = Entity::decode(&next.cid, block)? else {
            return Err(match next.end {
                None => Error::NotAFile(next.cid),
                Some(_) => malformed("part of a file is not a file"),
            });
        };
        match next.end {
            None => {
                self.size = Some(file.size);
                self.wanted = self.range.within(file.size);
            }
            Some(end) if end - next.start == file.size => {}
            Some(_) => return Err(malformed("part of a file has another size than its parent says")),
        }

        let from_data = overlap(&self.wanted, next.start, file.data.len() as u64);
        let first = self.pending.len();
        let mut start = next.start + file.data.len() as u64;
        for (cid, size) in file.parts {
            // Empty parts hold nothing, so a reader is never led through them.
            if overlap(&self.wanted, start, size).is_some() {
                self.pending.push(Pending {
                    cid,
                    start,
                    end: Some(start + size),
                    depth: next.depth + 1,
                });
            }
            start += size;
        }
        let too_deep = self.pending.len() > first && next.depth == MAX_FILE_DEPTH;
        if too_deep || self.pending.len() > MAX_PENDING {
            return Err(Error::TooDeep(next.cid));
        }
        self.pending[first..].reverse();
        Ok(from_data.map_or(&[], |range| &file.data[range]))
    }

    /// Whether all bytes below the next block are wanted.
    pub(crate) fn is_whole(&self) -> bool {
        let next = self.pending.last();
        next.is_some_and(|next| {
            let end = next.end.unwrap_or(u64::MAX);
            self.wanted.start <= next.start && end <= self.wanted.end
        })
    }

    /// Leaves out everything below the next block.
    pub(crate) fn skip(&mut self) {
        self.pending.pop();
    }
}

/// The part of `size` bytes at `start` that lies in `wanted`.
fn overlap(wanted: &Range<u64>, start: u64, size: u64) -> Option<Range<usize>> {
    let from = wanted.start.max(start);
    let to = wanted.end.min(start + size);
    (from < to).then(|| (from - start) as usize..(to - start) as usize)
}
