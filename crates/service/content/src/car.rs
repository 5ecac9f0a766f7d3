//! Taking in an archive.

use alephd_blobs::{BlobName, BlobWriter, Error as BlobError, SealedBlob};
use alephd_cid::AnyCid;
use alephd_message::ItemHash;
use alephd_unixfs::car::{
    CarBlock, CarError, CarLimits, CarReader, CarReport, CarVerifier, VerifyError, VerifyLimits,
};

use futures_util::TryStreamExt as _;

use crate::{
    Content, ContentError, Facts,
    content::names,
    index::{Places, push},
};

/// Why an archive is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no archive of one tree.
    #[error("{0}")]
    Car(#[from] CarError),
    /// Something below its root is missing or makes no sense.
    #[error("{0}")]
    Incomplete(#[from] VerifyError),
    /// Its root is not the root of a file or directory.
    #[error("root {0} is not a file or directory")]
    Root(AnyCid),
    /// The root block says that less is below it than there is.
    #[error("root {root} says that it has {claimed} bytes and has {found}")]
    FalseSize {
        /// The root.
        root: AnyCid,
        /// What it says.
        claimed: u64,
        /// What is true.
        found: u64,
    },
    /// The storage of files failed, or the archive is too large.
    #[error("files: {0}")]
    Blobs(#[from] BlobError),
    /// The archive could not be listed.
    #[error("{0}")]
    Content(#[from] ContentError),
}

/// An archive that is being taken in. Dropping it leaves nothing.
pub struct CarImport {
    content: Content,
    writer: BlobWriter,
    checking: Checking,
}

/// An archive that is whole and not stored yet.
pub struct SealedCar {
    content: Content,
    blob: SealedBlob,
    root: AnyCid,
    report: CarReport,
    facts: Facts,
    places: Places,
}

/// An archive that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedCar {
    /// The name of its tree on the network.
    pub name: ItemHash,
    /// What the tree is.
    pub facts: Facts,
}

impl Content {
    /// Starts to take in an archive of at most `limit` bytes.
    pub fn import_car(&self, limit: u64) -> CarImport {
        CarImport {
            content: self.clone(),
            writer: self.blobs().archive_writer(limit),
            checking: Checking::default(),
        }
    }
}

impl Content {
    /// Reads the archive of a tree again and checks that it is whole.
    pub async fn check_archive(&self, name: &ItemHash) -> Result<(), ImportError> {
        let mut checking = Checking::default();
        let mut reader = self.blobs().read_archive(name, None).await?;
        while let Some(piece) = reader.try_next().await? {
            checking.take(&piece)?;
        }
        let (root, ..) = checking.finish()?;
        if root.to_string() == name.to_string() {
            Ok(())
        } else {
            Err(ImportError::Root(root))
        }
    }
}

/// An archive on its way through the checks.
struct Checking {
    reader: CarReader,
    /// From the header on.
    verifier: Option<CarVerifier>,
    places: Places,
}

impl Default for Checking {
    fn default() -> Self {
        Self {
            reader: CarReader::new(CarLimits::default()),
            verifier: None,
            places: Places::new(),
        }
    }
}

impl Checking {
    fn take(&mut self, bytes: &[u8]) -> Result<(), ImportError> {
        let mut rest = bytes;
        while let Some(block) = self.reader.next(&mut rest)? {
            push(&mut self.places, &block.cid, block.offset, block.bytes.len());
            if let Some(verifier) = &mut self.verifier {
                verifier.add(&block)?;
                continue;
            }
            // The root stands in the header, which the reader shows when it lets go of the block.
            let (cid, bytes, offset) = (block.cid, block.bytes.to_vec(), block.offset);
            let mut verifier = CarVerifier::new(self.reader.root()?, VerifyLimits::default());
            let bytes = &bytes[..];
            verifier.add(&CarBlock { cid, bytes, offset })?;
            self.verifier = Some(verifier);
        }
        Ok(())
    }

    /// The root of an archive that is whole, what the check showed, and where the blocks lie.
    fn finish(self) -> Result<(AnyCid, CarReport, Facts, Places), ImportError> {
        self.reader.finish()?;
        let root = self.reader.root()?.clone();
        let verifier = self
            .verifier
            .unwrap_or_else(|| CarVerifier::new(&root, VerifyLimits::default()));
        let report = verifier.finish()?;
        let stat = report.stat.filter(|_| names(&root).next().is_some());
        let stat = stat.ok_or_else(|| ImportError::Root(root.clone()))?;
        if stat.cumulative_size != report.cumulative_size {
            return Err(ImportError::FalseSize {
                root,
                claimed: stat.cumulative_size,
                found: report.cumulative_size,
            });
        }
        Ok((root, report, stat.into(), self.places))
    }
}

impl CarImport {
    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ImportError> {
        self.checking.take(bytes)?;
        Ok(self.writer.write(bytes).await?)
    }

    /// Ends the archive: everything below its root is in it.
    pub async fn seal(self) -> Result<SealedCar, ImportError> {
        let (root, report, facts, places) = self.checking.finish()?;
        Ok(SealedCar {
            content: self.content,
            blob: self.writer.seal().await?,
            root,
            report,
            facts,
            places,
        })
    }
}

impl SealedCar {
    /// The root of the archive.
    pub fn root(&self) -> &AnyCid {
        &self.root
    }

    /// What its tree is.
    pub fn facts(&self) -> Facts {
        self.facts
    }

    /// What the check of the archive showed.
    pub fn report(&self) -> &CarReport {
        &self.report
    }

    /// Stores the archive, unless the tree is here already.
    pub async fn store(self) -> Result<ImportedCar, ImportError> {
        let text = self.root.to_string();
        let name = ItemHash::parse_strict(&text).ok_or_else(|| ImportError::Root(self.root.clone()))?;
        let (content, facts) = (self.content, self.facts);
        if !content.blobs().exists(&name).await? {
            let _one_at_a_time = content.indexing().lock().await;
            // An earlier archive of this tree may be listed still, with its blocks in other places:
            // forgotten first, so that a crash in between leaves nothing wrong.
            content.index().remove(&name).map_err(ContentError::from)?;
            self.blob.store(BlobName::Archive(name.clone())).await?;
            let (index, holder, places) = (content.index().clone(), name.clone(), self.places);
            let adding = tokio::task::spawn_blocking(move || index.add(&holder, places));
            match adding.await {
                Ok(added) => added.map_err(ContentError::from)?,
                // The runtime is stopping; it is listed when somebody asks.
                Err(error) => tracing::warn!(%name, %error, "the blocks were not listed"),
            }
        }
        Ok(ImportedCar { name, facts })
    }
}
