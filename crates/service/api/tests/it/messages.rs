use alephd_rules::MessageStatus;
use alephd_testkit::{builder, keys, sha256};
use serde_json::json;

use crate::fixture::{Fixture, keys_of};

const RECEIVED: &str = "2026-01-02T03:04:05.120000Z";

#[tokio::test(flavor = "multi_thread")]
async fn items_of_the_list_have_thirteen_keys() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let post = builder::post(&alice, "note", json!({"a": 1}))
        .at(1_700_000_000.25)
        .channel("TEST")
        .seal();
    let (text, signature) = (post.item_content.clone(), post.signature.clone());
    let hash = node.publish(post).await.to_string();
    let page = node.json("/api/v0/messages.json").await;
    let text = text.expect("inline");
    let address = alice.address();
    let content = json!({"address": address, "content": {"a": 1}, "time": 1_700_000_000.25, "type": "note"});
    let item = json!({
        "chain": "ETH", "channel": "TEST", "confirmations": [], "confirmed": false, "content": content,
        "item_content": text, "item_hash": hash, "item_type": "inline", "sender": address,
        "signature": signature, "size": text.len(), "time": 1_700_000_000.25, "type": "POST",
    });
    let expected = json!({
        "messages": [item], "pagination_item": "messages", "pagination_page": 1, "pagination_per_page": 20,
        "pagination_total": 1,
    });
    assert_eq!(page, expected);

    let last = node
        .json("/api/v0/messages.json?cursor=&pagination=500&msgTypes=STORE")
        .await;
    assert_eq!(
        last,
        json!({"messages": [], "next_cursor": null, "pagination_per_page": 200})
    );

    let single = node.json(&format!("/api/v0/messages/{hash}")).await;
    let message = json!({
        "sender": address, "chain": "ETH", "signature": signature, "type": "POST", "item_content": text,
        "item_type": "inline", "item_hash": hash, "time": 1_700_000_000.25, "channel": "TEST",
        "content": content, "confirmed": false, "confirmations": [],
    });
    let head = json!({"status": "processed", "item_hash": hash, "reception_time": RECEIVED});
    let mut expected = head.clone();
    expected["message"] = message;
    assert_eq!(single, expected);
    assert_eq!(node.json(&format!("/api/v0/messages/{hash}/status")).await, head);
    assert_eq!(
        node.json(&format!("/api/v0/messages/{hash}/content")).await,
        json!({"a": 1})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn single_messages_of_the_other_statuses() {
    let node = Fixture::new();
    let (alice, bob) = (keys::evm("alice"), keys::evm("bob"));
    let waiting = builder::amend(&alice, &sha256(b"missing"), json!({})).seal();
    let hash = waiting.item_hash.to_string();
    assert_eq!(node.submit(waiting).await, MessageStatus::Pending);
    let answer = node.json(&format!("/api/v0/messages/{hash}")).await;
    assert_eq!(
        (&answer["status"], &answer["reception_time"]),
        (&json!("pending"), &json!(RECEIVED))
    );
    let message = &answer["messages"][0];
    assert_eq!(
        (&message["time"], &message["reception_time"]),
        (&json!("2023-11-14T22:13:20Z"), &json!(RECEIVED))
    );

    let foreign = builder::post(&bob, "note", json!({}))
        .on_behalf_of(alice.address())
        .seal();
    let hash = foreign.item_hash.to_string();
    assert_eq!(node.submit(foreign).await, MessageStatus::Rejected);
    let answer = node.json(&format!("/api/v0/messages/{hash}")).await;
    assert_eq!(
        keys_of(&answer),
        [
            "details",
            "error_code",
            "item_hash",
            "message",
            "reception_time",
            "status"
        ]
    );
    assert_eq!(
        (&answer["status"], &answer["error_code"]),
        (&json!("rejected"), &json!(2))
    );
    assert_eq!(answer["message"]["time"], json!(1_700_000_000.0));
    let (status, text) = node.failure(&format!("/api/v0/messages/{hash}/content")).await;
    assert_eq!(status, 422);
    assert_eq!(
        text,
        format!("Message {hash} is not processed (status: rejected)")
    );

    let post = node
        .publish(builder::post(&alice, "note", json!({})).seal())
        .await;
    let forget = builder::forget(&alice, std::slice::from_ref(&post))
        .at(1_700_000_001.0)
        .seal();
    let forget = node.publish(forget).await.to_string();
    let answer = node.json(&format!("/api/v0/messages/{post}")).await;
    assert_eq!(
        (&answer["status"], &answer["forgotten_by"]),
        (&json!("forgotten"), &json!([forget]))
    );
    assert_eq!(answer["message"]["time"], json!("2023-11-14T22:13:20Z"));
    let gone = node.json("/api/v0/messages.json?msgStatuses=forgotten").await;
    assert_eq!(gone["messages"][0]["item_hash"], json!(post.to_string()));
    assert_eq!(gone["messages"][0]["time"], json!(1_700_000_000.0));

    let unknown = sha256(b"unknown");
    for path in ["", "/status", "/content"] {
        let failure = node.failure(&format!("/api/v0/messages/{unknown}{path}")).await;
        assert_eq!(failure, (404, "404: Not Found".to_owned()));
    }
    let failure = node.failure("/api/v0/messages/nothash").await;
    assert_eq!(failure, (400, "Invalid message hash: nothash".to_owned()));
}
