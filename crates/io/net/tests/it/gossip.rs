//! What is forwarded, and what is not.

use std::fs;

use alephd_net::{Identity, NetConfig, PublishError, Verdict};

use crate::fixture::{Node, TOPIC, line, loopback, memory, until};

/// Three in a line: what the middle one does not accept never reaches the last one.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_accepted_is_forwarded() {
    let [first, mut middle, mut last] = line().await;
    for (text, verdict) in [
        ("rejected", Verdict::Reject),
        ("ignored", Verdict::Ignore),
        ("accepted", Verdict::Accept),
        ("rejected again", Verdict::Reject),
        ("end", Verdict::Accept),
    ] {
        first.publish(text).await;
        assert_eq!(middle.take(verdict).await, text.as_bytes());
    }
    // One way, in order: whatever was forwarded of the others would be here by now.
    let message = last.next().await;
    assert_eq!(message.data, b"accepted");
    assert_eq!((message.relay, message.author), (middle.id(), Some(first.id())));
    assert_eq!(message.topic, TOPIC);
    assert_eq!(last.next().await.data, b"end");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_forwarded_before_it_is_judged() {
    let [first, mut middle, mut last] = line().await;
    first.publish("one").await;
    first.publish("two").await;
    let one = middle.next().await;
    let two = middle.next().await;
    middle.net.judge(two.id, two.relay, Verdict::Accept);
    assert_eq!(last.take(Verdict::Accept).await, b"two");
    middle.net.judge(one.id, one.relay, Verdict::Accept);
    assert_eq!(last.take(Verdict::Accept).await, b"one");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_travel_once() {
    let (first, mut second) = (Node::start(memory()).await, Node::start(memory()).await);
    first.mesh(&second).await;
    first.publish("twice").await;
    assert_eq!(
        first.net.publish(TOPIC, b"twice".to_vec()).await,
        Err(PublishError::Duplicate)
    );
    assert_eq!(second.take(Verdict::Accept).await, b"twice");
    assert_eq!(
        second.net.publish(TOPIC, b"twice".to_vec()).await,
        Err(PublishError::Duplicate)
    );
    // The id depends on the bytes alone, not on who published them where.
    assert_eq!(
        first.net.publish("ALIVE", b"twice".to_vec()).await,
        Err(PublishError::Duplicate)
    );
    first.publish("end").await;
    assert_eq!(second.take(Verdict::Accept).await, b"end");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_said() {
    let lonely = Node::start(memory()).await;
    assert_eq!(
        lonely.net.publish(TOPIC, b"x".to_vec()).await,
        Err(PublishError::NoPeers)
    );
    let mut other = Node::start(memory()).await;
    lonely.mesh(&other).await;
    let huge = vec![b'x'; NetConfig::default().max_gossip];
    let Err(PublishError::TooLarge { size, limit }) = lonely.net.publish(TOPIC, huge.clone()).await else {
        panic!("published")
    };
    assert_eq!(size, huge.len());
    assert!(limit > size - 1024);
    // What is said to fit does, and the connection is still good afterwards.
    assert!(lonely.net.publish(TOPIC, huge[..=limit].to_vec()).await.is_err());
    lonely.publish(&huge[..limit]).await;
    assert_eq!(other.take(Verdict::Accept).await.len(), limit);
    // A message that found nobody can be published later.
    lonely.publish("x").await;
    assert_eq!(other.take(Verdict::Accept).await, b"x");
    assert_eq!(
        lonely.net.publish("nobody's", b"y".to_vec()).await,
        Err(PublishError::NoPeers)
    );
    lonely.stop().await;
    assert_eq!(
        lonely.net.publish(TOPIC, b"z".to_vec()).await,
        Err(PublishError::Stopped)
    );
}

/// The envelope of an RSA key is the largest: it carries the key, and the signature is long.
#[tokio::test(flavor = "multi_thread")]
async fn rsa_and_ed25519_understand_each_other_over_tcp() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rsa-2048.pkcs8.der");
    let rsa = Identity::from_bytes(&fs::read(file).unwrap()).unwrap();
    let mut rsa = Node::start_as(rsa, loopback("/ip4/127.0.0.1/tcp/0")).await;
    let mut other = Node::start(loopback("/ip4/127.0.0.1/tcp/0")).await;
    other.mesh(&rsa).await;
    other.publish("to rsa").await;
    assert_eq!(rsa.take(Verdict::Accept).await, b"to rsa");
    let Err(PublishError::TooLarge { limit, .. }) = rsa.net.publish(TOPIC, vec![0; 262_144]).await else {
        panic!("published")
    };
    rsa.publish(vec![b'x'; limit]).await;
    let message = other.next().await;
    assert_eq!(message.data.len(), limit);
    assert_eq!(message.author, Some(rsa.id()));
    assert!(rsa.id().to_string().starts_with("Qm"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_topics_are_not_received() {
    let narrow = NetConfig {
        topics: vec!["other".to_owned(), "more".to_owned()],
        ..memory()
    };
    let (first, mut second) = (Node::start(memory()).await, Node::start(narrow).await);
    first.net.dial(second.address()).await.unwrap();
    // One node never hears of topics that are not its own; both hear of nobody.
    until("identify", || {
        first.net.peers().iter().any(|peer| peer.agent.is_some())
    })
    .await;
    assert!(first.net.peers()[0].topics.is_empty());
    assert_eq!(
        first.net.publish(TOPIC, b"x".to_vec()).await,
        Err(PublishError::NoPeers)
    );
    assert_eq!(second.inbox.try_next(), None);
}
