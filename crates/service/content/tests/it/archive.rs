//! Archives to take in.

use alephd_cid::{AnyCid, Block, FileBuilder, Layout, Version};
use alephd_unixfs::{
    TreeBuilder,
    car::{encode_header, section_head},
};

/// A tree and its blocks, the root last.
pub(crate) struct Tree {
    pub(crate) root: AnyCid,
    pub(crate) blocks: Vec<(AnyCid, Vec<u8>)>,
}

impl Tree {
    /// A directory of these files, cut into chunks of `chunk` bytes, ten to a node.
    pub(crate) fn directory(version: Version, chunk: usize, files: &[(&str, &[u8])]) -> Self {
        let mut blocks = Vec::new();
        let mut keep = |block: &Block<'_>| blocks.push((block.cid().into(), block.to_vec()));
        let mut tree = TreeBuilder::new(version);
        for (path, bytes) in files {
            let mut file = FileBuilder::with_sizes(layout(version), chunk, 10);
            file.update(bytes, &mut keep);
            let built = file.finish(&mut keep);
            tree.add_file(path, built.cid.into(), built.weight).unwrap();
        }
        let root = tree.finish(&mut keep).unwrap().cid.into();
        Self { root, blocks }
    }

    /// A file alone, cut into chunks of `chunk` bytes.
    pub(crate) fn file(version: Version, chunk: usize, bytes: &[u8]) -> Self {
        let mut blocks = Vec::new();
        let mut keep = |block: &Block<'_>| blocks.push((block.cid().into(), block.to_vec()));
        let mut file = FileBuilder::with_sizes(layout(version), chunk, 10);
        file.update(bytes, &mut keep);
        let root = file.finish(&mut keep).cid.into();
        Self { root, blocks }
    }

    /// The archive of the blocks in their order.
    pub(crate) fn car(&self) -> Vec<u8> {
        let mut car = encode_header(std::slice::from_ref(&self.root));
        for (cid, bytes) in &self.blocks {
            car.extend(section_head(cid, bytes.len()));
            car.extend(bytes);
        }
        car
    }
}

fn layout(version: Version) -> Layout {
    match version {
        Version::V0 => Layout::V0,
        Version::V1 => Layout::V1 { raw_leaves: true },
    }
}
