//! Prices of messages that are not sent yet, and the price list that they follow.

use std::time::Duration;

use alephd_api::ApiSettings;
use alephd_economy::admission::Parameters;
use alephd_message::Envelope;
use alephd_testkit::{builder, keys, sha256};
use serde_json::{Value, json};

use super::{HALF, failed, parsed, stored};
use crate::{fixture::Fixture, node::Node, sockets};

/// Settings with `alice` as the owner of prices.
fn priced_by_alice() -> ApiSettings {
    let settings = ApiSettings::default();
    ApiSettings {
        money: Parameters {
            pricing_owner: keys::evm("alice").address().to_owned(),
            ..settings.money
        },
        ..settings
    }
}

/// The body for an estimate of a STORE of a file that nobody has, as the Python SDK writes it.
fn estimate_of(content: &Value, message_type: &str) -> String {
    let text = content.to_string();
    let message = json!({
        "sender": "0xbob", "chain": "ETH", "type": message_type, "signature": "0x00", "item_type": "inline",
        "item_hash": sha256(text.as_bytes()).to_string(), "item_content": text, "channel": "TEST",
        "content": {"address": "wrong"}, "time": "2026-11-23T08:22:15.541302Z", "confirmed": null,
        "confirmations": null, "size": null, "hash_type": null, "forgotten_by": null,
    });
    json!({"message": message}).to_string()
}

fn store_content() -> Value {
    json!({
        "address": "0xbob", "time": 1_700_000_000, "item_type": "storage",
        "item_hash": sha256(b"a file that nobody has").to_string(), "estimated_size_mib": 100,
    })
}

const ESTIMATE: &str = "/api/v0/price/estimate";

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_not_sent_have_a_price() {
    let node = Fixture::new();
    let body = estimate_of(&store_content(), "STORE");
    let expected = json!({
        "charged_address": "0xbob",
        "cost": "33.333333300000000000",
        "detail": [{
            "type": "STORAGE", "name": "STORAGE", "cost_hold": "33.333333300000000000",
            "cost_stream": "0.000000000000000000", "cost_credit": "0.004990969175173918", "size_mib": 100.0,
        }],
        "payment_type": "hold",
        "required_tokens": 33.3333333,
    });
    assert_eq!(parsed(&node.post(ESTIMATE, &[], body).await), expected);

    // Sizes of files that are there need not be stated; the latest revision counts if it is asked for.
    let first = stored(&node, "alice", 1, HALF, "hold").await;
    let file = node.add_file(&vec![2; 2 * HALF]).await;
    let alice = keys::evm("alice");
    let revision = builder::store(&alice, &file)
        .at(1_700_000_001.0)
        .reference(&first);
    node.publish(revision.seal()).await;
    for (latest, size) in [(false, 0.5), (true, 1.0)] {
        let content = json!({
            "address": "0xbob", "type": "vm-function", "environment": {}, "resources": {}, "on": {"http": true},
            "code": {"ref": first.to_string(), "entrypoint": "m:a", "encoding": "zip", "use_latest": latest},
            "runtime": {"ref": first.to_string(), "comment": "", "use_latest": false},
        });
        let found = parsed(&node.post(ESTIMATE, &[], estimate_of(&content, "PROGRAM")).await);
        assert_eq!(found["detail"][1]["type"], "EXECUTION_PROGRAM_VOLUME_CODE");
        assert_eq!(found["detail"][1]["size_mib"], json!(size), "latest: {latest}");
        assert_eq!(found["detail"][2]["size_mib"], json!(0.5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_that_are_files_are_estimated_where_they_are_held() {
    let node = Fixture::new();
    let text = store_content().to_string();
    let name = sha256(text.as_bytes());
    let body = json!({"message": {"type": "STORE", "item_type": "storage", "item_hash": name}}).to_string();
    let answer = node.post(ESTIMATE, &[], body.clone()).await;
    assert_eq!(
        failed(&answer),
        (404, &*format!("404: Content not found: {name}"))
    );
    node.add_file(text.as_bytes()).await;
    let found = parsed(&node.post(ESTIMATE, &[], body).await);
    assert_eq!(found["cost"], "33.333333300000000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn estimates_that_are_refused() {
    let node = Fixture::new();
    let post = json!({"address": "0xbob", "time": 1, "type": "note", "content": {}});
    let mut other = store_content();
    let sent = estimate_of(&other, "STORE");
    other["time"] = json!(2);
    let forged = sent.replace("1700000000", "1700000001");
    let without_file = json!({"address": "0xbob", "time": 1, "item_type": "storage"});
    for body in [
        "{".to_owned(),
        "{}".to_owned(),
        r#"{"message": []}"#.to_owned(),
        forged,
        estimate_of(&post, "POST"),
        estimate_of(&without_file, "STORE"),
    ] {
        let answer = node.post(ESTIMATE, &[], body.clone()).await;
        assert_eq!(answer.status, 422, "{body}");
        assert!(
            answer.text().starts_with("InvalidMessageFormat: "),
            "{}",
            answer.text()
        );
    }
    let long = vec![b' '; (1 << 20) + 1];
    let answer = node.post(ESTIMATE, &[], long).await;
    assert_eq!(
        failed(&answer),
        (413, "Maximum request body size 1048576 exceeded.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_estimated_from_their_content() {
    let node = Fixture::new();
    let uri = "/api/v0/price/estimate/instance";
    let mut content = json!({
        "address": "0xbob", "environment": {}, "resources": {"vcpus": 2, "memory": 4096},
        "rootfs": {"parent": {"ref": "a".repeat(64)}, "persistence": "host", "size_mib": 40960},
        "payment": {"type": "credit"},
    });
    let found = parsed(&node.post(uri, &[], content.to_string()).await);
    assert_eq!(
        (&found["payment_type"], &found["cost"], &found["charged_address"]),
        (&json!("credit"), &json!("7.916666666666666666"), &json!("0xbob"))
    );
    assert_eq!(found["required_tokens"], json!(7.916_666_666_666_667));
    assert_eq!(found["detail"][0]["name"], "instance");

    let answer = node.post(uri, &[], "nope").await;
    assert_eq!(failed(&answer), (400, "400: Invalid JSON body"));
    content["resources"]["vcpus"] = json!("many");
    for body in [content.to_string(), "[]".to_owned()] {
        let answer = node.post(uri, &[], body).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (422, Some("text/plain; charset=utf-8"))
        );
        let issues: Value = serde_json::from_slice(&answer.body).expect("a list of issues");
        assert!(issues[0]["msg"].is_string(), "{issues}");
    }
    content["resources"]["vcpus"] = json!(1);
    content["payment"]["type"] = json!("hold");
    content["environment"]["hypervisor"] = json!("qemu");
    content["requirements"] = json!({"node": {"node_hash": "b".repeat(64)}, "gpu": [
        {"vendor": "x", "device_name": "x", "device_class": "0300", "device_id": "dead:beef"},
    ]});
    let answer = node.post(uri, &[], content.to_string()).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert!(answer.text().starts_with("404: ") && answer.text().contains("dead:beef"));
}

/// A price list in which a MiB costs `hold` tokens.
fn price_list(hold: u32, time: f64) -> Envelope {
    let rates = json!({"holding": hold.to_string(), "payg": "0", "credit": "0"});
    let list = json!({"storage": {"price": {"storage": rates}}});
    builder::aggregate(&keys::evm("alice"), "pricing", list)
        .at(time)
        .seal()
}

#[tokio::test(flavor = "multi_thread")]
async fn estimates_follow_the_price_list() {
    let node = Fixture::with(priced_by_alice());
    let cost = async || {
        let body = estimate_of(&store_content(), "STORE");
        parsed(&node.post(ESTIMATE, &[], body).await)["required_tokens"].clone()
    };
    assert_eq!(cost().await, json!(33.333_333_3));
    node.publish(price_list(2, 1_700_000_000.0)).await;
    // Without websockets nobody tells of events, but time passes.
    node.clock.advance(Duration::from_secs(10));
    assert_eq!(cost().await, json!(200.0));
    // The list has nothing else.
    let content = json!({
        "address": "0xbob", "type": "vm-function", "environment": {}, "resources": {}, "on": {"http": true},
        "code": {"ref": "a".repeat(64), "entrypoint": "m:a", "encoding": "zip"},
        "runtime": {"ref": "a".repeat(64), "comment": ""},
    });
    let answer = node.post(ESTIMATE, &[], estimate_of(&content, "PROGRAM")).await;
    assert_eq!(failed(&answer), (404, "404: no price is set for program"));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_prices_hold_at_once() {
    let node = Node::start_with(priced_by_alice()).await;
    let mut events = sockets::connect(&node, "/api/ws0/messages?history=0").await;
    let cost = async || {
        let body = estimate_of(&store_content(), "STORE");
        let answer = node.post(ESTIMATE, body).await;
        let found: Value = serde_json::from_str(&answer.body).expect("JSON");
        found["required_tokens"].clone()
    };
    assert_eq!(cost().await, json!(33.333_333_3));
    for (index, hold) in [2, 3].into_iter().enumerate() {
        let list = price_list(hold, 1_700_000_000.0 + index as f64);
        node.publish(&list).await;
        sockets::next(&mut events).await;
        assert_eq!(cost().await, json!(100.0 * f64::from(hold)));
    }
    // That of somebody else is none.
    let bob = keys::evm("bob");
    let other = builder::aggregate(&bob, "pricing", json!({})).seal();
    node.publish(&other).await;
    sockets::next(&mut events).await;
    assert_eq!(cost().await, json!(300.0));
}
