//! Trees that are kept as archives.

use alephd_cid::{AnyCid, Version};
use alephd_content::{Content, Facts, ImportError, ImportedCar};
use alephd_unixfs::{
    ByteRange, CarReader, CarVerifier, DagScope, ExportOptions, IpfsPath, Kind, Node,
    car::{CarLimits, VerifyLimits},
};
use futures_util::TryStreamExt as _;

use crate::{archive::Tree, bytes, folder, is_missing, open, pattern};

async fn import(content: &Content, car: &[u8]) -> Result<ImportedCar, ImportError> {
    let mut import = content.import_car(u64::MAX);
    for piece in car.chunks(70_001) {
        import.write(piece).await?;
    }
    import.seal().await?.store().await
}

fn site(version: Version) -> (Tree, Vec<u8>) {
    let video = pattern(300_000);
    let tree = Tree::directory(
        version,
        1_000,
        &[
            ("index.html", b"<h1>hello</h1>"),
            ("media/video", &video),
            ("media/empty", b""),
        ],
    );
    (tree, video)
}

fn path(root: &AnyCid, rest: &str) -> IpfsPath {
    format!("{root}/{rest}").parse().unwrap()
}

#[tokio::test]
async fn a_directory() {
    for version in [Version::V0, Version::V1] {
        let mut folder = folder().await;
        let (tree, video) = site(version);
        let imported = import(&folder.content, &tree.car()).await.unwrap();
        assert_eq!(imported.name.to_string(), tree.root.to_string());
        let total: usize = tree.blocks.iter().map(|(_, block)| block.len()).sum();
        let facts = Facts {
            kind: Kind::Directory,
            size: total as u64,
        };
        assert_eq!(imported.facts, facts);
        assert_eq!(folder.content.facts(&imported.name).await.unwrap(), Some(facts));
        // Now, and after a start that has to find the blocks again.
        for _ in 0..2 {
            for (cid, block) in &tree.blocks {
                assert!(folder.content.block(cid).await.unwrap() == block[..]);
            }
            let found = folder
                .content
                .resolve(path(&tree.root, "media/video"))
                .await
                .unwrap();
            let file = folder.content.file(&found, ByteRange::ALL).await.unwrap();
            assert_eq!(file.size, 300_000);
            assert!(bytes(file).await == video);
            let part = folder
                .content
                .file(&found, ByteRange::Positions(-70_000, Some(-60_001)));
            assert!(bytes(part.await.unwrap()).await == video[230_000..240_000]);
            let entries: Vec<_> = folder.content.entries(&tree.root).try_collect().await.unwrap();
            let names: Vec<_> = entries.iter().map(|entry| &entry.name[..]).collect();
            assert_eq!(names, [&b"index.html"[..], b"media"]);

            drop(folder.content);
            std::fs::remove_file(folder.folder.path().join("blocks.sqlite")).unwrap();
            folder.content = open(&folder.folder).await;
            folder.content.index_all().await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_export_is_whole() {
    let folder = folder().await;
    let (tree, _) = site(Version::V1);
    import(&folder.content, &tree.car()).await.unwrap();
    let ask = |scope| ExportOptions {
        scope,
        ..ExportOptions::default()
    };
    let all = folder
        .content
        .export(path(&tree.root, ""), ask(DagScope::All), u64::MAX);
    let car: Vec<_> = all.await.unwrap().try_collect().await.unwrap();
    let car = car.concat();
    let mut reader = CarReader::new(CarLimits::default());
    let mut verifier = CarVerifier::new(&tree.root, VerifyLimits::default());
    let mut rest = &car[..];
    while let Some(block) = reader.next(&mut rest).unwrap() {
        verifier.add(&block).unwrap();
    }
    reader.finish().unwrap();
    assert_eq!(reader.root().unwrap(), &tree.root);
    let report = verifier.finish().unwrap();
    assert_eq!((report.unreachable, report.duplicates), (0, 0));
    assert_eq!(report.blocks, tree.blocks.len() as u64);

    // The blocks on the path come along, and a missing name is an error before the answer begins.
    let one = folder
        .content
        .export(path(&tree.root, "media/empty"), ask(DagScope::Block), u64::MAX);
    let car: Vec<_> = one.await.unwrap().try_collect().await.unwrap();
    let car = car.concat();
    let mut reader = CarReader::new(CarLimits::default());
    let mut rest = &car[..];
    let mut blocks = 0;
    while reader.next(&mut rest).unwrap().is_some() {
        blocks += 1;
    }
    assert_eq!(blocks, 3);
    let none = folder
        .content
        .export(path(&tree.root, "other"), ask(DagScope::All), u64::MAX);
    assert!(none.await.is_err());
    // An answer has an end.
    let bounded = folder
        .content
        .export(path(&tree.root, ""), ask(DagScope::All), 10_000);
    let cut: Result<Vec<_>, _> = bounded.await.unwrap().try_collect().await;
    assert!(cut.is_err());
}

#[tokio::test]
async fn a_file_that_was_cut_in_another_way() {
    let folder = folder().await;
    let file = pattern(50_000);
    let tree = Tree::file(Version::V0, 1_000, &file);
    let imported = import(&folder.content, &tree.car()).await.unwrap();
    let facts = Facts {
        kind: Kind::File,
        size: 50_000,
    };
    assert_eq!(imported.facts, facts);
    let read = folder
        .content
        .read(&imported.name, ByteRange::ALL)
        .await
        .unwrap()
        .unwrap();
    assert!(bytes(read).await == file);
}

#[tokio::test]
async fn another_archive_of_the_same_tree() {
    let folder = folder().await;
    let (mut tree, _) = site(Version::V1);
    let name = import(&folder.content, &tree.car()).await.unwrap().name;
    // While the tree is here, it stays as it is.
    let size = folder.content.blobs().archive_size(&name).await.unwrap();
    tree.blocks.reverse();
    import(&folder.content, &tree.car()).await.unwrap();
    assert_eq!(folder.content.blobs().archive_size(&name).await.unwrap(), size);

    folder.content.blobs().delete(&name).await.unwrap();
    let extra = tree.blocks[5].clone();
    tree.blocks.push(extra);
    import(&folder.content, &tree.car()).await.unwrap();
    for (cid, block) in &tree.blocks {
        assert!(folder.content.block(cid).await.unwrap() == block[..]);
    }
    folder.content.blobs().delete(&name).await.unwrap();
    is_missing(folder.content.block(&tree.blocks[3].0).await, &tree.blocks[3].0);
}

#[tokio::test]
async fn what_is_not_whole_is_refused_and_leaves_nothing() {
    let folder = folder().await;
    let (tree, _) = site(Version::V1);
    let whole = tree.car();
    let without = |at: usize| {
        let (mut less, _) = site(Version::V1);
        less.blocks.remove(at);
        less.car()
    };
    let mut wrong = whole.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let mut lying = site(Version::V1).0;
    let (_, block) = lying.blocks.last().unwrap();
    let mut node = Node::decode(block).unwrap();
    node.links[1].tsize = Some(1);
    let block = node.encode();
    let digest = alephd_cid::Multihash::sha2_256(sha256(&block));
    let cid = AnyCid::v1(alephd_cid::Multicodec::DAG_PB, digest);
    lying.blocks.push((cid.clone(), block));
    lying.root = cid;

    for (what, car) in [
        ("nothing", Vec::new()),
        ("half of it", whole[..whole.len() / 2].to_vec()),
        ("a wrong block", wrong),
        ("no leaf", without(2)),
        ("no root", without(tree.blocks.len() - 1)),
        ("a root that lies about its size", lying.car()),
    ] {
        let imported = import(&folder.content, &car).await;
        assert!(imported.is_err(), "{what}: {imported:?}");
    }
    let mut small = folder.content.import_car(100);
    assert!(matches!(small.write(&whole).await, Err(ImportError::Blobs(_))));
    drop(small);
    let archives: Vec<_> = folder
        .content
        .blobs()
        .list_archives()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(archives, []);
    let incoming = folder.folder.path().join("incoming");
    let left = || std::fs::read_dir(&incoming).unwrap().count();
    // Removal is handed to a thread when a writer is dropped.
    for _ in 0..1_000 {
        if left() == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(left(), 0);
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
