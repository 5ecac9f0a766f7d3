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
) -> Option<Result<Vec<CreditEntry>, LedgerError>> {
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

#[test]
fn credit_lines() {
    let distribution = r#"{"distribution":{"token":"ALEPH","chain":"ETH","credits":[
        {"address":"0x1","amount":10,"price":"0.5","expiration":1000,"tx_hash":"0xt","provider":"P"}]}}"#;
    let kind = "aleph_credit_distribution";
    assert_eq!(lines("0xX", kind, "ALEPH_CREDIT", distribution), None);
    assert_eq!(lines("0xC", kind, "OTHER", distribution), None);
    let entries = lines("0xC", kind, "ALEPH_CREDIT", distribution)
        .expect("a post")
        .expect("good");
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].amount, entries[0].expiration),
        (10, Some(Micros(1_000_000)))
    );
    assert_eq!(entries[0].token.as_deref(), Some("ALEPH"));
    let expense = r#"{"expense":{"credits":[{"address":"0x1","amount":4,"execution_id":"e"}]}}"#;
    let entries = lines("0xC", "aleph_credit_expense", "ALEPH_CREDIT", expense)
        .expect("a post")
        .expect("good");
    assert_eq!((entries[0].amount, entries[0].origin.as_deref()), (-4, Some("e")));
}

#[test]
fn a_transfer_conserves_credits() {
    let transfer = r#"{"transfer":{"credits":[{"address":"0x1","amount":3},{"address":"0x2","amount":4}]}}"#;
    let kind = "aleph_credit_transfer";
    let entries = lines("0xX", kind, "ALEPH_CREDIT", transfer)
        .expect("anybody may")
        .expect("good");
    assert_eq!(entries.iter().map(|entry| entry.amount).sum::<i64>(), 0);
    assert_eq!(entries.len(), 4);
    for bad in [
        r#"{"transfer":{"credits":[{"address":"0xX","amount":3}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":3},{"address":"0x1","amount":3}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":0}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":-3}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":true}]}}"#,
        r#"{"transfer":{"credits":[{"address":"0x1","amount":1.5}]}}"#,
        r#"{"transfer":{}}"#,
    ] {
        assert!(
            lines("0xX", kind, "ALEPH_CREDIT", bad).expect("a post").is_err(),
            "{bad}"
        );
    }
}

#[test]
fn old_amounts_were_coarser() {
    let expense = r#"{"expense":{"credits":[{"address":"0x1","amount":4}]}}"#;
    let channel = [Some("ALEPH_CREDIT".to_owned())];
    let amount = |time| {
        let entries = credit_entries(
            &trusted(),
            "0xC",
            &channel,
            "aleph_credit_expense",
            time,
            Some(expense),
        );
        entries.expect("a post").expect("good")[0].amount
    };
    assert_eq!(amount(FINE_CREDITS_SINCE), -4);
    assert_eq!(amount(Micros(FINE_CREDITS_SINCE.0 - 1)), -40_000);
}
