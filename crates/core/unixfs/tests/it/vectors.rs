//! What `vectors/generate.mjs` made with the JavaScript implementation.

use std::collections::BTreeSet;

use alephd_cid::{AnyCid, FileBuilder, Version};
use alephd_unixfs::{
    ByteRange, CarReader, CarVerifier, Kind, TreeBuilder,
    car::{CarError, CarLimits, CarReport, VerifyLimits},
    source::{self, MemoryBlocks},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{add, layout, pattern, read};

fn trees() -> Value {
    serde_json::from_str(include_str!("../vectors/trees.json")).expect("JSON")
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().expect("a number")
}

#[test]
fn files_have_the_same_blocks() {
    for file in trees()["files"].as_array().expect("a list") {
        let bytes = pattern(number(file, "size") as usize);
        let mut names = BTreeSet::new();
        let mut sink = |block: &alephd_cid::Block<'_>| {
            names.insert(block.cid().to_string());
        };
        let mut builder = FileBuilder::new(layout(number(file, "version")));
        bytes
            .chunks(99_991)
            .for_each(|piece| builder.update(piece, &mut sink));
        let root = builder.finish(&mut sink);
        assert_eq!(file["root"], root.cid.to_string());
        assert_eq!(number(file, "weight"), root.weight, "{file}");
        assert_eq!(number(file, "blocks"), names.len() as u64);
        let listed: String = names.iter().map(|name| format!("{name}\n")).collect();
        let digest = Sha256::digest(listed);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(file["names"], hex);
    }
}

fn sources(name: &str) -> Vec<(String, String)> {
    let same = |path: &str| {
        (
            path.to_owned(),
            path.rsplit('/').next().unwrap_or(path).to_owned(),
        )
    };
    match name {
        "three" => ["a.txt", "b.txt", "c.txt"].map(same).into(),
        // Contents are whole paths there.
        "nested" => [
            "top",
            "sub/inner",
            "sub/deeper/leaf",
            "sub/deeper/other",
            "z/é",
            "z/日本.txt",
        ]
        .map(|path| (path.to_owned(), path.to_owned()))
        .into(),
        "many" => (0..10_000)
            .map(|at| (format!("file-{at}.txt"), at.to_string()))
            .collect(),
        "long" => (0..920)
            .map(|at| (format!("{at:04}{}", "z".repeat(246)), "x".to_owned()))
            .collect(),
        other => panic!("unknown vector {other}"),
    }
}

#[test]
fn directories_have_the_same_names() {
    for directory in trees()["directories"].as_array().expect("a list") {
        let name = directory["name"].as_str().expect("text");
        let version = number(directory, "version");
        let mut blocks = MemoryBlocks::default();
        let mut tree = TreeBuilder::new(if version == 0 { Version::V0 } else { Version::V1 });
        let files = sources(name);
        // The order of adding must not matter.
        for (path, content) in files.iter().rev() {
            let file = add(&mut blocks, FileBuilder::new(layout(version)), content.as_bytes());
            tree.add_file(path, file.cid.into(), file.weight)
                .expect("a free path");
        }
        let root = tree
            .finish(&mut |block| blocks.insert(block))
            .expect("sound names");
        assert_eq!(directory["root"], root.cid.to_string(), "{name}");
        assert_eq!(number(directory, "weight"), root.weight);

        let root = AnyCid::from(root.cid);
        let stat = source::stat(&blocks, &root).expect("a block");
        assert_eq!((stat.kind, stat.size), (Kind::Directory, 0));
        assert_eq!(number(directory, "weight"), stat.cumulative_size);
        for (path, content) in files.iter().step_by(files.len().div_ceil(100)) {
            let path = format!("/ipfs/{root}/{path}").parse().expect("a path");
            let file = source::resolve(&blocks, path).expect("a file");
            assert_eq!(read(&blocks, &file, ByteRange::ALL), content.as_bytes());
        }
    }
}

/// Reads an archive in pieces of a given size; the blocks, and what the verifier says.
fn open(archive: &[u8], piece: usize) -> (MemoryBlocks, AnyCid, CarReport) {
    let mut reader = CarReader::new(CarLimits::default());
    let mut blocks = MemoryBlocks::default();
    let mut verifier = None;
    for mut piece in archive.chunks(piece) {
        loop {
            let found = reader.next(&mut piece).expect("a sound archive");
            let Some(block) = found else { break };
            assert_eq!(
                &archive[block.offset as usize..][..block.bytes.len()],
                block.bytes
            );
            let (cid, bytes) = (block.cid.clone(), block.bytes.to_vec());
            let root = reader.root().expect("one root").clone();
            let verifier = verifier.get_or_insert_with(|| CarVerifier::new(&root, VerifyLimits::default()));
            let block = alephd_unixfs::car::CarBlock {
                cid: cid.clone(),
                bytes: &bytes,
                offset: 0,
            };
            verifier.add(&block).expect("sound blocks");
            blocks.insert_any(&cid, bytes);
        }
    }
    reader.finish().expect("a whole archive");
    let root = reader.root().expect("one root").clone();
    (
        blocks,
        root,
        verifier.expect("blocks").finish().expect("all blocks"),
    )
}

#[test]
fn archives_of_others_are_read() {
    let trees = trees();
    let archive = include_bytes!("../vectors/nested.car");
    for piece in [1, 17, archive.len()] {
        let (blocks, root, report) = open(archive, piece);
        assert_eq!(trees["directories"][3]["root"], root.to_string());
        assert_eq!(number(&trees["directories"][3], "weight"), report.cumulative_size);
        assert_eq!(
            report.stat.map(|stat| stat.cumulative_size),
            Some(report.cumulative_size)
        );
        assert_eq!((report.unreachable, report.duplicates), (0, 0));
        let path = format!("{root}/sub/./deeper/../inner").parse().expect("a path");
        let file = source::resolve(&blocks, path).expect("a file");
        assert_eq!(read(&blocks, &file, ByteRange::ALL), b"sub/inner");
    }

    let (blocks, root, report) = open(include_bytes!("../vectors/sharded.car"), 4096);
    assert_eq!(report.stat.map(|stat| stat.kind), Some(Kind::Directory));
    let mut names = BTreeSet::new();
    let list = |entry: alephd_unixfs::Entry| {
        assert_eq!(entry.kind(), Some(Kind::File));
        names.insert(String::from_utf8(entry.name).expect("ASCII"));
    };
    source::list(&blocks, &root, list).expect("a directory");
    assert_eq!(names, (0..300).map(|at| at.to_string()).collect());
    for at in 0..300 {
        let path = format!("{root}/{at}").parse().expect("a path");
        let file = source::resolve(&blocks, path).expect("a file");
        assert_eq!(read(&blocks, &file, ByteRange::ALL), at.to_string().as_bytes());
    }

    // Unequal depth, and nodes that have bytes of their own.
    let (blocks, root, report) = open(include_bytes!("../vectors/trickle.car"), 1000);
    let bytes = pattern(5000);
    assert_eq!(
        report.stat.map(|stat| (stat.kind, stat.size)),
        Some((Kind::File, 5000))
    );
    assert_eq!(read(&blocks, &root, ByteRange::ALL), bytes);
    for start in (0..5000).step_by(313) {
        for end in [start + 1, start + 99, start + 100, start + 1234] {
            let range = ByteRange::Bytes(start as u64..end as u64);
            assert_eq!(read(&blocks, &root, range), bytes[start..end.min(5000)]);
        }
    }
}

#[test]
fn roots_of_others_are_read() {
    let archive = include_bytes!("../vectors/two-roots.car");
    let mut reader = CarReader::new(CarLimits::default());
    assert_eq!(reader.next(&mut &archive[..]), Ok(None));
    let roots: Vec<String> = reader
        .roots()
        .expect("a header")
        .iter()
        .map(AnyCid::to_string)
        .collect();
    assert_eq!(
        roots,
        [
            "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua",
            "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
        ]
    );
    assert_eq!(reader.root(), Err(CarError::Roots(2)));
    let header = alephd_unixfs::car::encode_header(reader.roots().expect("a header"));
    assert_eq!(header, archive);
}
