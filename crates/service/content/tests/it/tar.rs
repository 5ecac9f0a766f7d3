//! Directories as tar archives, unpacked by the program of that name.

use std::{fs, io::Write as _, process::Command};

use alephd_cid::Version;
use futures_util::TryStreamExt as _;

use crate::{archive::Tree, folder, pattern};

#[tokio::test]
async fn tar_unpacks_it() {
    let folder = folder().await;
    let long = format!("{}/{}", "d".repeat(90), "ä".repeat(60));
    let large = pattern(100_000);
    let files: Vec<(&str, &[u8])> = vec![
        ("a.txt", b"text"),
        ("b/exactly", &large[..512]),
        ("b/large", &large),
        ("b/none", b""),
        (&long, b"deep"),
    ];
    let tree = Tree::directory(Version::V1, 1_000, &files);
    let mut import = folder.content.import_car(u64::MAX);
    import.write(&tree.car()).await.unwrap();
    import.seal().await.unwrap().store().await.unwrap();

    let pieces: Vec<_> = folder
        .content
        .tar("site".to_owned(), tree.root.clone())
        .try_collect()
        .await
        .unwrap();
    let unpacked = tempfile::tempdir().unwrap();
    let archive = unpacked.path().join("site.tar");
    fs::File::create(&archive)
        .unwrap()
        .write_all(&pieces.concat())
        .unwrap();
    let done = Command::new("tar")
        .arg("-xf")
        .arg(&archive)
        .current_dir(unpacked.path())
        .output()
        .expect("tar is part of every system that this is built on");
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    for (path, bytes) in files {
        let found = fs::read(unpacked.path().join("site").join(path)).unwrap();
        assert!(found == bytes, "{path}");
    }
}

#[tokio::test]
async fn names_that_lead_out_are_refused() {
    use alephd_cid::{AnyCid, Multicodec, Multihash};
    use alephd_unixfs::{
        Link, Node,
        car::{encode_header, section_head},
    };
    use sha2::Digest as _;

    let folder = folder().await;
    let inner = Tree::file(Version::V1, 1_000, &pattern(2_000));
    for name in ["..", ".", "a/b", "../../etc/passwd", "", "a\0b"] {
        let node = Node {
            links: vec![Link {
                cid: inner.root.clone(),
                name: name.as_bytes(),
                tsize: Some(inner.blocks.iter().map(|(_, block)| block.len() as u64).sum()),
            }],
            data: Some(&[8, 1]),
        };
        let block = node.encode();
        let digest: [u8; 32] = sha2::Sha256::digest(&block).into();
        let root = AnyCid::v1(Multicodec::DAG_PB, Multihash::sha2_256(digest));
        let mut car = encode_header(std::slice::from_ref(&root));
        for (cid, bytes) in inner.blocks.iter().chain([&(root.clone(), block)]) {
            car.extend(section_head(cid, bytes.len()));
            car.extend(bytes);
        }
        let mut import = folder.content.import_car(u64::MAX);
        import.write(&car).await.unwrap();
        import.seal().await.unwrap().store().await.unwrap();
        let tar: Result<Vec<_>, _> = folder.content.tar("x".to_owned(), root).try_collect().await;
        assert!(tar.is_err(), "{name:?}");
    }
}
