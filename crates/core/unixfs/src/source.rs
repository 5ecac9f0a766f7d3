//! The readers over a source of blocks that answers at once.

use std::{borrow::Cow, collections::HashMap};

use alephd_cid::{AnyCid, Block, Multihash};

use crate::{ByteRange, DirectoryReader, Entry, Error, FileReader, IpfsPath, Resolver, Stat, error::check};

/// Blocks by name.
pub trait BlockSource {
    /// Why a source fails.
    type Error;

    /// The bytes of a block, `None` if the source does not have it. They are checked by the reader.
    fn block(&self, cid: &AnyCid) -> Result<Option<Cow<'_, [u8]>>, Self::Error>;
}

/// Why something cannot be read from a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError<E> {
    /// A block is not there.
    #[error("block {0} is missing")]
    Missing(AnyCid),
    /// A block is not what it should be.
    #[error(transparent)]
    Tree(#[from] Error),
    /// The source failed.
    #[error("source of blocks failed")]
    Source(#[source] E),
}

/// Blocks in memory. All names of a block lead to it.
#[derive(Clone, Debug, Default)]
pub struct MemoryBlocks(HashMap<Multihash, Vec<u8>>);

impl MemoryBlocks {
    /// Adds a block. Usable as the sink of the builders.
    pub fn insert(&mut self, block: &Block<'_>) {
        self.insert_any(&block.cid().into(), block.to_vec());
    }

    /// Adds a block of any kind.
    pub fn insert_any(&mut self, cid: &AnyCid, bytes: Vec<u8>) {
        self.0.insert(cid.hash().clone(), bytes);
    }

    /// Forgets a block; whether it was there.
    pub fn remove(&mut self, cid: &AnyCid) -> bool {
        self.0.remove(cid.hash()).is_some()
    }

    /// The number of blocks.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no blocks.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl BlockSource for MemoryBlocks {
    type Error = std::convert::Infallible;

    fn block(&self, cid: &AnyCid) -> Result<Option<Cow<'_, [u8]>>, Self::Error> {
        Ok(self.0.get(cid.hash()).map(|bytes| Cow::Borrowed(&**bytes)))
    }
}

/// The bytes of a block, from its name if they are in it.
pub fn fetch<'a, S: BlockSource>(
    source: &'a S,
    cid: &'a AnyCid,
) -> Result<Cow<'a, [u8]>, SourceError<S::Error>> {
    if let Some(inline) = cid.inline() {
        return Ok(Cow::Borrowed(inline));
    }
    let block = source.block(cid).map_err(SourceError::Source)?;
    block.ok_or_else(|| SourceError::Missing(cid.clone()))
}

/// Follows a path.
pub fn resolve<S: BlockSource>(source: &S, path: IpfsPath) -> Result<AnyCid, SourceError<S::Error>> {
    let mut resolver = Resolver::new(path);
    loop {
        let Some(wanted) = resolver.wanted().cloned() else {
            let found = resolver.found().cloned();
            return found.ok_or(SourceError::Tree(Error::NotWanted));
        };
        resolver.supply(&fetch(source, &wanted)?)?;
    }
}

/// Reads a range of a file into `out`, piece by piece.
pub fn read<S: BlockSource>(
    source: &S,
    root: &AnyCid,
    range: ByteRange,
    mut out: impl FnMut(&[u8]),
) -> Result<(), SourceError<S::Error>> {
    let mut reader = FileReader::new(root.clone(), range);
    while let Some(wanted) = reader.wanted().cloned() {
        let block = fetch(source, &wanted)?;
        out(reader.supply(&block)?);
    }
    Ok(())
}

/// Lists a directory into `out`.
pub fn list<S: BlockSource>(
    source: &S,
    root: &AnyCid,
    mut out: impl FnMut(Entry),
) -> Result<(), SourceError<S::Error>> {
    let mut reader = DirectoryReader::new(root.clone());
    while let Some(wanted) = reader.wanted().cloned() {
        let block = fetch(source, &wanted)?;
        reader.supply(&block)?.into_iter().for_each(&mut out);
    }
    Ok(())
}

/// The facts of what a name leads to.
pub fn stat<S: BlockSource>(source: &S, cid: &AnyCid) -> Result<Stat, SourceError<S::Error>> {
    let block = fetch(source, cid)?;
    check(cid, &block)?;
    Ok(Stat::of(cid, &block)?)
}
