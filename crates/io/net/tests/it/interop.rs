//! Against peers that are not of our making: js-libp2p, and the libp2p that the reference's sidecar is
//! built on. `scripts/peers.sh` installs them; where one is missing, its tests say that they were skipped.
//! What was seen, with versions: docs/interop.md.

mod peer;
mod rpc;

use alephd_net::{Identity, NetConfig, Verdict};
use serde_json::{Value, json};

use self::peer::Peer;
use crate::fixture::{Node, TOPIC, loopback, until};

const RSA: &[u8] = include_bytes!("../data/rsa-2048.pkcs8.der");

/// Listens on TCP and WebSocket, in this order.
async fn node(identity: Identity) -> Node {
    let listen = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"];
    let config = NetConfig {
        listen: listen.map(|address| address.parse().unwrap()).to_vec(),
        ..loopback(listen[0])
    };
    Node::start_as(identity, config).await
}

fn address(node: &Node, websocket: bool) -> alephd_net::Multiaddr {
    let mut addresses = node.net.listening().into_iter();
    let address = addresses.find(|address| address.to_string().ends_with("/ws") == websocket);
    address.unwrap().with_p2p(node.id()).unwrap()
}

/// Waits until both know that the other takes part in our topic.
async fn acquainted(node: &Node, peer: &mut Peer) {
    peer.subscribed(node.id()).await;
    until("their subscription", || {
        let peers = node.net.peers();
        let info = peers.iter().find(|info| info.peer == peer.id());
        info.is_some_and(|info| info.topics.iter().any(|topic| topic == TOPIC))
    })
    .await;
}

/// A message each way: same bytes, same author, same id on both sides.
async fn exchange(node: &mut Node, peer: &mut Peer, name: &str) {
    let theirs = format!(r#"{{"item_hash":"theirs, {name}","text":"100%22 é"}}"#).into_bytes();
    let id = peer.publish(&theirs).await;
    let message = node.next().await;
    assert_eq!(message.id.to_string(), id, "{name}");
    assert_eq!((message.data, message.topic.as_str()), (theirs, TOPIC), "{name}");
    assert_eq!(
        (message.author, message.relay),
        (Some(peer.id()), peer.id()),
        "{name}"
    );
    node.net.judge(message.id, message.relay, Verdict::Accept);

    let ours = format!(r#"{{"item_hash":"ours, {name}"}}"#).into_bytes();
    node.publish(ours.clone()).await;
    let seen = peer.message().await;
    assert_eq!(seen.data, ours, "{name}");
    assert_eq!(
        (seen.author.as_str(), seen.relay.as_str()),
        (&*node.id().to_string(), &*node.id().to_string())
    );
    assert_eq!(seen.id, id_of(&ours), "{name}");
}

/// The id in the whole network: what Rust's default hasher makes of the bytes.
fn id_of(data: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    data.to_vec().hash(&mut hasher);
    hasher.finish().to_string()
}

fn identities() -> [(&'static str, Identity); 2] {
    [
        ("rsa", Identity::from_bytes(RSA).unwrap()),
        ("ed25519", Identity::generate()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_travel_to_and_from_the_old_libp2p() {
    for (ours, identity) in identities() {
        for (theirs, arguments) in [("rsa", &[][..]), ("ed25519", &["--ed25519"])] {
            for they_dial in [true, false] {
                let test = "messages_travel_to_and_from_the_old_libp2p";
                let Some(mut peer) = Peer::old(test, arguments).await else {
                    return;
                };
                let mut node = node(identity.clone()).await;
                if they_dial {
                    peer.dial(&address(&node, false));
                } else {
                    assert_eq!(node.net.dial(peer.address(false)).await.unwrap(), peer.id());
                }
                acquainted(&node, &mut peer).await;
                exchange(&mut node, &mut peer, &format!("{ours}, {theirs}, {they_dial}")).await;
                // It speaks neither identify nor ping, and is a full member all the same.
                let info = node.net.peers().remove(0);
                assert_eq!((info.agent, info.rtt, info.protocols.len()), (None, None, 0));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_travel_to_and_from_js_over_tcp_and_websocket() {
    for (ours, identity) in identities() {
        for (theirs, arguments) in [("ed25519", &[][..]), ("rsa", &["--rsa"])] {
            let test = "messages_travel_to_and_from_js_over_tcp_and_websocket";
            let Some(mut peer) = Peer::js(test, arguments).await else {
                return;
            };
            for (websocket, they_dial) in [(false, true), (false, false), (true, true), (true, false)] {
                let mut node = node(identity.clone()).await;
                if they_dial {
                    peer.dial(&address(&node, websocket));
                } else {
                    assert_eq!(node.net.dial(peer.address(websocket)).await.unwrap(), peer.id());
                }
                acquainted(&node, &mut peer).await;
                let name = format!("{ours}, {theirs}, websocket {websocket}, dialled {they_dial}");
                exchange(&mut node, &mut peer, &name).await;
                until("identify", || {
                    node.net.peers().iter().any(|info| info.agent.is_some())
                })
                .await;
                until("ping", || node.net.peers().iter().any(|info| info.rtt.is_some())).await;
                node.stop().await;
                peer.event("disconnected", |_| true).await;
            }
        }
    }
}

/// They see what we accepted, from its author and through us, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_old_libp2p_published_reaches_js_through_us_once_judged() {
    let test = "what_the_old_libp2p_published_reaches_js_through_us_once_judged";
    let Some(mut old) = Peer::old(test, &[]).await else {
        return;
    };
    let Some(mut js) = Peer::js(test, &[]).await else {
        return;
    };
    let mut node = node(Identity::generate()).await;
    old.dial(&address(&node, false));
    js.dial(&address(&node, true));
    acquainted(&node, &mut old).await;
    acquainted(&node, &mut js).await;
    js.event("graft", |event| event["topic"] == TOPIC).await;
    for (text, verdict) in [
        ("bad", Verdict::Reject),
        ("odd", Verdict::Ignore),
        ("good", Verdict::Accept),
    ] {
        old.publish(text.as_bytes()).await;
        assert_eq!(node.take(verdict).await, text.as_bytes());
    }
    let seen = js.message().await;
    assert_eq!(seen.data, b"good");
    assert_eq!(
        (seen.author, seen.relay),
        (old.id().to_string(), node.id().to_string())
    );
}

/// Three of three makes, each connected with each. The same bytes published by two of them are one
/// message, and come once.
#[tokio::test(flavor = "multi_thread")]
async fn equal_bytes_of_two_publishers_are_one_message() {
    let test = "equal_bytes_of_two_publishers_are_one_message";
    let Some(mut old) = Peer::old(test, &[]).await else {
        return;
    };
    let Some(mut js) = Peer::js(test, &[]).await else {
        return;
    };
    let mut node = node(Identity::generate()).await;
    old.dial(&address(&node, false));
    js.dial(&address(&node, false));
    js.dial(&old.address(false));
    acquainted(&node, &mut old).await;
    acquainted(&node, &mut js).await;
    old.subscribed(js.id()).await;
    js.subscribed(old.id()).await;

    // At once: mostly neither has the other's yet.
    for peer in [&mut old, &mut js] {
        peer.begin_publish(b"twice");
    }
    for peer in [&mut old, &mut js] {
        peer.published_by_someone().await;
    }
    let end = [old.publish(b"end of old").await, js.publish(b"end of js").await];
    // Each peer's stream is in order: a second copy would be here before its end.
    let mut ids = Vec::new();
    while !end.iter().all(|id| ids.contains(id)) {
        let message = node.next().await;
        ids.push(message.id.to_string());
        node.net.judge(message.id, message.relay, Verdict::Accept);
    }
    assert_eq!(
        ids.iter().filter(|id| **id == id_of(b"twice")).count(),
        1,
        "{ids:?}"
    );
    assert_eq!(ids.len(), 3, "{ids:?}");
    // Nor do we publish what others already did.
    assert!(node.net.publish(TOPIC, b"twice".to_vec()).await.is_err());
}

/// Announcements and requests name messages by the same ids.
#[tokio::test(flavor = "multi_thread")]
async fn announcements_and_requests_mean_the_same_messages() {
    let test = "announcements_and_requests_mean_the_same_messages";
    let Some(mut old) = Peer::old(test, &[]).await else {
        return;
    };
    let Some(mut js) = Peer::js(test, &[]).await else {
        return;
    };
    let mut node = node(Identity::generate()).await;
    old.dial(&address(&node, false));
    js.dial(&address(&node, false));
    acquainted(&node, &mut old).await;
    acquainted(&node, &mut js).await;
    js.event("graft", |event| event["topic"] == TOPIC).await;

    // We ask for what we lack and for nothing that we have, whoever sent it.
    let known = old.publish(b"known").await;
    assert_eq!(node.take(Verdict::Accept).await, b"known");
    let unknown = id_of(b"unknown");
    js.rpc(node.id(), &rpc::ihave(TOPIC, &[&known, &unknown])).await;
    let asked = js.event("rpc", |event| event["iwant"] != json!([])).await;
    assert_eq!(asked["iwant"], json!([unknown]));

    // We send what is asked for by id. They have seen it, so only the wire shows that it came again.
    node.publish("ours").await;
    assert_eq!(js.message().await.data, b"known");
    let seen = js.message().await;
    assert_eq!((seen.data.as_slice(), &seen.id), (&b"ours"[..], &id_of(b"ours")));
    let carries = |id: String| move |event: &Value| event["messages"] == json!([id]);
    js.event("rpc", carries(seen.id.clone())).await;
    js.rpc(node.id(), &rpc::iwant(&[&seen.id])).await;
    js.event("rpc", carries(seen.id)).await;
}

/// What carries no signature, or one that is not its author's, is dropped, and nobody is told of it.
#[tokio::test(flavor = "multi_thread")]
async fn unsigned_and_forged_messages_are_dropped() {
    let test = "unsigned_and_forged_messages_are_dropped";
    let Some(mut js) = Peer::js(test, &[]).await else {
        return;
    };
    let mut node = node(Identity::generate()).await;
    js.dial(&address(&node, false));
    acquainted(&node, &mut js).await;
    let author = js.id().to_bytes();
    let topic = (4, TOPIC.as_bytes());
    let number = (3, &[0, 0, 0, 0, 0, 0, 0, 9][..]);
    let rubbish = &[7; 64][..];
    for fields in [
        &[(2, &b"nobody"[..]), topic][..],
        &[(1, &author), (2, b"unsigned"), number, topic],
        &[(1, &author), (2, b"forged"), number, topic, (5, rubbish)],
        &[(1, &author), (2, b"no number"), topic, (5, rubbish)],
        &[(1, b"no peer"), (2, b"no author"), number, topic, (5, rubbish)],
        &[
            (1, &author),
            (2, b"wrong key"),
            number,
            topic,
            (5, rubbish),
            (6, rubbish),
        ],
    ] {
        js.rpc(node.id(), &rpc::message(fields)).await;
    }
    // On the same stream, behind them.
    js.publish(b"signed").await;
    assert_eq!(node.next().await.data, b"signed");
    assert!(node.inbox.is_empty());
    // The bytes of a message that was dropped are not taken as known.
    js.publish(b"forged").await;
    assert_eq!(node.next().await.data, b"forged");
}

#[tokio::test(flavor = "multi_thread")]
async fn js_can_ping_at_once() {
    let Some(mut js) = Peer::js("js_can_ping_at_once", &[]).await else {
        return;
    };
    let node = node(Identity::generate()).await;
    for websocket in [false, true] {
        js.tell(&json!({ "do": "dial", "address": address(&node, websocket).to_string(), "ping": true }));
        js.event("pinged", |_| true).await;
        js.tell(&json!({ "do": "disconnect", "peer": node.id().to_string() }));
        js.event("disconnected", |_| true).await;
    }
}
