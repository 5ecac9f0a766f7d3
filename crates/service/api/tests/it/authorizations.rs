use alephd_testkit::{builder, keys};
use serde_json::json;

use crate::fixture::{Fixture, keys_of};

#[tokio::test(flavor = "multi_thread")]
async fn both_sides() {
    let node = Fixture::new();
    let (alice, bob) = (keys::evm("alice"), keys::evm("bob"));
    let (a, b, c) = (alice.address(), bob.address(), "0xC");
    let of_alice = [
        json!({"address": c, "types": ["STORE"]}),
        json!({"address": b, "types": ["POST"], "chain": "ETH", "channels": ["TEST"], "note": 1.5}),
        json!({"address": c, "post_types": ["blog"], "types": ["POST"]}),
        json!("no entry"),
    ];
    node.publish(builder::security(&alice, &of_alice).seal()).await;
    node.publish(builder::security(&bob, &[builder::grant(c)]).seal())
        .await;

    let granted = format!("/api/v0/authorizations/granted/{a}.json");
    let expected = json!({
        "authorizations": {
            c: [{"types": ["STORE"]}, {"post_types": ["blog"], "types": ["POST"]}],
            b: [{"types": ["POST"], "chain": "ETH", "channels": ["TEST"], "note": 1.5}],
        },
        "pagination_page": 1, "pagination_per_page": 20, "pagination_total": 2,
        "pagination_item": "authorizations", "address": a,
    });
    let answer = node.get(&granted).await;
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&answer.body).expect("JSON"),
        expected
    );
    let order = (
        answer.text().find(&format!("\"{c}\":")),
        answer.text().find(&format!("\"{b}\":")),
    );
    assert!(order.0 < order.1, "in the order of the aggregate");

    for (query, addresses) in [
        ("pagination=1", &[c][..]),
        ("pagination=1&page=2", &[b]),
        ("page=3", &[]),
        ("chains=SOL", &[c]),
        ("channels=OTHER,TEST", &[c, b]),
        ("types=STORE", &[c]),
        ("postTypes=news", &[c, b]),
        ("post_types=news&types=POST", &[b]),
        ("aggregateKeys=k", &[c, b]),
        (&format!("grantee={b}"), &[b]),
        ("grantee=nobody", &[]),
    ] {
        let found = node.json(&format!("{granted}?{query}")).await;
        let mut addresses = addresses.to_vec();
        addresses.sort_unstable();
        assert_eq!(keys_of(&found["authorizations"]), addresses, "{query}");
    }

    let received = format!("/api/v0/authorizations/received/{c}.json");
    let found = node.json(&received).await;
    let expected = json!({a: [{"types": ["STORE"]}, {"post_types": ["blog"], "types": ["POST"]}], b: [{}]});
    assert_eq!(
        (&found["authorizations"], &found["pagination_total"]),
        (&expected, &json!(2))
    );
    let found = node.json(&format!("{received}?types=AGGREGATE")).await;
    assert_eq!(keys_of(&found["authorizations"]), [b]);
    let found = node.json(&format!("{received}?granter={a}&types=STORE")).await;
    assert_eq!(found["authorizations"], json!({a: [{"types": ["STORE"]}]}));

    for side in ["granted", "received"] {
        let nobody = node
            .json(&format!("/api/v0/authorizations/{side}/0xNobody.json"))
            .await;
        assert_eq!(
            (&nobody["authorizations"], &nobody["pagination_total"]),
            (&json!({}), &json!(0))
        );
        assert_eq!(
            node.failure(&format!("/api/v0/authorizations/{side}/x.json?pagination=0"))
                .await
                .0,
            422
        );
    }
}
