//! Where something may come from.

use alephd_content::Facts;
use alephd_message::ItemHash;
use alephd_peer_protocol::exchange::Form;
use futures_util::future::BoxFuture;

/// What to bring, and how much of it is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Its name.
    pub name: ItemHash,
    /// Bytes of a file at most.
    pub file_limit: u64,
    /// Bytes of an archive of blocks at most. Zero if only the plain bytes are of use.
    pub archive_limit: u64,
}

/// A place that things can be had from.
///
/// What it brings is durable in the blobs and has the hash of its name when `fetch` returns. It
/// bounds its own waits: `fetch` ends.
pub trait Source: Send + Sync {
    /// What operators call it: one word.
    fn label(&self) -> &'static str;

    /// Brings something here.
    fn fetch<'a>(&'a self, demand: &'a Demand) -> BoxFuture<'a, Result<Facts, SourceError>>;
}

/// Why a source did not bring something. None of it is the fault of the message that names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nobody has it, or nobody is there.
    #[error("nobody asked has it")]
    NotHeld,
    /// It is larger than allowed. Nothing of it was taken.
    #[error("{size} bytes, and {limit} are allowed")]
    TooLarge {
        /// What was announced.
        size: u64,
        /// What was allowed.
        limit: u64,
    },
    /// Those who have it did not bring it here.
    #[error("{0}")]
    Failed(String),
    /// This node could not keep it. Other sources would not help.
    #[error("cannot be kept: {0}")]
    Local(String),
}

impl Demand {
    /// Whether something of this form and size may come. To be asked before its first byte is taken.
    pub fn admit(&self, form: Form, size: u64) -> Result<(), SourceError> {
        let limit = match form {
            Form::File => self.file_limit,
            Form::Archive => self.archive_limit,
        };
        if size <= limit {
            Ok(())
        } else {
            Err(SourceError::TooLarge { size, limit })
        }
    }
}
