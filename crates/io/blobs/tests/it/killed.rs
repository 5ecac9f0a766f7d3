//! A process that is killed while it uploads.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use alephd_blobs::{BlobConfig, BlobName, Blobs, PART_SIZE};
use futures_util::TryStreamExt;

use crate::{NO_LIMIT, content, folder::files, store};

/// Names the file with the configuration of [`child`].
const CONFIG: &str = "ALEPHD_BLOBS_TEST_CONFIG";
const READY: &str = "two parts are on their way";

/// Not a test of its own: the process that is killed. Uploads two parts and waits.
#[tokio::test]
async fn child() {
    let Some(config) = env::var_os(CONFIG) else {
        return;
    };
    let config: BlobConfig = toml::from_str(&fs::read_to_string(config).unwrap()).unwrap();
    let blobs = Blobs::open(&config).await.unwrap();
    store(&blobs, b"kept", BlobName::Sha256).await.unwrap();
    let mut writer = blobs.writer(NO_LIMIT);
    writer.write(&content(2 * PART_SIZE + 1)).await.unwrap();
    println!("\n{READY}");
    std::future::pending::<()>().await;
}

/// The child, at the moment when it waits.
fn uploading(config: &Path) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed::child", "--nocapture"])
        .env(CONFIG, config)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).any(|line| line == READY);
    assert!(ready, "the child failed");
    child
}

async fn only_the_first_is_there(blobs: &Blobs) {
    let listed: Vec<_> = blobs.list().try_collect().await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(blobs.read_all(&listed[0].0, 10).await.unwrap(), "kept");
}

#[tokio::test]
async fn in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("blobs");
    let config = folder.path().join("config");
    fs::write(&config, format!("kind = 'folder'\npath = '{}'", root.display())).unwrap();
    let mut child = uploading(&config);
    assert_eq!(files(&root).len(), 2, "a blob and an upload");
    child.kill().unwrap();
    child.wait().unwrap();
    let blobs = Blobs::open_folder(&root).await.unwrap();
    assert_eq!(files(&root).len(), 1);
    only_the_first_is_there(&blobs).await;
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn in_a_bucket() {
    let Some(server) = crate::s3::server::start("killed::in_a_bucket") else {
        return;
    };
    let config = server.root().join("config");
    let s3 = server.config();
    let text = format!(
        "kind = 's3'\nbucket = '{}'\nendpoint = '{}'\nprefix = '{}'\nkey_file = '{}'",
        s3.bucket,
        s3.endpoint.unwrap(),
        s3.prefix,
        s3.key_file.unwrap().display()
    );
    fs::write(&config, text).unwrap();
    let mut child = uploading(&config);
    assert!(server.files().len() > 2, "a blob, parts and a marker");
    child.kill().unwrap();
    child.wait().unwrap();
    let blobs = server.open().await;
    assert_eq!(server.files().len(), 1, "{:?}", server.files());
    only_the_first_is_there(&blobs).await;
}
