//! Full queues, floods, and those who do not behave.

use alephd_net::{Limits, NetConfig, Offence, PeerEvent, StreamProtocol, Verdict};
use futures_util::{AsyncReadExt, AsyncWriteExt, StreamExt};

use crate::fixture::{Node, TOPIC, memory, until, within};

/// Whoever dials may believe in a connection before it hears of the refusal; it does not last.
async fn refused(dialler: &Node, by: &Node) {
    let _ = dialler.net.dial(by.address()).await;
    until("the refusal", || !dialler.net.is_connected(&by.id())).await;
    assert!(!by.net.is_connected(&dialler.id()));
}

/// Nothing is lost while the reader sleeps, and other protocols go on meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_loses_nothing_and_stops_nothing_else() {
    let small = NetConfig { inbox: 4, ..memory() };
    let (sender, mut reader) = (Node::start(memory()).await, Node::start(small).await);
    sender.mesh(&reader).await;
    let total = 400_u32;
    for number in 0..total {
        sender.publish(number.to_be_bytes().repeat(64)).await;
    }
    until("a full inbox", || reader.inbox.len() == 4).await;

    let echo = StreamProtocol::new("/test/echo");
    let mut incoming = reader.net.accept(echo.clone()).unwrap();
    let (opened, accepted) = tokio::join!(sender.net.open(reader.id(), echo), incoming.next());
    let (mut near, (_, mut far)) = (opened.unwrap(), accepted.unwrap());
    near.write_all(b"still here").await.unwrap();
    near.close().await.unwrap();
    let mut heard = String::new();
    within("the stream", far.read_to_string(&mut heard))
        .await
        .unwrap();
    assert_eq!(heard, "still here");
    assert_eq!(reader.inbox.len(), 4);

    let mut seen = Vec::new();
    for _ in 0..total {
        let data = reader.take(Verdict::Accept).await;
        seen.push(u32::from_be_bytes(data[..4].try_into().unwrap()));
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..total).collect::<Vec<_>>());
}

/// Gossip beyond the rate is neither delivered nor forwarded, and ends in a ban.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_cut_off() {
    let strict = NetConfig {
        limits: Limits {
            gossip_per_second: 1,
            gossip_burst: 10,
            ..Limits::default()
        },
        ..memory()
    };
    let (flooder, mut node) = (Node::start(memory()).await, Node::start(strict).await);
    flooder.mesh(&node).await;
    let mut events = node.net.events();
    let mut number = 0_u32;
    within("the ban", async {
        while flooder.net.is_connected(&node.id()) {
            // Fails once the connection is closed, or while the queue is full.
            let _ = flooder.net.publish(TOPIC, number.to_be_bytes().to_vec()).await;
            number += 1;
        }
    })
    .await;
    let gone = within("the end", async {
        loop {
            if let PeerEvent::Disconnected(peer) = events.recv().await.unwrap() {
                break peer;
            }
        }
    });
    assert_eq!(gone.await, flooder.id());
    let mut delivered = 0;
    while node.inbox.try_next().is_some() {
        delivered += 1;
    }
    assert!((10..number).contains(&delivered), "{delivered} of {number}");
    refused(&flooder, &node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authors_of_rejected_messages_are_banned_and_come_back_when_forgiven() {
    let (bad, mut node) = (Node::start(memory()).await, Node::start(memory()).await);
    bad.mesh(&node).await;
    let mut number = 0_u32;
    within("the ban", async {
        while node.net.is_connected(&bad.id()) {
            // What is on its way when the connection ends never arrives.
            let _ = bad.net.publish(TOPIC, number.to_be_bytes().to_vec()).await;
            while let Some(message) = node.inbox.try_next() {
                node.net.judge(message.id, message.relay, Verdict::Reject);
                number += 1;
            }
        }
    })
    .await;
    assert!(number >= 20, "{number}");
    until("the news", || !bad.net.is_connected(&node.id())).await;
    refused(&bad, &node).await;
    node.net.unban(bad.id());
    bad.join(&node).await;
    bad.publish("better").await;
    until("the better message", || {
        node.inbox
            .try_next()
            .is_some_and(|message| message.data == b"better")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_ban_and_so_does_the_operator() {
    let (first, second) = (Node::start(memory()).await, Node::start(memory()).await);
    first.mesh(&second).await;
    (0..3).for_each(|_| first.net.report(second.id(), Offence::WrongBytes));
    until("the score", || first.net.peers()[0].score < -20.0).await;
    assert!(first.net.is_connected(&second.id()));
    first.net.report(second.id(), Offence::WrongBytes);
    until("the ban", || !first.net.is_connected(&second.id())).await;
    // Not even by the one who banned.
    assert!(first.net.dial(second.address()).await.is_err());
    first.net.unban(second.id());
    first.join(&second).await;
    first.net.ban(second.id());
    until("the ban", || !first.net.is_connected(&second.id())).await;
}

/// What a reader does not read stays with the sender, whatever its size.
#[tokio::test(flavor = "multi_thread")]
async fn gossip_that_is_not_read_stays_on_the_wire() {
    const SIZE: usize = 64 * 1024;
    const COUNT: u32 = 200;
    let small = NetConfig { inbox: 4, ..memory() };
    let (sender, reader) = (Node::start(memory()).await, Node::start(small).await);
    sender.mesh(&reader).await;
    for number in 0..COUNT {
        sender.publish(number.to_be_bytes().repeat(SIZE / 4)).await;
    }
    until("a full inbox", || reader.inbox.len() == 4).await;

    // As much again goes through another stream of the same connection.
    let other = StreamProtocol::new("/test/other");
    let mut incoming = reader.net.accept(other.clone()).unwrap();
    let (opened, accepted) = tokio::join!(sender.net.open(reader.id(), other), incoming.next());
    let (mut near, (_, mut far)) = (opened.unwrap(), accepted.unwrap());
    let total = SIZE * COUNT as usize;
    let writing = async {
        near.write_all(&vec![7; total]).await.unwrap();
        near.close().await.unwrap();
    };
    let mut bytes = Vec::new();
    within("the other stream", async {
        tokio::join!(writing, far.read_to_end(&mut bytes))
    })
    .await
    .1
    .unwrap();
    assert_eq!(bytes.len(), total);
    let gossip = reader.net.peers()[0].received - total as u64;
    assert!(gossip < total as u64 / 4, "{gossip} of {total} bytes were taken");
}

/// Every protocol is spoken to in gibberish, and in frames that claim to be huge.
#[tokio::test(flavor = "multi_thread")]
async fn gibberish_ends_streams_and_nothing_else() {
    let (bad, mut node) = (Node::start(memory()).await, Node::start(memory()).await);
    let mut friend = Node::start(memory()).await;
    friend.mesh(&node).await;
    bad.net.dial(node.address()).await.unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut gibberish = Vec::new();
    for _ in 0..8192 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        gibberish.extend_from_slice(&state.to_be_bytes());
    }
    let huge = [0xff, 0xff, 0xff, 0x7f];
    for protocol in [
        "/meshsub/1.1.0",
        "/meshsub/1.0.0",
        "/ipfs/kad/1.0.0",
        "/ipfs/id/1.0.0",
        "/ipfs/id/push/1.0.0",
        "/ipfs/ping/1.0.0",
    ] {
        let protocol = StreamProtocol::new(protocol);
        for bytes in [&gibberish[..], &huge, &[], &[0; 100], &[0x80; 100], &[3, 1, 2]] {
            let Ok(mut stream) = bad.net.open(node.id(), protocol.clone()).await else {
                continue;
            };
            // The other side may close at any byte.
            let _ = stream.write_all(bytes).await;
            let _ = stream.close().await;
            let mut answer = Vec::new();
            let _ = within("an end", stream.take(1 << 20).read_to_end(&mut answer)).await;
        }
    }
    assert_eq!(node.panics(), 0);
    friend.publish("still here").await;
    assert_eq!(node.take(Verdict::Accept).await, b"still here");
    node.publish("and here").await;
    assert_eq!(friend.take(Verdict::Accept).await, b"and here");
}
