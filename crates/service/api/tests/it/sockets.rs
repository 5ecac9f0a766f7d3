//! Websockets, with clients that behave and clients that do not.

use std::{sync::atomic::Ordering, time::Duration};

use alephd_api::ApiSettings;
use alephd_message::Envelope;
use alephd_testkit::{builder, keys};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, protocol::frame::coding::CloseCode},
};

use crate::node::Node;

pub(crate) type Client = WebSocketStream<TcpStream>;

pub(crate) async fn connect(node: &Node, path: &str) -> Client {
    let stream = TcpStream::connect(node.address).await.expect("connects");
    let url = format!("ws://{}{path}", node.address);
    client_async(url, stream).await.expect("is upgraded").0
}

/// The status of a refused upgrade, and its body.
async fn refused(node: &Node, path: &str) -> (u16, String) {
    let stream = TcpStream::connect(node.address).await.expect("connects");
    let url = format!("ws://{}{path}", node.address);
    match client_async(url, stream).await {
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            (response.status().as_u16(), String::from_utf8(body).expect("text"))
        }
        other => panic!("{other:?}"),
    }
}

/// The next message frame.
pub(crate) async fn next(client: &mut Client) -> Value {
    loop {
        match client.next().await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Reads to the end and returns why the server ended it.
async fn end(client: &mut Client) -> (u16, String) {
    while let Some(frame) = client.next().await {
        match frame {
            Ok(Message::Close(Some(frame))) => return (u16::from(frame.code), frame.reason.to_string()),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no reason was given");
}

fn post(body: &str, seconds: f64) -> Envelope {
    builder::post(&keys::evm("alice"), "chat", json!({"body": body}))
        .at(seconds)
        .channel("TEST")
        .seal()
}

fn name(message: &Value) -> String {
    message["item_hash"].as_str().expect("a text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_oldest_first_and_then_it_is_live() {
    let node = Node::start().await;
    let posts: Vec<_> = (0..12)
        .map(|index| post(&format!("p{index}"), f64::from(index * 7 % 12)))
        .collect();
    // What is on disk may still be on its way to websockets, also to those that open only now.
    let mut witness = connect(&node, "/api/ws0/messages?history=0").await;
    for message in &posts {
        node.publish(message).await;
        assert_eq!(name(&next(&mut witness).await), message.item_hash.to_string());
    }
    let mut sorted = posts.clone();
    sorted.sort_by_key(|message| message.time);

    let mut client = connect(&node, "/api/ws0/messages").await;
    let mut short = connect(&node, "/api/ws0/messages?history=3&contentFormat=headers").await;
    let mut first = connect(&node, "/api/ws0/messages?history=2&sortOrder=1").await;
    let mut none = connect(&node, "/api/ws0/messages?history=0&excludeContent=true").await;
    for message in &sorted[2..] {
        let frame = next(&mut client).await;
        assert_eq!(name(&frame), message.item_hash.to_string());
        assert_eq!(frame["content"]["type"], "chat");
        assert!(frame["size"].is_u64(), "the form of a list item");
    }
    for message in &sorted[9..] {
        let frame = next(&mut short).await;
        assert_eq!(name(&frame), message.item_hash.to_string());
        assert!(frame.get("content").is_none(), "headers are a form of pages only");
    }
    for message in &sorted[..2] {
        assert_eq!(name(&next(&mut first).await), message.item_hash.to_string());
    }

    let message = post("live", 100.0);
    node.publish(&message).await;
    for client in [&mut client, &mut first] {
        let frame = next(client).await;
        assert_eq!(name(&frame), message.item_hash.to_string());
        assert_eq!(frame["content"]["content"], json!({"body": "live"}));
        assert_eq!(
            (&frame["confirmed"], &frame["confirmations"]),
            (&json!(false), &json!([]))
        );
        assert!(frame.get("size").is_none(), "the form of a single message");
    }
    for client in [&mut short, &mut none] {
        let frame = next(client).await;
        assert_eq!(name(&frame), message.item_hash.to_string());
        assert!(frame.get("content").is_none());
        assert!(frame["item_content"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_connects_while_messages_come_sees_each_once() {
    const COUNT: usize = 120;
    let node = Node::start().await;
    let messages: Vec<_> = (0..COUNT)
        .map(|index| post(&format!("m{index}"), index as f64))
        .collect();
    let publishing = async {
        for message in &messages {
            node.publish(message).await;
        }
    };
    let listening = async {
        for _ in 0..20 {
            let mut client = connect(&node, "/api/ws0/messages?history=199").await;
            let mut seen = Vec::new();
            while seen.len() < COUNT {
                seen.push(name(&next(&mut client).await));
            }
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), COUNT, "some came twice");
            client.close(None).await.expect("closes");
        }
    };
    tokio::join!(publishing, listening);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_of_history_and_of_what_comes_are_the_same() {
    let node = Node::start().await;
    let (alice, bob) = (keys::evm("alice"), keys::evm("bob"));
    let others = [
        builder::aggregate(&alice, "settings", json!({"a": 1}))
            .at(1.0)
            .channel("TEST")
            .seal(),
        builder::post(&bob, "chat", json!({"body": "by bob"}))
            .at(2.0)
            .channel("TEST")
            .seal(),
        builder::post(&alice, "news", json!({"body": "of another type"}))
            .at(3.0)
            .channel("TEST")
            .seal(),
        builder::post(&alice, "chat", json!({"body": "elsewhere"}))
            .at(4.0)
            .channel("OTHER")
            .seal(),
    ];
    let wanted = |time: f64| {
        builder::post(&alice, "chat", json!({"body": "wanted"}))
            .at(time)
            .channel("TEST")
            .reference("a-topic")
            .tags(&["red", "blue"])
            .seal()
    };
    let address = alice.address();
    let query = format!(
        "/api/ws0/messages?msgTypes=POST,STORE&addresses={address}&owners={address}&channels=TEST&chains=ETH\
         &contentTypes=chat&refs=a-topic&tags=blue,green&startDate=5&endDate=100&startBlock=1"
    );
    let (early, late) = (wanted(10.0), wanted(11.0));
    for message in others.iter().chain([&early, &wanted(4.5), &wanted(100.0)]) {
        node.publish(message).await;
    }
    let mut client = connect(&node, &query).await;
    assert_eq!(name(&next(&mut client).await), early.item_hash.to_string());

    let again = |draft: builder::Draft<'_>| draft.set("n", 1).seal();
    for message in [
        again(
            builder::aggregate(&alice, "settings", json!({"b": 1}))
                .at(21.0)
                .channel("TEST"),
        ),
        again(
            builder::post(&bob, "chat", json!({"body": "by bob"}))
                .at(22.0)
                .channel("TEST"),
        ),
        again(
            builder::post(&alice, "news", json!({}))
                .at(23.0)
                .channel("TEST")
                .tags(&["blue"]),
        ),
        again(
            builder::post(&alice, "chat", json!({}))
                .at(24.0)
                .channel("OTHER")
                .tags(&["blue"]),
        ),
        wanted(4.75),
        wanted(101.0),
    ] {
        node.publish(&message).await;
    }
    node.publish(&late).await;
    assert_eq!(
        name(&next(&mut client).await),
        late.item_hash.to_string(),
        "only the last one matches"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_query_is_refused_before_the_upgrade() {
    let node = Node::start().await;
    for query in [
        "history=200",
        "msgType=PING",
        "startDate=9&endDate=1",
        "hashes=x",
        "history=-1",
    ] {
        let (status, body) = refused(&node, &format!("/api/ws0/messages?{query}")).await;
        assert_eq!(status, 422, "{query}: {body}");
        assert!(!body.is_empty());
    }
    for path in ["/api/ws0/messages", "/api/ws0/status"] {
        let answer = node.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(
            answer.body.starts_with("No WebSocket UPGRADE hdr: None"),
            "{}",
            answer.body
        );
    }
    assert_eq!(node.api.gauges.message_sockets.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_limit_the_upgrade_succeeds_and_ends() {
    let settings = ApiSettings {
        max_message_sockets: 1,
        max_status_sockets: 1,
        ..ApiSettings::default()
    };
    let node = Node::start_with(settings).await;
    for path in ["/api/ws0/messages", "/api/ws0/status"] {
        let _first = connect(&node, path).await;
        let mut second = connect(&node, path).await;
        assert_eq!(
            end(&mut second).await,
            (1013, "Too many connections".to_owned()),
            "{path}"
        );
    }
    let gauges = &node.api.gauges;
    assert_eq!(gauges.message_sockets_refused.load(Ordering::Relaxed), 1);
    assert_eq!(gauges.status_sockets_refused.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn room_is_given_back() {
    let settings = ApiSettings {
        max_message_sockets: 1,
        ..ApiSettings::default()
    };
    let node = Node::start_with(settings).await;
    for _ in 0..3 {
        let mut client = connect(&node, "/api/ws0/messages").await;
        client.close(None).await.expect("closes");
        while client.next().await.is_some() {}
        while node.api.gauges.message_sockets.load(Ordering::Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_dropped_and_nobody_else_notices() {
    // More than all buffers of the kernel and the queue of a client hold together.
    const COUNT: usize = 1_400;
    let node = Node::start().await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4 << 10).expect("a small buffer");
    let stream = socket.connect(node.address).await.expect("connects");
    let url = format!("ws://{}/api/ws0/messages?history=0", node.address);
    let (mut slow, _) = client_async(url, stream).await.expect("is upgraded");
    let mut quick = connect(&node, "/api/ws0/messages?history=0").await;

    let filler = "x".repeat(16 << 10);
    for index in 0..COUNT {
        let message = post(&format!("{index} {filler}"), 1.0);
        node.publish(&message).await;
        assert_eq!(name(&next(&mut quick).await), message.item_hash.to_string());
    }
    assert_eq!(node.api.gauges.slow_sockets.load(Ordering::Relaxed), 1);
    // It moves after everybody was told the last one.
    while node.api.gauges.broadcast.load(Ordering::Relaxed) < COUNT as u64 {
        tokio::task::yield_now().await;
    }
    // Once it reads, it gets what was on the way and learns why there is no more.
    assert_eq!(end(&mut slow).await, (1013, "Too slow".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_are_sent_and_their_answers_awaited() {
    let node = Node::start().await;
    let mut alive = connect(&node, "/api/ws0/messages?history=0").await;
    let mut dead = connect(&node, "/api/ws0/messages?history=0").await;
    // One sleeps in each connection and one in the task behind them.
    node.clock.wait_for_sleepers(3).await;
    node.clock.advance(Duration::from_secs(30));
    for client in [&mut alive, &mut dead] {
        let frame = client.next().await.expect("open").expect("a frame");
        assert!(frame.is_ping(), "{frame:?}");
    }
    // The answer goes out with the next frame; the answer to that one shows that it has arrived.
    alive.send(Message::Ping("here".into())).await.expect("sends");
    assert!(alive.next().await.expect("open").expect("a frame").is_pong());
    node.clock.wait_for_sleepers(3).await;
    node.clock.advance(Duration::from_secs(15));
    // Reading would send the answer of the dead one, so it must not read before it is too late.
    while node.api.gauges.message_sockets.load(Ordering::Relaxed) > 1 {
        tokio::task::yield_now().await;
    }
    assert!(!matches!(dead.next().await, Some(Ok(_))), "the connection is cut");

    let message = post("after the ping", 1.0);
    node.publish(&message).await;
    assert_eq!(name(&next(&mut alive).await), message.item_hash.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_say_is_ignored_within_bounds() {
    let node = Node::start().await;
    let mut client = connect(&node, "/api/ws0/messages?history=0").await;
    for frame in [
        Message::Text("close cmd".into()),
        Message::Binary(vec![7; 10_000].into()),
    ] {
        client.send(frame).await.expect("sends");
    }
    let message = post("still here", 1.0);
    node.publish(&message).await;
    assert_eq!(name(&next(&mut client).await), message.item_hash.to_string());
    client
        .send(Message::Text("x".repeat(100_000).into()))
        .await
        .expect("sends");
    assert_eq!(end(&mut client).await.0, u16::from(CloseCode::Policy));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_told_at_once_and_when_it_changes() {
    let node = Node::start().await;
    let total = |frame: &Value| frame["pyaleph_status_sync_messages_total"].as_u64();
    let mut client = connect(&node, "/api/ws0/status").await;
    let first = next(&mut client).await;
    assert_eq!(total(&first), Some(0));
    assert_eq!(first["pyaleph_build_info"]["version"], "0.10.3");
    // Its own connection is no change of the node.
    assert_eq!(first["pyaleph_ws_status_connections_active"], 0);

    node.publish(&post("one", 1.0)).await;
    node.clock.advance(Duration::from_secs(10));
    assert_eq!(total(&next(&mut client).await), Some(1));
    node.clock.advance(Duration::from_secs(10));
    node.publish(&post("two", 2.0)).await;
    node.clock.advance(Duration::from_secs(10));
    assert_eq!(
        total(&next(&mut client).await),
        Some(2),
        "nothing was sent while nothing changed"
    );
    let mut late = connect(&node, "/api/ws0/status").await;
    assert_eq!(total(&next(&mut late).await), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_says_so() {
    let node = Node::start().await;
    let mut messages = connect(&node, "/api/ws0/messages").await;
    let mut status = connect(&node, "/api/ws0/status").await;
    next(&mut status).await;
    node.live.cancel();
    assert_eq!(end(&mut messages).await.0, u16::from(CloseCode::Away));
    assert_eq!(end(&mut status).await.0, u16::from(CloseCode::Away));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_history_is_complete() {
    // Beyond what is held in memory for a client: the rest is read again when its turn comes.
    let node = Node::start().await;
    let filler = "y".repeat(60_000);
    let mut names = Vec::new();
    for index in 0..12 {
        let message = post(&format!("{index} {filler}"), f64::from(index));
        node.publish(&message).await;
        names.push(message.item_hash.to_string());
    }
    let mut client = connect(&node, "/api/ws0/messages?history=12").await;
    for expected in names {
        let frame = next(&mut client).await;
        assert_eq!(name(&frame), expected);
        assert!(
            frame["content"]["content"]["body"]
                .as_str()
                .expect("a text")
                .len()
                > 60_000
        );
    }
}
