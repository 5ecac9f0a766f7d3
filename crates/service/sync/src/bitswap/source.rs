//! IPFS as one of the places that files come from.

use alephd_cid::AnyCid;
use alephd_content::Facts;
use alephd_message::ItemHash;
use futures_util::future::BoxFuture;

use super::{Bitswap, FetchError, FetchLimits};
use crate::fetch::{Demand, Source, SourceError};

impl Source for Bitswap {
    fn label(&self) -> &'static str {
        "bitswap"
    }

    fn fetch<'a>(&'a self, demand: &'a Demand) -> BoxFuture<'a, Result<Facts, SourceError>> {
        Box::pin(async move {
            let cid = cid_of(&demand.name).ok_or(SourceError::NotHeld)?;
            let limits = FetchLimits {
                file: demand.file_limit,
                archive: demand.archive_limit,
                ..FetchLimits::default()
            };
            Ok(Bitswap::fetch(self, &cid, limits).await?)
        })
    }
}

/// What IPFS calls a name of the network; `None` for a SHA-256, which it does not know.
pub(crate) fn cid_of(name: &ItemHash) -> Option<AnyCid> {
    match name {
        ItemHash::Sha256(_) => None,
        ItemHash::Text(text) => text.parse().ok(),
    }
}

impl From<FetchError> for SourceError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Name(_) | FetchError::NotFound => Self::NotHeld,
            FetchError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            FetchError::Content(_) | FetchError::Blobs(_) => Self::Local(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}
