//! Paths, files, listings and archives over the blocks of a node.

use std::{collections::VecDeque, fmt, ops::Range};

use alephd_cid::AnyCid;
use alephd_message::ItemHash;
use alephd_unixfs::{
    ByteRange, DirectoryReader, Entry, Export, ExportOptions, FileReader, IpfsPath, Resolver, Stat,
    car::{encode_header, section_head},
};
use bytes::{Bytes, BytesMut};
use futures_util::{
    Stream, StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};

use crate::{Content, ContentError, content::root};

/// A part of a file, or all of it.
pub struct FileStream {
    /// Bytes of the whole file.
    pub size: u64,
    /// The part that comes.
    pub range: Range<u64>,
    /// Its bytes in order, in pieces.
    pub bytes: BoxStream<'static, Result<Bytes, ContentError>>,
}

impl fmt::Debug for FileStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStream")
            .field("size", &self.size)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// The entries of a directory.
pub type EntryStream = BoxStream<'static, Result<Entry, ContentError>>;

impl Content {
    /// Follows a path.
    pub async fn resolve(&self, path: IpfsPath) -> Result<AnyCid, ContentError> {
        let mut resolver = Resolver::new(path);
        while let Some(wanted) = resolver.wanted() {
            let block = self.block(wanted).await?;
            resolver.supply(&block)?;
        }
        let found = resolver.found().cloned();
        found.ok_or_else(|| alephd_unixfs::Error::NotWanted.into())
    }

    /// The facts that a root block tells.
    pub async fn stat(&self, cid: &AnyCid) -> Result<Stat, ContentError> {
        Ok(Stat::of(cid, &self.block(cid).await?)?)
    }

    /// Reads the file of a name of the network, or a part of it; `None` if it is not here.
    pub async fn read(&self, name: &ItemHash, range: ByteRange) -> Result<Option<FileStream>, ContentError> {
        if let Some(size) = self.blobs().size(name).await? {
            return Ok(Some(self.plain(name, size, range).await?));
        }
        match (self.blobs().archive_size(name).await?, root(name)) {
            (Some(_), Some(cid)) => Ok(Some(self.file(&cid, range).await?)),
            _ => Ok(None),
        }
    }

    async fn plain(&self, name: &ItemHash, size: u64, range: ByteRange) -> Result<FileStream, ContentError> {
        let range = range.within(size);
        let bytes = if range.is_empty() {
            stream::empty().boxed()
        } else {
            let reader = self.blobs().read(name, Some(range.clone())).await?;
            reader.map_err(ContentError::from).boxed()
        };
        Ok(FileStream { size, range, bytes })
    }

    /// Reads a file or a part of it. A part that the file does not have is empty.
    pub async fn file(&self, cid: &AnyCid, range: ByteRange) -> Result<FileStream, ContentError> {
        if let Some((name, size)) = self.plain_file(cid).await? {
            return self.plain(&name, size, range).await;
        }
        let mut reader = FileReader::new(cid.clone(), range);
        let first = self.block(cid).await?;
        let head = first.slice_ref(reader.supply(&first)?);
        let size = reader.size().unwrap_or_default();
        let range = reader.range().unwrap_or_default();
        let rest = stream::try_unfold((self.clone(), reader), |(content, mut reader)| async move {
            let Some(wanted) = reader.wanted() else {
                return Ok::<_, ContentError>(None);
            };
            let block = content.block(wanted).await?;
            let piece = block.slice_ref(reader.supply(&block)?);
            Ok(Some((piece, (content, reader))))
        });
        let pieces = stream::once(async move { Ok(head) }).chain(rest);
        // Nodes have no bytes of their own.
        let bytes = pieces.try_filter(|piece| std::future::ready(!piece.is_empty()));
        Ok(FileStream {
            size,
            range,
            bytes: bytes.boxed(),
        })
    }

    /// Lists a directory, in the order of its blocks. That it is none shows at the first entry.
    pub fn entries(&self, cid: &AnyCid) -> EntryStream {
        let start = (self.clone(), DirectoryReader::new(cid.clone()), VecDeque::new());
        let listing = stream::try_unfold(start, |(content, mut reader, mut ready)| async move {
            loop {
                if let Some(entry) = ready.pop_front() {
                    return Ok(Some((entry, (content, reader, ready))));
                }
                let Some(wanted) = reader.wanted() else {
                    return Ok(None);
                };
                let block = content.block(wanted).await?;
                ready.extend(reader.supply(&block)?);
            }
        });
        listing.boxed()
    }

    /// An archive of the blocks that were asked for. Its first piece is its header.
    ///
    /// The blocks on the path and the first of what it leads to are looked up before this returns,
    /// so that what is missing there is an error and not a broken answer; an archive that would get
    /// longer than `limit` breaks off.
    pub async fn export(
        &self,
        path: IpfsPath,
        options: ExportOptions,
        limit: u64,
    ) -> Result<impl Stream<Item = Result<Bytes, ContentError>> + Send + use<>, ContentError> {
        let mut export = Export::new(path, options);
        let mut proof = BytesMut::new();
        let root = loop {
            let Some(wanted) = export.wanted().cloned() else {
                break None;
            };
            let is_root = export.found().is_some();
            let block = self.block(&wanted).await?;
            if export.supply(&block)? {
                push_section(&mut proof, &wanted, &block);
            }
            if is_root {
                break Some(wanted);
            }
        };
        let mut head = BytesMut::from(&encode_header(root.as_slice())[..]);
        head.extend_from_slice(&proof);
        let sent = head.len() as u64;
        let rest = stream::try_unfold(
            (self.clone(), export, sent),
            move |(content, mut export, sent)| async move {
                loop {
                    let Some(wanted) = export.wanted().cloned() else {
                        return Ok(None);
                    };
                    let block = content.block(&wanted).await?;
                    if export.supply(&block)? {
                        let mut section = BytesMut::new();
                        push_section(&mut section, &wanted, &block);
                        let sent = sent + section.len() as u64;
                        if sent > limit {
                            return Err(ContentError::TooLarge(limit));
                        }
                        return Ok(Some((section.freeze(), (content, export, sent))));
                    }
                }
            },
        );
        Ok(stream::once(async move { Ok(head.freeze()) }).chain(rest))
    }
}

fn push_section(out: &mut BytesMut, cid: &AnyCid, block: &[u8]) {
    out.extend_from_slice(&section_head(cid, block.len()));
    out.extend_from_slice(block);
}
