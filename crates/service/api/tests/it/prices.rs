//! Prices: what messages cost, and what is not sent yet.

mod costs;
mod estimates;
mod guarded;
mod uploads;

use alephd_message::ItemHash;
use alephd_testkit::{builder, keys, sha256};
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture};

/// Half a MiB, so that bills have short digits.
const HALF: usize = 1 << 19;

/// A STORE of a file of `size` bytes of one value.
async fn stored(node: &Fixture, owner: &str, byte: u8, size: usize, payment: &str) -> ItemHash {
    let file = node.add_file(&vec![byte; size]).await;
    let owner = keys::evm(owner);
    let store = builder::store(&owner, &file).set("payment", json!({"type": payment}));
    node.publish(store.seal()).await
}

fn parsed(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).expect("JSON")
}

fn failed(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_file_has_a_price() {
    let node = Fixture::new();
    let store = stored(&node, "bob", 1, HALF, "hold").await;
    let uri = format!("/api/v0/price/{store}");
    let mut expected = json!({
        "charged_address": keys::evm("bob").address(),
        "cost": "0.166666666500000000",
        "detail": [{
            "type": "STORAGE", "name": "STORAGE", "cost_hold": "0.166666666500000000",
            "cost_stream": "0.000000000000000000", "cost_credit": "0.000024954845875869", "size_mib": null,
        }],
        "payment_type": "hold",
        "required_tokens": 0.1666666665,
    });
    assert_eq!(node.json(&uri).await, expected);
    assert_eq!(node.json(&format!("{uri}?include_size=1")).await, expected);
    expected["detail"][0]["size_mib"] = json!(0.5);
    assert_eq!(node.json(&format!("{uri}?include_size=TRUE")).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_price() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let price = |name: &dyn std::fmt::Display| format!("/api/v0/price/{name}");
    let post = builder::post(&alice, "note", json!({"a": 1})).seal();
    let post = node.publish(post).await;
    let text = format!("Message is not an executable or store message: {post}");
    assert_eq!(node.failure(&price(&post)).await, (400, text));

    let unknown = sha256(b"unknown");
    let text = format!("Message not found with hash: {unknown}");
    assert_eq!(node.failure(&price(&unknown)).await, (404, text));
    let text = "Invalid message hash: nope".to_owned();
    assert_eq!(node.failure(&price(&"nope")).await, (400, text));

    let waiting = builder::store(&alice, &sha256(b"a file that nobody has")).seal();
    node.submit(waiting.clone()).await;
    let text = format!("Message still pending: {}", waiting.item_hash);
    assert_eq!(node.failure(&price(&waiting.item_hash)).await, (404, text));

    let mut forged = builder::post(&alice, "note", json!({"a": 2})).seal();
    forged.signature = builder::post(&alice, "note", json!({"a": 3})).seal().signature;
    node.submit(forged.clone()).await;
    let text = format!("This message was rejected: {}", forged.item_hash);
    assert_eq!(node.failure(&price(&forged.item_hash)).await, (404, text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_forgotten_has_the_price_of_now() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let store = stored(&node, "alice", 1, HALF, "credit").await;
    let uri = format!("/api/v0/price/{store}?include_size=true");
    let live = node.json(&uri).await;
    let forget = builder::forget(&alice, std::slice::from_ref(&store)).at(1_700_000_001.0);
    node.publish(forget.seal()).await;
    assert_eq!(node.json(&uri).await, live, "same price, payer and payment");

    // Nothing is known of what other messages asked for.
    let post = builder::post(&alice, "note", json!({})).seal();
    let post = node.publish(post).await;
    let forget = builder::forget(&alice, std::slice::from_ref(&post)).at(1_700_000_002.0);
    node.publish(forget.seal()).await;
    let text = format!("This message has been forgotten: {post}");
    assert_eq!(node.failure(&format!("/api/v0/price/{post}")).await, (410, text));
}
