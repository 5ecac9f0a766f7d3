use alephd_api::ApiSettings;
use alephd_signature::sign::EvmKey;
use alephd_testkit::{builder, keys};
use serde_json::{Value, json};

use crate::fixture::{Fixture, NOW};

const HOUR: f64 = 3_600.0;

fn now() -> f64 {
    (NOW / 1_000_000) as f64
}

fn measuring(scorer: &EvmKey) -> Fixture {
    Fixture::with(ApiSettings {
        scoring_addresses: vec![scorer.address().to_owned()],
        ..ApiSettings::default()
    })
}

async fn report(node: &Fixture, scorer: &EvmKey, time: f64, metrics: Value) -> String {
    let post = builder::post(scorer, "aleph-network-metrics", json!({"metrics": metrics}));
    node.publish(post.at(time).channel("aleph-scoring").seal())
        .await
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_both_kinds() {
    let (scorer, other) = (keys::evm("scorer"), keys::evm("other"));
    let node = measuring(&scorer);
    let (old, new) = (now() - 2.0 * HOUR, now() - HOUR);
    let core = json!({
        "node_id": "core1", "measured_at": new - 60.5, "base_latency": 0.12, "base_latency_ipv4": "0.5",
        "metrics_latency": 1, "aggregate_latency": null, "pending_messages": 7.0, "eth_height_remaining": "x",
    });
    let compute = |at: f64| json!({"node_id": "vm1", "measured_at": at, "base_latency": 0.25, "full_check_latency": 1.0});
    let late = report(
        &node,
        &scorer,
        new,
        json!({
            "server": "https://x", "ccn": [core, {"node_id": "core11", "measured_at": 1}, 7, {"node_id": "core1"}],
            "crn": [compute(new - 10.0)],
        }),
    )
    .await;
    let early = report(&node, &scorer, old, json!({"crn": [compute(old - 10.0)]})).await;
    // Neither of those who are believed nor in their channel.
    report(&node, &other, new, json!({"crn": [compute(new)]})).await;
    let elsewhere = builder::post(
        &scorer,
        "aleph-network-metrics",
        json!({"metrics": {"crn": [compute(new)]}}),
    );
    node.publish(elsewhere.at(new + 1.0).channel("TEST").seal()).await;

    let found = node.json("/api/v0/core/core1/metrics").await;
    let expected = json!({"metrics": {
        "item_hash": [late], "measured_at": [new - 60.5], "base_latency": [0.12], "base_latency_ipv4": [0.5],
        "metrics_latency": [1.0], "aggregate_latency": [null], "file_download_latency": [null],
        "pending_messages": [7], "eth_height_remaining": [null],
    }});
    assert_eq!(found, expected);
    let found = node.json("/api/v0/compute/vm1/metrics").await;
    let expected = json!({"metrics": {
        "item_hash": [early, late], "measured_at": [old - 10.0, new - 10.0], "base_latency": [0.25, 0.25],
        "base_latency_ipv4": [null, null], "full_check_latency": [1.0, 1.0], "diagnostic_vm_latency": [null, null],
    }});
    assert_eq!(found, expected);

    let found = node.json("/api/v0/compute/vm1/metrics?sort=DESC").await;
    assert_eq!(found["metrics"]["item_hash"], json!([late, early]));
    let one = |start: f64, end: f64| format!("/api/v0/compute/vm1/metrics?start_date={start}&end_date={end}");
    let found = node.json(&one(old - 10.0, old - 10.0)).await;
    assert_eq!(found["metrics"]["item_hash"], json!([early]));
    for uri in [
        &one(0.0, 5.0),
        "/api/v0/compute/core1/metrics",
        "/api/v0/core/nobody/metrics",
    ] {
        assert_eq!(
            node.failure(uri).await,
            (404, "404: Not Found".to_owned()),
            "{uri}"
        );
    }
    assert_eq!(node.failure("/api/v0/core/core1/metrics?sort=up").await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_posts_than_are_read_at_a_time() {
    let scorer = keys::evm("scorer");
    let node = measuring(&scorer);
    for index in 0..20 {
        let at = now() - HOUR * f64::from(index);
        let entry = json!({"node_id": "n", "measured_at": at - 1.0});
        report(&node, &scorer, at, json!({"ccn": [entry]})).await;
    }
    let found = node.json("/api/v0/core/n/metrics").await;
    let times = found["metrics"]["measured_at"].as_array().expect("a list");
    assert_eq!(times.len(), 20);
    assert!(times.is_sorted_by(|a, b| a.as_f64() < b.as_f64()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_believed_by_default() {
    let (node, scorer) = (Fixture::new(), keys::evm("scorer"));
    report(
        &node,
        &scorer,
        now(),
        json!({"ccn": [{"node_id": "n", "measured_at": now()}]}),
    )
    .await;
    assert_eq!(node.failure("/api/v0/core/n/metrics").await.0, 404);
}
