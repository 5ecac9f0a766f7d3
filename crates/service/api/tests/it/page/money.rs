//! What the pages say of accounts and of storage.

use std::time::Duration;

use alephd_message::{Chain, Envelope};
use alephd_testkit::{builder, keys};
use serde_json::json;

use super::assert_harmless;
use crate::fixture::Fixture;

/// After credits have got their present unit.
const START: f64 = 1_770_000_000.0;

async fn page(node: &Fixture, path: &str) -> String {
    let answer = node.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert_harmless(path, answer.text());
    answer.text().to_owned()
}

/// The messages that a page links to, in its order.
fn linked(html: &str, before: &str) -> Vec<String> {
    let links = html.split(before).skip(1);
    links
        .map(|rest| rest[..rest.find('"').expect("closed")].to_owned())
        .collect()
}

/// Tokens on two chains and in a contract, credits in two lots, twelve files and a machine.
struct Account {
    address: String,
    machine: Envelope,
}

async fn account(node: &Fixture) -> Account {
    node.clock.set_now_micros((START as i64 + 1_000) * 1_000_000);
    let (alice, funder) = (keys::evm("alice"), keys::funder());
    let address = alice.address();
    for (index, (chain, tokens)) in [(Chain::Eth, 1_234.5), (Chain::Sol, 0.25)].iter().enumerate() {
        let report = builder::balances_update(&funder, *chain, 7, &[(address, *tokens)]);
        node.publish(report.at(START + index as f64).seal()).await;
    }
    let lines = vec![
        json!({"address": address, "amount": 900_000_000, "payment_method": "card"}),
        json!({"address": address, "amount": 5, "expiration": 1_900_000_000_000_i64}),
    ];
    let grant = builder::credit_distribution_to(&funder, lines).at(START + 2.0);
    node.publish(grant.seal()).await;
    let mut stored = None;
    for number in 0..12_u8 {
        let file = node.add_file(&[number; 2_000]).await;
        let store = builder::store(&alice, &file).at(START + 3.0 + f64::from(number));
        stored = Some(node.publish(store.seal()).await);
    }
    let rootfs = stored.expect("stored");
    let machine = builder::instance(&alice, &rootfs)
        .set("payment", json!({"type": "credit"}))
        .at(START + 20.0)
        .seal();
    node.publish(machine.clone()).await;
    Account {
        address: address.to_owned(),
        machine,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_shown_with_what_it_has_and_pays() {
    let node = Fixture::new();
    let Account { address, machine } = account(&node).await;
    let path = format!("/explore/accounts/{address}");
    let html = page(&node, &path).await;
    for text in [
        "1\u{202f}234.75",
        "<td>SOL</td>",
        "900\u{202f}000\u{202f}005",
        "credits a day are used: enough for",
        "never",
        "in 4 years",
        "granted",
        "card",
        "<dd>12</dd>",
        "23.4\u{a0}KiB",
        "2.0\u{a0}KiB",
        "pill processed",
    ] {
        assert!(html.contains(text), "{text} in {html}");
    }
    assert!(html.contains(&format!("/explore/messages/{}", machine.item_hash)));
    assert!(
        html.contains(&format!("href=\"{path}/files\"")),
        "there are more files"
    );

    let mut seen = std::collections::BTreeSet::new();
    for list in ["files", "credits", "history", "costs"] {
        let html = page(&node, &format!("{path}/{list}")).await;
        seen.extend(linked(&html, "href=\"/explore/messages/"));
        let answer = node.get(&format!("{path}/{list}?after=%22%3E%3Cscript%3E")).await;
        assert_eq!(answer.status, 400, "{list}");
        assert_harmless(list, answer.text());
    }
    // Twelve STOREs, the machine, the grant.
    assert_eq!(seen.len(), 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_leads_to_its_account() {
    let node = Fixture::new();
    let Account { address, machine } = account(&node).await;
    let path = format!("/explore/accounts/{address}");
    for front in ["/", "/explore/accounts"] {
        assert!(
            page(&node, front).await.contains("action=\"/explore/accounts\""),
            "{front}"
        );
    }
    let answer = node.get(&format!("/explore/accounts?address=+{address}+")).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some(path.as_str()))
    );
    for place in [
        format!("/explore?address={address}"),
        format!("/explore/messages/{}", machine.item_hash),
    ] {
        assert!(
            page(&node, &place).await.contains(&format!("href=\"{path}\"")),
            "{place}"
        );
    }

    for nobody in ["0xNobody", "..", "a/b?c=%d e&<script>\u{202e}\"'"] {
        let query: String = form_encoded(nobody);
        let answer = node.get(&format!("/explore/accounts?address={query}")).await;
        let place = answer.header("location").expect("a redirection").to_owned();
        assert_eq!(place.matches('/').count(), 3, "{place}");
        let answer = node.get(&place).await;
        assert_eq!(answer.status, 404, "{nobody}");
        assert!(answer.text().contains("knows nothing of that address"));
        assert_harmless(nobody, answer.text());
    }
    let long = "x".repeat(500);
    for place in [
        format!("/explore/accounts?address={long}"),
        format!("/explore/accounts/{long}"),
        format!("{path}/nothing"),
    ] {
        assert!([400, 404].contains(&node.get(&place).await.status), "{place}");
    }
}

fn form_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_is_shown_with_what_is_about_to_go() {
    let node = Fixture::new();
    let html = page(&node, "/explore/storage").await;
    assert!(html.contains("Everything is paid for.") && html.contains("No file waits for a message."));

    let Account { address, machine } = account(&node).await;
    for number in 0..30_u8 {
        node.add_file(&[200 + number; 100]).await;
    }
    // The numbers are those of a minute ago until they are counted again.
    node.clock.advance(Duration::from_secs(61));
    let html = page(&node, "/explore/storage").await;
    for text in [
        "<dd>42</dd>",
        "26.4\u{a0}KiB",
        "<dd>12</dd>",
        "in 23 h",
        "Everything is paid for.",
    ] {
        assert!(html.contains(text), "{text} in {html}");
    }
    assert_eq!(linked(&html, "href=\"/api/v0/storage/raw/").len(), 8);
    let mut files = Vec::new();
    let mut path = "/explore/storage/uploads".to_owned();
    for count in [25, 5] {
        let html = page(&node, &path).await;
        let found = linked(&html, "href=\"/api/v0/storage/raw/");
        assert_eq!(found.len(), count);
        files.extend(found);
        path = linked(&html, "rel=\"next\" href=\"").pop().unwrap_or_default();
    }
    files.sort_unstable();
    files.dedup();
    assert_eq!((files.len(), path.as_str()), (30, ""));

    // The credits go, and the next look at the account finds that out.
    let funder = keys::funder();
    let expense = builder::credit_expense(&funder, &[(&address, 899_999_999)]);
    node.publish(expense.at(START + 900.0).seal()).await;
    let hash = machine.item_hash.to_string();
    node.clock.advance(Duration::from_secs(61));
    node.add_file(b"any job wakes the engine").await;
    let mut html = page(&node, "/explore/storage").await;
    while !html.contains(&hash) {
        tokio::task::yield_now().await;
        html = page(&node, "/explore/storage").await;
    }
    // The engine may have come by before the last minute went.
    let is_due = html.contains("in 25 h") || html.contains("in 24 h");
    assert!(is_due && html.contains("too few credits"), "{html}");
    let html = page(&node, &format!("/explore/messages/{hash}")).await;
    assert!(html.contains("What is about to happen") && html.contains("to be removed from"));
    let html = page(&node, &format!("/explore/accounts/{address}")).await;
    assert!(
        html.contains("pill removing") && html.contains("given notice"),
        "{html}"
    );
    assert!(html.contains("−899\u{202f}999\u{202f}999"));
    let list = page(&node, "/explore/storage/removing").await;
    assert!(list.contains(&hash) && list.contains(&format!("/explore/accounts/{address}")));
    for path in ["/explore/storage/nothing", "/explore/storage/removing?after=1.2"] {
        assert!([400, 404].contains(&node.get(path).await.status), "{path}");
    }
}
