//! Listing the blocks of what is kept.

use alephd_blobs::Error as BlobError;
use alephd_cid::{AnyCid, Block, FileBuilder, Layout, Version};
use alephd_message::ItemHash;
use alephd_store::blocks::{BlockKey, BlockPlace};
use alephd_unixfs::car::{CarLimits, CarReader};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};

use crate::{
    Content, ContentError,
    content::{key, root},
};

/// Blocks of one archive that are listed: what a complete check takes.
const MOST_BLOCKS: u64 = 1_500_000;
/// Names compared at once.
const PAGE: u32 = 1_000;

/// The blocks of one file or archive.
pub(crate) type Places = Vec<(BlockKey, BlockPlace)>;

impl Content {
    /// Lists everything that is not listed, and forgets what is listed and gone. Meant to run beside
    /// a node that has started; what it has not reached is listed when it is asked for.
    ///
    /// Something that cannot be read is left out with a warning.
    pub async fn index_all(&self) -> Result<(), ContentError> {
        self.forget_gone().await?;
        let blobs = self.blobs().clone();
        self.index_names(blobs.list()).await?;
        self.index_names(blobs.list_archives()).await
    }

    async fn index_names(
        &self,
        mut names: impl Stream<Item = Result<(ItemHash, u64), BlobError>> + Unpin,
    ) -> Result<(), ContentError> {
        while let Some((name, _)) = names.try_next().await? {
            if let Err(error) = self.index_one(&name).await {
                tracing::warn!(%name, %error, "its blocks cannot be found by their own names");
            }
        }
        Ok(())
    }

    async fn forget_gone(&self) -> Result<(), ContentError> {
        let mut after = None;
        loop {
            let page = self.index().listed(after.as_ref(), PAGE)?;
            let Some(last) = page.last().cloned() else {
                return Ok(());
            };
            after = Some(last);
            let names = futures_util::stream::iter(page);
            let mut gone = std::pin::pin!(self.blobs().missing(names));
            while let Some(name) = gone.next().await {
                self.index().remove(&name?)?;
            }
        }
    }

    /// Lists the blocks of a name, if they are not listed. Whether they are listed by this call.
    pub async fn index_one(&self, name: &ItemHash) -> Result<bool, ContentError> {
        let Some(root) = root(name) else {
            return Ok(false);
        };
        if !self.blobs().exists(name).await? || self.index().is_listed(name)? {
            return Ok(false);
        }
        let _one_at_a_time = self.indexing().lock().await;
        if self.index().is_listed(name)? {
            return Ok(true);
        }
        let places = match self.blobs().size(name).await? {
            Some(_) => self.places_in_file(name, &root).await?,
            None => self.places_in_archive(name).await?,
        };
        self.index().add(name, places)?;
        Ok(true)
    }

    /// The blocks of a file that is kept as it is. Its CID does not tell how it was cut, so the
    /// layouts are tried.
    async fn places_in_file(&self, name: &ItemHash, root: &AnyCid) -> Result<Places, ContentError> {
        let layouts = match root.version() {
            Version::V0 => &[Layout::V0][..],
            Version::V1 => &[Layout::V1 { raw_leaves: true }, Layout::V1 { raw_leaves: false }],
        };
        for layout in layouts {
            let mut cutting = Cutting::default();
            let mut builder = FileBuilder::new(*layout);
            let mut reader = self.blobs().read(name, None).await?;
            while let Some(piece) = reader.try_next().await? {
                builder.update(&piece, &mut |block| cutting.take(block, *layout));
            }
            let found = builder.finish(&mut |block| cutting.take(block, *layout));
            if AnyCid::from(found.cid) == *root {
                return Ok(cutting.places);
            }
        }
        Err(ContentError::Damaged(name.clone()))
    }

    async fn places_in_archive(&self, name: &ItemHash) -> Result<Places, ContentError> {
        let damaged = || ContentError::Damaged(name.clone());
        let limits = CarLimits {
            blocks: MOST_BLOCKS,
            ..CarLimits::default()
        };
        let mut car = CarReader::new(limits);
        let mut places = Vec::new();
        let mut reader = self.blobs().read_archive(name, None).await?;
        while let Some(piece) = reader.try_next().await? {
            let mut rest = &piece[..];
            while let Some(block) = car.next(&mut rest).map_err(|_| damaged())? {
                push(&mut places, &block.cid, block.offset, block.bytes.len());
            }
        }
        car.finish().map_err(|_| damaged())?;
        Ok(places)
    }
}

/// Notes where a block lies that is kept as it is.
pub(crate) fn push(places: &mut Places, cid: &AnyCid, offset: u64, size: usize) {
    let size = u32::try_from(size).ok();
    if let (Some(key), Some(size)) = (key(cid), size) {
        places.push((key, BlockPlace::Bytes { offset, size }));
    }
}

/// A file on the way through the builder.
#[derive(Default)]
struct Cutting {
    places: Places,
    offset: u64,
}

impl Cutting {
    fn take(&mut self, block: &Block<'_>, layout: Layout) {
        let Some(key) = key(&block.cid().into()) else {
            return;
        };
        if !block.is_leaf() {
            self.places.push((key, BlockPlace::Here(block.to_vec())));
            return;
        }
        let (wrapped, size) = match layout {
            Layout::V1 { raw_leaves: true } => (false, block.size()),
            // Head, chunk, tail.
            _ => (true, block.pieces()[1].len()),
        };
        let offset = self.offset;
        self.offset += size as u64;
        let Ok(size) = u32::try_from(size) else {
            return;
        };
        let place = if wrapped {
            BlockPlace::Chunk { offset, size }
        } else {
            BlockPlace::Bytes { offset, size }
        };
        self.places.push((key, place));
    }
}
