use std::time::Duration;

use alephd_api::ApiSettings;
use alephd_rules::root::StateRoot;
use alephd_testkit::{builder, keys};
use serde_json::{Value, json};

use crate::fixture::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn version_and_addresses() {
    let address = "/ip4/203.0.113.7/tcp/4025/p2p/QmZkurbY2G2hWay59yiTgQNaQxHSNzKZFt2jbnwJhQcKgV";
    let node = Fixture::with(ApiSettings {
        version: "9.8.7".into(),
        multiaddresses: vec![address.into()],
        ..ApiSettings::default()
    });
    for uri in ["/version", "/api/v0/version"] {
        assert_eq!(node.json(uri).await, json!({"version": "9.8.7"}));
    }
    let info = node.json("/api/v0/info/public.json").await;
    assert_eq!(info, json!({"node_multi_addresses": [address]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_kept_for_a_minute() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let channels = || async { node.json("/api/v0/channels/list.json").await };
    let post = |channel: &str| {
        builder::post(&alice, "note", json!({"in": channel}))
            .channel(channel)
            .seal()
    };
    assert_eq!(channels().await, json!({"channels": []}));
    node.publish(post("Z")).await;
    node.publish(post("A")).await;
    assert_eq!(channels().await, json!({"channels": []}));
    node.clock.advance(Duration::from_secs(60));
    assert_eq!(channels().await, json!({"channels": ["A", "Z"]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_in_both_forms() {
    let node = Fixture::new();
    node.publish(builder::post(&keys::evm("alice"), "note", json!({})).seal())
        .await;
    let table = node.json("/metrics.json").await;
    assert_eq!(table["pyaleph_build_info"]["version"], "0.10.3");
    assert_eq!(table["pyaleph_status_sync_messages_total"], 1);
    assert_eq!(
        table["pyaleph_processing_pending_messages_seen_ids_total"],
        Value::Null
    );

    let answer = node.get("/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let lines: Vec<_> = answer.text().split('\n').collect();
    assert!(
        lines[0].starts_with("pyaleph_build_info{python_version=\""),
        "{}",
        lines[0]
    );
    assert!(lines[0].ends_with("version=\"0.10.3\"} 1"), "{}", lines[0]);
    // The same names in the same order, less the nulls.
    let json = node.get("/metrics.json").await;
    let place = |name: &str| json.text().find(&format!("\"{name}\":"));
    let places: Vec<_> = lines[1..]
        .iter()
        .map(|line| place(line.split(' ').next().expect("a name")))
        .collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{places:?}"
    );
    let nulls = table
        .as_object()
        .map_or(0, |table| table.values().filter(|value| value.is_null()).count());
    assert_eq!(
        lines.len() + nulls,
        table.as_object().map_or(0, serde_json::Map::len)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn state_roots() {
    let node = Fixture::new();
    let empty = StateRoot::default().digest();
    let expected = json!({
        "live": empty, "final": empty, "network": "local", "adversary_safe": false, "messages": 0,
        "pending": 0, "parked": 0, "forgotten": 0,
    });
    assert_eq!(node.json("/api/v0/state/root").await, expected);
    let post = builder::post(&keys::evm("alice"), "note", json!({})).seal();
    node.publish(post.clone()).await;
    let root = node.json("/api/v0/state/root").await;
    assert_ne!(root["live"], json!(empty));
    assert_eq!((&root["final"], &root["messages"]), (&root["live"], &json!(1)));

    let anchored = Fixture::with(ApiSettings {
        adversary_safe: true,
        network: "mainnet".into(),
        ..ApiSettings::default()
    });
    anchored.publish(post).await;
    let found = anchored.json("/api/v0/state/root").await;
    assert_eq!((&found["live"], &found["final"]), (&root["live"], &json!(empty)));
    assert_eq!(
        (&found["adversary_safe"], &found["network"]),
        (&json!(true), &json!("mainnet"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_wait_for_messages() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let code = node.add_file(b"code").await;
    let code = node.publish(builder::store(&alice, &code).seal()).await;
    let on = |kind: &str| json!({"http": false, "message": [{"type": kind}]});
    let mut hashes = Vec::new();
    for (index, kind) in ["POST", "STORE"].into_iter().enumerate() {
        let time = 1_700_000_010.0 + index as f64;
        let program = builder::program(&alice, &code, &code)
            .set("on", on(kind))
            .at(time);
        hashes.push(node.publish(program.seal()).await.to_string());
    }
    let silent = builder::program(&alice, &code, &code).at(1_700_000_020.0);
    node.publish(silent.seal()).await;
    let entry = |index: usize, kind: &str| json!({"item_hash": hashes[index], "content": {"on": {"message": [{"type": kind}]}}});
    let uri = "/api/v0/programs/on/message";
    assert_eq!(node.json(uri).await, json!([entry(1, "STORE"), entry(0, "POST")]));
    let oldest_first = node.json(&format!("{uri}?sort_order=1")).await;
    assert_eq!(oldest_first, json!([entry(0, "POST"), entry(1, "STORE")]));
    assert_eq!(node.failure(&format!("{uri}?page=1")).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description() {
    let node = Fixture::new();
    let document = node.json("/api/docs/swagger.json").await;
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    let page = node.get("/api/docs").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(!page.text().contains("<script") && !page.text().contains("src="));
    for path in document["paths"].as_object().expect("paths").keys() {
        assert!(page.text().contains(path.as_str()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_is_empty_or_missing() {
    let node = Fixture::new();
    for uri in [
        "/api/v0/messages.json",
        "/api/v0/posts.json",
        "/api/v1/posts.json",
        "/api/v0/aggregates.json",
        "/api/v0/channels/list.json",
        "/api/v0/addresses/0x/post_types",
        "/api/v0/addresses/0x/channels",
        "/api/v0/authorizations/granted/0x.json",
        "/api/v0/authorizations/received/0x.json",
        "/api/v0/addresses/stats.json",
        "/api/v1/addresses/stats.json",
        "/api/v0/addresses/0x/balance",
        "/api/v0/balances",
        "/api/v0/credit_balances",
        "/api/v0/programs/on/message",
    ] {
        node.json(uri).await;
    }
    for uri in [
        "/api/v0/aggregates/0x.json",
        "/api/v0/addresses/0x/files",
        "/api/v0/addresses/0x/credit_history",
        "/api/v0/core/x/metrics",
        "/api/v0/compute/x/metrics",
    ] {
        assert_eq!(node.failure(uri).await.0, 404, "{uri}");
    }
}
