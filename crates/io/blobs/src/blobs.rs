//! The store itself: names, places, and the operations that take a name.

use std::{
    fmt,
    fs::File,
    hash::{BuildHasher, RandomState},
    ops::Range,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use alephd_cid::{Cid, Verifier, Version};
use alephd_message::ItemHash;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, local::LocalFileSystem, memory::InMemory, path::Path,
};
use tokio::task::JoinHandle;

use crate::{BlobConfig, BlobReader, BlobWriter, Error, hashes::Hashes, verify::Check};

/// Folder of complete files, one below it for each first byte of a digest.
pub(crate) const FILES: &str = "files";
/// Folder of archives, in the same order.
pub(crate) const ARCHIVES: &str = "archives";
/// Folder of uploads in parts.
pub(crate) const INCOMING: &str = "incoming";

/// Questions to the storage under way for [`Blobs::missing`]: enough to hide the way to a bucket.
const ASKED_AT_ONCE: usize = 16;

/// The blobs of a node. Clones share the same storage.
///
/// ```
/// use alephd_blobs::{BlobName, Blobs};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let blobs = Blobs::in_memory();
/// let mut writer = blobs.writer(1024);
/// writer.write(b"hello ").await?;
/// writer.write(b"world\n").await?;
/// let stored = writer.finish(BlobName::CidV0).await?;
/// assert_eq!(stored.name.to_string(), "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o");
/// assert_eq!(blobs.read_all(&stored.name, 1024).await?, "hello world\n");
/// # Ok::<(), alephd_blobs::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Blobs {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn ObjectStore>,
    kind: Kind,
    /// Distinguishes the uploads of this run from those of others in the same storage.
    run: u64,
    uploads: AtomicU64,
}

/// What differs between the storages beside the calls that they share.
enum Kind {
    Folder {
        root: PathBuf,
        /// Held, not used: see [`crate::folder`].
        _lock: File,
    },
    #[cfg(feature = "s3")]
    Bucket,
    Memory,
}

/// The storage may know keys, so nothing of it is printed.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Folder { root, .. } => write!(f, "folder {}", root.display()),
            #[cfg(feature = "s3")]
            Kind::Bucket => f.write_str("bucket"),
            Kind::Memory => f.write_str("memory"),
        }
    }
}

impl Blobs {
    /// Opens what the configuration names. Anything that an earlier run left half-written is
    /// removed first.
    pub async fn open(config: &BlobConfig) -> Result<Self, Error> {
        match config {
            BlobConfig::Folder { path } => Self::open_folder(path).await,
            #[cfg(feature = "s3")]
            BlobConfig::S3(config) => Ok(Self::over(crate::s3::open(config).await?, Kind::Bucket)),
            #[cfg(not(feature = "s3"))]
            BlobConfig::S3(_) => Err(Error::Config("this program was built without S3".into())),
        }
    }

    /// Opens a local folder, creating it if needed and removing what a crash left half-written.
    pub async fn open_folder(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let opening = tokio::task::spawn_blocking(move || {
            let _lock = crate::folder::prepare(&path)?;
            let store = LocalFileSystem::new_with_prefix(&path)?.with_fsync(true);
            Ok((store, Kind::Folder { root: path, _lock }))
        });
        let opened: Result<_, Error> = opening.await.map_err(|error| Error::Read(error.into()))?;
        let (store, kind) = opened?;
        Ok(Self::over(Arc::new(store), kind))
    }

    /// Keeps blobs in memory, for tests and throw-away nodes.
    pub fn in_memory() -> Self {
        Self::over(Arc::new(InMemory::new()), Kind::Memory)
    }

    fn over(store: Arc<dyn ObjectStore>, kind: Kind) -> Self {
        let run = RandomState::new().hash_one(0);
        Self {
            inner: Arc::new(Inner {
                store,
                kind,
                run,
                uploads: AtomicU64::new(0),
            }),
        }
    }

    /// Starts a blob of at most `limit` bytes, or of what the storage can hold in one object if
    /// that is less.
    pub fn writer(&self, limit: u64) -> BlobWriter {
        BlobWriter::new(self.clone(), limit.min(self.largest()), Hashes::default())
    }

    /// Starts a blob whose only name is its SHA-256, at half the work of [`Blobs::writer`].
    pub fn writer_sha256(&self, limit: u64) -> BlobWriter {
        BlobWriter::new(self.clone(), limit.min(self.largest()), Hashes::sha256())
    }

    /// Starts a blob whose only name is its version 0 CID, at half the work of [`Blobs::writer`].
    pub fn writer_cid_v0(&self, limit: u64) -> BlobWriter {
        BlobWriter::new(self.clone(), limit.min(self.largest()), Hashes::cid_v0())
    }

    /// Starts a blob that is not hashed: for an archive, whose blocks the caller checks one by one.
    pub fn archive_writer(&self, limit: u64) -> BlobWriter {
        BlobWriter::new(self.clone(), limit.min(self.largest()), Hashes::none())
    }

    /// Starts a blob that is expected to be `name`, for
    /// [`BlobName::Exactly`](crate::BlobName::Exactly).
    ///
    /// It computes what it takes to check that name, which may be more or less than
    /// [`Blobs::writer`] does, and refuses a name that no content can have before anything is
    /// fetched for it.
    pub fn writer_for(&self, name: &ItemHash, limit: u64) -> Result<BlobWriter, Error> {
        location(name).ok_or_else(|| Error::BadName(name.clone()))?;
        let hashes = match as_cid(name) {
            None => Hashes::sha256(),
            Some(cid) if cid.version() == Version::V1 => Hashes::checking(Verifier::new(&cid)),
            Some(_) => Hashes::default(),
        };
        Ok(BlobWriter::new(self.clone(), limit.min(self.largest()), hashes))
    }

    /// Whether there is a blob of this name, or an archive of the tree that it names.
    pub async fn exists(&self, name: &ItemHash) -> Result<bool, Error> {
        Ok(self.size(name).await?.is_some() || self.archive_size(name).await?.is_some())
    }

    /// Bytes in the blob of this name, `None` if there is no such blob.
    pub async fn size(&self, name: &ItemHash) -> Result<Option<u64>, Error> {
        self.size_at(location(name)).await
    }

    /// Bytes in the archive of the tree below this name, `None` if there is no archive.
    pub async fn archive_size(&self, root: &ItemHash) -> Result<Option<u64>, Error> {
        self.size_at(archive_location(root)).await
    }

    async fn size_at(&self, location: Option<Path>) -> Result<Option<u64>, Error> {
        let Some(location) = location else {
            return Ok(None);
        };
        match self.store().head(&location).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a blob or a part of it.
    ///
    /// A range that ends past the blob is cut to its end; one that is empty or begins past the end
    /// is [`Error::Range`].
    pub async fn read(&self, name: &ItemHash, range: Option<Range<u64>>) -> Result<BlobReader, Error> {
        let location = location(name).ok_or(Error::NotFound)?;
        BlobReader::open(&**self.store(), &location, range).await
    }

    /// Reads the archive of a tree or a part of it, as [`Blobs::read`] does a blob.
    pub async fn read_archive(
        &self,
        root: &ItemHash,
        range: Option<Range<u64>>,
    ) -> Result<BlobReader, Error> {
        let location = archive_location(root).ok_or(Error::NotFound)?;
        BlobReader::open(&**self.store(), &location, range).await
    }

    /// Reads a whole blob and compares it with its name on the way.
    ///
    /// The last piece is held back until everything has been hashed; if the content is another
    /// one, [`Error::Damaged`] takes its place. So whoever got all the pieces has the blob, and
    /// whoever passes them on as they come, with the length announced, passes on too few rather
    /// than wrong ones.
    pub async fn read_verified(&self, name: &ItemHash) -> Result<BlobReader, Error> {
        let check = Check::new(name).ok_or(Error::NotFound)?;
        Ok(self.read(name, None).await?.verified(name.clone(), check))
    }

    /// Reads a whole blob into memory, unless it has more than `limit` bytes.
    pub async fn read_all(&self, name: &ItemHash, limit: u64) -> Result<Bytes, Error> {
        let mut reader = self.read(name, None).await?;
        if reader.size() > limit {
            return Err(Error::TooLarge { limit });
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = reader.try_next().await? {
            if bytes.is_empty() && chunk.len() as u64 == reader.size() {
                return Ok(chunk);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    /// Deletes the blob and the archive of this name; deleting what is not there succeeds.
    pub async fn delete(&self, name: &ItemHash) -> Result<(), Error> {
        for location in [location(name), archive_location(name)].into_iter().flatten() {
            match self.store().delete(&location).await {
                Err(object_store::Error::NotFound { .. }) => {}
                result => result?,
            }
        }
        Ok(())
    }

    /// The names and sizes of all blobs, in no order, for comparison with what should be there.
    /// Blobs written or deleted meanwhile may or may not appear.
    pub fn list(&self) -> BoxStream<'static, Result<(ItemHash, u64), Error>> {
        self.list_in(FILES, location)
    }

    /// The roots and sizes of all archives, as [`Blobs::list`] has the blobs.
    pub fn list_archives(&self) -> BoxStream<'static, Result<(ItemHash, u64), Error>> {
        self.list_in(ARCHIVES, archive_location)
    }

    fn list_in(
        &self,
        folder: &str,
        place: fn(&ItemHash) -> Option<Path>,
    ) -> BoxStream<'static, Result<(ItemHash, u64), Error>> {
        let found = self.store().list(Some(&Path::from(folder))).map_err(Error::from);
        let named = found.try_filter_map(move |meta| async move { Ok(held(&meta, place)) });
        named.boxed()
    }

    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.inner.store
    }

    /// Which of `names` there is no blob of. Names are asked for some at a time, so `names` may be
    /// as long as it likes.
    pub fn missing<'a>(
        &'a self,
        names: impl Stream<Item = ItemHash> + Send + 'a,
    ) -> impl Stream<Item = Result<ItemHash, Error>> + Send + 'a {
        let asked = names.map(move |name| async move {
            let exists = self.exists(&name).await?;
            Ok((!exists).then_some(name))
        });
        asked
            .buffered(ASKED_AT_ONCE)
            .try_filter_map(|name| async { Ok(name) })
    }

    /// Bytes in the largest blob that the storage takes.
    fn largest(&self) -> u64 {
        match self.inner.kind {
            #[cfg(feature = "s3")]
            Kind::Bucket => crate::s3::LARGEST,
            _ => u64::MAX,
        }
    }

    /// Whether every error of the storage is an error of one blob, as on a disk with a bad sector.
    pub(crate) fn fails_by_blob(&self) -> bool {
        match self.inner.kind {
            Kind::Folder { .. } | Kind::Memory => true,
            #[cfg(feature = "s3")]
            Kind::Bucket => false,
        }
    }

    /// Starts to bring an upload in parts to the disk. `None` if there is no disk.
    pub(crate) fn flush(&self, upload: &Path) -> Option<JoinHandle<()>> {
        let Kind::Folder { root, .. } = &self.inner.kind else {
            return None;
        };
        let (root, upload) = (root.clone(), upload.to_string());
        Some(tokio::task::spawn_blocking(move || {
            crate::folder::flush(&root, &upload);
        }))
    }

    /// Removes an upload in parts that could not be ended, as far as possible.
    pub(crate) async fn discard(&self, upload: &Path) {
        let _ = self.store().delete(upload).await;
        if let Kind::Folder { root, .. } = &self.inner.kind {
            let (root, upload) = (root.clone(), upload.to_string());
            let _ = tokio::task::spawn_blocking(move || crate::folder::discard(&root, &upload)).await;
        }
    }

    /// A place for an upload that no other upload uses.
    pub(crate) fn incoming(&self) -> Path {
        let upload = self.inner.uploads.fetch_add(1, Ordering::Relaxed);
        Path::from(format!("{INCOMING}/{:016x}-{upload}", self.inner.run))
    }
}

/// The blob that an object is, if its name has that place. Whatever an operator put between the
/// files is none.
pub(crate) fn held(meta: &ObjectMeta, place: fn(&ItemHash) -> Option<Path>) -> Option<(ItemHash, u64)> {
    let name = meta.location.filename().and_then(ItemHash::parse_strict)?;
    (place(&name).as_ref() == Some(&meta.location)).then_some((name, meta.size))
}

/// Where the blob of this name lies, or `None` if no content can have the name.
///
/// Names come from strangers. Only a SHA-256 or a text that is a CID in every character gets a
/// place, so a place never has a separator, a dot or a `#` from outside.
pub(crate) fn location(name: &ItemHash) -> Option<Path> {
    let first = match name {
        ItemHash::Sha256(digest) => digest[0],
        ItemHash::Text(_) => as_cid(name)?.digest()[0],
    };
    Some(Path::from(format!("{FILES}/{first:02x}/{name}")))
}

/// Where the archive of the tree below this name lies; a SHA-256 names no tree.
pub(crate) fn archive_location(root: &ItemHash) -> Option<Path> {
    let first = as_cid(root)?.digest()[0];
    Some(Path::from(format!("{ARCHIVES}/{first:02x}/{root}")))
}

/// The CID that the name is.
pub(crate) fn as_cid(name: &ItemHash) -> Option<Cid> {
    match name {
        ItemHash::Sha256(_) => None,
        // Names made from a database key may have any text, so the shape is tested again.
        ItemHash::Text(text) => ItemHash::parse_strict(text)?.to_string().parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_content_have_a_place() {
        let place = |text: &str| {
            let name = ItemHash::from_key(text.as_bytes()).expect("text");
            location(&name).map(|place| place.to_string())
        };
        let digest = ItemHash::parse_strict(&"1e".repeat(32)).expect("digest");
        assert_eq!(location(&digest).unwrap().as_ref(), format!("files/1e/{digest}"));
        let cid = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o";
        assert_eq!(place(cid), Some(format!("files/46/{cid}")));

        for text in [
            "",
            "Qm",
            "../lock",
            &cid[..45],
            &format!("{cid}#1"),
            &"../".repeat(22)[..64],
        ] {
            assert_eq!(place(text), None, "{text}");
        }
        // Lenient shapes, as an envelope may have them.
        assert_eq!(place(&"E3".repeat(32)), None);
        assert_eq!(place(&format!("Qm/../{}", "a".repeat(40))), None);
        // Strict shape, yet no CID: another codec, bits left over.
        assert_eq!(place(&format!("bafy{}", "r".repeat(55))), None);
        assert_eq!(
            place("bafybeif7ztnhq65lumvvtr4ekcwd2ifwgm3awq4zfr3srh462rwyinlb4z"),
            None
        );
        // The CID of a raw block is not a name on the network.
        assert_eq!(
            place("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
            None
        );
    }
}
