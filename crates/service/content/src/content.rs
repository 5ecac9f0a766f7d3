//! The handle, and how a block is found.

use std::sync::Arc;

use alephd_blobs::{Blobs, Error as BlobError};
use alephd_cid::{AnyCid, Cid, Codec, FileBuilder, Layout, Multicodec};
use alephd_message::ItemHash;
use alephd_store::{
    BlockIndex,
    blocks::{BlockKey, BlockPlace, BlockRow, KEY_SIZE},
};
use alephd_unixfs::{Kind, MAX_BLOCK_SIZE, Stat};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use tokio::sync::Mutex;

use crate::ContentError;

/// What is kept under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// A file or a directory.
    pub kind: Kind,
    /// Bytes of a file; of a directory those of all its blocks, as its root says.
    pub size: u64,
}

impl From<Stat> for Facts {
    fn from(stat: Stat) -> Self {
        let size = match stat.kind {
            Kind::File | Kind::Symlink => stat.size,
            Kind::Directory => stat.cumulative_size,
        };
        Self {
            kind: stat.kind,
            size,
        }
    }
}

/// The content of a node. Cheap to clone.
#[derive(Clone)]
pub struct Content {
    inner: Arc<Inner>,
}

struct Inner {
    blobs: Blobs,
    index: BlockIndex,
    /// Held while something is indexed: one at a time, and nothing twice.
    indexing: Mutex<()>,
}

impl Content {
    /// Puts files and index together.
    pub fn new(blobs: Blobs, index: BlockIndex) -> Self {
        Self {
            inner: Arc::new(Inner {
                blobs,
                index,
                indexing: Mutex::new(()),
            }),
        }
    }

    /// The files and archives.
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    pub(crate) fn index(&self) -> &BlockIndex {
        &self.inner.index
    }

    pub(crate) fn indexing(&self) -> &Mutex<()> {
        &self.inner.indexing
    }

    /// What is kept under a name of the network; `None` if nothing is.
    pub async fn facts(&self, name: &ItemHash) -> Result<Option<Facts>, ContentError> {
        if let Some(size) = self.blobs().size(name).await? {
            return Ok(Some(Facts {
                kind: Kind::File,
                size,
            }));
        }
        match (self.blobs().archive_size(name).await?, root(name)) {
            (Some(_), Some(cid)) => Ok(Some(self.stat(&cid).await?.into())),
            _ => Ok(None),
        }
    }

    /// The file that lies in the blobs as it is and has this block as its root: its name and size.
    pub async fn plain_file(&self, cid: &AnyCid) -> Result<Option<(ItemHash, u64)>, ContentError> {
        for name in names(cid) {
            if let Some(size) = self.blobs().size(&name).await? {
                return Ok(Some((name, size)));
            }
        }
        Ok(None)
    }

    /// A block, checked against its name.
    pub async fn block(&self, cid: &AnyCid) -> Result<Bytes, ContentError> {
        if let Some(inline) = cid.inline() {
            return Ok(Bytes::copy_from_slice(inline));
        }
        let missing = || ContentError::Missing(cid.clone());
        let key = key(cid).ok_or_else(missing)?;
        if let Some(block) = self.listed_block(cid, &key).await? {
            return Ok(block);
        }
        // The root of something that is not listed yet.
        let mut listed_now = false;
        for name in names(cid) {
            listed_now |= self.index_one(&name).await?;
        }
        if !listed_now {
            return Err(missing());
        }
        self.listed_block(cid, &key).await?.ok_or_else(missing)
    }

    async fn listed_block(&self, cid: &AnyCid, key: &BlockKey) -> Result<Option<Bytes>, ContentError> {
        for row in self.index().find(key)? {
            match self.place(cid, &row).await? {
                Some(block) if cid.check(&block).is_ok() => return Ok(Some(block)),
                // Names are compared by their beginning only, and anybody can ask for one that begins
                // like another: no reason to doubt the index.
                Some(_) => {}
                // Deleted since.
                None => self.index().remove(&row.holder)?,
            }
        }
        Ok(None)
    }

    /// What lies where the index says; `None` if there is no such place any more.
    async fn place(&self, cid: &AnyCid, row: &BlockRow) -> Result<Option<Bytes>, ContentError> {
        let (offset, size) = match &row.place {
            BlockPlace::Here(block) => return Ok(Some(Bytes::copy_from_slice(block))),
            BlockPlace::Bytes { offset, size } | BlockPlace::Chunk { offset, size } => (*offset, *size),
        };
        let size = (size as usize).min(MAX_BLOCK_SIZE);
        let is_chunk = matches!(row.place, BlockPlace::Chunk { .. });
        // A chunk of no bytes is the whole of an empty file.
        let bytes = if size == 0 {
            Bytes::new()
        } else {
            let range = Some(offset..offset.saturating_add(size as u64));
            let reader = match self.blobs().read(&row.holder, range.clone()).await {
                Err(BlobError::NotFound) if !is_chunk => self.blobs().read_archive(&row.holder, range).await,
                reader => reader,
            };
            match reader {
                Ok(mut reader) => {
                    let mut bytes = BytesMut::with_capacity(size);
                    while let Some(piece) = reader.try_next().await? {
                        bytes.extend_from_slice(&piece);
                    }
                    bytes.freeze()
                }
                Err(BlobError::NotFound | BlobError::Range { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        };
        Ok(Some(if is_chunk { wrapped(cid, &bytes) } else { bytes }))
    }
}

/// The block of a chunk. The layout is that of the block's version.
fn wrapped(cid: &AnyCid, chunk: &[u8]) -> Bytes {
    let layout = match cid.file() {
        Some(cid) if cid.codec() == Codec::Raw => return Bytes::copy_from_slice(chunk),
        // The bytes of a wrapped chunk are the same in both versions.
        _ => Layout::V0,
    };
    let mut block = Vec::new();
    let mut builder = FileBuilder::new(layout);
    let mut keep = |built: &alephd_cid::Block<'_>| block = built.to_vec();
    builder.update(chunk, &mut keep);
    builder.finish(&mut keep);
    block.into()
}

/// By what a block is listed: the same for all its names. `None` if nobody could check it.
pub(crate) fn key(cid: &AnyCid) -> Option<BlockKey> {
    cid.hash().digest().get(..KEY_SIZE)?.try_into().ok()
}

/// The names on the network that a tree with this root can have.
pub(crate) fn names(cid: &AnyCid) -> impl Iterator<Item = ItemHash> + use<> {
    let digest = cid
        .file()
        .filter(|cid| cid.codec() == Codec::DagPb)
        .map(|cid| *cid.digest());
    let texts = digest.map(|digest| [Cid::v0(digest), Cid::v1(Codec::DagPb, digest)]);
    let texts = texts.into_iter().flatten();
    texts.filter_map(|cid| ItemHash::parse_strict(&cid.to_string()))
}

/// The root block of what a name leads to; `None` for a SHA-256.
pub(crate) fn root(name: &ItemHash) -> Option<AnyCid> {
    let cid: AnyCid = match name {
        ItemHash::Sha256(_) => return None,
        ItemHash::Text(text) => text.parse().ok()?,
    };
    (cid.codec() == Multicodec::DAG_PB).then_some(cid)
}
