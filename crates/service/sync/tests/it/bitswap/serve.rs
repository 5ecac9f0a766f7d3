use std::{sync::Arc, time::Duration};

use alephd_cid::{AnyCid, CHUNK_SIZE, FileBuilder, Layout};
use alephd_peer_protocol::bitswap::{Message, Presence, Version, Want, WantType};
use alephd_sync::bitswap::BitswapLimits;
use alephd_tasks::ManualClock;

use super::{
    mesh::{Mesh, Node, Puppet, pass},
    trees::{Tree, add_file, pattern},
};

async fn node_and_puppet(version: Version) -> (Arc<Mesh>, Node, Puppet) {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(&mesh, 1).await;
    let puppet = Puppet::new(&mesh, 2, version);
    mesh.connect(node.id, puppet.id);
    (mesh, node, puppet)
}

fn wants(wants: Vec<Want>) -> Message {
    Message {
        wants,
        ..Message::default()
    }
}

fn missing(seed: u8) -> AnyCid {
    Tree::file(FileBuilder::new(Layout::V0), &[seed; 10]).root
}

#[tokio::test]
async fn wants_are_answered() {
    let (_mesh, node, mut puppet) = node_and_puppet(Version::V1_2).await;
    let large = add_file(&node.content, &pattern(5000)).await;
    let small = add_file(&node.content, b"small").await;
    let silent = Want {
        send_dont_have: false,
        ..Want::block(missing(3), 1)
    };
    let message = wants(vec![
        Want::have(large.clone(), 9),
        Want::have(small.clone(), 8),
        Want::block(missing(1), 7),
        Want::have(missing(2), 6),
        silent,
    ]);
    puppet.say(&node, &message).await;
    let answer = puppet.hear().await;
    let presence = |cid: &AnyCid, have| Presence {
        cid: cid.clone(),
        have,
    };
    let expected = [
        presence(&large, true),
        presence(&missing(1), false),
        presence(&missing(2), false),
    ];
    assert_eq!(answer.presences, expected);
    // A block that is not longer than the question.
    assert_eq!(answer.blocks.len(), 1);
    assert_eq!(small.check(&answer.blocks[0].data), Ok(()));

    puppet
        .say(&node, &wants(vec![Want::block(large.clone(), 1)]))
        .await;
    let answer = puppet.hear().await;
    assert_eq!(large.check(&answer.blocks[0].data), Ok(()));
    assert!(answer.blocks[0].prefix.fits(&large));
    assert_eq!(node.bitswap.stats().blocks_sent, 2);
}

#[tokio::test]
async fn blocks_inside_of_names_are_answered() {
    let (_mesh, node, mut puppet) = node_and_puppet(Version::V1_2).await;
    let inline: AnyCid = "bafkqabtimvwgy3yk".parse().unwrap();
    assert_eq!(inline.inline(), Some(&b"hello\n"[..]));
    puppet
        .say(&node, &wants(vec![Want::block(inline.clone(), 1)]))
        .await;
    let answer = puppet.hear().await;
    assert_eq!(&answer.blocks[0].data[..], b"hello\n");
    assert!(answer.blocks[0].prefix.fits(&inline));
}

#[tokio::test]
async fn the_most_urgent_blocks_go_first_in_messages_of_bounded_size() {
    let (_mesh, node, mut puppet) = node_and_puppet(Version::V1_2).await;
    let bytes = pattern(8 * CHUNK_SIZE);
    let cid = add_file(&node.content, &bytes).await;
    let root = node.content.block(&cid).await.unwrap();
    let links: Vec<_> = alephd_unixfs::Node::decode(&root).unwrap().links;
    let links: Vec<_> = links.into_iter().map(|link| link.cid).collect();
    // The last of the file is wanted most.
    let list = links
        .iter()
        .zip(1..)
        .map(|(cid, priority)| Want::block(cid.clone(), priority));
    puppet.say(&node, &wants(list.collect())).await;
    let mut got = Vec::new();
    while got.len() < links.len() {
        let message = puppet.hear().await;
        let size: usize = message.blocks.iter().map(|block| block.data.len()).sum();
        assert!((1..=1 << 20).contains(&size), "{size}");
        got.extend(message.blocks);
    }
    for (block, cid) in got.iter().zip(links.iter().rev()) {
        assert_eq!(cid.check(&block.data), Ok(()));
    }
}

#[tokio::test]
async fn what_arrives_later_is_sent_then() {
    let (_mesh, node, mut puppet) = node_and_puppet(Version::V1_2).await;
    let kept = Tree::file(FileBuilder::new(Layout::V0), b"later").root;
    let cancelled = Tree::file(FileBuilder::new(Layout::V0), b"cancelled").root;
    let list = [&kept, &cancelled].map(|cid| Want::block(cid.clone(), 1));
    puppet.say(&node, &wants(list.to_vec())).await;
    assert_eq!(puppet.hear().await.presences.len(), 2);
    puppet
        .say(
            &node,
            &wants(vec![Want::cancel(cancelled.clone()), Want::block(missing(9), 1)]),
        )
        .await;
    // The answer to the second tells that the first was heard.
    assert_eq!(puppet.hear().await.presences[0].cid, missing(9));
    for (cid, bytes) in [(&cancelled, &b"cancelled"[..]), (&kept, b"later")] {
        assert_eq!(add_file(&node.content, bytes).await, *cid);
        node.bitswap.announce(cid);
    }
    let answer = puppet.hear().await;
    assert_eq!(answer.blocks.len(), 1);
    assert_eq!(kept.check(&answer.blocks[0].data), Ok(()));
}

#[tokio::test]
async fn a_full_list_replaces_what_was_wanted() {
    let (_mesh, node, mut puppet) = node_and_puppet(Version::V1_2).await;
    let (old, new) = (missing(1), missing(2));
    puppet.say(&node, &wants(vec![Want::block(old.clone(), 1)])).await;
    puppet.hear().await;
    let message = Message {
        full: true,
        ..wants(vec![Want::block(new.clone(), 1)])
    };
    puppet.say(&node, &message).await;
    puppet.hear().await;
    for (cid, seed) in [(&old, 1), (&new, 2)] {
        add_file(&node.content, &[seed; 10]).await;
        node.bitswap.announce(cid);
    }
    let answer = puppet.hear().await;
    assert_eq!(answer.blocks.len(), 1);
    assert_eq!(new.check(&answer.blocks[0].data), Ok(()));
}

#[tokio::test]
async fn old_peers_get_blocks_and_no_presences() {
    for version in [Version::V1_0, Version::V1_1] {
        let (_mesh, node, mut puppet) = node_and_puppet(version).await;
        let cid = add_file(&node.content, &pattern(5000)).await;
        let mut list = vec![Want::block(missing(1), 2), Want::block(cid.clone(), 1)];
        for want in &mut list {
            (want.send_dont_have, want.want_type) = (false, WantType::Block);
        }
        puppet.say(&node, &wants(list)).await;
        let answer = puppet.hear().await;
        assert_eq!(answer.presences, []);
        assert_eq!(cid.check(&answer.blocks[0].data), Ok(()));
    }
}

/// A peer gets its bytes a second and no more, however much it asks for.
#[tokio::test]
async fn bytes_in_a_second_are_bounded() {
    let mesh = Arc::new(Mesh::default());
    let clock = ManualClock::new(0);
    let limits = BitswapLimits {
        upload_per_peer: CHUNK_SIZE as u64,
        ..BitswapLimits::default()
    };
    let node = Node::with(&mesh, 1, limits, Arc::new(clock.clone())).await;
    let mut puppet = Puppet::new(&mesh, 2, Version::V1_2);
    let cid = add_file(&node.content, &pattern(10 * CHUNK_SIZE)).await;
    let root = node.content.block(&cid).await.unwrap();
    let links = alephd_unixfs::Node::decode(&root).unwrap().links;
    let list = links.into_iter().map(|link| Want::block(link.cid, 1)).collect();
    puppet.say(&node, &wants(list)).await;
    let mut got = 0;
    let step = Duration::from_millis(100);
    while got < 10 {
        got += pass(&clock, step, puppet.hear()).await.blocks.len();
    }
    use alephd_tasks::Clock as _;
    let passed = clock.monotonic();
    assert!(passed >= Duration::from_secs(8), "{passed:?}");
}
