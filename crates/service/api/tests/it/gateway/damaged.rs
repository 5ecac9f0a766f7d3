//! What the gateway says of content that is damaged, or of which a part is gone: bytes that were
//! promised and cannot be had end the answer early, and never as if it were whole.

use std::{fs, path::Path};

use alephd_api::ApiSettings;
use alephd_blobs::{BlobName, Blobs};
use alephd_cid::{AnyCid, Block, Layout};

use super::{
    send,
    trees::{build, import},
};
use crate::node::Node;

/// Chunks of the file: the first is served before the damage is met.
const CHUNK: usize = 256 << 10;

struct Damaged {
    node: Node,
    folder: tempfile::TempDir,
    /// A file of several blocks.
    file: AnyCid,
    /// The block in its middle.
    middle: AnyCid,
}

fn bytes() -> Vec<u8> {
    (0..5 * CHUNK).map(|at| (at / 7 % 251) as u8).collect()
}

/// A node that holds a file, as it is or as an archive of its blocks.
async fn node(is_archive: bool) -> Damaged {
    let folder = tempfile::tempdir().expect("temporary folder");
    let blobs = Blobs::open_folder(folder.path()).await.expect("opens");
    let node = Node::start_on(ApiSettings::default(), blobs).await;
    let mut blocks = Vec::new();
    let mut sink = |block: &Block<'_>| blocks.push((AnyCid::from(block.cid()), block.to_vec()));
    let file: AnyCid = build(&bytes(), Layout::V0, &mut sink).cid.into();
    let middle = blocks[2].0.clone();
    if is_archive {
        import(&node.api.content, file.clone(), &blocks).await;
    } else {
        let mut writer = node.api.blobs().writer_cid_v0(1 << 30);
        writer.write(&bytes()).await.expect("within the limit");
        writer.finish(BlobName::CidV0).await.expect("stored");
    }
    node.api.content.index_all().await.expect("listed");
    Damaged {
        node,
        folder,
        file,
        middle,
    }
}

/// Turns a byte in the middle of every file or archive.
fn damage(folder: &Path) {
    let mut damaged = 0;
    for kind in ["files", "archives"] {
        for shard in fs::read_dir(folder.join(kind)).expect("a folder") {
            for entry in fs::read_dir(shard.expect("an entry").path()).expect("a folder") {
                let path = entry.expect("an entry").path();
                let mut bytes = fs::read(&path).expect("reads");
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(&path, bytes).expect("writes");
                damaged += 1;
            }
        }
    }
    assert_eq!(damaged, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_block_is_never_served() {
    for is_archive in [false, true] {
        let Damaged {
            node,
            folder,
            file,
            middle,
        } = node(is_archive).await;
        let raw = [("accept", "application/vnd.ipld.raw")];
        let whole = send(&node, "GET", &format!("/ipfs/{file}"), &[]).await;
        assert_eq!((whole.status, whole.bytes()), (200, bytes().as_slice()));
        damage(folder.path());

        let block = send(&node, "GET", &format!("/ipfs/{middle}"), &raw).await;
        assert!(block.status >= 400, "archive {is_archive}: {}", block.status);
        // Its length was promised with the head, so a client notices an answer that breaks off.
        let car = send(&node, "GET", &format!("/ipfs/{file}?format=car"), &[]).await;
        assert!(car.status >= 400 || car.body.is_none(), "archive {is_archive}");
        if is_archive {
            let file = send(&node, "GET", &format!("/ipfs/{file}"), &[]).await;
            assert!(file.status >= 400 || file.body.is_none());
        }
        let first = [("range", "bytes=0-99")];
        let first = send(&node, "GET", &format!("/ipfs/{file}"), &first).await;
        assert_eq!(
            (first.status, first.bytes()),
            (206, &bytes()[..100]),
            "what is sound is served"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_lost_is_not_found() {
    let Damaged {
        node, folder, file, ..
    } = node(true).await;
    fs::remove_dir_all(folder.path().join("archives")).expect("removes");
    for format in ["", "?format=car", "?format=raw", "?format=tar"] {
        let answer = send(&node, "GET", &format!("/ipfs/{file}{format}"), &[]).await;
        assert!(
            answer.status == 404 || answer.body.is_none(),
            "{format}: {}",
            answer.status
        );
    }
}
