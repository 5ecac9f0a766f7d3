//! Prices, costs, and what has to be paid before an upload is kept.

use std::time::Duration;

use alephd_api::ApiSettings;
use alephd_economy::admission::Parameters;
use alephd_message::{Chain, Envelope, ItemHash};
use alephd_testkit::{builder, keys, sha256};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    fixture::{Answer, Fixture, NOW},
    node::Node,
    sockets,
};

/// Half a MiB, so that bills have short digits.
const HALF: usize = 1 << 19;

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

    let store = stored(&node, "alice", 2, 10, "hold").await;
    let forget = builder::forget(&alice, std::slice::from_ref(&store)).at(1_700_000_001.0);
    node.publish(forget.seal()).await;
    let text = format!("This message has been forgotten: {store}");
    assert_eq!(node.failure(&price(&store)).await, (410, text));
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

/// A token for the guarded routes, made at a time by a key.
fn token(secret: &SecretKey, seconds: i64) -> String {
    let text = seconds.to_string();
    let digest = Message::from_digest(Sha256::digest(text.as_bytes()).into());
    let signature = Secp256k1::new().sign_ecdsa(digest, secret).serialize_der();
    STANDARD.encode(format!("{text}:{}", STANDARD.encode(signature)))
}

#[tokio::test(flavor = "multi_thread")]
async fn guarded_routes_want_a_token() {
    let secret = SecretKey::from_byte_array([7; 32]).expect("a key");
    let public = PublicKey::from_secret_key(&Secp256k1::new(), &secret).to_string();
    let node = Fixture::with(ApiSettings {
        auth_public_key: Some(public),
        ..ApiSettings::default()
    });
    let store = stored(&node, "bob", 1, 10, "hold").await;
    stored(&node, "bob", 2, 10, "credit").await;
    let all = "/api/v0/price/recalculate";
    let one = format!("/api/v0/price/{store}/recalculate");
    let now = NOW / 1_000_000;

    for uri in [all, &one] {
        for (value, text) in [
            (None, "Missing X-Auth-Token header"),
            (Some(String::new()), "Missing X-Auth-Token header"),
            (Some("nope".to_owned()), "Invalid or expired authentication token"),
            (
                Some(token(&secret, now - 300)),
                "Invalid or expired authentication token",
            ),
            (
                Some(token(&secret, now + 31)),
                "Invalid or expired authentication token",
            ),
            (
                Some(token(&SecretKey::from_byte_array([8; 32]).expect("a key"), now)),
                "Invalid or expired authentication token",
            ),
        ] {
            let headers: Vec<_> = value
                .iter()
                .map(|value| ("x-auth-token", value.as_str()))
                .collect();
            let answer = node.post(uri, &headers, "").await;
            assert_eq!(failed(&answer), (401, text), "{value:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
        for (time, bills) in [(now - 299, 2), (now + 30, 2)] {
            let bills = if uri == all { bills } else { 1 };
            let answer = node
                .post(uri, &[("x-auth-token", &token(&secret, time))], "")
                .await;
            let found = parsed(&answer);
            assert_eq!(
                (&found["recalculated_count"], &found["total_messages"]),
                (&json!(0), &json!(bills))
            );
        }
    }
    let unknown = format!("/api/v0/price/{}/recalculate", sha256(b"unknown"));
    let answer = node
        .post(&unknown, &[("x-auth-token", &token(&secret, now))], "")
        .await;
    assert_eq!(answer.status, 404);

    let closed = Fixture::new();
    let answer = closed
        .post(all, &[("x-auth-token", &token(&secret, now))], "")
        .await;
    assert_eq!(failed(&answer), (401, "Invalid or expired authentication token"));
}

/// Credits that the funder gives and takes.
async fn spend(node: &Fixture, address: &str, resource: &ItemHash, amount: u32) {
    let funder = keys::funder();
    let expense = json!({"expense": {"credits": [
        {"address": address, "amount": amount, "execution_id": resource.to_string()},
    ]}});
    let expense = builder::post(&funder, "aleph_credit_expense", expense).channel("ALEPH_CREDIT");
    node.publish(expense.at(1_770_000_000.0 + f64::from(amount)).seal())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_of_an_account_and_of_all() {
    let node = Fixture::new();
    let bob = keys::evm("bob").address().to_owned();
    let mut held = Vec::new();
    for byte in 0..12 {
        held.push(stored(&node, "bob", byte, HALF, "hold").await.to_string());
    }
    held.sort();
    node.clock.set_now_micros(1_770_100_000_000_000);
    let carol = keys::evm("carol").address().to_owned();
    let paid = stored(&node, "carol", 12, HALF, "credit").await;
    let grant = [(carol.as_str(), 5_000_000), (bob.as_str(), 5_000_000)];
    let funder = keys::funder();
    let grant = builder::credit_distribution(&funder, &grant).at(1_769_990_400.0);
    node.publish(grant.seal()).await;
    spend(&node, &carol, &paid, 1000).await;
    spend(&node, &carol, &sha256(b"another resource"), 1).await;
    spend(&node, &bob, &sha256(b"a resource of bob"), 20).await;

    let sums = |consumed: u32, hold: &str, credit: &str, count: u32| {
        json!({
            "total_consumed_credits": consumed, "total_cost_hold": hold,
            "total_cost_stream": "0.000000000000000000", "total_cost_credit": credit, "resource_count": count,
        })
    };
    // 25 MiB at least.
    let of_paid = "0.001247742293793479";
    let expected = json!({
        "summary": sums(1021, "8.333333325000000000", of_paid, 1),
        "filters": {"address": null, "item_hash": null, "payment_type": "credit"},
        "resources": null, "pagination_page": null, "pagination_total": 1, "pagination_per_page": 100,
        "pagination_item": null,
    });
    assert_eq!(node.json("/api/v0/costs").await, expected);

    let of_carol = node
        .json(&format!(
            "/api/v0/costs?address={carol}&include_details=2&include_size=true"
        ))
        .await;
    assert_eq!(
        of_carol["summary"],
        sums(1001, "8.333333325000000000", of_paid, 1)
    );
    let resource = json!({
        "item_hash": paid.to_string(), "owner": carol, "payment_type": "credit", "consumed_credits": 1000,
        "cost_hold": "8.333333325000000000", "cost_stream": "0.000000000000000000", "cost_credit": of_paid,
        "detail": [{
            "type": "STORAGE", "name": "STORAGE", "cost_hold": "8.333333325000000000",
            "cost_stream": "0.000000000000000000", "cost_credit": of_paid, "size_mib": 0.5,
        }],
    });
    assert_eq!(of_carol["resources"], json!([resource]));
    let of_resource = node.json(&format!("/api/v0/costs?item_hash={paid}")).await;
    assert_eq!(of_resource["summary"]["total_consumed_credits"], 1000);

    let uri = "/api/v0/costs?payment_type=hold&include_details=1&pagination=10";
    let mut listed = Vec::new();
    for page in 1..=3 {
        let found = node.json(&format!("{uri}&page={page}")).await;
        assert_eq!(
            found["summary"],
            sums(0, "1.999999998000000000", "0.000299458150510428", 12)
        );
        assert_eq!(
            (
                &found["pagination_page"],
                &found["pagination_total"],
                &found["pagination_item"]
            ),
            (&json!(page), &json!(12), &json!("resources"))
        );
        let rows = found["resources"].as_array().expect("a list");
        assert!(
            rows.iter()
                .all(|row| row["detail"].is_null() && row["consumed_credits"] == 0)
        );
        listed.extend(
            rows.iter()
                .map(|row| row["item_hash"].as_str().expect("a text").to_owned()),
        );
    }
    assert_eq!(listed, held);

    for nothing in ["item_hash=nope", "address=0xNobody", "payment_type=superfluid"] {
        let found = node
            .json(&format!("/api/v0/costs?{nothing}&include_details=1"))
            .await;
        let zero = "0.000000000000000000";
        assert_eq!(found["summary"], sums(0, zero, zero, 0), "{nothing}");
        assert_eq!(found["resources"], json!([]));
    }
    let text = "include_details=2 requires the address or item_hash filter".to_owned();
    assert_eq!(node.failure("/api/v0/costs?include_details=2").await, (422, text));

    let balance = node.json(&format!("/api/v0/addresses/{bob}/balance")).await;
    assert_eq!(balance["locked_amount"], json!(1.999_999_998));
    let balance = node.json(&format!("/api/v0/addresses/{carol}/balance")).await;
    assert_eq!(balance["locked_amount"], json!(0.0));
}

/// A form with a file and the STORE for it.
async fn upload(node: &Fixture, file: &[u8], store: &Envelope) -> Answer {
    let metadata = format!(r#"{{"message": {}, "sync": true}}"#, builder::wire(store));
    let mut body = Vec::new();
    for (name, content) in [("metadata", metadata.as_bytes()), ("file", file)] {
        let head =
            format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cut--\r\n");
    let headers = [("content-type", "multipart/form-data; boundary=cut")];
    node.post("/api/v0/storage/add_file", &headers, body).await
}

/// When nothing is free any more.
const PAID: f64 = 1_767_000_000.0;

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_paid_for_before_they_are_kept() {
    let node = Fixture::new();
    let bob = keys::evm("bob");
    let file = vec![1; HALF];
    let name = sha256(&file);
    let store = builder::store(&bob, &name).at(PAID).seal();
    let answer = upload(&node, &file, &store).await;
    assert_eq!(failed(&answer), (402, "402: Payment Required"));
    assert_eq!(node.get(&format!("/api/v0/storage/raw/{name}")).await.status, 404);
    assert_eq!(
        node.get(&format!("/api/v0/messages/{}", store.item_hash))
            .await
            .status,
        404
    );

    // The size is rounded up.
    let fund = async |tokens: f64, height: u64| {
        let funder = keys::funder();
        let report = builder::balances_update(&funder, Chain::Eth, height, &[(bob.address(), tokens)]);
        node.publish(report.at(PAID + height as f64).seal()).await;
    };
    fund(0.333_333_332, 1).await;
    assert_eq!(upload(&node, &file, &store).await.status, 402);
    fund(0.333_333_333, 2).await;
    let answer = upload(&node, &file, &store).await;
    assert_eq!(
        parsed(&answer),
        json!({"status": "success", "hash": name.to_string()})
    );
    // Once more, though nothing is left for it.
    assert_eq!(upload(&node, &file, &store).await.status, 200);

    let second = vec![2; HALF];
    let store = builder::store(&bob, &sha256(&second)).at(PAID).seal();
    assert_eq!(
        upload(&node, &second, &store).await.status,
        402,
        "what is recorded counts"
    );
    fund(0.5, 3).await;
    assert_eq!(upload(&node, &second, &store).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_paid_for_by_credits_or_not_at_all() {
    let node = Fixture::new();
    let carol = keys::evm("carol");
    let file = vec![3; 10];
    let by_credits = json!({"type": "credit"});
    let store = builder::store(&carol, &sha256(&file))
        .set("payment", by_credits)
        .at(PAID)
        .seal();
    assert_eq!(upload(&node, &file, &store).await.status, 402);
    // A day of 25 MiB is 107.8 credits.
    for (credits, status) in [(107, 402), (1, 200)] {
        let grant = [(carol.address(), credits)];
        let funder = keys::funder();
        let grant = builder::credit_distribution(&funder, &grant);
        node.publish(grant.at(1_770_000_000.0 - credits as f64).seal())
            .await;
        node.clock.set_now_micros(1_770_000_100_000_000);
        assert_eq!(
            upload(&node, &file, &store).await.status,
            status,
            "{credits} more"
        );
    }

    let free = vec![4; 10];
    let store = builder::store(&carol, &sha256(&free)).at(1_743_775_078.0).seal();
    assert_eq!(upload(&node, &free, &store).await.status, 200);
    let late = vec![5; 10];
    let store = builder::store(&carol, &sha256(&late)).at(1_798_761_600.0).seal();
    assert_eq!(
        upload(&node, &late, &store).await.status,
        402,
        "tokens are no longer accepted"
    );
    // What is wrong with the message comes before what it costs; nothing is kept either way.
    let (name, other) = (sha256(&late), sha256(b"x"));
    let store = builder::store(&carol, &other).at(PAID).seal();
    let answer = upload(&node, &late, &store).await;
    let text = format!("422: File hash does not match ({name} != {other})");
    assert_eq!(failed(&answer), (422, text.as_str()));
    assert_eq!(node.get(&format!("/api/v0/storage/raw/{name}")).await.status, 404);
}
