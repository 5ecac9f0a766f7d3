use alephd_message::{Content, MessageType};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NAME: ItemHash = ItemHash::Sha256([7; 32]);

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn hash(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn instance(vcpus: u32, memory: u32, root_mib: u64) -> Value {
    json!({
        "address": "0xowner",
        "time": 1_700_000_000.5,
        "allow_amend": false,
        "environment": {"internet": true},
        "resources": {"vcpus": vcpus, "memory": memory},
        "rootfs": {"parent": {"ref": hash('a')}, "persistence": "host", "size_mib": root_mib},
    })
}

fn program(memory: u32, persistent: bool, internet: bool) -> Value {
    json!({
        "address": "0xowner",
        "time": 1_700_000_000.5,
        "type": "vm-function",
        "allow_amend": false,
        "environment": {"internet": internet},
        "resources": {"memory": memory},
        "on": {"http": true, "persistent": persistent},
        "code": {"encoding": "zip", "entrypoint": "main:app", "ref": hash('b')},
        "runtime": {"ref": hash('c'), "comment": ""},
    })
}

fn store(payment: &str) -> Value {
    json!({
        "address": "0xowner",
        "time": 1_700_000_000.5,
        "item_type": "storage",
        "item_hash": hash('d'),
        "payment": {"type": payment},
    })
}

fn demand(message_type: MessageType, content: &Value) -> Demand {
    let text = content.to_string();
    let content = Content::parse(message_type, &text).unwrap();
    Demand::of(&content, &text, &NAME).unwrap().unwrap()
}

fn bill(message_type: MessageType, content: &Value, bytes: Option<u64>) -> Costs {
    let demand = demand(message_type, content);
    costs(&demand, &Pricing::defaults(), &|_| bytes).unwrap()
}

fn paid_by(mut content: Value, payment: &str) -> Value {
    content["payment"] = json!({"type": payment});
    content
}

#[test]
fn an_instance_within_its_units() {
    let costs = bill(MessageType::Instance, &instance(2, 4_096, 40_960), None);
    assert_eq!(costs.total, amount("2000"));
    assert_eq!(costs.owner, "0xowner");
    let kinds: Vec<_> = costs
        .lines
        .iter()
        .map(|line| (line.kind, line.name.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (CostKind::Execution, "instance"),
            (CostKind::Rootfs, "EXECUTION_INSTANCE_VOLUME_ROOTFS"),
            (CostKind::Discount, "EXECUTION_VOLUME_DISCOUNT"),
        ]
    );
    assert_eq!(costs.lines[1].hold, amount("2048"));
    assert_eq!(costs.lines[2].hold, amount("-2048"));
    // 28500 credits an hour.
    let credits = bill(
        MessageType::Instance,
        &paid_by(instance(2, 4_096, 40_960), "credit"),
        None,
    );
    assert_eq!(credits.total, amount("7.916666666666666666"));
    // Processors count as much as memory, and each begun unit counts.
    for (vcpus, memory, hold) in [(1, 1, 1_000), (4, 2_048, 4_000), (1, 2_049, 2_000)] {
        let costs = bill(MessageType::Instance, &instance(vcpus, memory, 1), None);
        assert_eq!(costs.total, Amount::from_whole(hold));
    }
}

#[test]
fn a_program_doubles_with_the_internet() {
    let total = |persistent, internet| {
        let content = program(3_000, persistent, internet);
        bill(MessageType::Program, &content, None).total
    };
    assert_eq!(total(false, false), amount("400"));
    assert_eq!(total(false, true), amount("800"));
    assert_eq!(total(true, true), amount("2000"));
}

#[test]
fn a_missing_file_has_no_line() {
    let content = program(128, false, false);
    assert_eq!(bill(MessageType::Program, &content, None).lines.len(), 2);
    let costs = bill(MessageType::Program, &content, Some(1 << 20));
    assert_eq!(costs.lines.len(), 4);
    assert_eq!(costs.lines[1].kind, CostKind::Code);
    assert_eq!(costs.lines[1].hold, amount("0.05"));
    let files = demand(MessageType::Program, &content).files();
    assert_eq!(
        files,
        [
            CostFile::Stored {
                store: ItemHash::parse_strict(&hash('b')).unwrap(),
                latest: false
            },
            CostFile::Stored {
                store: ItemHash::parse_strict(&hash('c')).unwrap(),
                latest: true
            },
        ]
    );
}

#[test]
fn volumes_are_named_by_their_place() {
    let mut content = instance(1, 1, 1);
    content["volumes"] = json!([
        {"mount": "/keep", "size_mib": 100, "persistence": "host"},
        {"ref": hash('e'), "mount": ""},
        {"ephemeral": true, "size_mib": 5},
    ]);
    let costs = bill(MessageType::Instance, &content, Some(3 << 20));
    let names: Vec<_> = costs.lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(
        names[2..5],
        [
            "#0:/keep",
            "#1:EXECUTION_VOLUME_INMUTABLE",
            "#2:EXECUTION_VOLUME_PERSISTENT"
        ]
    );
    let sizes: Vec<_> = costs
        .lines
        .iter()
        .map(|line| line.size.map(Mib::to_f64))
        .collect();
    assert_eq!(sizes, [None, Some(1.0), Some(100.0), Some(3.0), Some(5.0), None]);
}

#[test]
fn a_file_as_the_api_shows_it() {
    let costs = bill(MessageType::Store, &store("hold"), Some(1 << 20));
    assert_eq!(
        costs.to_json(false),
        json!({
            "charged_address": "0xowner",
            "cost": "0.333333333000000000",
            "detail": [{
                "type": "STORAGE",
                "name": "STORAGE",
                "cost_hold": "0.333333333000000000",
                "cost_stream": "0.000000000000000000",
                "cost_credit": "0.000049909691751739",
                "size_mib": null,
            }],
            "payment_type": "hold",
            "required_tokens": 0.333333333,
        })
    );
    assert_eq!(costs.to_json(true)["detail"][0]["size_mib"], json!(1.0));
    assert_eq!(costs.lines[0].reference, Some(NAME));
    assert_eq!(
        bill(MessageType::Store, &store("hold"), Some(20 << 20)).total,
        amount("6.66666666")
    );
}

#[test]
fn credits_have_minima() {
    let credits = |bytes| bill(MessageType::Store, &store("credit"), Some(bytes)).total;
    // 25 MiB at 0.17967489030626108 credits an hour, whatever is smaller.
    assert_eq!(credits(1), amount("0.001247742293793479"));
    assert_eq!(credits(25 << 20), credits(1));
    assert!(credits((25 << 20) + 1) > credits(1));
    // Nothing is kept of an empty or unknown file.
    assert_eq!(credits(0), Amount::ZERO);
    assert_eq!(bill(MessageType::Store, &store("credit"), None).lines, []);
    // A volume costs a credit an hour, and so does the discount take off.
    let mut content = paid_by(instance(1, 1, 1), "credit");
    content["volumes"] = json!([{"ephemeral": true, "size_mib": 1}]);
    let costs = bill(MessageType::Instance, &content, None);
    assert_eq!(costs.lines[2].credit, amount("0.000277777777777777"));
    assert_eq!(costs.lines[3].credit, amount("-0.000555555555555554"));
    assert_eq!(costs.total, costs.lines[0].credit);
    // Without credits there is no minimum.
    let held = bill(MessageType::Instance, &instance(1, 1, 1), None);
    assert_eq!(held.lines[1].credit, amount("0.000049909691751739"));
}

#[test]
fn gpus_bring_their_units() {
    let with_gpus = |ids: &[&str], memory: u32, confidential: bool| {
        let mut content = paid_by(instance(1, memory, 1), "credit");
        content["environment"] = json!({"hypervisor": "qemu"});
        if confidential {
            content["environment"]["trusted_execution"] = json!({"policy": 1});
        }
        let gpu =
            |id: &&str| json!({"vendor": "v", "device_name": "n", "device_class": "0302", "device_id": id});
        let gpus: Vec<Value> = ids.iter().map(gpu).collect();
        content["requirements"] = json!({"node": {"node_hash": hash('f')}, "gpu": gpus});
        demand(MessageType::Instance, &content)
    };
    let lines = |demand: &Demand| {
        let costs = costs(demand, &Pricing::defaults(), &|_| None).unwrap();
        let lines = costs.lines.into_iter();
        let execution = lines.filter(|line| line.kind == CostKind::Execution);
        execution.map(|line| (line.name, line.hold)).collect::<Vec<_>>()
    };
    let (l40s, rtx4090, h100) = ("10de:26b9", "10de:2684", "10de:2331");
    let standard = |hold| ("instance_gpu_standard".to_owned(), Amount::from_whole(hold));
    let premium = |hold| ("instance_gpu_premium".to_owned(), Amount::from_whole(hold));
    for confidential in [false, true] {
        assert_eq!(lines(&with_gpus(&[l40s], 1, confidential)), [standard(12 * 280)]);
    }
    assert_eq!(
        lines(&with_gpus(&[l40s, rtx4090], 1, false)),
        [standard(18 * 280)]
    );
    assert_eq!(
        lines(&with_gpus(&[l40s, h100, l40s], 1, false)),
        [standard(24 * 280), premium(24 * 560)]
    );
    // 40 units of memory are 4 more than the GPUs bring: they go to the upper class.
    assert_eq!(
        lines(&with_gpus(&[l40s, h100], 40 * 6_144, false)),
        [standard(12 * 280), premium(28 * 560)]
    );
    let error = |ids: &[&str]| costs(&with_gpus(ids, 1, false), &Pricing::defaults(), &|_| None).unwrap_err();
    assert_eq!(error(&["10de:0"]), CostError::UnknownGpu("10de:0".into()));
    assert_eq!(
        error(&[l40s, "10de:2687"]),
        CostError::UnpricedGpu("RTX 5090".into())
    );
    assert_eq!(error(&["10de:0"]).code(), ErrorCode::Internal);
}

#[test]
fn what_has_no_price_is_not_billed() {
    let without = Pricing::read(Some("{}"), None);
    let instance = demand(MessageType::Instance, &instance(1, 1, 1));
    assert_eq!(
        costs(&instance, &without, &|_| None),
        Err(CostError::NoPrice(Product::Instance))
    );
    let dear = r#"{"storage": {"price": {"storage": {"holding": 1e12}}}}"#;
    let dear = Pricing::read(Some(dear), None);
    let store = demand(MessageType::Store, &store("credit"));
    assert_eq!(costs(&store, &dear, &|_| Some(1 << 20)), Err(CostError::TooLarge));
    assert_eq!(
        costs(&store, &Pricing::defaults(), &|_| Some(u64::MAX)),
        Err(CostError::TooLarge)
    );
}

#[test]
fn a_text_of_another_content_is_refused() {
    let text = instance(1, 1, 1).to_string();
    let content = Content::parse(MessageType::Instance, &text).unwrap();
    for other in [
        "",
        "[]",
        r#"{"volumes": 7}"#,
        r#"{"volumes": [{"ref": "x"}]}"#,
        r#"{"resources": {"vcpus": -1}}"#,
    ] {
        assert_eq!(
            Demand::of(&content, other, &NAME),
            Err(CostError::Unreadable),
            "{other}"
        );
    }
}

#[test]
fn names_of_lines_are_those_of_the_wire() {
    for kind in CostKind::ALL {
        assert_eq!(CostKind::from_name(kind.as_str()), Some(*kind));
    }
}

prop_compose! {
    fn machines()(
        vcpus in 1u32..=256,
        memory in 1u32..=1_048_576,
        root in 1u64..=1_953_125,
        volumes in proptest::collection::vec(1u64..=1_953_125, 0..8),
        payment in prop_oneof![Just("hold"), Just("superfluid"), Just("credit")],
    ) -> Value {
        let mut content = paid_by(instance(vcpus, memory, root), payment);
        let volume = |size_mib: &u64| json!({"size_mib": size_mib, "persistence": "host"});
        content["volumes"] = volumes.iter().map(volume).collect();
        content
    }
}

proptest! {
    #[test]
    fn no_bill_is_negative(content in machines()) {
        let costs = bill(MessageType::Instance, &content, None);
        let (discount, others) = costs.lines.split_last().unwrap();
        for payment in PaymentType::ALL {
            prop_assert!(others.iter().all(|line| !line.in_currency(*payment).is_negative()));
            let volumes = super::sum(others[1..].iter().map(|line| line.in_currency(*payment))).unwrap();
            let off = -discount.in_currency(*payment);
            prop_assert!(!off.is_negative() && off <= volumes);
        }
        prop_assert!(costs.total >= costs.lines[0].in_currency(costs.payment));
    }

    #[test]
    fn a_larger_root_costs_no_less(content in machines(), more in 1u64..100_000) {
        let mut larger = content.clone();
        let size = content["rootfs"]["size_mib"].as_u64().unwrap();
        larger["rootfs"]["size_mib"] = json!((size + more).min(1_953_125));
        let total = |content| bill(MessageType::Instance, content, None).total;
        prop_assert!(total(&larger) >= total(&content));
    }

    #[test]
    fn a_larger_file_costs_no_less(bytes in 0u64..1 << 50, more in 0u64..1 << 30, credit: bool) {
        let content = store(if credit { "credit" } else { "hold" });
        let total = |bytes| bill(MessageType::Store, &content, Some(bytes)).total;
        prop_assert!(total(bytes + more) >= total(bytes));
    }
}
