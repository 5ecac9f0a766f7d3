//! The pages for people: what they show, that strangers cannot write on them, and that a browser
//! agrees.

mod money;
mod peers;

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use alephd_api::ApiSettings;
use alephd_message::{Envelope, ItemHash};
use alephd_testkit::{builder, copies, keys, process, sha256};
use axum::http::header;
use serde_json::json;

use crate::node::Node;

/// What somebody might try in any text that is shown.
const HOSTILE: &str = "\"'><script>document.title='owned'</script><img src=x onerror=alert(1)>&lt;\u{202e}";

/// Messages of every kind and state, some of them by somebody who would like to write the page.
struct Sample {
    post: Envelope,
    hostile: Envelope,
    store: Envelope,
    forgotten: Envelope,
    waiting: Envelope,
    denied: Envelope,
    forged: Envelope,
    aggregate: Envelope,
}

async fn sample(node: &Node) -> Sample {
    let (alice, bob, carol) = (keys::evm("alice"), keys::evm("bob"), keys::solana("carol"));
    // Some minutes before the clock of the node.
    let start = 1_799_999_000.0;
    let file: &[u8] = b"a file that somebody stored";
    node.file(file).await;

    let post = builder::post(
        &alice,
        "chat",
        json!({"body": "Hello, world", "n": 1.5, "list": [1, {}, []]}),
    )
    .at(start)
    .channel("TEST")
    .seal();
    let hostile = builder::post(&bob, HOSTILE, json!({HOSTILE: HOSTILE}))
        .at(start + 1.0)
        .channel(HOSTILE)
        .reference(HOSTILE)
        .seal();
    let store = builder::store(&alice, &sha256(file))
        .at(start + 2.0)
        .channel("files")
        .seal();
    let aggregate = builder::aggregate(&carol, "profile", json!({"name": "Carol", "since": 2021}))
        .at(start + 3.0)
        .channel("profiles")
        .seal();
    let forgotten = builder::post(&bob, "chat", json!({"body": "regretted"}))
        .at(start + 4.0)
        .seal();
    let forget = builder::forget(&bob, std::slice::from_ref(&forgotten.item_hash))
        .at(start + 5.0)
        .seal();
    let amended = builder::amend(&alice, &post.item_hash, json!({"body": "Hello again"}))
        .at(start + 6.0)
        .seal();
    let waiting = builder::amend(&alice, &sha256(b"never published"), json!({"body": "too early"}))
        .at(start + 7.0)
        .channel("TEST")
        .seal();
    let denied = builder::post(&bob, "chat", json!({"body": "as if I were alice"}))
        .on_behalf_of(alice.address())
        .at(start + 8.0)
        .seal();
    let honest = builder::post(&alice, "chat", json!({"body": HOSTILE}))
        .at(start + 9.0)
        .seal();
    let forged = copies::forged(&honest, &bob);
    for message in [
        &post, &hostile, &store, &aggregate, &forgotten, &forget, &amended, &waiting, &denied, &forged,
    ] {
        node.publish(message).await;
    }
    for index in 0..40 {
        let signer = keys::evm(["dave", "erin", "frank"][index % 3]);
        let draft = match index % 4 {
            0 => builder::aggregate(&signer, "settings", json!({"theme": index})),
            _ => builder::post(&signer, "note", json!({"text": format!("note {index}")})),
        };
        let second = f64::from(u32::try_from(index).expect("small"));
        node.publish(&draft.at(start + 20.0 + second).channel("notes").seal())
            .await;
        // Three, two, one or no second between two messages, for the chart.
        node.clock
            .advance(Duration::from_secs((index as u64 * 7) % 4 * 2));
    }
    Sample {
        post,
        hostile,
        store,
        forgotten,
        waiting,
        denied,
        forged,
        aggregate,
    }
}

async fn page(node: &Node, path: &str) -> String {
    let answer = node.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/html; charset=utf-8");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(
        policy.starts_with("default-src 'none';") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_harmless(path, &answer.body);
    answer.body
}

/// No text of a stranger became markup.
fn assert_harmless(path: &str, html: &str) {
    for trace in ["<script>", "<img", "onerror=alert(1)>", "\u{202e}"] {
        assert!(!html.contains(trace), "{trace} on {path}");
    }
    assert_eq!(
        html.matches("<script").count(),
        html.matches("<script src=\"/explore/live.js\" defer>").count()
    );
    assert!(
        !html.contains(" style="),
        "the policy forbids styles in attributes: {path}"
    );
}

fn view(hash: &ItemHash) -> String {
    format!("/explore/messages/{hash}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_node_has_a_face() {
    let node = Node::start().await;
    let html = page(&node, "/").await;
    for text in [
        "Running for",
        "No messages yet.",
        "not adversary-safe",
        "local",
        "State root",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(
        html.contains("<meta http-equiv=\"refresh\""),
        "it is current without scripts too"
    );
    assert!(!page(&node, "/?still=1").await.contains("http-equiv=\"refresh\""));
    assert!(page(&node, "/explore").await.contains("No messages match."));
    assert!(page(&node, "/explore/waiting").await.contains("Nothing waits"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_tells_the_state() {
    let node = Node::start_with(ApiSettings {
        adversary_safe: true,
        ..ApiSettings::default()
    })
    .await;
    let sample = sample(&node).await;
    let html = page(&node, "/").await;
    assert!(html.contains("safe against backdating"));
    assert!(
        html.contains("<dt><a href=\"/explore\">Messages</a></dt><dd>46</dd>"),
        "{html}"
    );
    assert!(html.contains("Messages per second over the last five minutes"));
    assert!(html.matches("<rect").count() > 3, "the chart has bars");
    let root = html
        .split("<code class=\"root\">")
        .nth(1)
        .and_then(|rest| rest.get(..64))
        .expect("a root");
    node.publish(
        &builder::post(&keys::evm("alice"), "chat", json!({}))
            .at(1.0)
            .seal(),
    )
    .await;
    assert!(
        !page(&node, "/").await.contains(root),
        "the root moves with the state"
    );
    // The one with the oldest claim arrived last and stands on top.
    assert!(
        !page(&node, "/")
            .await
            .contains(&sample.post.item_hash.to_string())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_found_by_each_field() {
    let node = Node::start().await;
    let sample = sample(&node).await;
    let hash = |message: &Envelope| message.item_hash.to_string();
    let (alice, bob) = (keys::evm("alice"), keys::evm("bob"));
    for (query, found) in [
        (
            format!("address={}", alice.address()),
            vec![&sample.post, &sample.store],
        ),
        (
            format!("address={}&role=sender&type=POST", bob.address()),
            vec![&sample.hostile],
        ),
        ("channel=profiles".to_owned(), vec![&sample.aggregate]),
        ("type=STORE&channel=+files+".to_owned(), vec![&sample.store]),
        ("address=&type=POST&channel=%22%3E%3Cscript%3E".to_owned(), vec![]),
    ] {
        let html = page(&node, &format!("/explore?{query}")).await;
        for message in [&sample.post, &sample.hostile, &sample.store, &sample.aggregate] {
            let wanted = found.iter().any(|other| other.item_hash == message.item_hash);
            assert_eq!(
                html.contains(&hash(message)),
                wanted,
                "{query} {}",
                message.message_type
            );
        }
    }
    let answer = node
        .get(&format!("/explore?hash={}", hash(&sample.waiting)))
        .await;
    assert_eq!(
        (answer.status, answer.header(header::LOCATION)),
        (303, view(&sample.waiting.item_hash).as_str())
    );
    for query in [
        "hash=abc",
        "type=PING",
        "after=%22%3E",
        &format!("channel={}", "x".repeat(2_000)),
    ] {
        let answer = node.get(&format!("/explore?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.contains("role=\"alert\""));
        assert_harmless(query, &answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_through_the_whole_list() {
    let node = Node::start().await;
    sample(&node).await;
    let mut path = "/explore?channel=notes".to_owned();
    let mut seen = std::collections::BTreeSet::new();
    for rows in [25, 15] {
        let html = page(&node, &path).await;
        let hashes: Vec<_> = html
            .split("href=\"/explore/messages/")
            .skip(1)
            .map(|rest| rest[..64].to_owned())
            .collect();
        assert_eq!(hashes.len(), rows);
        assert!(html.contains("40 messages"));
        seen.extend(hashes);
        path = html
            .split("rel=\"next\" href=\"")
            .nth(1)
            .map_or(String::new(), |rest| {
                rest[..rest.find('"').expect("closed")].replace("&amp;", "&")
            });
    }
    assert_eq!(
        (seen.len(), path.as_str()),
        (40, ""),
        "and there is no third page"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_with_its_proof_and_its_fate() {
    let node = Node::start().await;
    let sample = sample(&node).await;
    for (message, texts) in [
        (
            &sample.post,
            vec![
                "<strong>Valid.</strong>",
                "<strong>Unchanged.</strong>",
                ">1.5<",
                "pill processed",
            ],
        ),
        (
            &sample.hostile,
            vec!["<strong>Valid.</strong>", "⟨U+202E⟩", "\\u202e"],
        ),
        (
            &sample.store,
            vec!["/api/v0/storage/raw/", "Valid.", "None yet: no chain"],
        ),
        (&sample.aggregate, vec!["a key of chain SOL", "profile"]),
        (
            &sample.forgotten,
            vec!["pill forgotten", "Forgotten by", "<strong>Valid.</strong>"],
        ),
        (
            &sample.waiting,
            vec![
                "Why it waits",
                "The post that it amends is not here yet.",
                "Code 101",
            ],
        ),
        (
            &sample.denied,
            vec!["Why it was refused", "no delegation of the owner", "Code 2"],
        ),
        (
            &sample.forged,
            vec!["Why it was refused", "Code 1", "As it arrived"],
        ),
    ] {
        let html = page(&node, &view(&message.item_hash)).await;
        for text in texts {
            assert!(html.contains(text), "{text} in {html}");
        }
    }
    let waiting = page(&node, "/explore/waiting").await;
    for message in [&sample.waiting, &sample.denied] {
        assert!(waiting.contains(&message.item_hash.to_string()));
    }
    // After a while what waits counts as refused, and that is what the pages say.
    node.clock.advance(Duration::from_secs(3_600));
    assert!(
        page(&node, &view(&sample.waiting.item_hash))
            .await
            .contains("pill rejected")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_to_be_missing() {
    let node = Node::start().await;
    for path in [
        view(&sha256(b"unknown")),
        "/explore/messages/%3Cscript%3E".to_owned(),
    ] {
        let answer = node.get(&path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header(header::CONTENT_TYPE), "text/html; charset=utf-8");
        assert_harmless(&path, &answer.body);
    }
    for (path, content_type) in [
        ("/explore/style.css", "text/css; charset=utf-8"),
        ("/explore/live.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = node.get(path).await;
        assert_eq!(
            (answer.status, answer.header(header::CONTENT_TYPE)),
            (200, content_type)
        );
    }
}

/// The browser, if this machine has one.
fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&folders)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file())
}

/// Runs the browser on a page of the node and returns what it prints.
async fn browse(browser: PathBuf, node: &Node, path: &str, arguments: &[&str]) -> String {
    let profile = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args(["--disable-dev-shm-usage", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .arg(format!("http://{}{path}", node.address))
        .stderr(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("runs")
        .expect("starts");
    assert!(output.status.success(), "{path}: {}", output.status);
    drop(profile);
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_sees_the_same() {
    let Some(browser) = browser() else {
        process::skip("a_browser_sees_the_same", "no Chromium on this machine");
        return;
    };
    let node = Node::start().await;
    let sample = sample(&node).await;
    let dom = browse(browser.clone(), &node, "/", &["--dump-dom"]).await;
    assert!(dom.contains("<title>Overview · alephd</title>"), "{dom}");
    assert!(dom.matches("<tr>").count() > 10, "the table stands");
    let account = format!("/explore/accounts/{}", keys::evm("alice").address());
    for (path, text) in [("/explore/storage", "27 bytes"), (&account, "What it pays for")] {
        let dom = browse(browser.clone(), &node, path, &["--dump-dom"]).await;
        assert!(dom.contains("· alephd</title>") && dom.contains(text), "{dom}");
    }
    let dom = browse(browser, &node, &view(&sample.hostile.item_hash), &["--dump-dom"]).await;
    // The title would be another one if the script of the stranger had run.
    assert!(
        dom.contains("· alephd</title>") && dom.contains("Valid."),
        "{dom}"
    );
    assert!(!dom.contains("<img"), "no element of a stranger");
}

/// Pictures for whoever changes the pages: into the folder named by `ALEPHD_SCREENSHOTS`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes pictures for people to look at"]
async fn pictures() {
    let (Some(browser), Some(folder)) = (browser(), std::env::var_os("ALEPHD_SCREENSHOTS")) else {
        return;
    };
    let folder = PathBuf::from(folder);
    let node = Node::start().await;
    let sample = sample(&node).await;
    let pages = [
        ("overview", "/".to_owned()),
        ("messages", "/explore?channel=notes".to_owned()),
        ("message", view(&sample.post.item_hash)),
        ("hostile", view(&sample.hostile.item_hash)),
        ("refused", view(&sample.denied.item_hash)),
        ("waiting", "/explore/waiting".to_owned()),
        ("storage", "/explore/storage".to_owned()),
        (
            "account",
            format!("/explore/accounts/{}", keys::evm("alice").address()),
        ),
    ];
    for (name, path) in &pages {
        for (form, size, dark) in [
            ("light", "1280,1500", false),
            ("dark", "1280,1500", true),
            ("narrow", "500,1800", false),
        ] {
            let picture = format!(
                "--screenshot={}",
                folder.join(format!("{name}-{form}.png")).display()
            );
            let size = format!("--window-size={size}");
            let mut arguments = vec![picture.as_str(), size.as_str()];
            if dark {
                arguments.push("--blink-settings=preferredColorScheme=0");
            }
            browse(browser.clone(), &node, path, &arguments).await;
        }
    }
}
