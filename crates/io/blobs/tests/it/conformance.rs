use std::{collections::BTreeMap, future::poll_fn, task::Poll};

use alephd_blobs::{BlobName, Blobs, Error, PART_SIZE, READ_SIZE};
use alephd_cid::{FileHasher, Layout};
use alephd_message::ItemHash;
use futures_util::TryStreamExt;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::{NO_LIMIT, content, name, store};

/// Runs each test over every storage.
macro_rules! over_all {
    ($($test:ident)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(alephd_blobs::Blobs::in_memory()).await;
            })*
        }
        mod in_folder {
            $(#[tokio::test]
            async fn $test() {
                let folder = tempfile::tempdir().unwrap();
                super::$test(alephd_blobs::Blobs::open_folder(folder.path()).await.unwrap()).await;
            })*
        }
        #[cfg(feature = "s3")]
        mod in_bucket {
            $(#[tokio::test]
            async fn $test() {
                let Some(server) = crate::s3::server::start(stringify!($test)) else { return };
                super::$test(server.open().await).await;
            })*
        }
    };
}

over_all! {
    content_is_read_by_its_name
    names_are_separate
    exact_names_are_checked
    version_1_names_are_checked
    a_sha256_alone
    archives_lie_beside_the_files
    names_of_no_content_are_refused
    sealed_blobs_know_their_names
    limits_hold
    nothing_shows_before_the_end
    writers_of_the_same_content_agree
    ranges
    large_blobs_come_in_pieces
    deleting
    listing
    a_cancelled_write_loses_the_blob
}

const HELLO: &[u8] = b"hello world\n";
const HELLO_SHA256: &str = "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447";
const HELLO_V0: &str = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o";
/// Not raw: what `ipfs add --cid-version=1 --raw-leaves=false` prints.
const HELLO_V1: &str = "bafybeicg2rebjoofv4kbyovkw7af3rpiitvnl6i7ckcywaq6xjcxnc2mby";

pub(crate) fn sha256(bytes: &[u8]) -> ItemHash {
    ItemHash::Sha256(Sha256::digest(bytes).into())
}

fn cid(layout: Layout, bytes: &[u8]) -> ItemHash {
    let mut hasher = FileHasher::new(layout);
    hasher.update(bytes);
    name(&hasher.finish().to_string())
}

async fn content_is_read_by_its_name(blobs: Blobs) {
    for size in [0, 1, PART_SIZE - 1, PART_SIZE, PART_SIZE + 1, 2 * PART_SIZE + 7] {
        let bytes = content(size);
        for wanted in [BlobName::Sha256, BlobName::CidV0] {
            let stored = store(&blobs, &bytes, wanted.clone()).await.unwrap();
            assert_eq!(stored.size, size as u64);
            assert_eq!(stored.sha256, Some(sha256(&bytes)));
            assert_eq!(name(&stored.cid_v0.unwrap().to_string()), cid(Layout::V0, &bytes));
            let expected = if wanted == BlobName::Sha256 {
                sha256(&bytes)
            } else {
                cid(Layout::V0, &bytes)
            };
            assert_eq!(stored.name, expected);
            assert_eq!(blobs.size(&stored.name).await.unwrap(), Some(size as u64));
            assert!(
                blobs.read_all(&stored.name, size as u64).await.unwrap() == bytes,
                "{size} bytes"
            );
        }
    }
}

async fn names_are_separate(blobs: Blobs) {
    store(&blobs, HELLO, BlobName::CidV0).await.unwrap();
    assert!(blobs.exists(&name(HELLO_V0)).await.unwrap());
    assert!(!blobs.exists(&name(HELLO_SHA256)).await.unwrap());
    assert!(!blobs.exists(&name(HELLO_V1)).await.unwrap());
}

async fn exact_names_are_checked(blobs: Blobs) {
    for text in [HELLO_SHA256, HELLO_V0] {
        let expected = name(text);
        let other = store(&blobs, b"hello world", BlobName::Exactly(expected.clone())).await;
        assert!(matches!(other, Err(Error::Mismatch { expected: named }) if named == expected));
        assert!(!blobs.exists(&expected).await.unwrap());
        let stored = store(&blobs, HELLO, BlobName::Exactly(expected.clone()))
            .await
            .unwrap();
        assert_eq!(stored.name, expected);
        assert_eq!(blobs.read_all(&expected, NO_LIMIT).await.unwrap(), HELLO);
    }
}

async fn version_1_names_are_checked(blobs: Blobs) {
    let large = content(PART_SIZE + 1);
    let (raw, wrapped) = (Layout::V1 { raw_leaves: true }, Layout::V1 { raw_leaves: false });
    let cases = [
        (HELLO, wrapped),
        (large.as_slice(), raw),
        (large.as_slice(), wrapped),
    ];
    for (bytes, layout) in cases {
        let expected = cid(layout, bytes);
        let exactly = BlobName::Exactly(expected.clone());
        let plain = store(&blobs, bytes, exactly.clone()).await;
        assert!(matches!(plain, Err(Error::NotHashed)));

        let mut writer = blobs.writer_for(&expected, NO_LIMIT).unwrap();
        writer.write(&bytes[1..]).await.unwrap();
        assert!(matches!(
            writer.finish(exactly.clone()).await,
            Err(Error::Mismatch { .. })
        ));
        assert!(!blobs.exists(&expected).await.unwrap());

        let mut writer = blobs.writer_for(&expected, NO_LIMIT).unwrap();
        writer.write(bytes).await.unwrap();
        let stored = writer.finish(exactly).await.unwrap();
        assert_eq!(
            (stored.name, stored.sha256),
            (expected.clone(), Some(sha256(bytes)))
        );
        assert!(blobs.read_all(&expected, NO_LIMIT).await.unwrap() == bytes);
    }
}

async fn a_sha256_alone(blobs: Blobs) {
    for size in [10, PART_SIZE + 1] {
        let bytes = content(size);
        let (own, other) = (sha256(&bytes), sha256(b"other"));
        for (wanted, writer) in [
            (BlobName::Sha256, blobs.writer_sha256(NO_LIMIT)),
            (
                BlobName::Exactly(own.clone()),
                blobs.writer_for(&own, NO_LIMIT).unwrap(),
            ),
        ] {
            let mut writer = writer;
            writer.write(&bytes).await.unwrap();
            let stored = writer.finish(wanted).await.unwrap();
            assert_eq!((stored.name, stored.cid_v0), (own.clone(), None));
        }
        assert!(blobs.read_all(&own, NO_LIMIT).await.unwrap() == bytes);

        let mut writer = blobs.writer_for(&other, NO_LIMIT).unwrap();
        writer.write(&bytes).await.unwrap();
        let finished = writer.finish(BlobName::Exactly(other.clone())).await;
        assert!(matches!(finished, Err(Error::Mismatch { expected }) if expected == other));
        for wanted in [BlobName::CidV0, BlobName::Exactly(name(HELLO_V0))] {
            let mut writer = blobs.writer_sha256(NO_LIMIT);
            writer.write(&bytes).await.unwrap();
            let finished = writer.finish(wanted).await;
            assert!(matches!(finished, Err(Error::NotHashed)), "{finished:?}");
        }
    }
    assert_eq!(blobs.list().try_collect::<Vec<_>>().await.unwrap().len(), 2);
}

async fn archives_lie_beside_the_files(blobs: Blobs) {
    let root = name(HELLO_V1);
    for size in [10, PART_SIZE + 1] {
        let bytes = content(size);
        let mut writer = blobs.archive_writer(NO_LIMIT);
        writer.write(&bytes).await.unwrap();
        let stored = writer.finish(BlobName::Archive(root.clone())).await.unwrap();
        assert_eq!((stored.sha256, stored.cid_v0), (None, None));
        assert_eq!(blobs.archive_size(&root).await.unwrap(), Some(size as u64));
        assert_eq!(blobs.size(&root).await.unwrap(), None);
        assert!(blobs.exists(&root).await.unwrap());
        let part = blobs.read_archive(&root, Some(2..9)).await.unwrap();
        let part: Vec<_> = part.try_collect().await.unwrap();
        assert_eq!(part.concat(), &bytes[2..9]);
    }
    assert!(matches!(blobs.read(&root, None).await, Err(Error::NotFound)));
    assert_eq!(blobs.list().try_collect::<Vec<_>>().await.unwrap(), []);
    let archives: Vec<_> = blobs.list_archives().try_collect().await.unwrap();
    assert_eq!(archives, [(root.clone(), PART_SIZE as u64 + 1)]);

    store(&blobs, b"file", BlobName::Sha256).await.unwrap();
    let wanted = BlobName::Archive(sha256(b"file"));
    assert!(matches!(
        store(&blobs, b"file", wanted).await,
        Err(Error::BadName(_))
    ));
    blobs.delete(&root).await.unwrap();
    assert!(!blobs.exists(&root).await.unwrap());
}

async fn sealed_blobs_know_their_names(blobs: Blobs) {
    for size in [10, PART_SIZE + 1] {
        let bytes = content(size);
        for keep in [false, true] {
            let mut writer = blobs.writer(NO_LIMIT);
            writer.write(&bytes).await.unwrap();
            let sealed = writer.seal().await.unwrap();
            assert_eq!(sealed.sha256(), Some(sha256(&bytes)));
            assert_eq!(
                name(&sealed.cid_v0().unwrap().to_string()),
                cid(Layout::V0, &bytes)
            );
            assert_eq!(sealed.size(), size as u64);
            assert!(!blobs.exists(&sha256(&bytes)).await.unwrap());
            if keep {
                sealed.store(BlobName::Sha256).await.unwrap();
                assert!(blobs.read_all(&sha256(&bytes), NO_LIMIT).await.unwrap() == bytes);
            }
        }
    }
}

async fn names_of_no_content_are_refused(blobs: Blobs) {
    let traversal = format!("Qm/../../../{}", "a".repeat(33));
    let shortened = &HELLO_V0[..45];
    for text in [
        traversal.as_str(),
        shortened,
        &"../".repeat(22)[..64],
        &HELLO_SHA256.to_uppercase(),
    ] {
        let name = ItemHash::parse_lenient(text).expect("lenient shape");
        assert!(
            matches!(blobs.writer_for(&name, NO_LIMIT), Err(Error::BadName(_))),
            "{text}"
        );
        for wanted in [BlobName::Exactly(name.clone()), BlobName::Archive(name.clone())] {
            assert!(
                matches!(store(&blobs, HELLO, wanted).await, Err(Error::BadName(_))),
                "{text}"
            );
        }
        assert!(!blobs.exists(&name).await.unwrap());
        assert!(matches!(blobs.read(&name, None).await, Err(Error::NotFound)));
        blobs.delete(&name).await.unwrap();
    }
}

async fn limits_hold(blobs: Blobs) {
    for limit in [0, 11, PART_SIZE as u64, PART_SIZE as u64 + 1] {
        let bytes = content(limit as usize);
        let mut writer = blobs.writer(limit);
        writer.write(&bytes).await.unwrap();
        assert_eq!(writer.finish(BlobName::Sha256).await.unwrap().size, limit);

        let mut writer = blobs.writer(limit);
        writer.write(&bytes).await.unwrap();
        assert!(matches!(writer.write(b"x").await, Err(Error::TooLarge { limit: named }) if named == limit));
        assert!(matches!(writer.write(b"").await, Err(Error::Interrupted)));
        assert!(matches!(
            writer.finish(BlobName::Sha256).await,
            Err(Error::Interrupted)
        ));
        if limit > 0 {
            let read = blobs.read_all(&sha256(&bytes), limit - 1).await;
            assert!(matches!(read, Err(Error::TooLarge { .. })));
        }
    }
    assert_eq!(blobs.list().try_collect::<Vec<_>>().await.unwrap().len(), 4);
}

async fn nothing_shows_before_the_end(blobs: Blobs) {
    let bytes = content(2 * PART_SIZE + 1);
    let mut writer = blobs.writer(NO_LIMIT);
    writer.write(&bytes).await.unwrap();
    assert_eq!(writer.size(), bytes.len() as u64);
    assert!(!blobs.exists(&sha256(&bytes)).await.unwrap());
    assert_eq!(blobs.list().try_next().await.unwrap(), None);
    drop(writer);
    assert_eq!(blobs.list().try_next().await.unwrap(), None);
}

async fn writers_of_the_same_content_agree(blobs: Blobs) {
    for size in [100, PART_SIZE + 100] {
        let bytes = content(size);
        let mut writers: Vec<_> = (0..4).map(|_| blobs.writer(NO_LIMIT)).collect();
        for piece in bytes.chunks(PART_SIZE / 2) {
            for writer in &mut writers {
                writer.write(piece).await.unwrap();
            }
        }
        let finishing = writers.into_iter().map(|writer| writer.finish(BlobName::Sha256));
        let stored = futures_util::future::try_join_all(finishing).await.unwrap();
        assert!(stored.iter().all(|each| *each == stored[0]));
        assert!(blobs.read_all(&stored[0].name, NO_LIMIT).await.unwrap() == bytes);
    }
    assert_eq!(blobs.list().try_collect::<Vec<_>>().await.unwrap().len(), 2);
}

async fn ranges(blobs: Blobs) {
    let size = READ_SIZE as u64 * 2 + 10;
    let bytes = content(size as usize);
    let stored = store(&blobs, &bytes, BlobName::Sha256).await.unwrap();
    let step = READ_SIZE as u64;
    for (range, expected) in [
        (None, 0..size),
        (Some(0..size), 0..size),
        (Some(0..1), 0..1),
        (Some(size - 1..size), size - 1..size),
        (Some(step - 1..step + 1), step - 1..step + 1),
        (Some(5..u64::MAX), 5..size),
    ] {
        let reader = blobs.read(&stored.name, range.clone()).await.unwrap();
        assert_eq!(
            (reader.size(), reader.range()),
            (size, expected.clone()),
            "{range:?}"
        );
        let read = reader.try_collect::<Vec<_>>().await.unwrap().concat();
        assert!(
            read == bytes[expected.start as usize..expected.end as usize],
            "{range:?}"
        );
    }
    #[expect(clippy::reversed_empty_ranges, reason = "as a client may ask")]
    for range in [size..size + 1, 3..3, 4..3, u64::MAX..u64::MAX] {
        let read = blobs.read(&stored.name, Some(range)).await;
        assert!(matches!(read, Err(Error::Range { size: named }) if named == size));
    }
    let empty = store(&blobs, b"", BlobName::Sha256).await.unwrap().name;
    let reader = blobs.read(&empty, None).await.unwrap();
    assert_eq!(reader.range(), 0..0);
    assert!(reader.try_collect::<Vec<_>>().await.unwrap().concat().is_empty());
    assert!(matches!(
        blobs.read(&empty, Some(0..1)).await,
        Err(Error::Range { size: 0 })
    ));
    assert!(matches!(
        blobs.read(&name(HELLO_V0), Some(0..1)).await,
        Err(Error::NotFound)
    ));
}

async fn large_blobs_come_in_pieces(blobs: Blobs) {
    let bytes = content(PART_SIZE + 3);
    let stored = store(&blobs, &bytes, BlobName::Sha256).await.unwrap();
    let mut reader = blobs.read(&stored.name, None).await.unwrap();
    let mut read = Vec::new();
    while let Some(piece) = reader.try_next().await.unwrap() {
        assert!((1..=READ_SIZE).contains(&piece.len()));
        read.extend_from_slice(&piece);
    }
    assert!(read == bytes);
}

async fn deleting(blobs: Blobs) {
    let by_sha256 = store(&blobs, HELLO, BlobName::Sha256).await.unwrap().name;
    let by_cid = store(&blobs, HELLO, BlobName::CidV0).await.unwrap().name;
    blobs.delete(&by_sha256).await.unwrap();
    assert!(!blobs.exists(&by_sha256).await.unwrap());
    assert!(matches!(
        blobs.read_all(&by_sha256, NO_LIMIT).await,
        Err(Error::NotFound)
    ));
    assert!(blobs.exists(&by_cid).await.unwrap());
    blobs.delete(&by_sha256).await.unwrap();
    store(&blobs, HELLO, BlobName::Sha256).await.unwrap();
    assert!(blobs.exists(&by_sha256).await.unwrap());
}

async fn listing(blobs: Blobs) {
    let mut expected = BTreeMap::new();
    for size in 0..20 {
        let wanted = if size % 2 == 0 {
            BlobName::Sha256
        } else {
            BlobName::CidV0
        };
        expected.insert(
            store(&blobs, &content(size), wanted).await.unwrap().name,
            size as u64,
        );
    }
    let listed: BTreeMap<_, _> = blobs.list().try_collect().await.unwrap();
    assert_eq!(listed, expected);
}

async fn a_cancelled_write_loses_the_blob(blobs: Blobs) {
    // A part is handed to another thread, which may have done with it before the first poll ends,
    // though rarely: then there is nothing to cancel, and the next writer is taken.
    let bytes = content(2 * PART_SIZE);
    let mut attempts = 0;
    let mut writer = loop {
        let mut writer = blobs.writer(NO_LIMIT);
        let mut writing = Box::pin(writer.write(&bytes));
        let cancelled = poll_fn(|cx| Poll::Ready(writing.as_mut().poll(cx).is_pending())).await;
        drop(writing);
        if cancelled {
            break writer;
        }
        attempts += 1;
        assert!(attempts < 1_000, "no write was ever under way");
    };
    assert!(matches!(writer.write(b"rest").await, Err(Error::Interrupted)));
    assert!(matches!(
        writer.finish(BlobName::Sha256).await,
        Err(Error::Interrupted)
    ));
    assert_eq!(blobs.list().try_next().await.unwrap(), None);
}

proptest! {
    // Each case hashes up to eleven megabytes twice.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_split_gives_the_same_blob(
        around in 0_usize..3,
        offset in 0_usize..3,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes = content((around * PART_SIZE + offset).saturating_sub(1));
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let blobs = Blobs::in_memory();
            let mut writer = blobs.writer(bytes.len() as u64);
            for pair in cuts.windows(2) {
                writer.write(&bytes[pair[0]..pair[1]]).await.unwrap();
            }
            let stored = writer.finish(BlobName::Sha256).await.unwrap();
            prop_assert_eq!(stored.sha256, Some(sha256(&bytes)));
            prop_assert_eq!(name(&stored.cid_v0.unwrap().to_string()), cid(Layout::V0, &bytes));
            prop_assert!(blobs.read_all(&stored.name, NO_LIMIT).await.unwrap() == bytes);
            Ok(())
        })?;
    }
}
