//! The store and the pipeline, as the fetcher sees them.

use alephd_content::Facts;
use alephd_message::ItemHash;
use alephd_pipeline::Pipeline;
use alephd_store::{
    Store,
    read::{FileKind, Wanted, WantedKind},
};
use alephd_unixfs::Kind;
use futures_util::future::BoxFuture;

use super::{Arrivals, Want, Wants, What};

impl Wants for Store {
    fn wanted(&self, after: i64, limit: u64) -> Result<Vec<Want>, String> {
        let wanted = self.reader().wanted(after, limit);
        let wanted = wanted.map_err(|error| error.to_string())?;
        Ok(wanted.into_iter().map(Want::from).collect())
    }
}

impl From<Wanted> for Want {
    fn from(wanted: Wanted) -> Self {
        Self {
            row: wanted.id,
            message: wanted.hash,
            sender: wanted.sender,
            name: wanted.name,
            what: match wanted.what {
                WantedKind::Content => What::Content,
                WantedKind::File => What::File,
            },
            since: wanted.since,
        }
    }
}

impl Arrivals for Pipeline {
    fn arrived(&self, name: ItemHash, facts: Facts) -> BoxFuture<'_, Result<(), String>> {
        let kind = match facts.kind {
            Kind::Directory => FileKind::Directory,
            Kind::File | Kind::Symlink => FileKind::File,
        };
        Box::pin(async move {
            let told = self.file_arrived(name, facts.size, kind).await;
            told.map_err(|error| error.to_string())
        })
    }
}
