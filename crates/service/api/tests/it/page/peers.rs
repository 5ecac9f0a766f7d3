//! What the pages say of other nodes, whose every text and number may be hostile.

use std::{path::PathBuf, sync::Arc};

use alephd_api::{ComingVerdict, Network, NetworkView, PeerView};
use alephd_message::Envelope;
use alephd_rules::Interest;
use serde_json::{Value, json};

use super::{HOSTILE, assert_harmless, browse, browser, page};
use crate::node::{NOW, Node};

/// A network that says what it is told to.
struct Told {
    view: NetworkView,
    gaps: Value,
}

impl Network for Told {
    fn publish(&self, _: Envelope, _: ComingVerdict) {}

    fn view(&self) -> NetworkView {
        self.view.clone()
    }

    fn gaps(&self) -> Value {
        self.gaps.clone()
    }

    fn holders(&self, _: &Interest) -> Vec<String> {
        Vec::new()
    }
}

/// A name of the usual shape.
fn name(index: usize) -> String {
    format!("12D3KooWGzBvPd1x4vRcaGnEPW8UJtWvRn8iUFWbWmKb{index:08}")
}

/// One of many ordinary peers.
fn peer(index: usize) -> PeerView {
    let is_meshed = index.is_multiple_of(3);
    PeerView {
        peer_id: name(index),
        address: format!("/ip4/203.0.113.{}/tcp/4025", index % 250),
        inbound: index % 2 == 1,
        agent: Some(["alephd/0.1.0", "rust-libp2p/0.39.1", "kubo/0.32.1/desktop"][index % 3].into()),
        mesh: if is_meshed {
            vec!["ALIVE".into(), "ALEPH-TEST".into()]
        } else {
            Vec::new()
        },
        rtt_ms: Some(0.4 + 7.3 * index as f64),
        score: [Some(4.2), Some(0.0), Some(-31.5), None, Some(12.0)][index % 5],
        connected_seconds: 90_000 / (index as u64 + 1),
        behind: (index % 4 != 3).then_some((index % 4) as u64 * 40),
        compared_seconds: (index % 4 != 3).then_some(30),
        received: 1_234_567 * (index as u64 + 1),
        sent: 765_432 * (index as u64 + 1),
        interest: None,
    }
}

/// One whose every word and number is meant to do harm.
fn hostile() -> PeerView {
    PeerView {
        peer_id: HOSTILE.repeat(10),
        address: format!("/dns/{}/tcp/1", HOSTILE.repeat(10)),
        inbound: true,
        agent: Some(format!("{HOSTILE}{}", "W".repeat(2_000))),
        mesh: vec![HOSTILE.repeat(10); 12],
        rtt_ms: Some(f64::INFINITY),
        score: Some(f64::MIN),
        connected_seconds: u64::MAX,
        behind: Some(u64::MAX),
        compared_seconds: Some(u64::MAX),
        received: u64::MAX,
        sent: u64::MAX,
        interest: Some(Interest {
            channels: [HOSTILE.repeat(10)].into(),
            ..Interest::default()
        }),
    }
}

fn view(peers: Vec<PeerView>) -> NetworkView {
    NetworkView {
        enabled: true,
        peer_id: name(99_999_999),
        interest: None,
        listening: vec![
            format!("/ip4/198.51.100.7/tcp/4025/p2p/{}", name(99_999_999)),
            format!("/ip4/198.51.100.7/tcp/4026/ws/p2p/{}", name(99_999_999)),
        ],
        gossip: vec![
            ("received", 48_211),
            ("repeated", 31_007),
            ("refused", 12),
            ("new one", 1),
        ],
        peers,
    }
}

/// What is looked for, in the form of `GET /api/v0/sync/gaps`.
fn gaps() -> Value {
    let now = NOW as f64 / 1e6;
    json!({
        "contents": 1, "files": 2, "complete": true, "running": 1, "oldest": now - 7_200.0,
        "gaps": [
            {"name": "ab".repeat(32), "kind": "content", "message": "cd".repeat(32), "sender": HOSTILE,
             "since": now - 7_200.0, "attempts": 41, "trying": null, "next_attempt_in": 95, "error": HOSTILE.repeat(50)},
            {"name": "QmXjYBY478Cno4jzdCcPy4NcJYFrwHZ51xaCP8vUwN9MGm", "kind": "file", "message": "ef".repeat(32),
             "sender": "0x51A58800b26AA1451aaA803d1746687cB88E0500", "since": now - 20.0, "attempts": 1,
             "trying": "bitswap", "next_attempt_in": null, "error": "no node has it"},
            {"name": HOSTILE, "message": HOSTILE, "kind": HOSTILE, "trying": HOSTILE}
        ]
    })
}

async fn among(peers: Vec<PeerView>, gaps: Value) -> Node {
    let view = view(peers);
    Node::start_among(Arc::new(Told { view, gaps })).await
}

fn rows(html: &str) -> usize {
    let connected = html.split("Connected nodes").nth(1).expect("the table");
    connected
        .split("</table>")
        .next()
        .unwrap_or_default()
        .matches("<tr>")
        .count()
        - 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_keeps_to_itself_says_so() {
    let node = Node::start().await;
    let html = page(&node, "/peers").await;
    for text in [
        "keeps to itself",
        "[p2p]\nenabled = true",
        "href=\"/peers\" aria-current=\"page\"",
    ] {
        assert!(html.contains(text), "{text} in {html}");
    }
    assert!(!html.contains("<svg") && !html.contains("Gaps"), "{html}");
    // Nor does the overview count peers.
    assert!(!page(&node, "/").await.contains(" peers</a>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_peers_waits_for_them() {
    let node = among(Vec::new(), Value::Null).await;
    let html = page(&node, "/peers").await;
    assert!(
        html.contains("Nobody is connected yet.") && html.contains(&name(99_999_999)),
        "{html}"
    );
    assert!(
        !html.contains("<svg") && !html.contains("Connected nodes"),
        "{html}"
    );
    assert!(page(&node, "/").await.contains("<a href=\"/peers\">0 peers</a>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_are_drawn_and_listed() {
    let node = among((0..5).map(peer).collect(), gaps()).await;
    let html = page(&node, "/peers").await;
    assert_eq!((html.matches("<title>").count(), rows(&html)), (1 + 5, 5));
    for text in [
        // Names and addresses of this node.
        "/ip4/198.51.100.7/tcp/4026/ws/p2p/",
        // The picture, in words: 0 and 3 are in the mesh, 1 and 3 connected themselves, 2 is bad.
        "5 of its 5 peers round it. In the mesh: 2. Inbound: 2. Outbound: 3. With a bad score: 1.",
        "<g class=\"peer bad\"><title>4: 12D3KooWGz…0002</title>",
        // The table, the one in the mesh for longest first.
        &format!(
            "<td class=\"number\">1</td><td><span class=\"mono\" title=\"{}\">",
            name(0)
        ),
        "<span title=\"ALIVE, ALEPH-TEST\">2 topics</span>",
        "<span class=\"bad\">−31.5</span>",
        "/ip4/203.0.113.4/tcp/4025",
        "kubo/0.32.1/desktop",
        "0.4\u{a0}ms",
        "1.2\u{a0}MiB",
        "80 <span class=\"muted\">(30 s ago)</span>",
        // Gossip, also counters that came later.
        "<dt>received</dt><dd>48\u{202f}211</dd><dd class=\"note\">came in</dd>",
        "<dt>new one</dt><dd>1</dd>",
        // Gaps.
        "<strong>3</strong> are missing (contents: 1, files: 2).",
        "asks <bdi>bitswap</bdi>",
        "again in 1 min",
        "no node has it",
    ] {
        assert!(html.contains(text), "{text} in {html}");
    }
    let overview = page(&node, "/").await;
    assert!(overview.contains("<a href=\"/peers\">5 peers</a>"), "{overview}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_peers_write_nothing_and_take_little_room() {
    let node = among(
        vec![hostile(); 1_000],
        json!({"gaps": vec![gaps()["gaps"][2].clone(); 1_000]}),
    )
    .await;
    let html = page(&node, "/peers").await;
    assert!(html.contains("⟨U+202E⟩"), "what was hidden shows");
    assert_eq!((html.matches("<title>").count(), rows(&html)), (1 + 40, 256));
    assert!(html.contains("Drawn are the first 40 of 1\u{202f}000.") && html.contains("744 more are in the"));
    // Each of 256 rows has three texts of at most 400 characters in a title, some of which need six.
    assert!(html.len() < 2 << 20, "{}", html.len());
    // One alone, to be seen whole.
    let node = among(vec![hostile()], Value::Null).await;
    let html = page(&node, "/peers").await;
    assert!(html.contains("−2e308") && html.contains("12 topics"));
    assert!(html.len() < 32 << 10, "{}", html.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_this_node_are_bounded() {
    let mut view = view(Vec::new());
    view.listening = vec![HOSTILE.to_owned(); 100];
    let gaps = json!({});
    let node = Node::start_among(Arc::new(Told { view, gaps })).await;
    let html = page(&node, "/peers").await;
    assert!(
        html.contains("and 84 more") && html.contains("Nothing is missing."),
        "{html}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_draws_the_mesh() {
    let Some(browser) = browser() else {
        alephd_testkit::process::skip("a_browser_draws_the_mesh", "no Chromium on this machine");
        return;
    };
    let mut peers: Vec<_> = (0..12).map(peer).collect();
    peers.push(hostile());
    let node = among(peers, gaps()).await;
    let dom = browse(browser, &node, "/peers", &["--dump-dom"]).await;
    assert!(dom.contains("<title>Peers · alephd</title>"), "{dom}");
    assert_eq!(
        dom.matches("<g class=\"peer ").count(),
        13 + 7,
        "peers and the legend"
    );
    assert_harmless("/peers", &dom.replace(" defer=\"\"", " defer"));
}

/// Pictures for whoever changes the page: into the folder named by `ALEPHD_SCREENSHOTS`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes pictures for people to look at"]
async fn pictures_of_peers() {
    let (Some(browser), Some(folder)) = (browser(), std::env::var_os("ALEPHD_SCREENSHOTS")) else {
        return;
    };
    let folder = PathBuf::from(folder);
    let mut mixed: Vec<_> = (0..11).map(peer).collect();
    mixed.push(hostile());
    let nodes = [
        ("alone", Node::start().await),
        ("few", among((0..4).map(peer).collect(), gaps()).await),
        ("mixed", among(mixed, gaps()).await),
        ("many", among((0..60).map(peer).collect(), Value::Null).await),
    ];
    for (name, node) in &nodes {
        for (form, size, dark) in [
            ("light", "1280,2000", false),
            ("dark", "1280,2000", true),
            ("narrow", "500,2600", false),
        ] {
            let picture = folder.join(format!("peers-{name}-{form}.png"));
            let picture = format!("--screenshot={}", picture.display());
            let size = format!("--window-size={size}");
            let mut arguments = vec![picture.as_str(), size.as_str()];
            if dark {
                arguments.push("--blink-settings=preferredColorScheme=0");
            }
            browse(browser.clone(), node, "/peers", &arguments).await;
        }
    }
}
