//! What is here already.

use alephd_content::{Content, Facts};
use alephd_unixfs::Kind;
use futures_util::future::BoxFuture;

use super::{Demand, Source, SourceError};

/// The content of this node. It comes first: bytes may have come by another way, as an upload or
/// under a crash between them and the row that knows them.
#[derive(Clone)]
pub struct Local {
    content: Content,
}

impl Local {
    /// Looks into `content`.
    pub fn new(content: Content) -> Self {
        Self { content }
    }

    async fn look(&self, demand: &Demand) -> Result<Facts, SourceError> {
        let failed = |error: &dyn std::fmt::Display| SourceError::Failed(error.to_string());
        let size = self.content.blobs().size(&demand.name).await;
        if let Some(size) = size.map_err(|error| failed(&error))? {
            let kind = Kind::File;
            return Ok(Facts { kind, size });
        }
        if demand.archive_limit == 0 {
            return Err(SourceError::NotHeld);
        }
        let facts = self.content.facts(&demand.name).await;
        facts.map_err(|error| failed(&error))?.ok_or(SourceError::NotHeld)
    }
}

impl Source for Local {
    fn label(&self) -> &'static str {
        "local"
    }

    fn fetch<'a>(&'a self, demand: &'a Demand) -> BoxFuture<'a, Result<Facts, SourceError>> {
        Box::pin(self.look(demand))
    }
}
