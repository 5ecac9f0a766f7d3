//! Files that are kept as they are.

use alephd_blobs::BlobName;
use alephd_cid::{AnyCid, Block, CHUNK_SIZE, FileBuilder, Layout, Multihash};
use alephd_content::Content;
use alephd_message::ItemHash;
use alephd_store::BlockIndex;
use alephd_unixfs::{ByteRange, Kind};

use crate::{Folder, bytes, folder, is_missing, open, pattern};

const LAYOUTS: [Layout; 3] = [
    Layout::V0,
    Layout::V1 { raw_leaves: true },
    Layout::V1 { raw_leaves: false },
];

/// Stores a file as the layout names it; its blocks, the root last.
async fn store(folder: &Folder, layout: Layout, file: &[u8]) -> Vec<(AnyCid, Vec<u8>)> {
    let mut blocks: Vec<(AnyCid, Vec<u8>)> = Vec::new();
    let mut keep = |block: &Block<'_>| blocks.push((block.cid().into(), block.to_vec()));
    let mut builder = FileBuilder::new(layout);
    builder.update(file, &mut keep);
    let root = builder.finish(&mut keep).cid.to_string();
    let name = ItemHash::parse_strict(&root).expect("a name of the network");
    let mut writer = folder.content.blobs().writer_for(&name, u64::MAX).unwrap();
    writer.write(file).await.unwrap();
    writer.finish(BlobName::Exactly(name)).await.unwrap();
    blocks
}

#[tokio::test]
async fn every_block_of_every_layout() {
    for layout in LAYOUTS {
        let folder = folder().await;
        let file = pattern(CHUNK_SIZE * 180 + 17);
        let blocks = store(&folder, layout, &file).await;
        let (root, _) = blocks.last().unwrap();
        let (leaf, _) = &blocks[3];
        is_missing(folder.content.block(leaf).await, leaf);
        // The root leads to the file, and so to the rest.
        assert!(folder.content.block(root).await.is_ok());
        for (cid, block) in &blocks {
            assert!(folder.content.block(cid).await.unwrap() == block[..], "{cid}");
            // The hash names the block, whatever else the name says.
            assert!(folder.content.block(&cid.to_v1()).await.unwrap() == block[..]);
        }
        assert_eq!(folder.content.stat(root).await.unwrap().size, file.len() as u64);
        let read = folder.content.file(root, ByteRange::ALL).await.unwrap();
        assert_eq!(
            (read.size, read.range.clone()),
            (file.len() as u64, 0..file.len() as u64)
        );
        assert!(bytes(read).await == file);
        let range = CHUNK_SIZE as u64 - 5..CHUNK_SIZE as u64 + 9;
        let part = folder
            .content
            .file(root, ByteRange::Bytes(range.clone()))
            .await
            .unwrap();
        assert!(bytes(part).await == file[range.start as usize..range.end as usize]);
        let none = folder
            .content
            .file(root, ByteRange::Bytes(1 << 40..1 << 41))
            .await;
        assert!(bytes(none.unwrap()).await.is_empty());
    }
}

#[tokio::test]
async fn what_is_not_listed_is_listed_at_the_start() {
    let mut folder = folder().await;
    let file = pattern(CHUNK_SIZE * 3);
    let blocks = store(&folder, Layout::V0, &file).await;
    let empty = store(&folder, Layout::V0, b"").await;
    let (leaf, block) = &blocks[1];
    is_missing(folder.content.block(leaf).await, leaf);
    folder.content.index_all().await.unwrap();
    assert!(folder.content.block(leaf).await.unwrap() == block[..]);
    assert!(folder.content.block(&empty[0].0).await.unwrap() == empty[0].1[..]);

    // An index that is lost, or is none, is made again.
    drop(folder.content);
    std::fs::write(folder.folder.path().join("blocks.sqlite"), pattern(20_000)).unwrap();
    folder.content = open(&folder.folder).await;
    is_missing(folder.content.block(leaf).await, leaf);
    folder.content.index_all().await.unwrap();
    assert!(folder.content.block(leaf).await.unwrap() == block[..]);

    // What is deleted is gone, at once and after the next start.
    let name = ItemHash::parse_strict(&blocks.last().unwrap().0.to_string()).unwrap();
    folder.content.blobs().delete(&name).await.unwrap();
    is_missing(folder.content.block(leaf).await, leaf);
    folder.content.index_all().await.unwrap();
    is_missing(folder.content.block(leaf).await, leaf);
    assert_eq!(folder.content.facts(&name).await.unwrap(), None);
}

#[tokio::test]
async fn bytes_that_changed_on_the_disk_are_no_block() {
    let folder = folder().await;
    let file = pattern(CHUNK_SIZE * 2);
    let blocks = store(&folder, Layout::V0, &file).await;
    folder.content.index_all().await.unwrap();
    let root = blocks[2].0.to_string();
    let name = ItemHash::parse_strict(&root).unwrap();
    let digest = blocks[2].0.hash().digest()[0];
    let place = folder.folder.path().join(format!("files/{digest:02x}/{root}"));
    let mut changed = file.clone();
    changed[CHUNK_SIZE] ^= 1;
    std::fs::write(place, changed).unwrap();
    assert!(folder.content.block(&blocks[0].0).await.is_ok());
    is_missing(folder.content.block(&blocks[1].0).await, &blocks[1].0);
    let anew = Content::new(folder.content.blobs().clone(), BlockIndex::in_memory().unwrap());
    assert!(
        anew.index_one(&name).await.is_err(),
        "nothing is listed of damage"
    );
}

#[tokio::test]
async fn files_by_their_sha256_are_read_and_have_no_blocks() {
    let folder = folder().await;
    let mut writer = folder.content.blobs().writer_sha256(100);
    writer.write(b"flat").await.unwrap();
    let name = writer.finish(BlobName::Sha256).await.unwrap().name;
    let read = folder.content.read(&name, ByteRange::ALL).await.unwrap().unwrap();
    assert_eq!(bytes(read).await, b"flat");
    let facts = folder.content.facts(&name).await.unwrap().unwrap();
    assert_eq!((facts.kind, facts.size), (Kind::File, 4));
    assert!(!folder.content.index_one(&name).await.unwrap());
}

#[tokio::test]
async fn a_name_that_begins_like_another_unlists_nothing() {
    let folder = folder().await;
    let blocks = store(&folder, Layout::V0, &pattern(CHUNK_SIZE * 2)).await;
    folder.content.index_all().await.unwrap();
    let (leaf, block) = &blocks[1];
    let mut digest: [u8; 32] = leaf.hash().digest().try_into().unwrap();
    digest[31] ^= 1;
    let alike = AnyCid::v1(leaf.codec(), Multihash::sha2_256(digest));
    is_missing(folder.content.block(&alike).await, &alike);
    assert!(folder.content.block(leaf).await.unwrap() == block[..]);
}
