//! Files and directories of our own making, read back.

use std::{cell::RefCell, collections::BTreeSet};

use alephd_cid::{AnyCid, FileBuilder, Layout, Multicodec, Version};
use alephd_unixfs::{
    BuildError, ByteRange, Error, FileReader, IpfsPath, Kind, PathError, TreeBuilder,
    source::{self, BlockSource, MemoryBlocks, SourceError},
};
use proptest::prelude::*;

use crate::{add, pattern, read};

const LAYOUTS: [Layout; 3] = [
    Layout::V0,
    Layout::V1 { raw_leaves: true },
    Layout::V1 { raw_leaves: false },
];

/// Counts what is fetched.
struct Counting<'a>(&'a MemoryBlocks, RefCell<Vec<AnyCid>>);

impl BlockSource for Counting<'_> {
    type Error = std::convert::Infallible;

    fn block(&self, cid: &AnyCid) -> Result<Option<std::borrow::Cow<'_, [u8]>>, Self::Error> {
        self.1.borrow_mut().push(cid.clone());
        self.0.block(cid)
    }
}

#[test]
fn a_range_needs_only_its_blocks() {
    let mut blocks = MemoryBlocks::default();
    let bytes = pattern(10_000);
    // 100 leaves of 100 bytes below nodes of 10.
    let root = add(&mut blocks, FileBuilder::with_sizes(Layout::V0, 100, 10), &bytes);
    let root = AnyCid::from(root.cid);
    for (range, expected) in [
        (0..0, 1),
        (20_000..30_000, 1),
        (5050..5051, 3),
        (5000..5100, 3),
        (5099..5101, 4),
        (0..1000, 12),
        (0..u64::MAX, 111),
    ] {
        let counting = Counting(&blocks, RefCell::default());
        let mut got = Vec::new();
        source::read(&counting, &root, ByteRange::Bytes(range.clone()), |piece| {
            got.extend_from_slice(piece)
        })
        .expect("a whole file");
        let end = range.end.min(10_000) as usize;
        assert_eq!(got, bytes[(range.start as usize).min(end)..end]);
        assert_eq!(counting.1.borrow().len(), expected, "{range:?}");
    }
}

#[test]
fn readers_tell_sizes_and_what_comes() {
    let mut blocks = MemoryBlocks::default();
    let root = add(
        &mut blocks,
        FileBuilder::with_sizes(Layout::V0, 100, 10),
        &pattern(1000),
    );
    let root = AnyCid::from(root.cid);
    let mut reader = FileReader::new(root.clone(), ByteRange::Positions(-150, None));
    assert_eq!((reader.size(), reader.range()), (None, None));
    let block = blocks.block(&root).expect("no error").expect("a block");
    assert_eq!(reader.supply(&block), Ok(&[][..]));
    assert_eq!((reader.size(), reader.range()), (Some(1000), Some(850..1000)));
    assert_eq!(reader.upcoming().count(), 2);
    assert!(matches!(reader.supply(&block), Err(Error::Hash { .. })));
    assert!(matches!(
        reader.supply(&vec![0; (2 << 20) + 1]),
        Err(Error::BlockSize(_))
    ));
    assert_eq!(reader.supply(&block), Err(Error::NotWanted));
}

#[test]
fn paths_end_with_a_clear_error() {
    let mut blocks = MemoryBlocks::default();
    let file = add(&mut blocks, FileBuilder::new(Layout::V0), b"x");
    let mut tree = TreeBuilder::new(Version::V0);
    tree.add_file("a/b", file.cid.into(), file.weight).expect("free");
    tree.add_directory("a/empty").expect("free");
    for at in 0..3000 {
        let name = format!("big/{at}{}", "n".repeat(100));
        tree.add_file(&name, file.cid.into(), file.weight).expect("free");
    }
    let cbor: AnyCid = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"
        .parse()
        .expect("a CID");
    tree.add_file("cbor", cbor.clone(), 1).expect("free");
    let root = tree.finish(&mut |block| blocks.insert(block)).expect("sound");
    let root = AnyCid::from(root.cid);
    let resolve = |path: &str| source::resolve(&blocks, format!("{root}/{path}").parse().expect("a path"));
    let inner = |path: &str| resolve(path).expect("a path");

    assert_eq!(resolve(""), Ok(root.clone()));
    assert_eq!(resolve("a//b/"), Ok(file.cid.into()));
    assert_eq!(resolve("cbor"), Ok(cbor.clone()));
    let no_link = |directory: AnyCid, name: &str| {
        Err(SourceError::Tree(Error::NoLink {
            directory,
            name: name.to_owned(),
        }))
    };
    assert_eq!(resolve("a/c"), no_link(inner("a"), "c"));
    assert_eq!(resolve("a/empty/x"), no_link(inner("a/empty"), "x"));
    let sharded = inner("big");
    assert_eq!(resolve("big/nothing"), no_link(sharded.clone(), "nothing"));
    // Names of links are not names of entries.
    for prefix in ["00", "7F"] {
        assert_eq!(
            resolve(&format!("big/{prefix}")),
            no_link(sharded.clone(), prefix)
        );
    }
    assert_eq!(
        resolve("a/b/c"),
        Err(SourceError::Tree(Error::NotADirectory {
            cid: file.cid.into(),
            name: "c".to_owned()
        }))
    );
    let missing = blocks.clone();
    assert_eq!(resolve("cbor/x"), Err(SourceError::Missing(cbor.clone())));
    let mut lies = missing;
    lies.insert_any(&file.cid.into(), b"other".to_vec());
    assert!(matches!(
        source::resolve(&lies, format!("{root}/a/b/c").parse().expect("a path")),
        Err(SourceError::Tree(Error::Hash { .. }))
    ));
    let mut got = 0;
    let directory = source::read(&blocks, &root, ByteRange::ALL, |_| got += 1);
    assert_eq!(directory, Err(SourceError::Tree(Error::NotAFile(root.clone()))));
    assert!(matches!(
        source::list(&blocks, &file.cid.into(), |_| got += 1),
        Err(SourceError::Tree(Error::NotADirectory { .. }))
    ));
    assert_eq!(got, 0);

    let parse = |text: &str| text.parse::<IpfsPath>();
    assert_eq!(parse(&format!("/ipfs/{root}/..")), Err(PathError::Outside));
    assert!(matches!(parse("/ipfs/nonsense"), Err(PathError::Root(_))));
    assert_eq!(
        parse(&format!("{root}{}", "/a".repeat(257))),
        Err(PathError::TooLong)
    );
    assert!(parse(&format!("{root}{}", "/a".repeat(256))).is_ok());
}

#[test]
fn codecs_that_cannot_be_followed_are_named() {
    let name: AnyCid = "f01711220d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24"
        .parse()
        .expect("a CID");
    let block = b"\xa0";
    let cid = AnyCid::v1(
        name.codec(),
        alephd_cid::Multihash::sha2_256(*alephd_cid::Cid::v0(sha2_256(block)).digest()),
    );
    assert_eq!(cid.codec(), Multicodec::DAG_CBOR);
    let mut blocks = MemoryBlocks::default();
    blocks.insert_any(&cid, block.to_vec());
    let error = source::resolve(&blocks, format!("{cid}/x").parse().expect("a path"));
    let error = error.expect_err("no directory").to_string();
    assert_eq!(error, format!("{cid}: codec dag-cbor is not supported"));
}

fn sha2_256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

#[test]
fn inlined_blocks_need_no_source() {
    let blocks = MemoryBlocks::default();
    let empty: AnyCid = "bafyaabakaieac".parse().expect("a CID");
    assert_eq!(
        source::stat(&blocks, &empty).map(|stat| stat.kind),
        Ok(Kind::Directory)
    );
    let none: AnyCid = "bafkqaaa".parse().expect("a CID");
    assert_eq!(read(&blocks, &none, ByteRange::ALL), b"");
    let text: AnyCid = "f01550003616263".parse().expect("a CID");
    assert_eq!(read(&blocks, &text, ByteRange::Positions(1, Some(1))), b"b");
}

#[test]
fn builders_refuse_what_no_tree_can_have() {
    let cid: AnyCid = "bafkqaaa".parse().expect("a CID");
    let mut tree = TreeBuilder::new(Version::V1);
    let mut add = |path: &str| tree.add_file(path, cid.clone(), 0);
    assert_eq!(add("a/b"), Ok(()));
    for path in ["a/b", "a/b/c", "a"] {
        assert_eq!(add(path), Err(BuildError::Occupied(path.to_owned())));
    }
    let long = "x".repeat(4097);
    let deep = "x/".repeat(300) + "x";
    for path in [
        "", "/", "/a", "x/", "x//y", ".", "x/../y", "x/./y", "nul\0", &long, &deep,
    ] {
        assert_eq!(add(path), Err(BuildError::Path(path.to_owned())), "{path}");
    }
    assert_eq!(
        tree.add_directory("a/b"),
        Err(BuildError::Occupied("a/b".to_owned()))
    );
    assert_eq!(tree.add_directory("a"), Ok(()));
}

proptest! {
    #[test]
    fn any_range_of_a_file_reads_back(
        size in 0_usize..3000,
        chunk in 1_usize..300,
        width in 2_usize..6,
        from: prop::sample::Index,
        length in 0_u64..2000,
    ) {
        let bytes = pattern(size);
        let start = from.index(size + 10) as u64;
        let expected = &bytes[(start as usize).min(size)..((start + length) as usize).min(size)];
        for layout in LAYOUTS {
            let mut blocks = MemoryBlocks::default();
            let root = add(&mut blocks, FileBuilder::with_sizes(layout, chunk, width), &bytes);
            let root = AnyCid::from(root.cid);
            prop_assert_eq!(read(&blocks, &root, ByteRange::Bytes(start..start + length)), expected);
            let stat = source::stat(&blocks, &root);
            prop_assert_eq!(stat.map(|stat| (stat.kind, stat.size)), Ok((Kind::File, size as u64)));
            if start > 0 && length > 0 {
                let positions = ByteRange::Positions(start as i64, Some((start + length) as i64 - 1));
                prop_assert_eq!(read(&blocks, &root, positions), expected);
            }
            let tail = length as usize;
            let last = ByteRange::Positions(-(length as i64) - 1, None);
            prop_assert_eq!(read(&blocks, &root, last), &bytes[size.saturating_sub(tail + 1)..]);
        }
    }

    #[test]
    fn any_directory_lists_back(names in prop::collection::btree_set("[a-zé]{1,3}", 0..60), padding in 0_usize..2) {
        // With long names the directory is sharded.
        let long = "-".repeat(4000 * padding);
        let names: BTreeSet<String> = names.iter().map(|name| format!("{name}{long}")).collect();
        let mut blocks = MemoryBlocks::default();
        let mut tree = TreeBuilder::new(Version::V1);
        for name in &names {
            tree.add_file(name, "bafkqaaa".parse().expect("a CID"), 5).expect("free");
        }
        let root = tree.finish(&mut |block| blocks.insert(block)).expect("sound");
        let mut found = BTreeSet::new();
        source::list(&blocks, &root.cid.into(), |entry| {
            assert_eq!(entry.tsize, Some(5));
            found.insert(String::from_utf8(entry.name).expect("UTF-8"));
        }).expect("a directory");
        prop_assert_eq!(&found, &names);
        prop_assert_eq!(blocks.len() > 1 && padding == 0, false);
        for name in &names {
            let path = format!("{}/{name}", root.cid).parse().expect("a path");
            prop_assert!(source::resolve(&blocks, path).is_ok());
        }
    }
}
