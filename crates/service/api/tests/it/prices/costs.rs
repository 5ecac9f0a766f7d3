//! What the resources of an account cost, and of all accounts.

use alephd_message::ItemHash;
use alephd_testkit::{builder, keys, sha256};
use serde_json::json;

use super::{HALF, stored};
use crate::fixture::Fixture;

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
