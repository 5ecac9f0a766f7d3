//! Archives of parts of a tree: what is in them, and in which order.

use alephd_cid::{AnyCid, FileBuilder, Layout, Version};
use alephd_unixfs::{
    ByteRange, CarReader, CarVerifier, DagScope, Error, Export, ExportOptions, Link, Node, TreeBuilder,
    car::{CarBlock, CarLimits, VerifyLimits, encode_header, section_head},
    source::{self, MemoryBlocks},
};
use proptest::prelude::*;

use crate::{add, pattern};

/// The blocks of a request, in their order.
fn export(blocks: &MemoryBlocks, path: &str, options: ExportOptions) -> Result<Vec<AnyCid>, Error> {
    let mut export = Export::new(path.parse().expect("a path"), options);
    let mut sent = Vec::new();
    let mut steps = 0;
    while let Some(wanted) = export.wanted().cloned() {
        steps += 1;
        assert!(steps < 10_000, "more work than blocks");
        let block = source::fetch(blocks, &wanted).expect("a block");
        if export.supply(&block)? {
            sent.push(wanted);
        }
    }
    Ok(sent)
}

fn options(scope: DagScope) -> ExportOptions {
    ExportOptions {
        scope,
        ..ExportOptions::default()
    }
}

fn bytes(text: &str, duplicates: bool) -> ExportOptions {
    ExportOptions {
        bytes: Some(ByteRange::parse(text).expect("a range")),
        duplicates,
        ..ExportOptions::default()
    }
}

/// `dir/file` of seven leaves and two levels of nodes, `dir/copy` the same, `dir/zeros` of four equal
/// leaves, `big/…` sharded.
struct Tree {
    blocks: MemoryBlocks,
    root: AnyCid,
}

fn tree() -> Tree {
    let mut blocks = MemoryBlocks::default();
    let builder = || FileBuilder::with_sizes(Layout::V1 { raw_leaves: true }, 100, 3);
    let file = add(&mut blocks, builder(), &pattern(650));
    let zeros = add(&mut blocks, builder(), &[0; 400]);
    let mut tree = TreeBuilder::new(Version::V1);
    tree.add_file("dir/copy", file.cid.into(), file.weight)
        .expect("free");
    tree.add_file("dir/file", file.cid.into(), file.weight)
        .expect("free");
    tree.add_file("dir/zeros", zeros.cid.into(), zeros.weight)
        .expect("free");
    tree.add_file("tiny", "f01550003616263".parse().expect("a CID"), 3)
        .expect("free");
    for at in 0..300 {
        let name = format!("big/{at}{}", "n".repeat(1000));
        tree.add_file(&name, file.cid.into(), file.weight).expect("free");
    }
    let root = tree.finish(&mut |block| blocks.insert(block)).expect("sound");
    Tree {
        blocks,
        root: root.cid.into(),
    }
}

impl Tree {
    fn at(&self, path: &str) -> AnyCid {
        let path = format!("{}/{path}", self.root).parse().expect("a path");
        source::resolve(&self.blocks, path).expect("a file")
    }

    fn export(&self, path: &str, options: ExportOptions) -> Vec<AnyCid> {
        export(&self.blocks, &format!("{}/{path}", self.root), options).expect("a sound tree")
    }
}

#[test]
fn scopes_send_what_they_say() {
    let tree = tree();
    let (root, dir, file) = (tree.root.clone(), tree.at("dir"), tree.at("dir/file"));
    let block = tree.export("dir/file", options(DagScope::Block));
    assert_eq!(block, [root.clone(), dir.clone(), file.clone()]);
    assert_eq!(
        tree.export("", options(DagScope::Block)),
        std::slice::from_ref(&root)
    );
    assert_eq!(
        tree.export("dir", options(DagScope::Entity)),
        [root.clone(), dir.clone()]
    );

    // Root, directory, file, then its 3 nodes with 3, 3 and 1 leaves.
    let entity = tree.export("dir/file", options(DagScope::Entity));
    assert_eq!(entity.len(), 3 + 3 + 7);
    assert_eq!(entity[2], file);
    assert_eq!(tree.export("dir/file", options(DagScope::All)), entity);

    let big = tree.at("big");
    let listing = tree.export("big", options(DagScope::Entity));
    assert_eq!(listing[..2], [root.clone(), big]);
    assert!(listing.len() > 2 && !listing.contains(&file));
    // The file once, though hundreds of entries link it; the inlined block never.
    let all = tree.export("", options(DagScope::All));
    assert_eq!(all.len(), tree.blocks.len());
    assert_eq!(all.iter().filter(|cid| **cid == file).count(), 1);
    // Every block behind one that links it.
    assert_eq!(all[0], root);

    assert_eq!(
        tree.export("tiny", options(DagScope::All)),
        std::slice::from_ref(&root)
    );
    let sharded = tree.export(&format!("big/7{}", "n".repeat(1000)), options(DagScope::Block));
    assert_eq!(sharded[..2], listing[..2]);
    assert_eq!(sharded.last(), Some(&file));
}

#[test]
fn ranges_send_only_their_blocks() {
    let tree = tree();
    for duplicates in [false, true] {
        let count = |path: &str, text: &str| tree.export(path, bytes(text, duplicates)).len();
        // Root, directory, file; then node and leaf.
        assert_eq!(count("dir/file", "0:0"), 5);
        assert_eq!(count("dir/file", "50:149"), 6);
        assert_eq!(count("dir/file", "-1:*"), 5);
        assert_eq!(count("dir/file", "-50:-1"), 5);
        assert_eq!(count("dir/file", "299:300"), 7);
        assert_eq!(count("dir/file", "0:*"), 13);
        assert_eq!(count("dir/file", "640:9999"), 5);
        // Nothing of the file is in these: the root block tells why.
        for text in ["650:700", "5:4", "-9:-20"] {
            assert_eq!(count("dir/file", text), 3, "{text}");
        }
        // A directory has no bytes.
        assert_eq!(count("dir", "3:5"), 2);
    }
    for text in ["", "1", "a:b", "1:", "*:1", "1:2:3", "99999999999999999999:*"] {
        assert_eq!(ByteRange::parse(text), None, "{text}");
    }
}

#[test]
fn duplicates_are_sent_when_asked_for() {
    let tree = tree();
    let with = |duplicates| ExportOptions {
        duplicates,
        ..options(DagScope::Entity)
    };
    // Root, directory, file; a node of three equal leaves and one of one.
    assert_eq!(tree.export("dir/zeros", with(true)).len(), 3 + 2 + 4);
    assert_eq!(tree.export("dir/zeros", with(false)).len(), 3 + 2 + 1);
    assert_eq!(tree.export("dir/zeros", bytes("0:*", true)).len(), 3 + 2 + 4);
    assert_eq!(tree.export("dir/zeros", bytes("0:*", false)).len(), 3 + 2 + 1);
}

/// A file of 1000^8 bytes of zeros in nine blocks.
fn endless(blocks: &mut MemoryBlocks) -> AnyCid {
    let leaf: AnyCid = add(blocks, FileBuilder::new(Layout::V1 { raw_leaves: true }), &[0])
        .cid
        .into();
    let (mut below, mut size) = (leaf, 1_u64);
    for _ in 0..6 {
        let mut data = vec![0x08, 2, 0x18];
        alephd_cid::varint::push(&mut data, size * 1000);
        for _ in 0..1000 {
            data.push(0x20);
            alephd_cid::varint::push(&mut data, size);
        }
        below = node(blocks, &vec![(below, ""); 1000], &data);
        size *= 1000;
    }
    below
}

fn node(blocks: &mut MemoryBlocks, links: &[(AnyCid, &str)], data: &[u8]) -> AnyCid {
    let links = links.iter().map(|(cid, name)| Link {
        cid: cid.clone(),
        name: name.as_bytes(),
        tsize: Some(0),
    });
    let block = Node {
        links: links.collect(),
        data: Some(data),
    }
    .encode();
    let hash = alephd_cid::Multihash::sha2_256(<sha2::Sha256 as sha2::Digest>::digest(&block).into());
    let cid = AnyCid::v1(alephd_cid::Multicodec::DAG_PB, hash);
    blocks.insert_any(&cid, block);
    cid
}

#[test]
fn endless_trees_cost_what_they_are() {
    let mut blocks = MemoryBlocks::default();
    let file = endless(&mut blocks);
    for options in [
        options(DagScope::All),
        options(DagScope::Entity),
        bytes("1:-2", false),
    ] {
        let sent = export(&blocks, &file.to_string(), options).expect("sound");
        assert_eq!(sent.len(), 7);
    }
    let mut read = 0;
    source::read(&blocks, &file, ByteRange::Positions(-3, None), |piece| {
        read += piece.len()
    })
    .expect("sound");
    assert_eq!(read, 3);
    assert_eq!(
        source::stat(&blocks, &file).map(|stat| stat.size),
        Ok(1000_u64.pow(6))
    );
}

#[test]
fn endless_directories_are_found_out() {
    // Shards of 256 shards each, the same in every slot, without an entry at the end.
    let mut blocks = MemoryBlocks::default();
    let data = [
        &[0x08, 5, 0x12, 32][..],
        &[0xff; 32],
        &[0x28, 0x22, 0x30, 0x80, 0x02],
    ]
    .concat();
    let empty = node(&mut blocks, &[], &[0x08, 5, 0x28, 0x22, 0x30, 0x80, 0x02]);
    let names: Vec<String> = (0..256).map(|slot| format!("{slot:02X}")).collect();
    let mut below = empty.clone();
    for _ in 0..7 {
        let links: Vec<_> = names.iter().map(|name| (below.clone(), &**name)).collect();
        below = node(&mut blocks, &links, &data);
    }
    let error = source::list(&blocks, &below, |_| ())
        .expect_err("no directory")
        .to_string();
    assert!(error.ends_with("part of a sharded directory is empty"), "{error}");
    assert!(source::list(&blocks, &empty, |_| ()).is_ok());
    // One level more than the hash has bits for, and names where their hash does not lead.
    let links: Vec<_> = names.iter().map(|name| (below.clone(), &**name)).collect();
    let deep = node(&mut blocks, &links, &data);
    assert!(source::list(&blocks, &deep, |_| ()).is_err());
    let astray = node(
        &mut blocks,
        &[(empty, "00x")],
        &[0x08, 5, 0x12, 1, 1, 0x28, 0x22, 0x30, 0x80, 0x02],
    );
    let error = source::list(&blocks, &astray, |_| ())
        .expect_err("no directory")
        .to_string();
    assert!(
        error.ends_with("name is in a slot that is not of its hash"),
        "{error}"
    );
    let scoped = export(&blocks, &below.to_string(), options(DagScope::Entity));
    assert!(scoped.is_err());
    let all = export(&blocks, &below.to_string(), options(DagScope::All)).expect("links are links");
    assert_eq!(all.len(), 8);
}

#[test]
fn parts_of_a_file_are_what_their_parent_says() {
    let mut blocks = MemoryBlocks::default();
    let text: AnyCid = "f01550003616263".parse().expect("a CID");
    let directory: AnyCid = "bafyaabakaieac".parse().expect("a CID");
    let read = |blocks: &MemoryBlocks, root: &AnyCid| {
        let mut bytes = Vec::new();
        source::read(blocks, root, ByteRange::ALL, |piece| {
            bytes.extend_from_slice(piece)
        })
        .map(|()| bytes)
    };
    let mut file = |part: &AnyCid, size: u8| {
        let root = node(
            &mut blocks,
            &[(part.clone(), "")],
            &[0x08, 2, 0x12, 1, b'-', 0x20, size],
        );
        read(&blocks, &root).map_err(|error| error.to_string())
    };
    assert_eq!(file(&text, 3), Ok(b"-abc".to_vec()));
    for size in [2, 4] {
        let why = format!("{text}: part of a file has another size than its parent says");
        assert_eq!(file(&text, size), Err(why));
    }
    // What holds nothing is not looked at.
    assert_eq!(file(&text, 0), Ok(b"-".to_vec()));
    assert_eq!(
        file(&directory, 3),
        Err(format!("{directory}: part of a file is not a file"))
    );

    // As many levels as are followed, and one more.
    let mut root = text;
    for level in 0..33 {
        root = node(&mut blocks, &[(root, "")], &[0x08, 2, 0x20, 3]);
        match read(&blocks, &root) {
            Ok(bytes) => assert!(level < 32 && bytes == b"abc", "{level}"),
            Err(error) => assert!(
                level == 32 && error.to_string().ends_with("too deep or too wide"),
                "{level}"
            ),
        }
    }
}

#[test]
fn malformed_blocks_have_a_reason() {
    let mut blocks = MemoryBlocks::default();
    let empty: AnyCid = "bafkqaaa".parse().expect("a CID");
    let two = [(empty.clone(), ""), (empty.clone(), "")];
    for (links, data, why) in [
        (&two[..0], &[][..], "UnixFS entry has no kind"),
        (&two[..0], &[0x08, 3], "unknown kind of UnixFS entry"),
        (&two[..0], &[0x0a, 0], "field of a UnixFS entry has a wrong type"),
        (&two[..0], &[0x08], "number is cut off"),
        (&two[..0], &[0x08, 2, 0x12, 5], "field is cut off"),
        (&two[..0], &[0x08, 2, 0x07], "unknown wire type"),
        (
            &two[..0],
            &[0x08, 2, 0x18, 1],
            "size of a file is not that of its parts",
        ),
        (
            &two[..],
            &[0x08, 2, 0x20, 1],
            "file has not as many sizes as links",
        ),
        (
            &[(empty.clone(), "x")],
            &[0x08, 2, 0x20, 1],
            "part of a file has a name",
        ),
        (
            &two[..],
            &[
                0x08, 2, 0x22, 11, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
            ],
            "size of a file exceeds 64 bits",
        ),
        (&two[..0], &[0x08, 5], "shard has an unknown hash function"),
        (
            &two[..0],
            &[0x08, 5, 0x28, 0x22, 0x30, 7],
            "shard has an impossible number of slots",
        ),
        (
            &two[..0],
            &[0x08, 5, 0x28, 0x22, 0x30, 0x80, 0x10],
            "shard has an impossible number of slots",
        ),
        (
            &two[..1],
            &[0x08, 5, 0x28, 0x22, 0x30, 8],
            "link of a shard has no slot",
        ),
        (
            &[(empty.clone(), "8x")],
            &[0x08, 5, 0x28, 0x22, 0x30, 8],
            "link of a shard has no slot",
        ),
        (
            &[(empty.clone(), "1x"), (empty.clone(), "1y")],
            &[0x08, 5, 0x28, 0x22, 0x30, 8],
            "slots of a shard are not in order",
        ),
        (
            &[(empty.clone(), "1x")],
            &[0x08, 5, 0x28, 0x22, 0x30, 8],
            "bits of a shard are not those of its links",
        ),
    ] {
        let cid = node(&mut blocks, links, data);
        let error = source::stat(&blocks, &cid).expect_err(why).to_string();
        assert_eq!(error, format!("{cid}: {why}"));
    }
    for (block, why) in [
        (&b""[..], "node is no UnixFS entry"),
        (b"\x0a\x00\x0a\x00", "node has data twice"),
        (b"\x1a\x00", "node has an unknown field"),
        (b"\x12\x00", "link has no CID"),
        (b"\x12\x04\x0a\x02\x01\x55", "link has no CID that can be read"),
        (b"\x12\x02\x12\x00", "link has no CID"),
        (
            b"\x12\x0a\x12\x00\x0a\x04\x01\x55\x00\x00\x18\x01",
            "link has a field that is unknown, repeated or misplaced",
        ),
        (
            b"\x12\x06\x0a\x04\x01\x55\x00\x00\x0a\x00\x12\x06\x0a\x04\x01\x55\x00\x00",
            "node has links on both sides of its data",
        ),
    ] {
        let hash = alephd_cid::Multihash::sha2_256(<sha2::Sha256 as sha2::Digest>::digest(block).into());
        let cid = AnyCid::v1(alephd_cid::Multicodec::DAG_PB, hash);
        blocks.insert_any(&cid, block.to_vec());
        let error = source::stat(&blocks, &cid).expect_err(why).to_string();
        assert_eq!(error, format!("{cid}: {why}"));
    }
    // Old writers put data before links.
    let data_first = b"\x0a\x02\x08\x01\x12\x06\x0a\x04\x01\x55\x00\x00";
    assert_eq!(Node::decode(data_first).map(|node| node.links.len()), Ok(1));
}

#[test]
fn an_exported_tree_is_a_whole_archive() {
    let tree = tree();
    let mut archive = encode_header(std::slice::from_ref(&tree.root));
    for cid in tree.export("", options(DagScope::All)) {
        let block = source::fetch(&tree.blocks, &cid).expect("a block");
        archive.extend(section_head(&cid, block.len()));
        archive.extend(&*block);
    }
    let mut reader = CarReader::new(CarLimits::default());
    let mut verifier = CarVerifier::new(&tree.root, VerifyLimits::default());
    for mut piece in archive.chunks(1000) {
        while let Some(block) = reader.next(&mut piece).expect("sound") {
            verifier.add(&block).expect("sound");
        }
    }
    reader.finish().expect("whole");
    assert_eq!(reader.root(), Ok(&tree.root));
    let report = verifier.finish().expect("whole");
    let claimed = source::stat(&tree.blocks, &tree.root)
        .expect("a block")
        .cumulative_size;
    assert_eq!(report.cumulative_size, claimed);
    assert_eq!((report.unreachable, report.duplicates), (0, 0));
}

/// Deep enough to end every recursion, and too many for anything that looks at blocks twice.
#[test]
fn many_small_blocks_in_a_long_chain() {
    let mut blocks = MemoryBlocks::default();
    let leaf: AnyCid = "bafkqaaa".parse().expect("a CID");
    let mut names = vec![leaf.clone()];
    for _ in 0..100_000 {
        let below = names[names.len() - 1].clone();
        names.push(node(&mut blocks, &[(below, ""), (leaf.clone(), "")], b""));
    }
    let root = &names[100_000];
    let mut verifier = CarVerifier::new(root, VerifyLimits::default());
    for cid in &names[1..] {
        let bytes = source::fetch(&blocks, cid).expect("a block");
        let block = CarBlock {
            cid: cid.clone(),
            bytes: &bytes,
            offset: 0,
        };
        verifier.add(&block).expect("sound");
    }
    // The nodes and the inlined leaf.
    assert_eq!(verifier.finish().map(|report| report.blocks), Ok(100_001));
}

proptest! {
    #[test]
    fn any_bytes_are_a_node_or_an_error(bytes: Vec<u8>, links in prop::collection::vec((any::<Vec<u8>>(), any::<Option<u64>>()), 0..5), data: Option<Vec<u8>>) {
        if let Ok(node) = Node::decode(&bytes) {
            let again = node.encode();
            prop_assert_eq!(Node::decode(&again), Ok(node));
        }
        let links = links.iter().map(|(name, tsize)| Link {
            cid: "bafkqaaa".parse().expect("a CID"),
            name,
            tsize: *tsize,
        });
        let node = Node { links: links.collect(), data: data.as_deref() };
        let block = node.encode();
        prop_assert_eq!(Node::decode(&block), Ok(node));
        let cid: AnyCid = format!("f017000{:02x}{}", bytes.len().min(99), bytes.iter().take(99).map(|byte| format!("{byte:02x}")).collect::<String>()).parse().expect("a CID");
        let blocks = MemoryBlocks::default();
        let _ = source::stat(&blocks, &cid);
        let _ = source::list(&blocks, &cid, |_| ());
        let _ = source::read(&blocks, &cid, ByteRange::ALL, |_| ());
    }
}
