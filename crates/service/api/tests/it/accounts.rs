use alephd_testkit::{builder, keys};
use serde_json::{Value, json};

use crate::fixture::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn statistics() {
    let node = Fixture::new();
    let (alice, bob, carol) = (keys::evm("alice"), keys::evm("bob"), keys::evm("carol"));
    for (sender, posts) in [(&alice, 2), (&bob, 1), (&carol, 1)] {
        for index in 0..posts {
            node.publish(builder::post(sender, "note", json!({"index": index})).seal())
                .await;
        }
    }
    node.publish(builder::aggregate(&bob, "k", json!({})).seal())
        .await;
    let counts = |post: u32, aggregate: u32| {
        json!({
            "messages": post + aggregate, "aggregate": aggregate, "forget": 0, "instance": 0, "post": post,
            "program": 0, "store": 0,
        })
    };
    let all =
        json!({alice.address(): counts(2, 0), bob.address(): counts(1, 1), carol.address(): counts(1, 0)});
    assert_eq!(
        node.json("/api/v0/addresses/stats.json").await,
        json!({"data": all})
    );
    let bob_twice = format!(
        "addresses[]={0}&addresses[]={0}&addresses[]=0xNobody",
        bob.address()
    );
    let only = json!({"data": {bob.address(): counts(1, 1)}});
    assert_eq!(
        node.json(&format!("/api/v0/addresses/stats.json?{bob_twice}"))
            .await,
        only
    );

    let page = node
        .json("/api/v1/addresses/stats.json?sortBy=aggregate&pagination=1")
        .await;
    let expected = json!({
        "data": {bob.address(): counts(1, 1)}, "pagination_per_page": 1, "pagination_page": 1,
        "pagination_total": 3, "pagination_item": "addresses",
    });
    assert_eq!(page, expected);
    let part = &carol.address()[5..].to_ascii_uppercase();
    let page = node
        .json(&format!("/api/v1/addresses/stats.json?addressContains={part}"))
        .await;
    assert_eq!(
        (&page["data"], &page["pagination_total"]),
        (&json!({carol.address(): counts(1, 0)}), &json!(1))
    );
    assert_eq!(
        node.failure("/api/v1/addresses/stats.json?sortBy=nope").await.0,
        422
    );

    // In the order of the list, which only the text of the answer has.
    let mut expected = [alice.address(), bob.address(), carol.address()];
    expected[..2].sort_unstable();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    while seen.len() < 3 {
        let page = node
            .json(&format!(
                "/api/v1/addresses/stats.json?pagination=1&cursor={cursor}"
            ))
            .await;
        seen.extend(page["data"].as_object().expect("an object").keys().cloned());
        cursor = page["next_cursor"].as_str().unwrap_or("end").to_owned();
    }
    assert_eq!(
        (seen, cursor.as_str()),
        (expected.map(str::to_owned).to_vec(), "end")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_in_use() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    for (kind, channel) in [("b", "Y"), ("a", "X"), ("a", "Y")] {
        let post = builder::post(&alice, kind, json!({"channel": channel})).channel(channel);
        node.publish(post.seal()).await;
    }
    let uri = |name: &str| format!("/api/v0/addresses/{}/{name}", alice.address());
    let types = json!({"address": alice.address(), "post_types": ["a", "b"]});
    assert_eq!(node.json(&uri("post_types")).await, types);
    let channels = json!({"address": alice.address(), "channels": ["X", "Y"]});
    assert_eq!(node.json(&uri("channels")).await, channels);
    let nobody = json!({"address": "0xNobody", "channels": []});
    assert_eq!(node.json("/api/v0/addresses/0xNobody/channels").await, nobody);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_both_modes() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let mut stores = Vec::new();
    for (index, bytes) in ["one", "three", "eleven"].iter().enumerate() {
        let file = node.add_file(bytes.as_bytes()).await;
        let time = 1_700_000_000.0 + index as f64;
        let store = node.publish(builder::store(&alice, &file).at(time).seal()).await;
        stores.push((file.to_string(), store.to_string()));
    }
    let uri = format!("/api/v0/addresses/{}/files", alice.address());
    let (file, store) = &stores[2];
    let page = node.json(&format!("{uri}?pagination=1")).await;
    let expected = json!({
        "address": alice.address(), "total_size": 14,
        "files": [{"file_hash": file, "size": 6, "type": "file", "created": "2023-11-14T22:13:22Z", "item_hash": store}],
        "pagination_page": 1, "pagination_total": 3, "pagination_per_page": 1,
    });
    assert_eq!(page, expected);

    let first = node
        .json(&format!("{uri}?pagination=1&cursor=&sort_order=1"))
        .await;
    assert_eq!(
        (&first["total_size"], &first["files"][0]["created"]),
        (&json!(14.0), &json!(1_700_000_000.0))
    );
    assert!(first["total_size"].is_f64() && first["files"][0]["created"].is_f64());
    assert!(first["next_cursor"].is_string() && first["pagination_per_page"] == 1);
    let walked = node.walk(&format!("{uri}?pagination=2"), "files").await;
    let hashes: Vec<_> = walked.iter().map(|file| file["item_hash"].as_str()).collect();
    let expected: Vec<_> = stores
        .iter()
        .rev()
        .map(|(_, store)| Some(store.as_str()))
        .collect();
    assert_eq!(hashes, expected);

    let only = node.json(&format!("{uri}?file_hash={}", stores[0].0)).await;
    assert_eq!(
        (only["files"].as_array().map(Vec::len), &only["pagination_total"]),
        (Some(1), &json!(3))
    );
    let missing = (404, "404: Not Found".to_owned());
    for query in ["?file_hash=nothing", "?page=9", "?cursor=&file_hash=nothing"] {
        assert_eq!(node.failure(&format!("{uri}{query}")).await, missing, "{query}");
    }
    assert_eq!(node.failure("/api/v0/addresses/0xNobody/files").await, missing);
    assert_eq!(
        node.json(&format!("{uri}?pagination=0")).await["pagination_per_page"],
        Value::from(0)
    );
}
