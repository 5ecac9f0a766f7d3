//! Posts that are money facts, and posts that only look like it.

use super::*;

fn trusted() -> Trusted {
    Trusted {
        balance_oracles: vec!["0xO".into()],
        balance_post_type: "balances-update".into(),
        credit_oracles: vec!["0xC".into()],
        credit_channels: vec!["ALEPH_CREDIT".into()],
    }
}

fn report(owner: &str, content: &str) -> Option<Result<BalanceUpdate, LedgerError>> {
    balance_update(&trusted(), owner, "balances-update", Some(content))
}

fn lines(
    owner: &str,
    kind: &str,
    channel: &str,
    content: &str,
) -> Option<Result<CreditEntries, LedgerError>> {
    let now = Micros(1_800_000_000_000_000);
    credit_entries(
        &trusted(),
        owner,
        &[None, Some(channel.into())],
        kind,
        now,
        Some(content),
    )
}

#[test]
fn balance_reports() {
    let good = r#"{"chain":"ETH","main_height":7,"balances":{"0x1":1.5,"0x2":"2.25"}}"#;
    assert_eq!(report("0xX", good), None, "only of trusted owners");
    let update = report("0xO", good).expect("a report").expect("a good one");
    assert_eq!((update.chain, update.height, update.dapp), (Chain::Eth, 7, None));
    let balances: Vec<_> = update
        .entries
        .iter()
        .map(|entry| entry.balance.as_str())
        .collect();
    assert_eq!(balances, ["1.5", "2.25"]);
    for bad in [
        "[]",
        r#"{"chain":"NOPE","main_height":7,"balances":{}}"#,
        r#"{"chain":"ETH","main_height":"7","balances":{}}"#,
        r#"{"chain":"ETH","main_height":7,"balances":{"0x1":null}}"#,
        r#"{"chain":"ETH","main_height":7,"balances":{"0x1":"inf"}}"#,
        r#"{"chain":"ETH","main_height":7}"#,
    ] {
        assert!(report("0xO", bad).expect("a report").is_err(), "{bad}");
    }
}

fn good(owner: &str, kind: &str, content: &str) -> CreditEntries {
    let post = lines(owner, kind, "ALEPH_CREDIT", content).expect("a credit post");
    post.expect("a good one")
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn distributions() {
    let distribution = r#"{"distribution":{"token":"ALEPH","chain":"ETH","credits":[
        {"address":"0x1","amount":10,"price":"0.5","expiration":1000,"tx_hash":"0xt","provider":"P",
         "origin":"o","ref":"r","payment_method":"card","bonus_amount":2},
        {"address":"0x1","amount":1,"expiration":0,"bonus_amount":0,"count":3,"size":"4"}]}}"#;
    let kind = "aleph_credit_distribution";
    assert_eq!(lines("0xX", kind, "ALEPH_CREDIT", distribution), None);
    assert_eq!(lines("0xC", kind, "OTHER", distribution), None);
    let post = good("0xC", kind, distribution);
    let full = CreditEntry {
        address: "0x1".into(),
        amount: 10,
        expiration: Some(Micros(1_000_000)),
        price: some("0.5"),
        bonus_amount: Some(2),
        tx_hash: some("0xt"),
        token: some("ALEPH"),
        chain: some("ETH"),
        provider: some("P"),
        origin: some("o"),
        origin_ref: some("r"),
        payment_method: some("card"),
        ..CreditEntry::default()
    };
    let plain = CreditEntry {
        address: "0x1".into(),
        amount: 1,
        token: some("ALEPH"),
        chain: some("ETH"),
        ..CreditEntry::default()
    };
    assert_eq!((post.kind, post.required), (CreditKind::Distribution, None));
    assert_eq!(post.entries, [full, plain]);
}

#[test]
fn expenses() {
    let expense = r#"{"expense":{"token":"T","chain":"C","credits":[{"address":"0x1","amount":4,"execution_id":"e",
        "ref":"r","node_id":"n","price":0.5,"count":3,"size":"1.5","expiration":"any","bonus_amount":7}]}}"#;
    let post = good("0xC", "aleph_credit_expense", expense);
    let line = CreditEntry {
        address: "0x1".into(),
        amount: 4,
        price: some("0.5"),
        tx_hash: some("n"),
        provider: some("ALEPH"),
        origin: some("e"),
        origin_ref: some("r"),
        payment_method: some("credit_expense"),
        count: Some(3),
        size_mib: some("1.5"),
        ..CreditEntry::default()
    };
    assert_eq!((post.kind, post.required), (CreditKind::Expense, None));
    assert_eq!(post.entries, [line]);
}

#[test]
fn transfers() {
    let transfer = r#"{"transfer":{"credits":[{"address":"0x1","amount":3,"expiration":5},{"address":"0x2","amount":4}]}}"#;
    let kind = "aleph_credit_transfer";
    let post = good("0xX", kind, transfer);
    assert_eq!((post.kind, post.required), (CreditKind::Transfer, Some(7)));
    let first = CreditEntry {
        address: "0x1".into(),
        amount: 3,
        expiration: Some(Micros(5_000)),
        provider: some("ALEPH"),
        origin: some("0xX"),
        payment_method: some("credit_transfer"),
        ..CreditEntry::default()
    };
    assert_eq!((post.entries.len(), &post.entries[0]), (2, &first));
    // Who may mint need not have what he gives.
    assert_eq!(good("0xC", kind, transfer).required, None);
    for bad in [
        r#"{"transfer":{"credits":[{"address":"0xX","amount":3}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":3},{"address":"0x1","amount":3}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":0}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":-3}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":true}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":1.5}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":3,"expiration":"soon"}]}}"#,
        r#"{"transfer":{}}"#,
    ] {
        assert!(
            lines("0xX", kind, "ALEPH_CREDIT", bad).expect("a post").is_err(),
            "{bad}"
        );
    }
}

#[test]
fn old_amounts_were_coarser_but_not_their_sum() {
    let transfer = r#"{"transfer":{"credits":[{"address":"0x1","amount":4},{"address":"0x2","amount":1}]}}"#;
    let channel = [Some("ALEPH_CREDIT".to_owned())];
    let read = |time| {
        let kind = "aleph_credit_transfer";
        let post = credit_entries(&trusted(), "0xX", &channel, kind, time, Some(transfer));
        let post = post.expect("a post").expect("good");
        (post.entries[0].amount, post.required)
    };
    assert_eq!(read(FINE_CREDITS_SINCE), (4, Some(5)));
    assert_eq!(read(Micros(FINE_CREDITS_SINCE.0 - 1)), (40_000, Some(5)));
    let most = i64::MAX.to_string();
    let huge = format!(
        r#"{{"transfer":{{"credits":[{{"address":"0x1","amount":{most}}},{{"address":"0x2","amount":{most}}},
            {{"address":"0x3","amount":{most}}}]}}}}"#
    );
    assert_eq!(
        good("0xX", "aleph_credit_transfer", &huge).required,
        Some(u64::MAX)
    );
}
