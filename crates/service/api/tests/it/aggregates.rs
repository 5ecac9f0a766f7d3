use alephd_testkit::{builder, keys};
use serde_json::json;

use crate::fixture::Fixture;

const FIRST: &str = "2023-11-14T22:13:20+00:00";
const LAST: &str = "2023-11-14T22:13:30+00:00";

#[tokio::test(flavor = "multi_thread")]
async fn of_one_owner() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let profile = |content| builder::aggregate(&alice, "profile", content);
    let first = node
        .publish(profile(json!({"name": "x", "big": 1e22})).seal())
        .await
        .to_string();
    let last = node
        .publish(profile(json!({"name": "y"})).at(1_700_000_010.0).seal())
        .await
        .to_string();
    node.publish(builder::aggregate(&alice, "a", json!({"k": [1]})).seal())
        .await;
    let address = alice.address();
    let uri = format!("/api/v0/aggregates/{address}.json");

    let profile = json!({"name": "y", "big": 1e22});
    let expected = json!({"address": address, "data": {"a": {"k": [1]}, "profile": profile}, "info": {}});
    assert_eq!(node.json(&uri).await, expected);
    let only = json!({"address": address, "data": {"profile": profile}, "info": {}});
    assert_eq!(
        node.json(&format!("{uri}?keys=profile,nope&limit=50")).await,
        only
    );
    assert_eq!(
        node.json(&format!("{uri}?keys=profile&value_only=1")).await,
        profile
    );
    let both = node.json(&format!("{uri}?keys=profile,a&value_only=1")).await;
    assert_eq!(both["data"]["a"], json!({"k": [1]}));
    let info = json!({
        "profile": {"created": FIRST, "last_updated": LAST, "original_item_hash": first, "last_update_item_hash": last}
    });
    assert_eq!(
        node.json(&format!("{uri}?keys=profile&with_info=true")).await["info"],
        info
    );

    let missing = (404, "No aggregate found for this address".to_owned());
    assert_eq!(node.failure(&format!("{uri}?keys=nope")).await, missing);
    assert_eq!(node.failure("/api/v0/aggregates/unknown.json").await, missing);
    assert_eq!(node.failure("/api/v0/aggregates/unknown").await.0, 404);
    let bad = node.get(&format!("{uri}?with_info=maybe")).await;
    assert_eq!(
        (bad.status, bad.header("content-type")),
        (422, Some("application/json; charset=utf-8"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_owners() {
    let node = Fixture::new();
    let (alice, bob) = (keys::evm("alice"), keys::evm("bob"));
    for (owner, key, time) in [
        (&alice, "k", 0.0),
        (&alice, "l", 1.0),
        (&bob, "k", 2.0),
        (&bob, "m", 2.0),
    ] {
        let time = 1_700_000_000.0 + time;
        node.publish(builder::aggregate(owner, key, json!({"t": time})).at(time).seal())
            .await;
    }
    let late = builder::aggregate(&alice, "k", json!({"late": true})).at(1_700_000_010.0);
    node.publish(late.seal()).await;

    let page = node.json("/api/v0/aggregates.json?pagination=1").await;
    let item = json!({
        "address": alice.address(), "key": "k", "content": {"t": 1_700_000_000.0, "late": true},
        "created": FIRST, "last_updated": LAST,
    });
    let expected = json!({
        "aggregates": [item], "pagination_per_page": 1, "pagination_page": 1, "pagination_total": 4,
        "pagination_item": "aggregates",
    });
    assert_eq!(page, expected);
    let found = node
        .json(&format!("/api/v0/aggregates?keys=k&addresses={}", bob.address()))
        .await;
    assert_eq!(
        (&found["pagination_total"], &found["aggregates"][0]["key"]),
        (&json!(1), &json!("k"))
    );

    for sort in ["last_modified", "creation_time"] {
        for order in ["1", "-1"] {
            let uri = format!("/api/v0/aggregates.json?pagination=1&sortBy={sort}&sortOrder={order}");
            let walked = node.walk(&uri, "aggregates").await;
            let all = node
                .json(&format!(
                    "/api/v0/aggregates.json?sortBy={sort}&sortOrder={order}"
                ))
                .await;
            assert_eq!(json!(walked), all["aggregates"], "{uri}");
            assert_eq!(walked.len(), 4);
        }
    }
    assert_eq!(
        node.failure("/api/v0/aggregates.json?pagination=501").await.0,
        422
    );
    assert_eq!(node.failure("/api/v0/aggregates.json?cursor=bad").await.0, 422);
}
