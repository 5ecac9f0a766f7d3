use alephd_api::ApiSettings;
use alephd_message::Chain;
use alephd_testkit::{builder, keys};
use serde_json::{Value, json};

use crate::fixture::Fixture;

const X: &str = "0xX";

/// Tokens of two addresses, on two chains, some of them in a contract.
async fn with_tokens(node: &Fixture) {
    let funder = keys::funder();
    let reports = [
        (Chain::Eth, None, vec![(X, 0.1), ("0xY", 5.0)]),
        (Chain::Sol, None, vec![(X, 2.5)]),
        (Chain::Eth, Some("sablier"), vec![(X, 0.2)]),
        (Chain::Eth, Some("vault"), vec![(X, 7.0)]),
    ];
    for (index, (chain, dapp, balances)) in reports.into_iter().enumerate() {
        let time = 1_700_000_000.0 + index as f64;
        let mut report = builder::balances_update(&funder, chain, 100, &balances).at(time);
        if let Some(dapp) = dapp {
            report = report.set_within("content", "dapp", dapp);
        }
        node.publish(report.seal()).await;
    }
}

async fn with_credits(node: &Fixture) {
    // What is dated later has not happened.
    node.clock.set_now_micros(1_770_000_200_000_000);
    let funder = keys::funder();
    let lines = vec![
        json!({
            "address": X, "amount": 500, "price": "0.000001", "tx_hash": "0x1", "provider": "ALEPH",
            "payment_method": "token_transfer", "bonus_amount": 5,
        }),
        json!({"address": X, "amount": 300, "expiration": 1_900_000_000_000_i64, "tx_hash": "0x2"}),
        json!({"address": X, "amount": 200, "expiration": 1_600_000_000_000_i64}),
        json!({"address": "0xY", "amount": 1}),
    ];
    let grant = builder::credit_distribution_to(&funder, lines).at(1_770_000_000.0);
    node.publish(grant.seal()).await;
    let expense = json!({"expense": {"credits": [
        {"address": X, "amount": 120, "execution_id": "a-resource", "ref": "r", "count": 3, "size": "1.5"},
    ]}});
    let expense = builder::post(&funder, "aleph_credit_expense", expense).channel("ALEPH_CREDIT");
    node.publish(expense.at(1_770_000_100.5).seal()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn balance_of_an_address() {
    let node = Fixture::new();
    with_tokens(&node).await;
    with_credits(&node).await;
    let uri = format!("/api/v0/addresses/{X}/balance");
    let expected = json!({
        "address": X, "balance": 2.6, "details": {"ETH": 0.1, "SOL": 2.5}, "locked_amount": 0.0,
        "credit_balance": 680, "credit_balance_details": null,
    });
    assert_eq!(node.json(&uri).await, expected);
    let on_one = node.json(&format!("{uri}?chain=SOL")).await;
    assert_eq!(
        (&on_one["balance"], &on_one["details"]),
        (&json!(2.5), &json!({}))
    );
    let details = node.json(&format!("{uri}?include_credit_details=true")).await;
    let expected = json!([
        {"expiration_date": null, "amount": 380},
        {"expiration_date": "2030-03-17T17:46:40Z", "amount": 300},
    ]);
    assert_eq!(details["credit_balance_details"], expected);

    let nobody = json!({
        "address": "0xNobody", "balance": 0.0, "details": {}, "locked_amount": 0.0, "credit_balance": 0,
        "credit_balance_details": null,
    });
    let found = node.json("/api/v0/addresses/0xNobody/balance").await;
    assert_eq!(found, nobody);
    assert!(found["balance"].is_f64() && found["locked_amount"].is_f64() && found["credit_balance"].is_u64());
    assert_eq!(node.failure(&format!("{uri}?chain=NOPE")).await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_count_where_the_network_says_so() {
    let node = Fixture::with(ApiSettings {
        count_dapp_balances: true,
        ..ApiSettings::default()
    });
    with_tokens(&node).await;
    let uri = format!("/api/v0/addresses/{X}/balance");
    let found = node.json(&uri).await;
    assert_eq!(
        (&found["balance"], &found["details"]),
        (&json!(9.8), &json!({"ETH": 7.3, "SOL": 2.5}))
    );
    let found = node.json(&format!("{uri}?chain=ETH")).await;
    assert_eq!((&found["balance"], &found["details"]), (&json!(7.3), &json!({})));
    let found = node.json("/api/v0/addresses/0xW/balance").await;
    assert_eq!(found["balance"], json!(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn balances_of_everyone() {
    let node = Fixture::new();
    with_tokens(&node).await;
    let page = node.json("/api/v0/balances?pagination=2").await;
    assert_eq!(page["balances"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        page["balances"][0],
        json!({"address": X, "balance": 0.1, "chain": "ETH"})
    );
    assert_eq!(
        (
            &page["pagination_total"],
            &page["pagination_item"],
            &page["pagination_page"]
        ),
        (&json!(5), &json!("balances"), &json!(1))
    );
    let all = node.json("/api/v0/balances").await;
    for size in 1..6 {
        let walked = node
            .walk(&format!("/api/v0/balances?pagination={size}"), "balances")
            .await;
        assert_eq!(json!(walked), all["balances"], "pages of {size}");
    }
    let found = node.json("/api/v0/balances?chains=SOL&min_balance=2").await;
    assert_eq!(
        found["balances"],
        json!([{"address": X, "balance": 2.5, "chain": "SOL"}])
    );
    let rich = node
        .walk("/api/v0/balances?min_balance=5&pagination=1", "balances")
        .await;
    assert_eq!(rich.len(), 2);
    assert_eq!(node.failure("/api/v0/balances?min_balance=0").await.0, 422);
    assert_eq!(node.failure("/api/v0/balances?cursor=bad").await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_of_everyone() {
    let node = Fixture::new();
    with_credits(&node).await;
    let rows = json!([{"address": X, "credits": 680}, {"address": "0xY", "credits": 1}]);
    let expected = json!({
        "credit_balances": rows, "pagination_per_page": 100, "pagination_page": 1, "pagination_total": 2,
        "pagination_item": "credit_balances",
    });
    assert_eq!(node.json("/api/v0/credit_balances").await, expected);
    let walked = node
        .walk("/api/v0/credit_balances?pagination=1", "credit_balances")
        .await;
    assert_eq!(json!(walked), rows);
    let rich = node.json("/api/v0/credit_balances?min_balance=2").await;
    assert_eq!(rich["pagination_total"], 1);
    assert_eq!(node.failure("/api/v0/credit_balances?cursor=bad").await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn credit_history_in_both_modes() {
    let node = Fixture::new();
    with_credits(&node).await;
    let uri = format!("/api/v0/addresses/{X}/credit_history");
    let page = node.json(&uri).await;
    assert_eq!(
        (
            &page["address"],
            &page["pagination_page"],
            &page["pagination_total"],
            &page["pagination_per_page"]
        ),
        (&json!(X), &json!(1), &json!(4), &json!(0))
    );
    assert!(page.get("pagination_item").is_none());
    let rows = page["credit_history"].as_array().expect("a list");
    let expense = json!({
        "amount": -120, "price": null, "bonus_amount": null, "tx_hash": null, "token": null, "chain": null,
        "provider": "ALEPH", "origin": "a-resource", "origin_ref": "r", "payment_method": "credit_expense",
        "credit_ref": rows[0]["credit_ref"], "credit_index": 0, "expiration_date": null,
        "message_timestamp": "2026-02-02T02:41:40.500000Z", "expense_count": 3, "expense_size_mib": "1.5",
    });
    assert_eq!(rows[0], expense);
    let bought = node.json(&format!("{uri}?tx_hash=0x1")).await;
    let bought = &bought["credit_history"][0];
    assert_eq!(
        (
            &bought["price"],
            &bought["bonus_amount"],
            &bought["token"],
            &bought["amount"]
        ),
        (&json!("0.000001"), &json!(5), &json!("ALEPH"), &json!(500))
    );

    let first = node.json(&format!("{uri}?pagination=1&cursor=")).await;
    let row = &first["credit_history"][0];
    assert_eq!(
        (&row["expense_size_mib"], &row["message_timestamp"]),
        (&json!(1.5), &json!(1_770_000_100.5))
    );
    for sort in [
        "message_timestamp",
        "expiration_date",
        "amount",
        "tx_hash",
        "payment_method",
    ] {
        for order in [1, -1] {
            let sorted = format!("{uri}?sort_by={sort}&sort_order={order}");
            let all = node.json(&sorted).await;
            let walked = node
                .walk(&format!("{sorted}&pagination=1"), "credit_history")
                .await;
            let named = |rows: &[Value]| {
                let names = rows
                    .iter()
                    .map(|row| json!([row["credit_ref"], row["credit_index"]]));
                names.collect::<Vec<_>>()
            };
            assert_eq!(
                named(&walked),
                named(all["credit_history"].as_array().expect("a list")),
                "{sorted}"
            );
        }
    }
    let next = first["next_cursor"].as_str().expect("a cursor");
    assert_eq!(
        node.failure(&format!("{uri}?pagination=1&sort_by=amount&cursor={next}"))
            .await
            .0,
        422
    );
    assert_eq!(node.failure(&format!("{uri}?cursor=&pagination=0")).await.0, 422);

    for (query, count) in [
        ("direction=incoming", 3),
        ("direction=outgoing", 1),
        ("has_expiration=true", 2),
        ("exclude_payment_method=credit_expense,token_transfer", 2),
        ("resource=a-resource", 1),
        ("startDate=1770000000&endDate=1770000000", 3),
        ("provider=ALEPH", 2),
    ] {
        assert_eq!(
            node.json(&format!("{uri}?{query}")).await["pagination_total"],
            count,
            "{query}"
        );
    }
    let none = (404, "No credit history found for this address".to_owned());
    for query in ["?token=NOPE", "?resourceTypes=INSTANCE", "?page=2&pagination=4"] {
        assert_eq!(node.failure(&format!("{uri}{query}")).await, none, "{query}");
    }

    let summary = json!({
        "address": X, "entry_count": 4, "total_amount": 880, "total_incoming": 1000, "total_outgoing": -120,
    });
    assert_eq!(node.json(&format!("{uri}/summary")).await, summary);
    let empty = node
        .json("/api/v0/addresses/0xNobody/credit_history/summary")
        .await;
    assert_eq!(
        (&empty["entry_count"], &empty["total_amount"]),
        (&json!(0), &json!(0))
    );
    let consumed = node.json("/api/v0/messages/a-resource/consumed_credits").await;
    assert_eq!(
        consumed,
        json!({"item_hash": "a-resource", "consumed_credits": 120})
    );
}
