//! Where bytes go that have yet to prove that they are what was asked for.

use alephd_blobs::{BlobName, BlobWriter, Error as BlobError};
use alephd_content::{CarImport, Content, Facts, ImportError};
use alephd_message::{ItemHash, ItemType};
use alephd_peer_protocol::exchange::Form;
use alephd_unixfs::Kind;

/// A content on its way in. Dropping it leaves nothing.
pub(crate) struct Sink {
    name: ItemHash,
    to: To,
}

enum To {
    File(Box<BlobWriter>),
    Archive(Box<CarImport>),
}

/// Why a content was not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SinkError {
    /// It is not what the name says: whoever sent it is to blame.
    #[error("wrong bytes: {0}")]
    Wrong(String),
    /// This node could not keep it.
    #[error("{0}")]
    Local(String),
}

impl Sink {
    /// Prepares for `size` bytes that should be `name`.
    pub(crate) fn open(content: &Content, name: &ItemHash, form: Form, size: u64) -> Result<Self, SinkError> {
        let to = match form {
            Form::File => To::File(Box::new(writer(content, name, size)?)),
            Form::Archive => To::Archive(Box::new(content.import_car(size))),
        };
        Ok(Self {
            name: name.clone(),
            to,
        })
    }

    /// Takes the next bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        match &mut self.to {
            To::File(writer) => Ok(writer.write(bytes).await?),
            To::Archive(import) => Ok(import.write(bytes).await?),
        }
    }

    /// Keeps what was written if it is what was asked for. Durable when this returns.
    pub(crate) async fn finish(self) -> Result<Facts, SinkError> {
        match self.to {
            To::File(writer) => {
                let stored = writer.finish(BlobName::Exactly(self.name)).await?;
                Ok(Facts {
                    kind: Kind::File,
                    size: stored.size,
                })
            }
            To::Archive(import) => {
                let sealed = import.seal().await?;
                let root = sealed.root();
                if root.to_string() != self.name.to_string() {
                    return Err(SinkError::Wrong(format!("it is the tree {root}")));
                }
                Ok(sealed.store().await?.facts)
            }
        }
    }
}

/// A writer that computes no more names than the check takes.
fn writer(content: &Content, name: &ItemHash, size: u64) -> Result<BlobWriter, SinkError> {
    // Refuses names that no content can have.
    let writer = content.blobs().writer_for(name, size)?;
    let is_v0 = name.item_type() == ItemType::Ipfs && name.to_string().starts_with("Qm");
    Ok(if is_v0 {
        content.blobs().writer_cid_v0(size)
    } else {
        writer
    })
}

impl From<BlobError> for SinkError {
    fn from(error: BlobError) -> Self {
        match error {
            // The limit of a writer is what was announced.
            BlobError::Mismatch { .. } | BlobError::TooLarge { .. } => Self::Wrong(error.to_string()),
            error => Self::Local(error.to_string()),
        }
    }
}

impl From<ImportError> for SinkError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Blobs(error) => error.into(),
            ImportError::Content(error) => Self::Local(error.to_string()),
            ImportError::Car(_)
            | ImportError::Incomplete(_)
            | ImportError::Root(_)
            | ImportError::FalseSize { .. } => Self::Wrong(error.to_string()),
        }
    }
}
