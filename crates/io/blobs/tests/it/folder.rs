//! What only a folder can get wrong: crashes, strangers among the files, two processes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use alephd_blobs::{BlobConfig, BlobName, Blobs, Error, PART_SIZE, READ_SIZE};
use futures_util::TryStreamExt;

use crate::{NO_LIMIT, conformance::sha256, content, store};

const NOTHING: [PathBuf; 0] = [];

/// Every file below `root` but the lock, relative to it.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    fn visit(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                visit(&path, found)?
            } else {
                found.push(path)
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    visit(root, &mut found).unwrap();
    let mut found: Vec<_> = found
        .iter()
        .map(|path| path.strip_prefix(root).unwrap().to_owned())
        .collect();
    found.retain(|path| path != Path::new("lock"));
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&file), target).unwrap();
    }
}

/// A runtime whose only blocking thread works in order, so that a job given to it comes after
/// the removals that dropped writers asked for.
fn in_order<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(test)
}

async fn removals_done() {
    tokio::task::spawn_blocking(|| ()).await.unwrap();
}

#[tokio::test]
async fn layout_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("new/blobs");
    let blobs = Blobs::open_folder(&root).await.unwrap();
    for size in [3, PART_SIZE + 3] {
        let stored = store(&blobs, &content(size), BlobName::Sha256)
            .await
            .unwrap()
            .name
            .to_string();
        let path = root.join("files").join(&stored[..2]).join(&stored);
        assert!(fs::read(path).unwrap() == content(size));
    }
    assert_eq!(files(&root).len(), 2);
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    in_order(async {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open_folder(folder.path()).await.unwrap();
        let mut writer = blobs.writer(NO_LIMIT);
        writer.write(&content(PART_SIZE + 1)).await.unwrap();
        assert_eq!(files(folder.path()).len(), 1, "the first part is on disk");
        drop(writer);
        removals_done().await;
        assert_eq!(files(folder.path()), NOTHING);

        let mut writer = blobs.writer(PART_SIZE as u64 + 1);
        writer.write(&content(PART_SIZE + 1)).await.unwrap();
        assert!(matches!(writer.write(b"x").await, Err(Error::TooLarge { .. })));
        removals_done().await;
        assert_eq!(
            files(folder.path()),
            NOTHING,
            "a refused writer that is still held"
        );
        drop(writer);

        let other = store(&blobs, b"x", BlobName::Sha256).await.unwrap().name;
        blobs.delete(&other).await.unwrap();
        let mismatch = store(&blobs, &content(PART_SIZE + 1), BlobName::Exactly(other)).await;
        assert!(matches!(mismatch, Err(Error::Mismatch { .. })));
        removals_done().await;
        assert_eq!(files(folder.path()), NOTHING);
    });
}

#[test]
fn a_cancelled_finish_stores_all_or_nothing() {
    in_order(async {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open_folder(folder.path()).await.unwrap();
        let bytes = content(PART_SIZE + 1);
        let name = store(&blobs, &bytes, BlobName::Sha256).await.unwrap().name;
        blobs.delete(&name).await.unwrap();
        // Cancelled after each number of polls, until one finish gets through.
        for polls in 1.. {
            let mut writer = blobs.writer(NO_LIMIT);
            writer.write(&bytes).await.unwrap();
            let mut finishing = Box::pin(writer.finish(BlobName::Sha256));
            let mut finished = false;
            for _ in 0..polls {
                finished = futures_util::poll!(&mut finishing).is_ready();
                if finished {
                    break;
                }
                tokio::task::yield_now().await;
                removals_done().await;
            }
            drop(finishing);
            // The publication has at most a handful of steps, each of which is one job.
            for _ in 0..20 {
                tokio::task::yield_now().await;
                removals_done().await;
            }
            let left = files(folder.path());
            if finished || blobs.exists(&name).await.unwrap() {
                assert!(blobs.read_all(&name, NO_LIMIT).await.unwrap() == bytes);
                assert_eq!(left.len(), 1, "{left:?}");
                blobs.delete(&name).await.unwrap();
            } else {
                assert_eq!(left, NOTHING, "after {polls} polls");
            }
            if finished {
                return;
            }
        }
    });
}

#[tokio::test]
async fn what_a_crash_leaves_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_folder(folder.path()).await.unwrap();
    let small = store(&blobs, b"kept", BlobName::CidV0).await.unwrap().name;
    let large = store(&blobs, &content(PART_SIZE + 1), BlobName::Sha256)
        .await
        .unwrap()
        .name;
    let mut writer = blobs.writer(NO_LIMIT);
    writer.write(&content(2 * PART_SIZE + 1)).await.unwrap();

    // The folder as a crash at this moment would leave it, with more leftovers made by hand: a
    // complete upload not yet moved, and the temporary of a blob in one piece.
    let crashed = tempfile::tempdir().unwrap();
    copy(folder.path(), crashed.path());
    assert_eq!(files(crashed.path()).len(), 3);
    fs::write(crashed.path().join("incoming/0123-4"), "complete").unwrap();
    let temporary = format!("files/00/{}#1", "0".repeat(64));
    fs::create_dir_all(crashed.path().join("files/00")).unwrap();
    fs::write(crashed.path().join(temporary), "half").unwrap();

    let reopened = Blobs::open_folder(crashed.path()).await.unwrap();
    assert_eq!(files(crashed.path()).len(), 2);
    assert_eq!(reopened.read_all(&small, NO_LIMIT).await.unwrap(), "kept");
    assert!(reopened.read_all(&large, NO_LIMIT).await.unwrap() == content(PART_SIZE + 1));

    // The one that did not crash is not disturbed.
    let stored = writer.finish(BlobName::Sha256).await.unwrap();
    assert_eq!(
        blobs.size(&stored.name).await.unwrap(),
        Some(2 * PART_SIZE as u64 + 1)
    );
}

#[tokio::test]
async fn a_folder_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_folder(folder.path()).await.unwrap();
    let writer = blobs.writer(NO_LIMIT);
    assert!(matches!(
        Blobs::open_folder(folder.path()).await,
        Err(Error::InUse(_))
    ));
    drop(blobs);
    assert!(matches!(
        Blobs::open_folder(folder.path()).await,
        Err(Error::InUse(_))
    ));
    drop(writer);
    Blobs::open_folder(folder.path()).await.unwrap();

    fs::write(folder.path().join("plain"), "").unwrap();
    let inside_a_file = Blobs::open_folder(folder.path().join("plain/blobs")).await;
    assert!(matches!(inside_a_file, Err(Error::Open { .. })));
}

#[tokio::test]
async fn strangers_among_the_files_are_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_folder(folder.path()).await.unwrap();
    let name = store(&blobs, b"kept", BlobName::Sha256).await.unwrap().name;
    fs::write(folder.path().join("files/README"), "").unwrap();
    fs::write(folder.path().join("files/00/.DS_Store"), "").unwrap();
    fs::write(
        folder.path().join("files/00").join("f".repeat(64)),
        "wrong folder",
    )
    .unwrap();
    let listed: Vec<_> = blobs.list().try_collect().await.unwrap();
    assert_eq!(listed, [(name, 4)]);
}

#[tokio::test]
async fn a_blob_cut_short_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_folder(folder.path()).await.unwrap();
    let name = store(&blobs, &content(3 * READ_SIZE), BlobName::Sha256)
        .await
        .unwrap()
        .name;
    let mut reader = blobs.read(&name, None).await.unwrap();
    let text = name.to_string();
    let path = folder.path().join("files").join(&text[..2]).join(&text);
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(READ_SIZE as u64 + 1)
        .unwrap();
    assert_eq!(
        reader.try_next().await.unwrap().map(|piece| piece.len()),
        Some(READ_SIZE)
    );
    assert!(matches!(reader.try_next().await, Err(Error::Read(_))));
    assert_eq!(reader.try_next().await.unwrap(), None);
}

#[test]
fn an_end_that_fails_leaves_nothing() {
    in_order(async {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open_folder(folder.path()).await.unwrap();
        let bytes = content(PART_SIZE + 1);
        let name = store(&blobs, &bytes, BlobName::Sha256).await.unwrap().name;
        blobs.delete(&name).await.unwrap();

        // A folder in the way of the complete upload, then in the way of the blob.
        let mut writer = blobs.writer(NO_LIMIT);
        writer.write(&bytes).await.unwrap();
        let temporary = files(folder.path()).remove(0);
        let (upload, _) = temporary.to_str().unwrap().split_once('#').unwrap();
        let in_the_way = folder.path().join(upload);
        fs::create_dir(&in_the_way).unwrap();
        assert!(matches!(
            writer.finish(BlobName::Sha256).await,
            Err(Error::Storage(_))
        ));
        assert_eq!(files(folder.path()), NOTHING);
        fs::remove_dir(in_the_way).unwrap();

        for size in [10, PART_SIZE + 1] {
            let text = sha256(&bytes[..size]).to_string();
            let in_the_way = folder.path().join("files").join(&text[..2]).join(&text);
            fs::create_dir(&in_the_way).unwrap();
            let stored = store(&blobs, &bytes[..size], BlobName::Sha256).await;
            assert!(matches!(stored, Err(Error::Storage(_))));
            assert_eq!(files(folder.path()), NOTHING);
        }
    });
}

#[tokio::test]
async fn a_configured_folder() {
    let folder = tempfile::tempdir().unwrap();
    let config = BlobConfig::Folder {
        path: folder.path().join("blobs"),
    };
    let blobs = Blobs::open(&config).await.unwrap();
    store(&blobs, b"x", BlobName::Sha256).await.unwrap();
    assert!(matches!(Blobs::open(&config).await, Err(Error::InUse(_))));
    assert_eq!(files(folder.path()).len(), 2, "the blob and the lock");
}

/// A file system of 24 MiB, taken off when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounting = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "none"])
            .arg(folder.path())
            .output();
        if mounting.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        let why = "needs the right to mount a small file system";
        crate::skip(test, why);
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_and_left_clean() {
    let Some(disk) = SmallDisk::mount("a_full_disk_is_told_and_left_clean") else {
        return;
    };
    in_order(async {
        let root = disk.0.path();
        let blobs = Blobs::open_folder(root).await.unwrap();
        let first = content(3 * PART_SIZE);
        let kept = store(&blobs, &first, BlobName::Sha256).await.unwrap().name;
        assert_eq!(files(root).len(), 1);

        // Too large by many parts, and by one write in a single piece.
        let second = content(4 * PART_SIZE);
        let refused = store(&blobs, &second, BlobName::CidV0).await;
        assert!(matches!(refused, Err(Error::Full(_))), "{refused:?}");
        removals_done().await;
        assert_eq!(files(root).len(), 1);
        let filler = root.join("filler");
        let mut sizes = [PART_SIZE, 1 << 20, 1 << 16, 1 << 12].into_iter().peekable();
        let mut rest = fs::File::create(&filler).unwrap();
        while let Some(size) = sizes.peek() {
            if io::Write::write_all(&mut rest, &vec![0; *size]).is_err() {
                sizes.next();
            }
        }
        let refused = store(&blobs, &second[..100_000], BlobName::Sha256).await;
        assert!(matches!(refused, Err(Error::Full(_))), "{refused:?}");
        assert_eq!(files(root).len(), 2, "the blob and the filler");

        drop(rest);
        fs::remove_file(filler).unwrap();
        store(&blobs, &second[..PART_SIZE], BlobName::Sha256)
            .await
            .unwrap();
        let read: Vec<_> = blobs
            .read_verified(&kept)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        assert!(read.concat() == first);
    });
}
