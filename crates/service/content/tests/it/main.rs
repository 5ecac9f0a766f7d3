//! Trees of blocks over real folders and archives.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod archive;
mod archives;
mod files;
mod tar;

use alephd_blobs::Blobs;
use alephd_cid::AnyCid;
use alephd_content::{Content, ContentError, FileStream};
use alephd_store::BlockIndex;
use futures_util::TryStreamExt as _;

/// A folder with content in it.
struct Folder {
    folder: tempfile::TempDir,
    content: Content,
}

async fn folder() -> Folder {
    let folder = tempfile::tempdir().unwrap();
    let content = open(&folder).await;
    Folder { folder, content }
}

async fn open(folder: &tempfile::TempDir) -> Content {
    let blobs = Blobs::open_folder(folder.path()).await.unwrap();
    let index = BlockIndex::open(&folder.path().join("blocks.sqlite")).unwrap();
    Content::new(blobs, index)
}

/// Bytes that repeat nowhere near.
fn pattern(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    (0..size)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

async fn bytes(file: FileStream) -> Vec<u8> {
    let pieces: Vec<_> = file.bytes.try_collect().await.unwrap();
    pieces.concat()
}

fn is_missing<T: std::fmt::Debug>(result: Result<T, ContentError>, cid: &AnyCid) {
    assert!(
        matches!(&result, Err(ContentError::Missing(missing)) if missing == cid),
        "{result:?}"
    );
}
