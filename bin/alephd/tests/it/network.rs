//! Nodes of the real program that know each other.

use std::{fs, path::Path, thread, time::Duration};

use alephd_message::{Envelope, ItemHash, ItemType};
use alephd_testkit::{builder, keys, process::Node, rng::Rng};
use serde_json::{Value, json};

use crate::{path, run, text};

/// How often a condition is looked at, and how long it may take to come true: machines that are busy
/// with other tests are slow.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: usize = 1_200;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_alephd"))
}

/// A node below `folder` that knows `others` from the start.
fn start(folder: &Path, name: &str, others: &[&Node], settings: &[&str]) -> Node {
    let known: Vec<_> = others.iter().map(|other| multiaddress(other)).collect();
    let bootstrap = format!("p2p.bootstrap={}", known.join(","));
    let mut arguments = vec!["--set", bootstrap.as_str(), "--set", "p2p.private_http=true"];
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    Node::start_with(program(), &folder.join(name), &arguments).unwrap()
}

fn get(node: &Node, path: &str) -> Value {
    node.http().get(path).unwrap().json().unwrap()
}

fn multiaddress(node: &Node) -> String {
    let address = get(node, "/api/v0/peers")["listening"][0]
        .as_str()
        .map(str::to_owned);
    address.expect("it listens")
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if holds() {
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
    panic!("in vain: {what}");
}

fn connected(node: &Node) -> usize {
    get(node, "/api/v0/peers")["peers"].as_array().map_or(0, Vec::len)
}

/// Nodes on whose gossip messages pass at once.
fn meshed(node: &Node) -> usize {
    let view = get(node, "/api/v0/peers");
    let peers = view["peers"].as_array().cloned().unwrap_or_default();
    let in_mesh = |peer: &&Value| {
        let mesh = peer["mesh"].as_array().cloned().unwrap_or_default();
        mesh.iter().any(|topic| topic == "ALEPH-TEST")
    };
    peers.iter().filter(in_mesh).count()
}

fn publish(node: &Node, message: &Envelope) -> String {
    let body = format!("{{\"sync\":true,\"message\":{}}}", builder::wire(message));
    let answer: Value = node
        .http()
        .post_json("/api/v0/messages", &body)
        .unwrap()
        .json()
        .unwrap();
    answer["message_status"].as_str().unwrap_or_default().to_owned()
}

fn status(node: &Node, message: &Envelope) -> String {
    let path = format!("/api/v0/messages/{}/status", message.item_hash);
    let answer = node.http().get(&path).unwrap();
    match answer.status {
        404 => "unknown".to_owned(),
        _ => answer.json::<Value>().unwrap()["status"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn root(node: &Node) -> String {
    get(node, "/api/v0/state/root")["live"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn same_root(nodes: &[&Node]) -> bool {
    let first = root(nodes[0]);
    nodes.iter().all(|node| root(node) == first)
}

fn chat(author: &str, number: u64) -> Envelope {
    let author = keys::evm(author);
    let content = json!({"body": format!("message {number}, 100 % of it: %41")});
    let time = 1_790_000_000.0 + number as f64;
    builder::post(&author, "chat", content)
        .at(time)
        .channel("TEST")
        .seal()
}

#[test]
fn a_message_reaches_the_other_node_by_gossip_alone() {
    let folder = tempfile::tempdir().unwrap();
    let only_gossip = [
        "p2p.catch_up=false",
        "p2p.exchange=false",
        "p2p.http_fallback=false",
    ];
    let one = start(folder.path(), "one", &[], &only_gossip);
    let two = start(folder.path(), "two", &[&one], &only_gossip);
    until("the two are in one mesh", || {
        meshed(&one) == 1 && meshed(&two) == 1
    });
    for (number, (from, to)) in [(&one, &two), (&two, &one)].into_iter().enumerate() {
        let message = chat("alice", number as u64);
        assert_eq!(publish(from, &message), "processed");
        until("the message has come", || status(to, &message) == "processed");
    }
    assert!(same_root(&[&one, &two]));
    let refused = chat("alice", 7);
    let forged = Envelope {
        signature: chat("alice", 8).signature,
        ..refused
    };
    assert_eq!(publish(&one, &forged), "rejected");
    let next = chat("alice", 9);
    publish(&one, &next);
    until("the next message has come", || status(&two, &next) == "processed");
    assert_eq!(status(&two, &forged), "unknown");
}

#[test]
fn a_node_that_was_away_catches_up_without_gossip() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        "p2p.gossip=false",
        "p2p.http_fallback=false",
        "p2p.catch_up_seconds=1",
    ];
    let one = start(folder.path(), "one", &[], &settings);
    let messages: Vec<_> = (0..300).map(|number| chat("bob", number)).collect();
    for message in &messages {
        assert_eq!(publish(&one, message), "processed");
    }
    let forget = builder::forget(&keys::evm("bob"), &[messages[5].item_hash.clone()])
        .at(1_790_001_000.0)
        .seal();
    assert_eq!(publish(&one, &forget), "processed");

    let two = start(folder.path(), "two", &[&one], &settings);
    let own = chat("carol", 1);
    assert_eq!(publish(&two, &own), "processed");
    until("both have come to one state", || same_root(&[&one, &two]));
    assert_eq!(status(&two, &messages[5]), "forgotten");
    assert_eq!(status(&one, &own), "processed");
    two.terminate().unwrap();

    let missed = chat("bob", 400);
    publish(&one, &missed);
    let two = start(folder.path(), "two", &[&one], &settings);
    until("what was missed has come", || {
        status(&two, &missed) == "processed"
    });
    assert!(same_root(&[&one, &two]));
}

/// A file comes over one of the paths alone.
fn file_comes(upload: &str, settings: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let one = start(folder.path(), "one", &[], settings);
    let mut rng = Rng::new(7);
    let bytes: Vec<u8> = (0..3_000_000).map(|_| rng.bits() as u8).collect();
    let form = [
        b"--end\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n",
        bytes.as_slice(),
        b"\r\n--end--\r\n",
    ];
    let kind = [("content-type", "multipart/form-data; boundary=end")];
    let answer = one.http().request("POST", upload, &kind, &form.concat()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let file = answer.json::<Value>().unwrap()["hash"]
        .as_str()
        .unwrap()
        .to_owned();
    let alice = keys::evm("alice");
    let store = builder::store(&alice, &ItemHash::parse_strict(&file).unwrap())
        .at(1_790_000_000.0)
        .seal();
    assert_eq!(publish(&one, &store), "processed");

    let http = format!("p2p.http_peers={}", one.url());
    let two = start(
        folder.path(),
        "two",
        &[&one],
        &[settings, &[http.as_str()]].concat(),
    );
    until("the file is pinned on the other node", || {
        status(&two, &store) == "processed"
    });
    let got = two.http().get(&format!("/api/v0/storage/raw/{file}")).unwrap();
    assert!(got.body == bytes);
    until("both have come to one state", || same_root(&[&one, &two]));
    let gaps = get(&two, "/api/v0/sync/gaps");
    assert_eq!(
        (&gaps["contents"], &gaps["files"]),
        (&json!(0), &json!(0)),
        "{gaps}"
    );
}

#[test]
fn a_file_comes_by_exchange() {
    let settings = ["p2p.http_fallback=false", "p2p.bitswap=false"];
    file_comes("/api/v0/storage/add_file", &settings);
}

#[test]
fn a_file_comes_by_http() {
    let settings = ["p2p.exchange=false", "p2p.bitswap=false"];
    file_comes("/api/v0/storage/add_file", &settings);
}

#[test]
fn a_file_comes_by_bitswap() {
    let settings = ["p2p.exchange=false", "p2p.http_fallback=false"];
    file_comes("/api/v0/ipfs/add_file", &settings);
}

#[test]
fn a_content_that_is_not_in_its_message_comes_along() {
    let folder = tempfile::tempdir().unwrap();
    let one = start(folder.path(), "one", &[], &[]);
    let two = start(folder.path(), "two", &[&one], &[]);
    until("the two are in one mesh", || {
        meshed(&one) == 1 && meshed(&two) == 1
    });
    let inline = chat("alice", 1);
    let text = inline.item_content.clone().unwrap();
    let stored = one
        .http()
        .post_bytes("/api/v0/storage/add_file", text.as_bytes())
        .unwrap();
    assert_eq!(stored.status, 200);
    let message = Envelope {
        item_content: None,
        item_type: ItemType::Storage,
        ..inline
    };
    assert_eq!(publish(&one, &message), "processed");
    until("message and content have come", || {
        status(&two, &message) == "processed"
    });
    assert!(same_root(&[&one, &two]));
}

#[test]
fn a_message_that_is_too_large_for_gossip_comes_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["p2p.catch_up_seconds=86400"];
    let one = start(folder.path(), "one", &[], &settings);
    let two = start(folder.path(), "two", &[&one], &settings);
    until("the two are in one mesh", || {
        meshed(&one) == 1 && meshed(&two) == 1
    });
    let alice = keys::evm("alice");
    let content = json!({"body": "\u{2603}".repeat(150_000)});
    let large = builder::post(&alice, "chat", content).at(1_790_000_000.0).seal();
    assert_eq!(publish(&one, &large), "processed");
    until("the message has come", || status(&two, &large) == "processed");
    let gossip = get(&one, "/api/v0/peers")["gossip"].clone();
    assert!(gossip.to_string().contains(r#"["announced",1]"#), "{gossip}");
}

/// A post of `author` in `channel`.
fn post_in(channel: &str, author: &str, number: u64) -> Envelope {
    let content = json!({"number": number});
    builder::post(&keys::evm(author), "chat", content)
        .at(1_790_000_000.0 + number as f64)
        .channel(channel)
        .seal()
}

#[test]
fn a_node_that_keeps_one_channel_has_all_of_it_and_passes_on_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let all = start(folder.path(), "all", &[], &["p2p.catch_up_seconds=1"]);
    let http = format!("p2p.http_peers={}", all.url());
    let settings = ["interest.channels=kept", "p2p.catch_up_seconds=1", http.as_str()];
    let part = start(folder.path(), "part", &[&all], &settings);
    until("the two are in one mesh", || {
        meshed(&all) == 1 && meshed(&part) == 1
    });

    // By gossip.
    let (kept, other) = (post_in("kept", "alice", 1), post_in("other", "alice", 2));
    assert_eq!(publish(&all, &kept), "processed");
    assert_eq!(publish(&all, &other), "processed");
    until("it comes", || status(&part, &kept) == "processed");
    // Published where it is not kept, it reaches who keeps it.
    let passed_on = post_in("other", "bob", 3);
    assert_eq!(publish(&part, &passed_on), "pending");
    until("it is passed on", || status(&all, &passed_on) == "processed");
    assert_eq!(status(&part, &passed_on), "unknown");
    assert_eq!(status(&part, &other), "unknown");

    // Questions that go beyond what is kept.
    for path in [
        format!("/api/v0/messages/{}", other.item_hash),
        "/api/v0/messages.json?channels=other".to_owned(),
        "/api/v0/messages.json".to_owned(),
    ] {
        let answer = part.http().get(&path).unwrap();
        let said = answer.header("aleph-partial").map(serde_json::from_str::<Value>);
        assert_eq!(said.unwrap().unwrap(), json!({"channels": ["kept"]}), "{path}");
        assert_eq!(answer.header("aleph-holders"), Some(all.url().as_str()), "{path}");
    }
    for path in [
        format!("/api/v0/messages/{}", kept.item_hash),
        "/api/v0/messages.json?channels=kept".to_owned(),
    ] {
        let answer = part.http().get(&path).unwrap();
        assert_eq!(
            (answer.status, answer.header("aleph-partial")),
            (200, None),
            "{path}"
        );
    }

    // By comparison: what it lacks of its channel, what every node keeps, and nothing else.
    assert!(part.terminate().unwrap().success());
    let missed: Vec<_> = (10..60).map(|number| post_in("kept", "carol", number)).collect();
    let ignored: Vec<_> = (60..90).map(|number| post_in("other", "carol", number)).collect();
    for message in missed.iter().chain(&ignored) {
        assert_eq!(publish(&all, message), "processed");
    }
    let forget = builder::forget(&keys::evm("alice"), std::slice::from_ref(&kept.item_hash))
        .at(1_790_000_900.0)
        .channel("elsewhere")
        .seal();
    assert_eq!(publish(&all, &forget), "processed");
    let without_gossip = [&settings[..], &["p2p.gossip=false"]].concat();
    let part = start(folder.path(), "part", &[&all], &without_gossip);
    until("what was missed has come", || {
        missed.iter().all(|message| status(&part, message) == "processed")
    });
    until("the FORGET has come", || status(&part, &kept) == "forgotten");
    assert!(ignored.iter().all(|message| status(&part, message) == "unknown"));
    // Both say that nothing is left to do.
    let interest = &get(&all, "/api/v0/peers")["peers"][0]["interest"];
    assert_eq!(interest, &json!({"channels": ["kept"]}));

    // Nobody is there who would keep it.
    assert!(all.terminate().unwrap().success());
    until("the other is gone", || connected(&part) == 0);
    let lost = post_in("other", "alice", 99);
    let body = format!("{{\"sync\":true,\"message\":{}}}", builder::wire(&lost));
    let answer = part.http().post_json("/api/v0/messages", &body).unwrap();
    assert_eq!(answer.status, 503, "{}", answer.text());
}

#[test]
fn five_nodes_of_one_command_come_to_one_state() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let first = Node::start_with(program(), &data, &["--nodes", "5"]).unwrap();
    until("all are connected", || connected(&first) == 4);
    let message = chat("alice", 1);
    assert_eq!(publish(&first, &message), "processed");
    let peers = run(&["peers", "--api", &first.url()]);
    assert!(
        text(&peers.stdout).contains("with 4 peers"),
        "{}",
        text(&peers.stdout)
    );
    let ping = run(&["ping", &multiaddress(&first)]);
    assert!(
        text(&ping.stdout).contains(" ms"),
        "{}{}",
        text(&ping.stdout),
        text(&ping.stderr)
    );
    assert!(first.terminate().unwrap().success());
    let roots: Vec<_> = (1..=5)
        .map(|number| {
            let folder = data.join(format!("node-{number}"));
            text(&run(&["state-root", "--data", path(&folder)]).stdout).to_owned()
        })
        .collect();
    assert!(fs::read_dir(&data).unwrap().count() == 5);
    assert!(
        roots.iter().all(|root| *root == roots[0] && !root.is_empty()),
        "{roots:?}"
    );
}

#[test]
fn sync_compares_a_folder_with_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["p2p.gossip=false", "p2p.catch_up_seconds=86400"];
    let one = start(folder.path(), "one", &[], &settings);
    let message = chat("alice", 1);
    publish(&one, &message);
    let other = folder.path().join("other");
    let synced = run(&["sync", &multiaddress(&one), "--data", path(&other)]);
    assert!(synced.status.success(), "{}", text(&synced.stderr));
    let report: Value = serde_json::from_slice(&synced.stdout).unwrap();
    assert_eq!(report["complete"], true, "{report}");
    let root_there: Value =
        serde_json::from_slice(&run(&["state-root", "--data", path(&other)]).stdout).unwrap();
    assert_eq!(root_there["live"], root(&one));
}
