use alephd_testkit::{builder, keys};
use serde_json::{Value, json};

use crate::fixture::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn an_amended_post_in_both_versions() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let original = builder::post(&alice, "blog", json!({"body": "old"}))
        .at(1_700_000_000.0)
        .channel("TEST")
        .reference("r");
    let original = original.seal();
    let amend = builder::amend(&alice, &original.item_hash, json!({"body": "é"}));
    let amend = amend
        .at(1_700_000_010.5)
        .sent_at(1_700_000_011.25)
        .channel("OTHER")
        .seal();
    let (first, latest) = (original.clone(), amend.clone());
    node.publish(original).await;
    node.publish(amend).await;

    let (old, new) = (first.item_hash.to_string(), latest.item_hash.to_string());
    let text = latest.item_content.as_deref().expect("inline");
    let v0 = json!({
        "chain": "ETH", "item_hash": new, "sender": alice.address(), "type": "amend", "channel": "TEST",
        "confirmed": false, "content": {"body": "é"}, "item_content": text, "item_type": "inline",
        "signature": latest.signature, "size": text.chars().count(), "time": 1_700_000_011.25, "confirmations": [],
        "original_item_hash": old, "original_signature": first.signature, "original_type": "blog",
        "hash": old, "address": alice.address(), "ref": "r",
    });
    let expected = json!({
        "posts": [v0], "pagination_page": 1, "pagination_total": 1, "pagination_per_page": 20,
        "pagination_item": "posts",
    });
    assert_eq!(node.json("/api/v0/posts.json").await, expected);

    let v1 = json!({
        "item_hash": new, "content": {"body": "é"}, "original_item_hash": old, "original_type": "blog",
        "address": alice.address(), "ref": "r", "channel": "TEST", "created": "2023-11-14T22:13:20+00:00",
        "last_updated": "2023-11-14T22:13:30.500000+00:00",
    });
    assert_eq!(node.json("/api/v1/posts.json").await["posts"], json!([v1]));
    let found = |query: &str| {
        let uri = format!("/api/v1/posts.json?{query}");
        let node = &node;
        async move { node.json(&uri).await["pagination_total"].clone() }
    };
    let owner = format!("addresses={}", alice.address());
    for query in [
        &owner,
        &format!("hashes={old}"),
        "refs=r",
        "types=blog",
        "post_types=blog",
        "channels=TEST",
    ] {
        assert_eq!(found(query).await, 1, "{query}");
    }
    for query in [
        &format!("hashes={new}"),
        "types=amend",
        "channels=OTHER",
        "refs=",
        "endDate=1700000010.5",
    ] {
        assert_eq!(found(query).await, 0, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_cursors() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let mut hashes = Vec::new();
    for index in 0..5 {
        // Two of them at the same instant.
        let time = 1_700_000_000.0 + f64::from(index / 2);
        let post = builder::post(&alice, "blog", json!({"index": index})).at(time);
        hashes.push((-time as i64, node.publish(post.seal()).await.to_string()));
    }
    hashes.sort();
    let expected: Vec<_> = hashes.iter().map(|(_, hash)| json!(hash)).collect();
    let named = |posts: &[Value]| {
        posts
            .iter()
            .map(|post| post["item_hash"].clone())
            .collect::<Vec<_>>()
    };
    for version in ["v0", "v1"] {
        let walked = node
            .walk(&format!("/api/{version}/posts.json?pagination=2"), "posts")
            .await;
        assert_eq!(named(&walked), expected);
        let page = node
            .json(&format!("/api/{version}/posts/page/2.json?pagination=2&page=9"))
            .await;
        assert_eq!(named(page["posts"].as_array().expect("a list")), expected[2..4]);
        assert_eq!(
            (&page["pagination_page"], &page["pagination_total"]),
            (&json!(2), &json!(5))
        );
        let all = node
            .json(&format!("/api/{version}/posts.json?pagination=0"))
            .await;
        assert_eq!(
            (
                named(all["posts"].as_array().expect("a list")),
                &all["pagination_per_page"]
            ),
            (expected.clone(), &json!(0))
        );
        let beyond = node
            .json(&format!("/api/{version}/posts.json?page=7&pagination=2"))
            .await;
        assert_eq!(
            (&beyond["posts"], &beyond["pagination_total"]),
            (&json!([]), &json!(5))
        );
        let tx_time = node
            .json(&format!("/api/{version}/posts.json?sortBy=tx-time&sortOrder=1"))
            .await;
        assert_eq!(tx_time["posts"].as_array().map(Vec::len), Some(5));
        assert_eq!(
            node.failure(&format!("/api/{version}/posts/page/x.json")).await.0,
            400
        );
        assert_eq!(
            node.failure(&format!("/api/{version}/posts/page/0.json")).await.0,
            422
        );
        assert_eq!(node.failure(&format!("/api/{version}/posts/page/1")).await.0, 404);
        assert_eq!(
            node.failure(&format!("/api/{version}/posts.json?cursor=!"))
                .await
                .0,
            422
        );
        assert_eq!(
            node.failure(&format!("/api/{version}/posts.json?cursor=&sortBy=tx-time"))
                .await
                .0,
            422
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_without_content() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    node.publish(builder::post(&alice, "empty", Value::Null).seal())
        .await;
    let page = node.json("/api/v0/posts.json").await;
    assert_eq!(
        (&page["posts"][0]["content"], &page["posts"][0]["ref"]),
        (&Value::Null, &Value::Null)
    );
}
