//! Who can pay as of a position, whatever came first.

use super::*;

/// Reports balances.
const ORACLE: u8 = 9;
/// Sets prices.
const PRICER: u8 = 8;

/// A network on which everything costs from the beginning, and tokens still buy it.
pub(super) fn config() -> EngineConfig {
    EngineConfig {
        trusted: Trusted {
            balance_oracles: vec![key(ORACLE).address().to_owned()],
            balance_post_type: "balances-update".into(),
            ..Trusted::default()
        },
        money: admission::Parameters {
            pricing_owner: key(PRICER).address().to_owned(),
            cost_time: Micros(0),
            cost_height: 0,
            ..EngineConfig::default().money
        },
        ..EngineConfig::default()
    }
}

pub(super) fn balance(of: &EvmKey, tokens: u32, height: u32, time: f64) -> Envelope {
    let oracle = key(ORACLE);
    let content = json!({"type": "balances-update", "address": oracle.address(), "time": time, "content":
        {"chain": "ETH", "main_height": height, "balances": {of.address(): tokens}}});
    sealed(&oracle, MessageType::Post, &content)
}

/// A function that costs 200 tokens.
fn function(owner: &EvmKey, code: &Envelope, time: f64) -> Envelope {
    program(owner, code, time, &json!({}))
}

#[test]
fn what_came_first_in_the_order_is_paid_first() {
    let alice = key(1);
    let code = store(&alice, b"code", 1.0);
    let first = function(&alice, &code, 3.0);
    let second = function(&alice, &code, 4.0);
    let messages = [balance(&alice, 250, 1, 2.0), first, second];
    let live = live_in_every_order(&config(), b"code", &[code], &messages);
    assert_eq!(live, [true, true, false]);
}

#[test]
fn money_that_came_too_late_does_not_count() {
    let alice = key(1);
    let code = store(&alice, b"code", 1.0);
    let messages = [
        function(&alice, &code, 3.0),
        balance(&alice, 250, 1, 4.0),
        function(&alice, &code, 5.0),
    ];
    let live = live_in_every_order(&config(), b"code", &[code], &messages);
    assert_eq!(live, [false, true, true]);
}

#[test]
fn what_was_forgotten_is_no_longer_paid_for() {
    let alice = key(1);
    let code = store(&alice, b"code", 1.0);
    let money = balance(&alice, 250, 1, 2.0);
    let first = function(&alice, &code, 3.0);
    let second = function(&alice, &code, 4.0);
    let gone = forget(&alice, &[&first], 5.0);
    let third = function(&alice, &code, 6.0);
    let live = live_in_every_order(&config(), b"code", &[code, money], &[first, second, gone, third]);
    assert_eq!(live, [false, false, true, true]);
}

#[test]
fn a_price_list_counts_from_its_position() {
    let alice = key(1);
    let pricer = key(PRICER);
    let code = store(&alice, b"code", 1.0);
    let money = balance(&alice, 1_000, 1, 2.0);
    let dear = json!({"program": {"price": {"storage": {"holding": "0"}, "compute_unit": {"holding": "900"}},
        "tiers": [{"id": "tier-1", "compute_units": 1}],
        "compute_unit": {"vcpus": 1, "memory_mib": 2048, "disk_mib": 2048}}});
    let content = json!({"key": "pricing", "address": pricer.address(), "time": 4.0, "content": dear});
    let list = sealed(&pricer, MessageType::Aggregate, &content);
    let messages = [function(&alice, &code, 3.0), list, function(&alice, &code, 5.0)];
    let live = live_in_every_order(&config(), b"code", &[code, money], &messages);
    assert_eq!(live, [true, true, false]);
}

#[test]
fn a_refusal_tells_what_is_needed() {
    let alice = key(1);
    let code = store(&alice, b"code", 1.0);
    let mut fixture = Fixture::with(config());
    fixture.file(b"code");
    fixture.take(&code);
    let outcome = fixture.take(&function(&alice, &code, 3.0));
    assert_eq!(
        (outcome.status, outcome.code),
        (Rejected, Some(ErrorCode::BalanceInsufficient))
    );
}

#[test]
fn credits_that_came_first_pay_whatever_arrives_first() {
    let (alice, oracle) = (key(1), key(ORACLE));
    let config = EngineConfig {
        trusted: Trusted {
            credit_oracles: vec![oracle.address().to_owned()],
            credit_channels: vec!["TEST".into()],
            ..Trusted::default()
        },
        ..config()
    };
    let code = store(&alice, b"code", 1.0);
    let grant = |time: f64| {
        let lines = json!([{"address": alice.address(), "amount": 1_000_000, "price": "1", "tx_hash": "0x1",
            "provider": "ALEPH"}]);
        let content = json!({"type": "aleph_credit_distribution", "address": oracle.address(), "time": time,
            "content": {"distribution": {"credits": lines, "token": "ALEPH", "chain": "ETH"}}});
        sealed(&oracle, MessageType::Post, &content)
    };
    // 11,000 credits an hour: a day costs 264,000, and old amounts count ten thousandfold.
    let paid = |time: f64| {
        program(
            &alice,
            &code,
            time,
            &json!({"payment": {"chain": "ETH", "type": "credit"}}),
        )
    };
    let messages = [paid(2.0), grant(3.0), paid(4.0)];
    let live = live_in_every_order(&config, b"code", std::slice::from_ref(&code), &messages);
    assert_eq!(live, [false, true, true]);
}
