//! A bucket of a real service in a process of its own, and of one that fails, stalls or lies.

mod faults;
pub(crate) mod server;

use alephd_blobs::{BlobConfig, BlobName, Blobs, Error, PART_SIZE, S3Config};
use futures_util::TryStreamExt;

use crate::{NO_LIMIT, content, name, store};

/// Lets the removals of dropped writers run, which are tasks of this runtime, until `done`.
pub(crate) async fn until(blobs: &Blobs, done: impl Fn() -> bool) -> bool {
    let nothing = name(&"0".repeat(64));
    for _ in 0..1_000 {
        if done() {
            return true;
        }
        blobs.exists(&nothing).await.unwrap();
    }
    false
}

#[tokio::test]
async fn a_dropped_writer_leaves_nothing() {
    let Some(server) = server::start("a_dropped_writer_leaves_nothing") else {
        return;
    };
    let blobs = server.open().await;
    let bytes = content(PART_SIZE + 1);
    let mut writer = blobs.writer(NO_LIMIT);
    writer.write(&bytes).await.unwrap();
    assert!(!server.files().is_empty(), "the first part is there");
    drop(writer);
    assert!(
        until(&blobs, || server.files().is_empty()).await,
        "{:?}",
        server.files()
    );

    let other = name(&"1e".repeat(32));
    let mismatch = store(&blobs, &bytes, BlobName::Exactly(other)).await;
    assert!(matches!(mismatch, Err(Error::Mismatch { .. })));
    assert!(
        until(&blobs, || server.files().is_empty()).await,
        "{:?}",
        server.files()
    );

    let mut writer = blobs.writer(PART_SIZE as u64 + 1);
    writer.write(&bytes).await.unwrap();
    assert!(matches!(writer.write(b"x").await, Err(Error::TooLarge { .. })));
    assert!(
        until(&blobs, || server.files().is_empty()).await,
        "{:?}",
        server.files()
    );
}

#[tokio::test]
async fn objects_lie_below_the_prefix() {
    let Some(server) = server::start("objects_lie_below_the_prefix") else {
        return;
    };
    let blobs = server.open().await;
    let bytes = content(PART_SIZE + 1);
    let large = store(&blobs, &bytes, BlobName::Sha256).await.unwrap().name;
    let text = large.to_string();
    let path = format!("{}/files/{}/{text}", server::PREFIX, &text[..2]);
    assert_eq!(
        server.files(),
        [std::path::PathBuf::from(path)],
        "one object, and no rest of the upload"
    );

    let config = S3Config {
        prefix: String::new(),
        ..server.config()
    };
    let above = Blobs::open(&BlobConfig::S3(config)).await.unwrap();
    assert!(!above.exists(&large).await.unwrap());
    assert_eq!(above.list().try_next().await.unwrap(), None);
}

#[tokio::test]
async fn a_service_killed_during_an_upload() {
    let Some(mut server) = server::start("a_service_killed_during_an_upload") else {
        return;
    };
    let blobs = server.open().await;
    let kept = store(&blobs, b"kept", BlobName::Sha256).await.unwrap().name;
    let bytes = content(3 * PART_SIZE);
    let mut writer = blobs.writer(NO_LIMIT);
    writer.write(&bytes[..2 * PART_SIZE + 1]).await.unwrap();
    let before = server.files().len();
    assert!(before > 1, "two parts and what goes with them");

    server.kill();
    let failed = match writer.write(&bytes[2 * PART_SIZE + 1..]).await {
        Ok(()) => writer.finish(BlobName::Sha256).await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(matches!(failed, Err(Error::Storage(_))), "{failed:?}");
    assert!(matches!(blobs.exists(&kept).await, Err(Error::Storage(_))));

    server.restart();
    assert_eq!(blobs.read_all(&kept, NO_LIMIT).await.unwrap(), "kept");
    let listed: Vec<_> = blobs.list().try_collect().await.unwrap();
    assert_eq!(listed, [(kept.clone(), 4)], "no half-written blob");
    // Who opens it next finds the marker of what could not be aborted.
    let blobs = server.open().await;
    assert_eq!(server.files().len(), 1, "{:?}", server.files());
    let stored = store(&blobs, &bytes, BlobName::Sha256).await.unwrap();
    assert!(blobs.read_all(&stored.name, NO_LIMIT).await.unwrap() == bytes);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let Some(server) = server::start("what_cannot_be_opened_says_why") else {
        return;
    };
    let open = async |config: S3Config| Blobs::open(&BlobConfig::S3(config)).await.unwrap_err();
    let no_bucket = S3Config {
        bucket: "absent".into(),
        ..server.config()
    };
    let error = open(no_bucket).await;
    assert!(matches!(error, Error::Storage(_) | Error::NotFound), "{error:?}");

    let wrong = server.root().join("wrong");
    std::fs::write(&wrong, "aws_access_key_id = id\naws_secret_access_key = hush").unwrap();
    let wrong_keys = S3Config {
        key_file: Some(wrong),
        ..server.config()
    };
    let error = open(wrong_keys).await;
    assert!(matches!(error, Error::Storage(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("hush"));

    for endpoint in ["http://127.0.0.1:1", "https://127.0.0.1:1"] {
        let nobody = S3Config {
            endpoint: Some(endpoint.into()),
            ..server.config()
        };
        assert!(matches!(open(nobody).await, Error::Storage(_)));
    }
}

#[tokio::test]
async fn keys_are_not_printed() {
    let Some(server) = server::start("keys_are_not_printed") else {
        return;
    };
    let blobs = server.open().await;
    let mut writer = blobs.writer(NO_LIMIT);
    writer.write(&content(PART_SIZE + 1)).await.unwrap();
    let printed = format!("{blobs:?} {writer:?} {:?}", server.config());
    assert!(!printed.contains(server::SECRET), "{printed}");
}
