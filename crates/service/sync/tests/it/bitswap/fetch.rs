use std::{sync::Arc, time::Duration};

use alephd_cid::{AnyCid, CHUNK_SIZE, FileBuilder, Layout, MAX_LINKS, Multicodec, Multihash};
use alephd_content::Facts;
use alephd_peer_protocol::bitswap::{Block, Message, Presence, Version, Want, WantType};
use alephd_sync::bitswap::{BitswapLimits, FetchError, FetchLimits};
use alephd_tasks::ManualClock;
use alephd_unixfs::{Kind, Link};
use sha2::{Digest as _, Sha256};

use super::{
    mesh::{Mesh, Node, Puppet, pass},
    trees::{Tree, add_file, name, pattern, read},
};

/// Virtual time may pass quickly while real work is done.
fn patient() -> FetchLimits {
    let idle = Duration::from_secs(1_000_000);
    FetchLimits {
        idle,
        total: idle,
        ..FetchLimits::default()
    }
}

async fn two() -> (Arc<Mesh>, Node, Node) {
    let mesh = Arc::new(Mesh::default());
    let (one, other) = (Node::new(&mesh, 1).await, Node::new(&mesh, 2).await);
    mesh.connect(one.id, other.id);
    (mesh, one, other)
}

#[tokio::test]
async fn files_come_as_they_are() {
    let (mesh, one, other) = two().await;
    // One block; two levels; three levels.
    for size in [0, 1000, 5 * CHUNK_SIZE + 1, MAX_LINKS * CHUNK_SIZE + 7] {
        let bytes = pattern(size);
        let cid = add_file(&one.content, &bytes).await;
        let facts = other.bitswap.fetch(&cid, FetchLimits::default()).await.unwrap();
        let expected = Facts {
            kind: Kind::File,
            size: size as u64,
        };
        assert_eq!(facts, expected);
        let kept = other
            .content
            .blobs()
            .read_all(&name(&cid), u64::MAX)
            .await
            .unwrap();
        assert!(kept == bytes, "{size} bytes");
        assert_eq!(
            other.content.blobs().archive_size(&name(&cid)).await.unwrap(),
            None
        );
    }
    assert_eq!(mesh.offences(), []);
    let (sent, received) = (one.bitswap.stats(), other.bitswap.stats());
    assert_eq!(
        sent.blocks_sent,
        received.blocks_received + received.blocks_unwanted
    );
    assert_eq!(received.blocks_unwanted, 0);
}

#[tokio::test]
async fn a_file_that_repeats_itself() {
    let (_mesh, one, other) = two().await;
    let bytes = [
        vec![0; 20 * CHUNK_SIZE],
        pattern(CHUNK_SIZE),
        vec![0; 9 * CHUNK_SIZE],
    ]
    .concat();
    let cid = add_file(&one.content, &bytes).await;
    other.bitswap.fetch(&cid, FetchLimits::default()).await.unwrap();
    let kept = other
        .content
        .blobs()
        .read_all(&name(&cid), u64::MAX)
        .await
        .unwrap();
    assert!(kept == bytes);
    // The root, zeros once or, behind the pattern, twice.
    assert!(
        other.bitswap.stats().blocks_received <= 5,
        "{:?}",
        other.bitswap.stats()
    );
}

#[tokio::test]
async fn directories_and_unusual_files_come_as_archives() {
    let (mesh, one, other) = two().await;
    let video = pattern(3 * CHUNK_SIZE + 5);
    let site = Tree::directory(&[
        ("index.html", b"<h1>hello</h1>"),
        ("media/video", &video),
        ("media/again", &video),
        ("media/empty", b""),
    ]);
    site.import(&one.content).await;
    let facts = other
        .bitswap
        .fetch(&site.root, FetchLimits::default())
        .await
        .unwrap();
    assert_eq!(facts.kind, Kind::Directory);
    assert_eq!(other.content.facts(&name(&site.root)).await.unwrap(), Some(facts));
    let found = read(&other.content, &format!("/ipfs/{}/media/video", site.root)).await;
    assert!(found == video);

    let builder = FileBuilder::with_sizes(Layout::V0, 10_000, 3);
    let unusual = Tree::file(builder, &video);
    unusual.import(&one.content).await;
    let facts = other
        .bitswap
        .fetch(&unusual.root, FetchLimits::default())
        .await
        .unwrap();
    assert_eq!((facts.kind, facts.size), (Kind::File, video.len() as u64));
    let archive = other
        .content
        .blobs()
        .archive_size(&name(&unusual.root))
        .await
        .unwrap();
    assert!(archive.is_some());
    assert!(read(&other.content, &format!("/ipfs/{}", unusual.root)).await == video);
    assert_eq!(mesh.offences(), []);
}

/// A root as we make it, over a part that was cut in another way: the bytes do not have its name.
#[tokio::test]
async fn a_root_that_only_looks_like_ours() {
    let (mesh, one, other) = two().await;
    let raw_leaves = Layout::V1 { raw_leaves: true };
    let bytes = pattern(MAX_LINKS * CHUNK_SIZE + 1);
    let (most, last) = bytes.split_at(MAX_LINKS * CHUNK_SIZE);
    let usual = Tree::file(FileBuilder::new(raw_leaves), &bytes);
    let (_, usual_root) = usual.blocks.last().unwrap();
    let mut tree = Tree::file(
        FileBuilder::with_sizes(raw_leaves, 2 * CHUNK_SIZE, MAX_LINKS),
        most,
    );
    let weight = tree.blocks.iter().map(|(_, block)| block.len() as u64).sum();
    let last = Tree::file(FileBuilder::new(raw_leaves), last);
    let link = |cid: &AnyCid, weight| Link {
        cid: cid.clone(),
        name: b"",
        tsize: Some(weight),
    };
    let root = alephd_unixfs::Node {
        links: vec![link(&tree.root, weight), link(&last.root, 1)],
        data: alephd_unixfs::Node::decode(usual_root).unwrap().data,
    };
    let root = root.encode();
    tree.blocks.extend(last.blocks);
    tree.root = AnyCid::v1(
        Multicodec::DAG_PB,
        Multihash::sha2_256(Sha256::digest(&root).into()),
    );
    tree.blocks.push((tree.root.clone(), root));

    tree.import(&one.content).await;
    let facts = other
        .bitswap
        .fetch(&tree.root, FetchLimits::default())
        .await
        .unwrap();
    assert_eq!(facts.size, bytes.len() as u64);
    let archive = other
        .content
        .blobs()
        .archive_size(&name(&tree.root))
        .await
        .unwrap();
    assert!(archive.is_some());
    assert!(read(&other.content, &format!("/ipfs/{}", tree.root)).await == bytes);
    assert_eq!(mesh.offences(), []);
}

#[tokio::test]
async fn names_that_no_file_can_have_are_not_fetched() {
    let (_mesh, _one, other) = two().await;
    for text in [
        "bafkqaaa",
        "bafyreigdmqpykrgxyaxtlafqpqhzrb7qy2rh75nldvfd4tucqmqqme5yje",
    ] {
        let cid = text.parse().unwrap();
        let refused = other.bitswap.fetch(&cid, FetchLimits::default()).await;
        assert!(matches!(refused, Err(FetchError::Name(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn limits_hold() {
    let (_mesh, one, other) = two().await;
    let cid = add_file(&one.content, &pattern(10 * CHUNK_SIZE)).await;
    let limits = FetchLimits {
        file: 10 * CHUNK_SIZE as u64 - 1,
        ..FetchLimits::default()
    };
    let refused = other.bitswap.fetch(&cid, limits).await;
    assert!(
        matches!(refused, Err(FetchError::TooLarge { limit, .. }) if limit == limits.file),
        "{refused:?}"
    );
    let limits = FetchLimits {
        blocks: 10,
        ..FetchLimits::default()
    };
    let refused = other.bitswap.fetch(&cid, limits).await;
    assert!(
        matches!(refused, Err(FetchError::TooManyBlocks(10))),
        "{refused:?}"
    );
    let site = Tree::directory(&[("a", &pattern(CHUNK_SIZE))]);
    site.import(&one.content).await;
    for archive in [0, CHUNK_SIZE as u64] {
        let limits = FetchLimits {
            archive,
            ..FetchLimits::default()
        };
        let refused = other.bitswap.fetch(&site.root, limits).await;
        assert!(matches!(refused, Err(FetchError::TooLarge { .. })), "{refused:?}");
    }
    assert_eq!(other.content.facts(&name(&site.root)).await.unwrap(), None);
    other.bitswap.fetch(&cid, FetchLimits::default()).await.unwrap();
}

#[tokio::test]
async fn nobody_has_it() {
    let mesh = Arc::new(Mesh::default());
    let clock = ManualClock::new(0);
    let node = Node::with(&mesh, 1, BitswapLimits::default(), Arc::new(clock.clone())).await;
    let other = Node::new(&mesh, 2).await;
    mesh.connect(node.id, other.id);
    let cid = Tree::file(FileBuilder::new(Layout::V0), b"nowhere").root;
    let fetching = node.bitswap.fetch(&cid, FetchLimits::default());
    let refused = pass(&clock, Duration::from_millis(500), fetching).await;
    assert!(matches!(refused, Err(FetchError::NotFound)), "{refused:?}");
}

#[tokio::test]
async fn whoever_is_said_to_have_it_is_asked() {
    let mesh = Arc::new(Mesh::default());
    let clock = ManualClock::new(0);
    let node = Node::with(&mesh, 1, BitswapLimits::default(), Arc::new(clock.clone())).await;
    let (near, far) = (Node::new(&mesh, 2).await, Node::new(&mesh, 3).await);
    mesh.connect(node.id, near.id);
    let cid = add_file(&far.content, &pattern(3 * CHUNK_SIZE)).await;
    let digest = cid.hash().digest();
    mesh.add_provider(&[&[0x12, 0x20], digest].concat(), far.id);
    let fetching = node.bitswap.fetch(&cid, patient());
    pass(&clock, Duration::from_millis(500), fetching).await.unwrap();
}

#[tokio::test]
async fn a_peer_that_goes_or_falls_silent_is_replaced() {
    let mesh = Arc::new(Mesh::default());
    let clock = ManualClock::new(0);
    let node = Node::with(&mesh, 1, BitswapLimits::default(), Arc::new(clock.clone())).await;
    let other = Node::new(&mesh, 2).await;
    let mut silent = Puppet::new(&mesh, 3, Version::V1_2);
    mesh.connect(node.id, silent.id);
    let cid = add_file(&other.content, &pattern(20 * CHUNK_SIZE)).await;
    let root = other.content.block(&cid).await.unwrap();
    let story = async {
        // It has the root and promises the rest.
        assert_eq!(silent.hear().await.wants[0].cid, cid);
        let blocks = vec![Block::new(&cid, root)];
        silent
            .say(
                &node,
                &Message {
                    blocks,
                    ..Message::default()
                },
            )
            .await;
        let asked = silent.hear().await;
        assert!(asked.wants.iter().all(|want| want.want_type == WantType::Block));
        let presences = asked.wants.iter().map(|want| Presence {
            cid: want.cid.clone(),
            have: true,
        });
        let presences = presences.collect();
        silent
            .say(
                &node,
                &Message {
                    presences,
                    ..Message::default()
                },
            )
            .await;
        mesh.connect(node.id, other.id);
        std::future::pending::<()>().await;
    };
    let fetching = node.bitswap.fetch(&cid, patient());
    tokio::select! {
        fetched = pass(&clock, Duration::from_millis(500), fetching) => fetched.unwrap(),
        () = story => unreachable!("it never ends"),
    };
    assert_eq!(mesh.offences(), []);
}

#[tokio::test]
async fn two_fetches_of_one_name_are_one() {
    let (_mesh, one, other) = two().await;
    let cid = add_file(&one.content, &pattern(10 * CHUNK_SIZE)).await;
    let fetch = || other.bitswap.fetch(&cid, FetchLimits::default());
    let (first, second) = tokio::join!(fetch(), fetch());
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(one.bitswap.stats().blocks_sent, 11);
}

/// Whoever is no longer needed is told so, also when the fetch is given up.
#[tokio::test]
async fn wants_are_cancelled() {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(&mesh, 1).await;
    let mut puppet = Puppet::new(&mesh, 2, Version::V1_2);
    mesh.connect(node.id, puppet.id);
    let cid = Tree::file(FileBuilder::new(Layout::V0), b"nowhere").root;
    let heard = tokio::select! {
        heard = puppet.hear() => heard,
        _ = node.bitswap.fetch(&cid, patient()) => unreachable!("nobody has it"),
    };
    let (want, _) = heard.wants.split_first().unwrap();
    assert_eq!((&want.cid, want.cancel, want.send_dont_have), (&cid, false, true));
    assert_eq!(puppet.hear().await.wants, [Want::cancel(cid)]);
}
