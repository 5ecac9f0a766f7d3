//! Writing: parts go out as they fill up, the name comes last.

use std::fmt;

use alephd_cid::Cid;
use alephd_message::ItemHash;
use bytes::{Bytes, BytesMut};
use object_store::{MultipartUpload, ObjectStoreExt, path::Path};
use tokio::task::JoinHandle;

use crate::{
    Blobs, Error,
    blobs::{archive_location, as_cid, location},
    hashes::{Hashes, Names},
};

/// Bytes in a part of an upload. Smaller blobs are written in one piece. It is the least that
/// S3 accepts as a part, so that the same code serves it.
pub const PART_SIZE: usize = 5 * 1024 * 1024;

/// Parts after which a folder brings them to the disk while the next ones come: the end of a large
/// blob then waits for little, and no upload fills the cache of the system with more than twice
/// this, 160 MiB, that the disk has not taken yet.
const FLUSHED_PARTS: usize = 16;

/// The name under which a finished content is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobName {
    /// Its SHA-256.
    Sha256,
    /// Its version 0 CID, as `ipfs add` names it, if the writer computes it.
    CidV0,
    /// This name, which the content must have, else [`Error::Mismatch`].
    Exactly(ItemHash),
    /// None of its own: it is an archive of the tree below this root, found under that name by
    /// [`Blobs::read_archive`] alone. Unchecked: the caller has proved that the archive is whole.
    Archive(ItemHash),
}

/// A blob that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The name it can be read by.
    pub name: ItemHash,
    /// Its SHA-256, unless the writer was one for something else alone.
    pub sha256: Option<ItemHash>,
    /// Its version 0 CID, unless the writer was one for something else alone.
    pub cid_v0: Option<Cid>,
    /// Its size in bytes.
    pub size: u64,
}

/// A blob being written.
///
/// Dropping it removes what was written. A call to [`BlobWriter::write`] that fails or is
/// cancelled loses the blob: every later call is [`Error::Interrupted`], so that a content with a
/// hole is never finished.
#[must_use = "nothing is stored before `finish`"]
pub struct BlobWriter {
    blobs: Blobs,
    limit: u64,
    size: u64,
    /// The part being filled.
    part: BytesMut,
    /// `None` after an interruption.
    hashes: Option<Hashes>,
    /// From the second part on.
    upload: Option<Upload>,
}

struct Upload {
    location: Path,
    parts: Box<dyn MultipartUpload>,
    /// Parts sent since the last flush began.
    unflushed: usize,
    flush: Option<JoinHandle<()>>,
}

impl BlobWriter {
    pub(crate) fn new(blobs: Blobs, limit: u64, hashes: Hashes) -> Self {
        Self {
            blobs,
            limit,
            size: 0,
            part: BytesMut::new(),
            hashes: Some(hashes),
            upload: None,
        }
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next bytes. Waits for the storage when a part is full.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        // Taken for the time of the call: a cancelled call does not put it back.
        let mut hashes = self.hashes.take().ok_or(Error::Interrupted)?;
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.limit {
            self.abandon();
            return Err(Error::TooLarge { limit: self.limit });
        }
        while !bytes.is_empty() {
            if self.part.len() == PART_SIZE {
                match self.send_part(hashes).await {
                    Ok(updated) => hashes = updated,
                    Err(error) => {
                        self.abandon();
                        return Err(error);
                    }
                }
            }
            let (head, rest) = bytes.split_at(bytes.len().min(PART_SIZE - self.part.len()));
            self.part.extend_from_slice(head);
            bytes = rest;
        }
        self.hashes = Some(hashes);
        Ok(())
    }

    /// Ends the content and stores it under `name`.
    ///
    /// When this returns, the blob can be read and, in a folder, survives a crash. A call that is
    /// cancelled has either stored the blob or removed it, at the latest a moment later.
    pub async fn finish(self, name: BlobName) -> Result<Stored, Error> {
        self.seal().await?.store(name).await
    }

    /// Ends the content without storing it: for who must know its names before.
    pub async fn seal(mut self) -> Result<SealedBlob, Error> {
        let mut hashes = self.hashes.take().ok_or(Error::Interrupted)?;
        let last = match self.upload {
            Some(_) => {
                hashes = self.send_part(hashes).await?;
                Bytes::new()
            }
            None => {
                let last = self.part.split().freeze();
                hashes = hashes.updated(last.clone()).await.ok_or(Error::Interrupted)?;
                last
            }
        };
        Ok(SealedBlob {
            blobs: self.blobs,
            size: self.size,
            names: hashes.finish(),
            upload: self.upload,
            last,
        })
    }

    /// Sends the part that is full, or the last one, while hashing it.
    async fn send_part(&mut self, hashes: Hashes) -> Result<Hashes, Error> {
        let part = self.part.split().freeze();
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => {
                let location = self.blobs.incoming();
                let parts = self.blobs.store().put_multipart(&location).await?;
                none.insert(Upload {
                    location,
                    parts,
                    unflushed: 0,
                    flush: None,
                })
            }
        };
        if upload.unflushed == FLUSHED_PARTS {
            if let Some(flush) = upload.flush.take() {
                // Whether or not it did anything; see there.
                let _ = flush.await;
            }
            upload.flush = self.blobs.flush(&upload.location);
            upload.unflushed = 0;
        }
        upload.unflushed += 1;
        let sending = upload.parts.put_part(part.clone().into());
        let (sent, updated) = futures_util::join!(sending, hashes.updated(part));
        sent?;
        updated.ok_or(Error::Interrupted)
    }

    /// Frees memory and disk at once, though the caller may keep the writer for a while.
    fn abandon(&mut self) {
        self.part = BytesMut::new();
        self.upload = None;
    }
}

/// A complete blob that is not stored yet. Dropping it removes what was written.
#[must_use = "nothing is stored before `store`"]
pub struct SealedBlob {
    blobs: Blobs,
    size: u64,
    names: Names,
    upload: Option<Upload>,
    /// All of it, unless there is an upload.
    last: Bytes,
}

impl SealedBlob {
    /// Its SHA-256, if the writer computed it.
    pub fn sha256(&self) -> Option<ItemHash> {
        self.names.sha256.map(ItemHash::Sha256)
    }

    /// Its version 0 CID, if the writer computed it.
    pub fn cid_v0(&self) -> Option<Cid> {
        self.names.cid_v0
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Stores it under `name`; see [`BlobWriter::finish`].
    pub async fn store(self, name: BlobName) -> Result<Stored, Error> {
        let target = match &name {
            BlobName::Archive(root) => archive_location(root),
            _ => None,
        };
        let stored = Stored {
            name: choose(name, &self.names)?,
            sha256: self.sha256(),
            cid_v0: self.names.cid_v0,
            size: self.size,
        };
        let target = target.or_else(|| location(&stored.name));
        let target = target.ok_or_else(|| Error::BadName(stored.name.clone()))?;
        let publishing = publish(self.blobs, self.upload, self.last, target);
        #[expect(
            clippy::disallowed_methods,
            reason = "must outlive a caller that goes away, or each such caller would leave a whole file \
                      behind; it is a few calls to the storage and ends by itself"
        )]
        let published = tokio::spawn(publishing).await;
        published.map_err(|_| Error::Interrupted).flatten()?;
        Ok(stored)
    }
}

impl fmt::Debug for SealedBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedBlob")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobWriter")
            .field("size", &self.size)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The name to store under, if the content has it.
fn choose(name: BlobName, names: &Names) -> Result<ItemHash, Error> {
    let sha256 = names.sha256.map(ItemHash::Sha256);
    let expected = match name {
        BlobName::Sha256 => return sha256.ok_or(Error::NotHashed),
        BlobName::CidV0 => {
            let cid = names.cid_v0.ok_or(Error::NotHashed)?;
            return Ok(ItemHash::Text(cid.to_string().into()));
        }
        BlobName::Archive(root) if as_cid(&root).is_none() => return Err(Error::BadName(root)),
        BlobName::Archive(root) => return Ok(root),
        BlobName::Exactly(expected) => expected,
    };
    let same = match as_cid(&expected) {
        None if matches!(expected, ItemHash::Sha256(_)) => sha256.ok_or(Error::NotHashed)? == expected,
        None => return Err(Error::BadName(expected)),
        Some(cid) => match (names.cid_v0, names.check) {
            (Some(found), _) if found == cid => true,
            (_, Some((checked, same))) if checked == cid => same,
            (Some(found), _) if found.version() == cid.version() => false,
            _ => return Err(Error::NotHashed),
        },
    };
    if same {
        Ok(expected)
    } else {
        Err(Error::Mismatch { expected })
    }
}

/// Makes a complete content visible under its name.
///
/// The folder backend syncs the file before each step that shows it and the folder after, which is
/// the whole of the durability promise.
async fn publish(blobs: Blobs, upload: Option<Upload>, whole: Bytes, target: Path) -> Result<(), Error> {
    let store = blobs.store();
    let Some(Upload {
        location, mut parts, ..
    }) = upload
    else {
        store.put(&target, whole.into()).await?;
        return Ok(());
    };
    let published = match parts.complete().await {
        Ok(_) => store.rename(&location, &target).await,
        Err(error) => Err(error),
    };
    if published.is_err() {
        // The first failure is the one to report; the next opening sweeps if this fails too.
        blobs.discard(&location).await;
    }
    Ok(published?)
}
