//! Whether a file was cut as we cut files.

use alephd_cid::{AnyCid, CHUNK_SIZE, MAX_LINKS, Multicodec, Version, varint};
use alephd_unixfs::{Entity, Node};

/// Whether the root block of a file looks as the importer of this node makes it, so that the name
/// probably follows from the bytes. Only the whole file tells; but who made it otherwise seldom made
/// such a root.
pub(crate) fn has_default_shape(root: &AnyCid, block: &[u8]) -> bool {
    if root.codec() == Multicodec::RAW {
        // The bytes are the block.
        return true;
    }
    let (Ok(node), Ok(Entity::File(file))) = (Node::decode(block), Entity::decode(root, block)) else {
        return false;
    };
    if file.parts.is_empty() {
        // Raw leaves stand for themselves, and a wrapped one of version 1 for `--raw-leaves=false`.
        return file.size <= CHUNK_SIZE as u64 && node.data == Some(&leaf_data(file.data)[..]);
    }
    if root.version() == Version::V0
        && file
            .parts
            .iter()
            .any(|(cid, _)| cid.codec() != Multicodec::DAG_PB)
    {
        return false;
    }
    let mut capacity = CHUNK_SIZE as u64;
    while capacity.saturating_mul(MAX_LINKS as u64) < file.size {
        capacity = capacity.saturating_mul(MAX_LINKS as u64);
    }
    let full = (file.size - 1) / capacity;
    let sizes: Vec<_> = (0..full)
        .map(|_| capacity)
        .chain([file.size - full * capacity])
        .collect();
    file.parts.iter().map(|(_, size)| *size).eq(sizes.iter().copied())
        && node.data == Some(&node_data(file.size, &sizes)[..])
}

/// A UnixFS entry as the importer writes it: kind, bytes, size.
fn leaf_data(bytes: &[u8]) -> Vec<u8> {
    let mut data = vec![0x08, 2];
    if !bytes.is_empty() {
        data.push(0x12);
        varint::push(&mut data, bytes.len() as u64);
        data.extend_from_slice(bytes);
    }
    data.push(0x18);
    varint::push(&mut data, bytes.len() as u64);
    data
}

/// The same of a node: kind, size, sizes of the parts.
fn node_data(size: u64, sizes: &[u64]) -> Vec<u8> {
    let mut data = vec![0x08, 2, 0x18];
    varint::push(&mut data, size);
    for size in sizes {
        data.push(0x20);
        varint::push(&mut data, *size);
    }
    data
}

#[cfg(test)]
mod tests {
    use alephd_cid::{FileBuilder, Layout};

    use super::*;

    fn root(mut builder: FileBuilder, size: usize) -> (AnyCid, Vec<u8>) {
        let mut last = None;
        let mut sink = |block: &alephd_cid::Block<'_>| last = Some((block.cid().into(), block.to_vec()));
        builder.update(&vec![7; size], &mut sink);
        builder.finish(&mut sink);
        last.expect("a root")
    }

    #[test]
    fn files_of_ours_are_known_by_their_root() {
        let layouts = [
            Layout::V0,
            Layout::V1 { raw_leaves: true },
            Layout::V1 { raw_leaves: false },
        ];
        let more_than_a_node = CHUNK_SIZE * MAX_LINKS + 1;
        for layout in layouts {
            for size in [0, 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE, more_than_a_node] {
                let (cid, block) = root(FileBuilder::new(layout), size);
                assert!(has_default_shape(&cid, &block), "{layout:?} of {size}");
            }
        }
    }

    #[test]
    fn other_files_are_not() {
        for (chunk, width) in [
            (CHUNK_SIZE / 2, MAX_LINKS),
            (CHUNK_SIZE * 4, MAX_LINKS),
            (CHUNK_SIZE, 2),
        ] {
            let builder = FileBuilder::with_sizes(Layout::V0, chunk, width);
            let (cid, block) = root(builder, 5 * CHUNK_SIZE + 1);
            assert!(
                !has_default_shape(&cid, &block),
                "chunks of {chunk}, {width} links"
            );
        }
        let (cid, mut block) = root(FileBuilder::new(Layout::V0), 2 * CHUNK_SIZE);
        // A time of change behind the sizes.
        assert!(has_default_shape(&cid, &block));
        let data = Node::decode(&block).expect("a node");
        let mut with_time = data.data.expect("an entry").to_vec();
        with_time.extend([0x42, 2, 0x08, 1]);
        block = Node {
            links: data.links.clone(),
            data: Some(&with_time),
        }
        .encode();
        assert!(!has_default_shape(&cid, &block));
    }
}
