//! Streams and provider records.

use alephd_net::{NetError, PeerEvent, PeerId, StreamProtocol};
use futures_util::{AsyncReadExt, AsyncWriteExt, StreamExt};

use crate::fixture::{Node, loopback, memory, until, within};

const ECHO: StreamProtocol = StreamProtocol::new("/test/echo");

#[tokio::test(flavor = "multi_thread")]
async fn streams_carry_bytes_both_ways() {
    let (client, server) = (Node::start(memory()).await, Node::start(memory()).await);
    let mut incoming = server.net.accept(ECHO).unwrap();
    assert!(matches!(
        server.net.accept(ECHO),
        Err(NetError::AlreadyAccepted(_))
    ));
    let mut events = client.net.events();
    client.net.dial(server.address()).await.unwrap();
    within("identify", async {
        loop {
            if let PeerEvent::Identified { peer, protocols } = events.recv().await.unwrap() {
                assert_eq!(peer, server.id());
                assert!(protocols.contains(&ECHO));
                break;
            }
        }
    })
    .await;
    assert!(client.net.supports(&server.id(), &ECHO));
    assert!(!server.net.supports(&client.id(), &ECHO));

    let serving = async {
        let (peer, mut stream) = incoming.next().await.unwrap();
        assert_eq!(peer, client.id());
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        bytes.reverse();
        stream.write_all(&bytes).await.unwrap();
        stream.close().await.unwrap();
    };
    let asking = async {
        let mut stream = client.net.open(server.id(), ECHO).await.unwrap();
        stream.write_all(&[1, 2, 3]).await.unwrap();
        stream.close().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let (answer, ()) = within("the echo", async { tokio::join!(asking, serving) }).await;
    assert_eq!(answer, [3, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_cannot_be_opened_are_errors() {
    let (client, server) = (Node::start(memory()).await, Node::start(memory()).await);
    let nobody = PeerId::random();
    assert!(
        matches!(client.net.open(nobody, ECHO).await, Err(NetError::NotConnected(peer)) if peer == nobody)
    );
    client.net.dial(server.address()).await.unwrap();
    assert!(matches!(
        client.net.open(server.id(), ECHO).await,
        Err(NetError::Unsupported(_))
    ));
    // Accepted later, on a connection that exists.
    let incoming = server.net.accept(ECHO).unwrap();
    within("an opened stream", client.net.open(server.id(), ECHO))
        .await
        .unwrap();
    drop(incoming);
    assert!(matches!(
        client.net.open(server.id(), ECHO).await,
        Err(NetError::Unsupported(_))
    ));
    let _incoming = server.net.accept(ECHO).unwrap();
    client.net.open(server.id(), ECHO).await.unwrap();
}

/// All of them arrive, although nobody takes any until the last is opened.
#[tokio::test(flavor = "multi_thread")]
async fn many_streams_wait_to_be_accepted() {
    let (client, server) = (Node::start(memory()).await, Node::start(memory()).await);
    let mut incoming = server.net.accept(ECHO).unwrap();
    client.net.dial(server.address()).await.unwrap();
    let opening = (0..64_u8).map(|number| {
        let net = client.net.clone();
        let peer = server.id();
        async move {
            let mut stream = net.open(peer, ECHO).await.unwrap();
            stream.write_all(&[number]).await.unwrap();
            stream.close().await.unwrap();
            stream
        }
    });
    let _streams = within("64 streams", futures_util::future::join_all(opening)).await;
    let mut numbers = Vec::new();
    for _ in 0..64 {
        let (_, mut stream) = within("a stream", incoming.next()).await.unwrap();
        let mut number = [0];
        within("a byte", stream.read_exact(&mut number)).await.unwrap();
        numbers.push(number[0]);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..64).collect::<Vec<_>>());
}

/// Both know the third alone; one provides, the other finds it and opens a stream to it.
#[tokio::test(flavor = "multi_thread")]
async fn providers_are_found_through_a_third() {
    let tcp = || loopback("/ip4/127.0.0.1/tcp/0");
    let (third, provider, seeker) = (
        Node::start(tcp()).await,
        Node::start(tcp()).await,
        Node::start(tcp()).await,
    );
    let _incoming = provider.net.accept(ECHO).unwrap();
    for node in [&provider, &seeker] {
        node.net.dial(third.address()).await.unwrap();
        until("identify", || node.net.peers()[0].agent.is_some()).await;
    }
    until("identify", || {
        third.net.peers().iter().all(|peer| peer.agent.is_some())
    })
    .await;
    let key = b"a multihash".to_vec();
    assert!(seeker.net.providers(key.clone()).await.is_empty());
    provider.net.provide(key.clone()).await;
    // Announcements are not confirmed, so the third may not have read it yet.
    let found = within("the provider", async {
        loop {
            let found = seeker.net.providers(key.clone()).await;
            if !found.is_empty() {
                break found;
            }
        }
    })
    .await;
    assert_eq!(found, [provider.id()]);
    assert_eq!(provider.net.providers(key.clone()).await, []);
    within("a stream", seeker.net.open(provider.id(), ECHO))
        .await
        .unwrap();
    provider.net.unprovide(key).await;
}
