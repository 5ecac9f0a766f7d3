//! Files and directories to exchange.

use alephd_blobs::BlobName;
use alephd_cid::{AnyCid, Cid, FileBuilder, Layout, Version};
use alephd_content::Content;
use alephd_message::ItemHash;
use alephd_unixfs::{
    ByteRange, TreeBuilder,
    car::{encode_header, section_head},
};
use futures_util::TryStreamExt as _;

/// Bytes that repeat nowhere near.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    (0..size)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

pub(crate) fn name(cid: &AnyCid) -> ItemHash {
    ItemHash::parse_strict(&cid.to_string()).unwrap()
}

/// Stores a file as an upload does.
pub(crate) async fn add_file(content: &Content, bytes: &[u8]) -> AnyCid {
    let mut writer = content.blobs().writer_cid_v0(u64::MAX);
    writer.write(bytes).await.unwrap();
    let stored = writer.finish(BlobName::CidV0).await.unwrap();
    content.index_one(&stored.name).await.unwrap();
    stored.name.to_string().parse().unwrap()
}

/// Blocks and their root.
pub(crate) struct Tree {
    pub(crate) root: AnyCid,
    pub(crate) blocks: Vec<(AnyCid, Vec<u8>)>,
}

impl Tree {
    /// A file that was cut in its own way.
    pub(crate) fn file(builder: FileBuilder, bytes: &[u8]) -> Self {
        let mut blocks = Vec::new();
        let (root, _) = add(&mut blocks, builder, bytes);
        Self {
            root: root.into(),
            blocks,
        }
    }

    /// A directory of files.
    pub(crate) fn directory(files: &[(&str, &[u8])]) -> Self {
        let mut blocks = Vec::new();
        let mut tree = TreeBuilder::new(Version::V1);
        for (path, bytes) in files {
            let builder = FileBuilder::new(Layout::V1 { raw_leaves: true });
            let (cid, weight) = add(&mut blocks, builder, bytes);
            tree.add_file(path, cid.into(), weight).unwrap();
        }
        let finished = tree.finish(&mut |block| blocks.push((block.cid().into(), block.to_vec())));
        let root = finished.unwrap().cid.into();
        Self { root, blocks }
    }

    /// Stores it as the upload of an archive does.
    pub(crate) async fn import(&self, content: &Content) {
        let mut import = content.import_car(u64::MAX);
        import
            .write(&encode_header(std::slice::from_ref(&self.root)))
            .await
            .unwrap();
        for (cid, block) in &self.blocks {
            import.write(&section_head(cid, block.len())).await.unwrap();
            import.write(block).await.unwrap();
        }
        import.seal().await.unwrap().store().await.unwrap();
    }
}

fn add(blocks: &mut Vec<(AnyCid, Vec<u8>)>, mut builder: FileBuilder, bytes: &[u8]) -> (Cid, u64) {
    let mut sink = |block: &alephd_cid::Block<'_>| blocks.push((block.cid().into(), block.to_vec()));
    builder.update(bytes, &mut sink);
    let root = builder.finish(&mut sink);
    (root.cid, root.weight)
}

/// The bytes of a file that is kept.
pub(crate) async fn read(content: &Content, path: &str) -> Vec<u8> {
    let cid = content.resolve(path.parse().unwrap()).await.unwrap();
    let file = content.file(&cid, ByteRange::ALL).await.unwrap();
    let pieces: Vec<_> = file.bytes.try_collect().await.unwrap();
    pieces.concat()
}
