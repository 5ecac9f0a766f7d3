//! Who connects with whom, and how many.

use alephd_net::{Direction, Identity, Limits, Net, NetConfig, NetError, PeerEvent};
use alephd_tasks::{SystemClock, Tasks};

use crate::fixture::{Node, loopback, memory, until, within};

#[tokio::test(flavor = "multi_thread")]
async fn peers_see_each_other_over_tcp_and_websocket() {
    let both = NetConfig {
        listen: vec![
            "/ip4/127.0.0.1/tcp/0".parse().unwrap(),
            "/ip4/127.0.0.1/tcp/0/ws".parse().unwrap(),
        ],
        agent: "server/1".to_owned(),
        ..loopback("/ip4/127.0.0.1/tcp/0")
    };
    let server = Node::start(both).await;
    assert_eq!(server.net.listening().len(), 2);
    for address in server.net.listening() {
        assert!(!address.to_string().contains("tcp/0"), "{address}");
        let client = Node::start(loopback("/ip4/127.0.0.1/tcp/0")).await;
        let mut events = server.net.events();
        // Without its name: whoever answers.
        assert_eq!(client.net.dial(address.clone()).await.unwrap(), server.id());
        let event = within("an event", events.recv()).await.unwrap();
        assert_eq!(event, PeerEvent::Connected(client.id()));
        until("identify and ping", || {
            let peers = client.net.peers();
            peers.len() == 1 && peers[0].agent.is_some() && peers[0].rtt.is_some()
        })
        .await;
        let info = client.net.peers().remove(0);
        assert_eq!((info.peer, info.direction), (server.id(), Direction::Outgoing));
        assert_eq!(info.agent.as_deref(), Some("server/1"));
        assert!(info.received > 0 && info.sent > 0);
        assert_eq!(server.net.peers()[0].direction, Direction::Incoming);
        client.net.disconnect(server.id()).await;
        until("the end", || server.net.peers().is_empty()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dialling_finds_the_named_peer_or_fails() {
    let (first, second) = (Node::start(memory()).await, Node::start(memory()).await);
    let wrong = second.net.listening()[0].clone().with_p2p(first.id()).unwrap();
    let third = Node::start(memory()).await;
    assert!(matches!(third.net.dial(wrong).await, Err(NetError::Dial(_))));
    assert!(matches!(
        first.net.dial("/memory/1".parse().unwrap()).await,
        Err(NetError::Dial(_))
    ));
    for _ in 0..3 {
        assert_eq!(first.net.dial(second.address()).await.unwrap(), second.id());
    }
    until("the other side", || second.net.peers().len() == 1).await;
    assert_eq!(first.net.peers().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_an_error_of_the_start() {
    let first = Node::start(loopback("/ip4/127.0.0.1/tcp/0")).await;
    let config = NetConfig {
        listen: first.net.listening(),
        ..memory()
    };
    let clock = std::sync::Arc::new(SystemClock::new());
    let started = Net::start(Identity::generate(), config, clock, &Tasks::new()).await;
    assert!(matches!(started, Err(NetError::Listen { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_connections_hold() {
    let tight = NetConfig {
        limits: Limits {
            incoming: 2,
            ..Limits::default()
        },
        ..memory()
    };
    let server = Node::start(tight).await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let client = Node::start(memory()).await;
        client.mesh(&server).await;
        clients.push(client);
    }
    let third = Node::start(memory()).await;
    // The transport connects before the limit is looked at; what counts is that it does not last.
    let _ = third.net.dial(server.address()).await;
    until("the refusal", || !third.net.is_connected(&server.id())).await;
    assert_eq!(server.net.peers().len(), 2);
    // Not merely disconnected: Kademlia would bring it back.
    clients.remove(0).stop().await;
    within("room", async {
        while !server.net.is_connected(&third.id()) {
            let _ = third.net.dial(server.address()).await;
        }
    })
    .await;
    third.joined(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_peer_is_found_again_after_its_restart() {
    let identity = Identity::generate();
    let first = Node::start_as(identity.clone(), loopback("/ip4/127.0.0.1/tcp/0")).await;
    let config = NetConfig {
        bootstrap: vec![first.address()],
        ..loopback("/ip4/127.0.0.1/tcp/0")
    };
    let node = Node::start(config).await;
    until("the bootstrap peer", || node.net.is_connected(&first.id())).await;
    let address = first.net.listening()[0].clone();
    first.stop().await;
    until("its end", || !node.net.is_connected(&first.id())).await;
    let again = NetConfig {
        listen: vec![address],
        ..memory()
    };
    let mut second = Node::start_as(identity, again).await;
    assert_eq!(second.id(), first.id());
    until("its return", || node.net.is_connected(&second.id())).await;
    until("the mesh", || {
        !second.net.peers().is_empty() && second.net.peers()[0].topics.len() == 2
    })
    .await;
    node.publish("welcome back").await;
    assert_eq!(second.next().await.data, b"welcome back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_host_says_so() {
    let node = Node::start(memory()).await;
    let mut other = Node::start(memory()).await;
    node.mesh(&other).await;
    other.stop().await;
    assert!(other.inbox.next().await.is_none());
    assert!(matches!(
        other.net.dial(node.address()).await,
        Err(NetError::Stopped)
    ));
    assert!(other.net.providers(vec![1]).await.is_empty());
    until("the other side", || node.net.peers().is_empty()).await;
}
