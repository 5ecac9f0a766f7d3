//! Reading that compares with the name.

use std::{fs, path::Path};

use alephd_blobs::{BlobName, Blobs, Error, PART_SIZE, READ_SIZE};
use alephd_message::ItemHash;
use futures_util::TryStreamExt;

use crate::{content, name, store};

const SIZES: [usize; 6] = [0, 1, READ_SIZE, READ_SIZE + 1, 3 * READ_SIZE, PART_SIZE + 1];

fn path(root: &Path, name: &ItemHash) -> std::path::PathBuf {
    let text = name.to_string();
    let found = crate::folder::files(root);
    root.join(found.iter().find(|path| path.ends_with(&text)).unwrap())
}

/// All that is handed out, and how it ends.
async fn read(blobs: &Blobs, name: &ItemHash) -> (Vec<u8>, Result<(), Error>) {
    let mut reader = blobs.read_verified(name).await.unwrap();
    let mut got = Vec::new();
    loop {
        match reader.try_next().await {
            Ok(Some(piece)) => got.extend_from_slice(&piece),
            Ok(None) => return (got, Ok(())),
            Err(error) => {
                assert!(reader.try_next().await.unwrap().is_none(), "an error ends it");
                return (got, Err(error));
            }
        }
    }
}

#[tokio::test]
async fn sound_blobs_are_read_whole() {
    let blobs = Blobs::in_memory();
    for size in SIZES {
        let bytes = content(size);
        for wanted in [BlobName::Sha256, BlobName::CidV0] {
            let name = store(&blobs, &bytes, wanted).await.unwrap().name;
            let (got, end) = read(&blobs, &name).await;
            end.unwrap();
            assert!(got == bytes, "{size}");
        }
    }
}

#[tokio::test]
async fn damage_anywhere_holds_back_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_folder(folder.path()).await.unwrap();
    for size in SIZES {
        let bytes = content(size);
        for wanted in [BlobName::Sha256, BlobName::CidV0] {
            let name = store(&blobs, &bytes, wanted).await.unwrap().name;
            let mut damaged = vec![[&bytes, &b"x"[..]].concat()];
            if size > 0 {
                damaged.push(bytes[1..].to_vec());
                for at in [0, size / 2, size - 1] {
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 0x20;
                    damaged.push(flipped);
                }
            }
            for damaged in damaged {
                fs::write(path(folder.path(), &name), &damaged).unwrap();
                let (got, end) = read(&blobs, &name).await;
                assert!(
                    matches!(end, Err(Error::Damaged(named)) if named == name),
                    "{size}"
                );
                assert!(got.is_empty() || got.len() < damaged.len(), "{size}");
                assert!(damaged.starts_with(&got));
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_damaged() {
    let blobs = Blobs::in_memory();
    let absent = name(&"1e".repeat(32));
    assert!(matches!(blobs.read_verified(&absent).await, Err(Error::NotFound)));
}
