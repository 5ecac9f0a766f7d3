//! Files that a crash left between their bytes and the row that knows them.
//!
//! An upload is acknowledged when both are there, so nobody was promised such a file, and nothing
//! would ever delete it. It is given the grace period of an upload: the sender may try again, and a
//! message that names it may be under way.

use futures_util::{StreamExt as _, TryStreamExt as _};

use alephd_content::{Content, Facts};
use alephd_pipeline::Pipeline;
use alephd_store::{Store, read::FileKind};
use alephd_unixfs::Kind;

use crate::NodeError;

/// Looks at every file and archive once. One that is uploaded or deleted meanwhile is none of its
/// business, and neither is harmed.
pub(crate) async fn adopt(content: Content, store: Store, pipeline: Pipeline) {
    match adopt_all(&content, &store, &pipeline).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "files that nothing knew are kept for the grace period"),
        Err(error) => tracing::warn!(%error, "files that nothing knows were not looked for to the end"),
    }
}

async fn adopt_all(content: &Content, store: &Store, pipeline: &Pipeline) -> Result<u64, NodeError> {
    let mut count = 0;
    let blobs = content.blobs();
    let mut names = blobs.list().chain(blobs.list_archives());
    while let Some((name, _)) = names.try_next().await.map_err(NodeError::Blobs)? {
        if store.reader().file_get(&name)?.is_some() {
            continue;
        }
        // One that cannot be read is of no use to anybody; a scrub tells.
        let Ok(Some(facts)) = content.facts(&name).await else {
            continue;
        };
        // Fails if it is being deleted, or if the node stops.
        let arrived = pipeline.file_arrived(name, facts.size, file_kind(facts));
        if arrived.await.is_ok() {
            count += 1;
        }
    }
    Ok(count)
}

/// What a tree counts as on the network.
pub(crate) fn file_kind(facts: Facts) -> FileKind {
    match facts.kind {
        Kind::Directory => FileKind::Directory,
        Kind::File | Kind::Symlink => FileKind::File,
    }
}
