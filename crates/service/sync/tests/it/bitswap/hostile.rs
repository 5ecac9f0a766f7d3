use std::sync::Arc;

use alephd_cid::{AnyCid, FileBuilder, Layout, Multicodec, Multihash};
use alephd_net::Offence;
use alephd_peer_protocol::bitswap::{Block, MAX_ENTRIES, Message, Presence, Version, Want};
use alephd_sync::bitswap::{BitswapLimits, FetchLimits};
use alephd_tasks::SystemClock;

use super::{
    mesh::{Mesh, Node, Puppet},
    trees::{Tree, add_file, name, pattern},
};

async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn wrong_blocks_discredit_who_sent_them() {
    let mesh = Arc::new(Mesh::default());
    let (node, honest) = (Node::new(&mesh, 1).await, Node::new(&mesh, 2).await);
    let mut liar = Puppet::new(&mesh, 3, Version::V1_2);
    mesh.connect(node.id, liar.id);
    let bytes = pattern(1_000_000);
    let cid = add_file(&honest.content, &bytes).await;
    let story = async {
        let asked = liar.hear().await;
        assert_eq!(asked.wants[0].cid, cid);
        let blocks = vec![Block::new(&cid, b"something else".as_slice().into())];
        liar.say(
            &node,
            &Message {
                blocks,
                ..Message::default()
            },
        )
        .await;
        mesh.connect(node.id, honest.id);
        let presences = vec![Presence {
            cid: cid.clone(),
            have: false,
        }];
        liar.say(
            &node,
            &Message {
                presences,
                ..Message::default()
            },
        )
        .await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        fetched = node.bitswap.fetch(&cid, FetchLimits::default()) => fetched.unwrap(),
        () = story => unreachable!("it never ends"),
    };
    assert_eq!(mesh.offences(), [(liar.id, Offence::WrongBytes)]);
    let kept = node
        .content
        .blobs()
        .read_all(&name(&cid), u64::MAX)
        .await
        .unwrap();
    assert!(kept == bytes);
}

#[tokio::test]
async fn blocks_that_nobody_asked_for_are_not_taken() {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(&mesh, 1).await;
    let puppet = Puppet::new(&mesh, 2, Version::V1_2);
    let tree = Tree::file(FileBuilder::new(Layout::V0), b"spam");
    let unusual = AnyCid::v1(Multicodec::RAW, tree.root.hash().clone());
    let mut strange = Block::new(&unusual, b"spam".as_slice().into());
    strange.prefix.function = Multicodec(0xb220);
    let blocks = vec![Block::new(&tree.root, tree.blocks[0].1.clone().into()), strange];
    puppet
        .say(
            &node,
            &Message {
                blocks,
                ..Message::default()
            },
        )
        .await;
    until(|| node.bitswap.stats().blocks_unwanted == 2).await;
    // It may have been asked in an earlier connection. Nobody is asked for that many.
    assert_eq!(mesh.offences(), []);
    let block = Block::new(&tree.root, tree.blocks[0].1.clone().into());
    let blocks = vec![block; 100];
    puppet
        .say(
            &node,
            &Message {
                blocks,
                ..Message::default()
            },
        )
        .await;
    until(|| node.bitswap.stats().blocks_unwanted == 102).await;
    until(|| mesh.offences().contains(&(puppet.id, Offence::Flood))).await;
    assert_eq!(node.bitswap.stats().blocks_received, 0);
}

#[tokio::test]
async fn nonsense_is_reported() {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(&mesh, 1).await;
    let nonsense: [&[u8]; 4] = [
        &[2, 0x0f, 0],
        &[0xff, 0xff, 0xff, 0x7f],
        &[0x80, 0x80, 0x80, 0x80, 0x80],
        &[3, 0x0a, 1, 9],
    ];
    for (number, bytes) in (10..).zip(nonsense) {
        let puppet = Puppet::new(&mesh, number, Version::V1_2);
        puppet.say_bytes(&node, bytes).await;
        until(|| mesh.offences().contains(&(puppet.id, Offence::BadProtocol))).await;
    }
    // Half a message is no offence: connections break.
    let puppet = Puppet::new(&mesh, 20, Version::V1_2);
    puppet.say_bytes(&node, &[100, 0x0a]).await;
    let honest = Puppet::new(&mesh, 21, Version::V1_2);
    honest.say_bytes(&node, &[0xff, 0xff, 0xff, 0x7f]).await;
    until(|| mesh.offences().len() == 5).await;
    assert!(mesh.offences().iter().all(|(peer, _)| *peer != puppet.id));
}

#[tokio::test]
async fn wants_beyond_the_limit_are_refused_and_counted() {
    let mesh = Arc::new(Mesh::default());
    let limits = BitswapLimits {
        wants_per_peer: 100,
        ..BitswapLimits::default()
    };
    let node = Node::with(&mesh, 1, limits, Arc::new(SystemClock::new())).await;
    let mut puppet = Puppet::new(&mesh, 2, Version::V1_2);
    let cid = |seed: usize| {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&seed.to_be_bytes());
        AnyCid::v1(Multicodec::RAW, Multihash::sha2_256(digest))
    };
    let wants = (0..MAX_ENTRIES + 10)
        .map(|seed| Want::block(cid(seed), 1))
        .collect();
    puppet
        .say(
            &node,
            &Message {
                wants,
                ..Message::default()
            },
        )
        .await;
    let mut answers = 0;
    while answers < 100 {
        answers += puppet.hear().await.presences.len();
    }
    assert_eq!(answers, 100);
    assert_eq!(
        node.bitswap.stats().wants_refused,
        (MAX_ENTRIES + 10 - 100) as u64
    );
}

/// Peers beyond those that there is room for are not listened to; the others go on.
#[tokio::test]
async fn there_is_room_for_so_many_peers() {
    let mesh = Arc::new(Mesh::default());
    let limits = BitswapLimits {
        peers: 2,
        ..BitswapLimits::default()
    };
    let node = Node::with(&mesh, 1, limits, Arc::new(SystemClock::new())).await;
    let cid = add_file(&node.content, b"file").await;
    let missing = Tree::file(FileBuilder::new(Layout::V0), b"missing").root;
    let mut puppets = Vec::new();
    for number in 2..5 {
        let puppet = Puppet::new(&mesh, number, Version::V1_2);
        mesh.connect(node.id, puppet.id);
        puppets.push(puppet);
    }
    for puppet in &mut puppets[..2] {
        let wants = vec![Want::block(missing.clone(), 1)];
        puppet
            .say(
                &node,
                &Message {
                    wants,
                    ..Message::default()
                },
            )
            .await;
        puppet.hear().await;
    }
    let ask = || Message {
        wants: vec![Want::block(cid.clone(), 1)],
        ..Message::default()
    };
    puppets[2].say(&node, &ask()).await;
    puppets[0].say(&node, &ask()).await;
    assert_eq!(puppets[0].hear().await.blocks.len(), 1);
    node.bitswap.disconnected(puppets[1].id);
    puppets[2].say(&node, &ask()).await;
    assert_eq!(puppets[2].hear().await.blocks.len(), 1);
}
