use alephd_cid::{Cid, Codec, Multihash};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::{Link, MAX_BLOCK_SIZE, Node};

fn raw(bytes: &[u8]) -> AnyCid {
    Cid::v1(Codec::Raw, Sha256::digest(bytes).into()).into()
}

fn archive(roots: &[AnyCid], blocks: &[(AnyCid, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = encode_header(roots);
    for (cid, block) in blocks {
        bytes.extend(section_head(cid, block.len()));
        bytes.extend(block);
    }
    bytes
}

/// Reads to the end or the first error.
fn read(bytes: &[u8], piece: usize, limits: CarLimits) -> Result<Vec<(AnyCid, Vec<u8>)>, CarError> {
    let mut reader = CarReader::new(limits);
    let mut blocks = Vec::new();
    for mut piece in bytes.chunks(piece) {
        while let Some(block) = reader.next(&mut piece)? {
            assert_eq!(&bytes[block.offset as usize..][..block.bytes.len()], block.bytes);
            blocks.push((block.cid.clone(), block.bytes.to_vec()));
        }
    }
    reader.finish()?;
    Ok(blocks)
}

fn read_all(bytes: &[u8]) -> Result<Vec<(AnyCid, Vec<u8>)>, CarError> {
    read(bytes, bytes.len().max(1), CarLimits::default())
}

#[test]
fn headers_that_are_refused() {
    let header = |cbor: &[u8]| {
        let mut bytes = Vec::new();
        varint::push(&mut bytes, cbor.len() as u64);
        bytes.extend(cbor);
        read_all(&bytes).expect_err("no header")
    };
    assert_eq!(read_all(b""), Err(CarError::Truncated(0)));
    assert_eq!(read_all(&[0]), Err(CarError::Header("empty")));
    assert_eq!(read_all(&[0x81, 0x40]), Err(CarError::HeaderSize(8192)));
    assert_eq!(read_all(&[0x80, 0x00]), Err(CarError::Varint(1)));
    assert_eq!(read_all(&[0xff; 12]), Err(CarError::Varint(9)));
    assert_eq!(read_all(&[0x80, 0x40]), Err(CarError::Truncated(2)));
    // The first bytes of version 2.
    assert_eq!(header(b"\xa1\x67version\x02"), CarError::Version(2));
    assert_eq!(header(b"\xa2\x65roots\x80\x67version\x00"), CarError::Version(0));
    for (cbor, why) in [
        (&b"\x80"[..], "another type was expected"),
        (b"\xa1\x65roots\x80", "no version"),
        (b"\xa1\x67version\x01", "no roots"),
        (b"\xa2\x65roots\x80\x65roots\x80", "unknown or repeated field"),
        (
            b"\xa3\x65roots\x80\x67version\x01\x61a\x01",
            "unknown or repeated field",
        ),
        (
            b"\xa2\x65roots\x81\x01\x67version\x01",
            "another type was expected",
        ),
        (
            b"\xa2\x65roots\x81\xd8\x2b\x41\x00\x67version\x01",
            "root is not a CID",
        ),
        (
            b"\xa2\x65roots\x81\xd8\x2a\x41\x01\x67version\x01",
            "root is not a CID",
        ),
        (b"\xa2\x65roots\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "cut off"),
        (
            b"\xa2\x65roots\x9f\xff\x67version\x01",
            "item without a definite length",
        ),
        (
            b"\xa2\x65roots\x80\x67version\x18\x01",
            "number is longer than it must be",
        ),
        (b"\xa2\x65roots\x80\x67version\x01\x00", "bytes after its end"),
        (b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x65roots\x80", "cut off"),
    ] {
        assert_eq!(header(cbor), CarError::Header(why));
    }
    // Fields in the other order, and no roots, are read.
    assert_eq!(read_all(b"\x11\xa2\x67version\x01\x65roots\x80"), Ok(vec![]));
}

#[test]
fn sections_that_are_refused() {
    let good = (raw(b"x"), b"x".to_vec());
    let head = archive(&[raw(b"x")], &[]);
    let with = |tail: &[u8]| read_all(&[&head[..], tail].concat());
    let start = head.len() as u64;
    assert_eq!(
        with(&[0]),
        Err(CarError::SectionSize {
            offset: start + 1,
            size: 0
        })
    );
    assert!(matches!(with(&[1, 1]), Err(CarError::Cid { .. })));
    assert!(matches!(with(&[0xff; 8]), Err(CarError::Truncated(_))));
    assert!(matches!(with(&[0xff; 10]), Err(CarError::Varint(_))));
    assert!(matches!(
        with(&[0x81, 0x81, 0x81, 0x01]),
        Err(CarError::SectionSize { .. })
    ));
    let other = archive(&[], &[(raw(b"x"), b"y".to_vec())]);
    assert!(matches!(read_all(&other), Err(CarError::Hash { .. })));
    let unknown: AnyCid = format!("f01551340{}", "00".repeat(64)).parse().expect("a CID");
    let unknown = archive(&[], &[(unknown, vec![])]);
    let error = read_all(&unknown).expect_err("nobody can check it").to_string();
    assert!(error.ends_with("hash function 0x13 is not supported"), "{error}");

    let largest = vec![7; MAX_BLOCK_SIZE];
    assert!(read_all(&archive(&[], &[(raw(&largest), largest.clone())])).is_ok());
    let larger = vec![7; MAX_BLOCK_SIZE + 1];
    assert!(matches!(
        read_all(&archive(&[], &[(raw(&larger), larger.clone())])),
        Err(CarError::SectionSize { .. })
    ));

    let two = archive(&[], &[good.clone(), good]);
    let limits = CarLimits {
        blocks: 1,
        ..CarLimits::default()
    };
    assert_eq!(read(&two, 5, limits), Err(CarError::Blocks(1)));
    assert!(read_all(&two).is_ok());
    for cut in 0..two.len() {
        let whole = read(&two[..cut], 3, CarLimits::default());
        // Only between sections does an archive look whole.
        let ends = [encode_header(&[]).len(), encode_header(&[]).len() + 38];
        assert_eq!(whole.is_ok(), ends.contains(&cut), "{cut}");
    }
}

#[test]
fn an_error_is_final() {
    let bytes = archive(&[], &[(raw(b"x"), b"y".to_vec()), (raw(b"z"), b"z".to_vec())]);
    let mut reader = CarReader::new(CarLimits::default());
    let mut rest = &bytes[..];
    assert!(matches!(reader.next(&mut rest), Err(CarError::Hash { .. })));
    assert!(matches!(reader.next(&mut rest), Err(CarError::Truncated(_))));
    assert!(reader.finish().is_err());
}

/// A node that links these blocks.
fn node(links: &[AnyCid]) -> (AnyCid, Vec<u8>) {
    let links = links.iter().map(|cid| Link {
        cid: cid.clone(),
        name: b"",
        tsize: Some(1),
    });
    let block = Node {
        links: links.collect(),
        data: None,
    }
    .encode();
    let cid = Cid::v1(Codec::DagPb, Sha256::digest(&block).into());
    (cid.into(), block)
}

fn verify(root: &AnyCid, blocks: &[(AnyCid, Vec<u8>)]) -> Result<CarReport, VerifyError> {
    let mut verifier = CarVerifier::new(root, VerifyLimits::default());
    for (cid, bytes) in blocks {
        verifier.add(&CarBlock {
            cid: cid.clone(),
            bytes,
            offset: 0,
        })?;
    }
    verifier.finish()
}

#[test]
fn whole_archives_are_measured() {
    let leaf = (raw(b"leaf"), b"leaf".to_vec());
    let below = node(&[leaf.0.clone(), leaf.0.clone()]);
    let root = node(&[leaf.0.clone(), below.0.clone(), below.0.clone()]);
    let stray = (raw(b"stray"), b"stray".to_vec());
    let [small, middle, large] = [&leaf, &below, &root].map(|block| block.1.len() as u64);
    let report = CarReport {
        stat: None,
        cumulative_size: large + small + 2 * (middle + 2 * small),
        blocks: 3,
        bytes: large + middle + small,
        unreachable: 1,
        duplicates: 1,
    };
    let blocks = [leaf.clone(), root.clone(), stray, leaf.clone(), below.clone()];
    assert_eq!(verify(&root.0, &blocks), Ok(report.clone()));
    let mut reversed = blocks.clone();
    reversed.reverse();
    assert_eq!(verify(&root.0, &reversed), Ok(report));

    let missing = |name: &AnyCid| Err(VerifyError::Missing(Some(name.clone())));
    assert_eq!(verify(&root.0, &[root.clone(), below.clone()]), missing(&leaf.0));
    assert_eq!(verify(&root.0, &[leaf, below]), missing(&root.0));
    assert_eq!(verify(&root.0, &[]), missing(&root.0));
}

#[test]
fn the_codec_of_a_link_counts() {
    // As raw bytes a node has no links, so its being there proves nothing about them.
    let leaf = (raw(b"leaf"), b"leaf".to_vec());
    let below = node(&[leaf.0]);
    let root = node(std::slice::from_ref(&below.0));
    let disguised = (raw(&below.1), below.1);
    assert_eq!(
        verify(&root.0, &[root.clone(), disguised]),
        Err(VerifyError::Missing(Some(below.0)))
    );
    let cbor = AnyCid::v1(
        alephd_cid::Multicodec::DAG_CBOR,
        Multihash::sha2_256(Sha256::digest([0xa0]).into()),
    );
    let root = node(std::slice::from_ref(&cbor));
    let blocks = [root.clone(), (cbor, vec![0xa0])];
    assert_eq!(verify(&root.0, &blocks), Err(VerifyError::Codec(None)));
}

#[test]
fn inlined_nodes_have_links_too() {
    let leaf = (raw(b"leaf"), b"leaf".to_vec());
    let (_, block) = node(std::slice::from_ref(&leaf.0));
    let inlined: String = block.iter().map(|byte| format!("{byte:02x}")).collect();
    let inlined: AnyCid = format!("f017000{:02x}{inlined}", block.len())
        .parse()
        .expect("a CID");
    let root = node(std::slice::from_ref(&inlined));
    assert_eq!(
        verify(&root.0, &[root.clone(), leaf.clone()]).map(|report| report.blocks),
        Ok(3)
    );
    assert_eq!(
        verify(&root.0, std::slice::from_ref(&root)),
        Err(VerifyError::Missing(Some(leaf.0.clone())))
    );
    assert_eq!(verify(&inlined, &[leaf]).map(|report| report.blocks), Ok(2));
}

#[test]
fn a_tree_that_links_itself_over_and_over_is_walked_once() {
    // Each level links the one below 100 times: 100^60 leaves.
    let mut blocks = vec![(raw(b"leaf"), b"leaf".to_vec())];
    for level in 0..60 {
        blocks.push(node(&vec![blocks[level].0.clone(); 100]));
    }
    let report = verify(&blocks[60].0.clone(), &blocks).expect("whole");
    assert_eq!((report.blocks, report.cumulative_size), (61, u64::MAX));
}

#[test]
fn limits_on_memory() {
    let leaves: Vec<_> = (0..10_u8).map(|at| (raw(&[at]), vec![at])).collect();
    let root = node(&leaves.iter().map(|leaf| leaf.0.clone()).collect::<Vec<_>>());
    for (limits, expected) in [
        (
            VerifyLimits {
                blocks: 11,
                links: 10,
            },
            Ok(()),
        ),
        (
            VerifyLimits {
                blocks: 10,
                links: 10,
            },
            Err(VerifyError::Blocks(10)),
        ),
        (VerifyLimits { blocks: 11, links: 9 }, Err(VerifyError::Links(9))),
    ] {
        let mut verifier = CarVerifier::new(&root.0, limits);
        let added = verifier.add(&CarBlock {
            cid: root.0.clone(),
            bytes: &root.1,
            offset: 0,
        });
        assert_eq!(added, expected);
    }
}

proptest! {
    #[test]
    fn archives_round_trip(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..12),
        piece in 1_usize..300,
        roots in 0_usize..40,
    ) {
        let blocks: Vec<_> = contents.into_iter().map(|bytes| (raw(&bytes), bytes)).collect();
        let roots = vec![raw(b"root"); roots];
        let bytes = archive(&roots, &blocks);
        prop_assert_eq!(read(&bytes, piece, CarLimits::default()), Ok(blocks));
        let mut reader = CarReader::new(CarLimits::default());
        let _ = reader.next(&mut &bytes[..]);
        prop_assert_eq!(reader.roots(), Some(&roots[..]));
    }

    #[test]
    fn any_bytes_are_an_archive_or_an_error(mut tail: Vec<u8>, flip: prop::sample::Index, bits: u8, piece in 1_usize..50) {
        let _ = read(&tail, piece, CarLimits::default());
        let mut bytes = archive(&[raw(b"x")], &[(raw(b"x"), b"x".to_vec())]);
        bytes.append(&mut tail);
        let at = flip.index(bytes.len());
        bytes[at] ^= bits;
        let in_pieces = read(&bytes, piece, CarLimits::default());
        prop_assert_eq!(in_pieces, read_all(&bytes));
    }
}
