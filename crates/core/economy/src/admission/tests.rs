use alephd_message::{Content, ItemHash, MessageType};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{cost, pricing::Pricing};

/// Those of the network.
fn parameters() -> Parameters {
    Parameters {
        pricing_owner: "0xFba561a84A537fCaa567bb7A2257e7142701ae2A".into(),
        cost_time: seconds(1_743_775_079),
        cost_height: 22_196_000,
        no_hold_time: seconds(1_773_187_200),
        credit_only_time: seconds(1_798_761_600),
    }
}

fn seconds(seconds: i64) -> Micros {
    Micros(seconds * 1_000_000)
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// What is asked for in these tests.
#[derive(Clone, Copy, Debug)]
enum Asked {
    File { bytes: u64 },
    Program { persistent: bool },
    Instance,
}

use Asked::{File, Instance, Program};

fn content(asked: Asked, payment: &str) -> (MessageType, Value) {
    let hash = "a".repeat(64);
    let base = json!({
        "address": "0xa", "time": 1, "allow_amend": false, "environment": {}, "resources": {},
        "payment": {"type": payment},
    });
    let with = |more: Value| {
        let mut content = base.clone();
        let fields = content.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        content
    };
    match asked {
        File { .. } => {
            let payment = json!({"type": payment});
            let content = json!({
                "address": "0xa", "time": 1, "item_type": "storage", "item_hash": hash, "payment": payment,
            });
            (MessageType::Store, content)
        }
        Program { persistent } => {
            let content = with(json!({
                "type": "vm-function",
                "on": {"http": true, "persistent": persistent},
                "code": {"encoding": "zip", "entrypoint": "m:a", "ref": hash},
                "runtime": {"ref": hash, "comment": ""},
            }));
            (MessageType::Program, content)
        }
        Instance => {
            let rootfs = json!({"parent": {"ref": hash}, "persistence": "host", "size_mib": 1});
            (MessageType::Instance, with(json!({"rootfs": rootfs})))
        }
    }
}

fn checked(asked: Asked, payment: &str, time: i64, height: Option<u64>) -> Result<Check, Refusal> {
    let (message_type, content) = content(asked, payment);
    let text = content.to_string();
    let content = Content::parse(message_type, &text).unwrap();
    let demand = Demand::of(&content, &text, &ItemHash::Sha256([1; 32]))
        .unwrap()
        .unwrap();
    let bytes = match asked {
        File { bytes } => Some(bytes),
        Program { .. } | Instance => None,
    };
    let costs = cost::costs(&demand, &Pricing::defaults(), &|_| bytes).unwrap();
    let time = seconds(time);
    check(&parameters(), &demand, &costs, Sent { time, height })
}

const LARGE: Asked = File {
    bytes: (25 << 20) + 1,
};
const SMALL: Asked = File { bytes: 25 << 20 };
const ON_DEMAND: Asked = Program { persistent: false };
const PERSISTENT: Asked = Program { persistent: true };

/// The first second, and the last before it, of each of the rules.
const COST: i64 = 1_743_775_079;
const NO_HOLD: i64 = 1_773_187_200;
const CREDIT_ONLY: i64 = 1_798_761_600;

fn hold(tokens: &str) -> Result<Check, Refusal> {
    let needed = amount(tokens);
    Ok(Check::Hold { needed })
}

#[test]
fn holding_ends_by_and_by() {
    let refused = Err(Refusal::PaymentMethod);
    let large = hold("8.333333642891438484");
    for (asked, time, expected) in [
        (LARGE, COST - 1, Ok(Check::None)),
        (LARGE, COST, large),
        (LARGE, NO_HOLD, large),
        (LARGE, CREDIT_ONLY - 1, large),
        (LARGE, CREDIT_ONLY, refused),
        (SMALL, COST, hold("0")),
        (SMALL, CREDIT_ONLY - 1, hold("0")),
        (SMALL, CREDIT_ONLY, refused),
        (File { bytes: 0 }, COST, Ok(Check::None)),
        (ON_DEMAND, COST - 1, Ok(Check::None)),
        (ON_DEMAND, COST, hold("200")),
        (ON_DEMAND, NO_HOLD, hold("200")),
        (ON_DEMAND, CREDIT_ONLY, refused),
        (PERSISTENT, COST - 1, hold("1000")),
        (PERSISTENT, NO_HOLD - 1, hold("1000")),
        (PERSISTENT, NO_HOLD, refused),
        (Instance, COST - 1, hold("1000")),
        (Instance, NO_HOLD - 1, hold("1000")),
        (Instance, NO_HOLD, refused),
    ] {
        assert_eq!(
            checked(asked, "hold", time, None),
            expected,
            "{asked:?} at {time}"
        );
    }
}

#[test]
fn streams_are_not_checked_and_end_with_holding() {
    assert_eq!(
        checked(Instance, "superfluid", NO_HOLD - 1, None),
        Ok(Check::None)
    );
    assert_eq!(checked(ON_DEMAND, "superfluid", NO_HOLD, None), Ok(Check::None));
    for (asked, time) in [
        (Instance, NO_HOLD),
        (PERSISTENT, NO_HOLD),
        (ON_DEMAND, CREDIT_ONLY),
    ] {
        assert_eq!(
            checked(asked, "superfluid", time, None),
            Err(Refusal::PaymentMethod),
            "{asked:?}"
        );
    }
}

#[test]
fn credits_are_always_accepted() {
    for asked in [LARGE, SMALL, ON_DEMAND, PERSISTENT, Instance] {
        for time in [COST, NO_HOLD, CREDIT_ONLY, 2 * CREDIT_ONLY] {
            let check = checked(asked, "credit", time, None);
            assert!(
                matches!(check, Ok(Check::Credit { needed }) if needed > Amount::ZERO),
                "{asked:?}"
            );
        }
    }
    assert_eq!(checked(SMALL, "credit", COST - 1, None), Ok(Check::None));
}

#[test]
fn a_confirmation_tells_what_is_free() {
    assert_eq!(
        checked(LARGE, "hold", CREDIT_ONLY, Some(22_195_999)),
        Ok(Check::None)
    );
    assert!(matches!(
        checked(LARGE, "hold", COST - 1, Some(22_196_000)),
        Ok(Check::Hold { .. })
    ));
}

#[test]
fn tokens_cover_all_costs() {
    let check = Check::Hold {
        needed: amount("200"),
    };
    let (recorded, enough) = (amount("0.5"), amount("200.5"));
    assert_eq!(check.against(enough, recorded), Ok(()));
    let short = Amount::from_units(enough.units() - 1);
    let refusal = check.against(short, recorded).unwrap_err();
    assert_eq!(refusal.code(), ErrorCode::BalanceInsufficient);
    assert_eq!(
        refusal.details(),
        Some(json!({"errors": [{
            "required_balance": "200.500000000000000000",
            "account_balance": "200.499999999999999999",
        }]}))
    );
    assert_eq!(Check::None.against(-amount("1"), enough), Ok(()));
}

#[test]
fn credits_last_for_a_day() {
    let needed = amount("7.916666666666666666");
    let check = Check::Credit { needed };
    assert_eq!(check.against(amount("684000"), Amount::ZERO), Ok(()));
    let refusal = check
        .against(amount("684000"), Amount::from_units(1_000))
        .unwrap_err();
    assert_eq!(refusal.code(), ErrorCode::CreditInsufficient);
    assert_eq!(
        refusal.details(),
        Some(json!({"errors": [{
            "required_credits": "684000.000000000086342400",
            "account_credits": "684000",
            "min_runtime_days": 1,
        }]}))
    );
    // Beyond all bounds is more than anybody has.
    assert!(check.against(Amount::MAX, Amount::MAX).is_ok());
    assert!(check.against(Amount::from_whole(i64::MAX), Amount::MAX).is_err());
}

#[test]
fn a_refused_payment_has_no_details() {
    assert_eq!(Refusal::PaymentMethod.code(), ErrorCode::InvalidPaymentMethod);
    assert_eq!(Refusal::PaymentMethod.details(), None);
}

#[test]
fn small_sums_are_printed_as_the_network_does() {
    for (sum, printed) in [
        ("0", "0E-18"),
        ("0.000000635782877", "6.35782877000E-7"),
        ("0.000000000000000009", "9E-18"),
        ("0.000001", "0.000001000000000000"),
        ("-0.0000001", "-1.00000000000E-7"),
        ("12", "12.000000000000000000"),
    ] {
        assert_eq!(scaled(amount(sum)), printed);
    }
}

proptest! {
    #[test]
    fn who_has_more_is_admitted_no_less(needed: u64, recorded: u64, balance: i64, more: u32, credit: bool) {
        let needed = Amount::from_units(needed.into());
        let check = if credit { Check::Credit { needed } } else { Check::Hold { needed } };
        let recorded = Amount::from_units(recorded.into());
        let admitted = |balance: i64| check.against(Amount::from_units(balance.into()), recorded).is_ok();
        prop_assert!(!admitted(balance) || admitted(balance.saturating_add(more.into())));
    }
}
