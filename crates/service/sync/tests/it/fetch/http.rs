//! Other nodes by HTTP, each with one canned answer for a path.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use alephd_content::Content;
use alephd_message::ItemHash;
use alephd_sync::fetch::{Demand, HttpConfig, HttpPeers, Source as _, SourceError};
use alephd_tasks::ManualClock;
use alephd_testkit::sha256;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::watch,
};

use crate::exchange::{content, demand, pattern};

/// What a node says, and whether it closes then.
#[derive(Clone)]
struct Reply {
    bytes: Vec<u8>,
    then_hangs: bool,
}

fn reply(head: &str, body: &[u8]) -> Reply {
    let mut bytes = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    Reply {
        bytes,
        then_hangs: false,
    }
}

fn ok(body: &[u8]) -> Reply {
    reply(&format!("200 OK\r\ncontent-length: {}", body.len()), body)
}

fn missing() -> Reply {
    reply("404 Not Found\r\ncontent-length: 0", b"")
}

struct Node {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// A node that answers paths that end like a key.
#[expect(clippy::disallowed_methods, reason = "ends with the runtime of the test")]
async fn node(replies: impl IntoIterator<Item = (String, Reply)>) -> Node {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let replies: HashMap<String, Reply> = replies.into_iter().collect();
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => request.push(byte),
                    Err(_) => break,
                }
            }
            let text = String::from_utf8_lossy(&request).into_owned();
            let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = replies.get(&path).cloned().unwrap_or_else(missing);
            seen.lock().unwrap().push(path);
            let _ = stream.write_all(&answer.bytes).await;
            if answer.then_hangs {
                tokio::spawn(async move {
                    let _ = stream.read_u8().await;
                });
            }
        }
    });
    Node { base, asked }
}

fn raw(name: &ItemHash) -> String {
    format!("/api/v0/storage/raw/{name}")
}

fn old(name: &ItemHash) -> String {
    format!("/api/v0/storage/{name}")
}

fn json(bytes: &[u8]) -> Reply {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(bytes);
    ok(
        format!(r#"{{"status": "success", "hash": "x", "engine": "storage", "content": "{text}"}}"#)
            .as_bytes(),
    )
}

struct Asker {
    peers: HttpPeers,
    content: Content,
    clock: ManualClock,
}

fn asker(nodes: &[&Node], private: bool) -> Asker {
    let bases = nodes.iter().map(|node| node.base.clone()).collect();
    let (_, bases) = watch::channel(bases);
    let config = HttpConfig {
        idle: Duration::from_millis(100),
        private,
        ..HttpConfig::default()
    };
    let (content, clock) = (content(), ManualClock::new(0));
    let own = Arc::new(clock.clone());
    Asker {
        peers: HttpPeers::new(content.clone(), bases, config, own).unwrap(),
        content,
        clock,
    }
}

impl Asker {
    async fn brings(&self, bytes: &[u8]) {
        let name = sha256(bytes);
        let facts = self.peers.fetch(&demand(&name)).await.unwrap();
        assert_eq!(facts.size, bytes.len() as u64);
        assert!(self.content.blobs().read_all(&name, u64::MAX).await.unwrap() == bytes);
        self.content.blobs().delete(&name).await.unwrap();
    }

    async fn fails(&self, demand: &Demand) -> SourceError {
        let error = self.peers.fetch(demand).await.unwrap_err();
        assert!(!self.content.blobs().exists(&demand.name).await.unwrap());
        error
    }
}

#[tokio::test]
async fn raw_bytes() {
    let bytes = pattern(3_000_000);
    let node = node([(raw(&sha256(&bytes)), ok(&bytes))]).await;
    asker(&[&node], true).brings(&bytes).await;
    // Without a length, until the connection ends.
    let other = pattern(10);
    let chunked = node_of(&other, reply("200 OK", &other)).await;
    asker(&[&chunked], true).brings(&other).await;
}

async fn node_of(bytes: &[u8], answer: Reply) -> Node {
    node([(raw(&sha256(bytes)), answer)]).await
}

#[tokio::test]
async fn an_older_node() {
    let bytes = pattern(300_001);
    let node = node([(old(&sha256(&bytes)), json(&bytes))]).await;
    asker(&[&node], true).brings(&bytes).await;
    let asked = node.asked.lock().unwrap().clone();
    assert_eq!(asked, [raw(&sha256(&bytes)), old(&sha256(&bytes))]);
}

#[tokio::test]
async fn who_sends_something_else_is_left_alone_for_a_while() {
    let bytes = pattern(1_000);
    let mut wrong = bytes.clone();
    wrong[500] ^= 1;
    let liar = node_of(&bytes, ok(&wrong)).await;
    let honest = node_of(&bytes, ok(&bytes)).await;
    let some = asker(&[&liar, &honest], true);
    for _ in 0..10 {
        some.brings(&bytes).await;
    }
    assert!(liar.asked.lock().unwrap().len() <= 1);
    let alone = asker(&[&liar], true);
    let name = demand(&sha256(&bytes));
    assert!(matches!(alone.fails(&name).await, SourceError::Failed(_)));
    let before = liar.asked.lock().unwrap().len();
    assert_eq!(alone.fails(&name).await, SourceError::NotHeld);
    assert_eq!(liar.asked.lock().unwrap().len(), before);
    alone.clock.advance(Duration::from_secs(601));
    alone.fails(&name).await;
    assert_eq!(liar.asked.lock().unwrap().len(), before + 1);
}

#[tokio::test]
async fn what_is_too_large_is_not_taken() {
    let bytes = pattern(1_000);
    let name = sha256(&bytes);
    let small = Demand {
        file_limit: 999,
        ..demand(&name)
    };
    let too_large = |error| matches!(error, SourceError::TooLarge { limit: 999, .. });
    let announced = node_of(&bytes, ok(&bytes)).await;
    assert!(too_large(asker(&[&announced], true).fails(&small).await));
    let unannounced = node_of(&bytes, reply("200 OK", &bytes)).await;
    assert!(too_large(asker(&[&unannounced], true).fails(&small).await));
    let embedded = node([(old(&name), json(&bytes))]).await;
    assert!(too_large(asker(&[&embedded], true).fails(&small).await));
    let giant = reply("200 OK\r\ncontent-length: 99999999999999", b"x");
    let giant = node([(old(&name), giant)]).await;
    assert!(too_large(asker(&[&giant], true).fails(&small).await));
}

#[tokio::test]
async fn who_is_cut_off_or_silent_is_given_up() {
    let bytes = pattern(1_000);
    let head = "200 OK\r\ncontent-length: 1000";
    let cut = node_of(&bytes, reply(head, &bytes[..500])).await;
    let silent = node_of(
        &bytes,
        Reply {
            then_hangs: true,
            ..reply(head, &bytes[..500])
        },
    )
    .await;
    let name = demand(&sha256(&bytes));
    for node in [&cut, &silent] {
        let error = asker(&[node], true).fails(&name).await;
        assert!(matches!(error, SourceError::Failed(_)), "{error}");
    }
    let honest = node_of(&bytes, ok(&bytes)).await;
    asker(&[&cut, &silent, &honest], true).brings(&bytes).await;
}

#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    let bytes = pattern(1_000);
    let name = sha256(&bytes);
    let target = node_of(&bytes, ok(&bytes)).await;
    let location = format!(
        "302 Found\r\ncontent-length: 0\r\nlocation: {}{}",
        target.base,
        raw(&name)
    );
    let node = node([
        (raw(&name), reply(&location, b"")),
        (old(&name), reply(&location, b"")),
    ])
    .await;
    asker(&[&node], true).fails(&demand(&name)).await;
    assert!(target.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn private_addresses_are_not_asked() {
    let bytes = pattern(1_000);
    let name = sha256(&bytes);
    let mut node = node_of(&bytes, ok(&bytes)).await;
    asker(&[&node], false).fails(&demand(&name)).await;
    // Nor by a name that leads there.
    node.base = node.base.replace("127.0.0.1", "localhost");
    asker(&[&node], false).fails(&demand(&name)).await;
    assert!(node.asked.lock().unwrap().is_empty());
    asker(&[&node], true).brings(&bytes).await;
}
