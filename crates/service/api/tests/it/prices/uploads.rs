//! What has to be paid before an upload is kept.

use alephd_message::{Chain, Envelope};
use alephd_testkit::{builder, keys, sha256};
use serde_json::json;

use super::{HALF, failed, parsed};
use crate::fixture::{Answer, Fixture};

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
